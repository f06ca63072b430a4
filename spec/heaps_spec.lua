-- Workers in further heaps: where they live, and what gets from one to another.

local host = require "spec.support.host"
local net = require "spec.support.net"
local dynsup = require "dynsup"

local main = host.main
local SERVE = "spec.support.heap_worker:serve"

local function supervisor(options)
  return assert(dynsup.start_link(options or { heaps = 2 }))
end

local function serving(sup, spec)
  spec = spec or {}
  spec.body = not spec.start and (spec.body or SERVE) or nil
  return assert(dynsup.start_child(sup, spec))
end

-- Asks a worker that serves; raises what its answer raised.
local function ask(pid, ...)
  dynsup.send(pid, dynsup.self(), ...)
  local results = table.pack(dynsup.receive_match(pid, 1000))
  assert.is_true(results[2], results[3])
  return table.unpack(results, 3, results.n)
end

local function heap_of(pid)
  return dynsup.info(pid).heap
end

local function numbers()
  local list = {}
  for i, row in ipairs(dynsup.heaps()) do
    list[i] = row.heap
  end
  return list
end

-- Waits until what is ready, and with it the closing of heaps, is done.
local function settle()
  dynsup.sleep(1)
end

describe("what begins late", function()
  it(
    "does not begin in a heap that has been lost and closed",
    main(function()
      local sup = assert(dynsup.start_link())
      dynsup.spawn(function()
        dynsup.start_child(sup, {
          start = function()
            dynsup.sleep(50)
            return nil, "no"
          end,
        })
      end)
      dynsup.yield()
      local heaps = supervisor { heaps = 1, heap_memory = 2000000 }
      local pid = assert(dynsup.start_child(heaps, {
        body = "spec.support.heap_worker:asking_eater",
        args = { sup, dynsup.self() },
        restart = "temporary",
      }))
      assert.equal("memory_exceeded", host.down(dynsup.monitor(pid)))
      assert.same({ nil, "timeout" }, { dynsup.receive(100) })
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "is refused where it has no name, and its supervisor has said meanwhile that it has heaps",
    main(function()
      local module = {
        init = function()
          dynsup.sleep(10)
          return dynsup.init { heaps = 2, extra_arguments = { 1 } }
        end,
      }
      dynsup.spawn(function()
        dynsup.start_link(module, 1, { name = "late" })
        dynsup.sleep()
      end)
      dynsup.yield()
      local ran = false
      local pid = assert(dynsup.start_child("late", {
        body = function()
          ran = true
        end,
        restart = "temporary",
      }))
      dynsup.monitor(pid)
      dynsup.sleep(1)
      assert.is_false(ran)
    end)
  )

  it(
    "keeps a heap that was to be closed",
    net.main(function()
      local sup = supervisor {}
      assert(dynsup.start_child(sup, {
        body = "spec.support.heap_worker:spawning_end",
        args = { dynsup.self() },
        restart = "temporary",
        heap = "own",
      }))
      local what, pid = dynsup.receive(1000)
      assert.equal("up", what)
      assert.equal(1, heap_of(pid))
      dynsup.exit(pid, "kill")
      settle()
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "has its max_slice on a virtual clock, too",
    main(function()
      local sup = supervisor { heaps = 1 }
      local pid = assert(dynsup.start_child(sup, {
        body = "spec.support.heap_worker:gsub_spin",
        max_slice = 20,
        restart = "temporary",
      }))
      assert.equal("cpu_exceeded", host.down(dynsup.monitor(pid)))
    end)
  )
end)

describe("a supervisor with heaps", function()
  it(
    "starts children in the heap with the fewest processes, opened when it is needed",
    main(function()
      local sup = supervisor { heaps = 3 }
      assert.same({ 0 }, numbers())
      local pids, heaps = {}, {}
      for i = 1, 5 do
        pids[i] = serving(sup)
        heaps[i] = heap_of(pids[i])
      end
      assert.same({ 1, 2, 3, 1, 2 }, heaps)
      assert.is_true(dynsup.terminate_child(sup, pids[1]))
      assert.is_true(dynsup.terminate_child(sup, pids[4]))
      assert.equal(1, heap_of(serving(sup)))
      assert.equal(0, heap_of(dynsup.self()))
    end)
  )

  it(
    "counts what its workers spawn",
    main(function()
      local sup = supervisor()
      local first = serving(sup)
      for _ = 1, 2 do
        ask(first, "eval", [[
          local dynsup = require "dynsup"
          dynsup.spawn_link(dynsup.sleep)
        ]])
      end
      for _ = 1, 3 do
        assert.equal(2, heap_of(serving(sup)))
      end
      assert.same({ 0, 1, 2 }, numbers())
      assert.equal(3, dynsup.heaps()[2].processes)
    end)
  )

  it(
    "restarts a child in its heap",
    main(function()
      local sup = supervisor { heaps = 4 }
      serving(sup)
      local pid = serving(sup, { name = "second" })
      assert.equal(2, heap_of(pid))
      host.stop(pid, "kill")
      assert.equal(2, heap_of(dynsup.whereis "second"))
    end)
  )

  it(
    "closes its heaps with itself",
    main(function()
      local sup = supervisor()
      serving(sup)
      serving(sup)
      assert.same({ 0, 1, 2 }, numbers())
      assert.is_true(dynsup.stop(sup))
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "leaves a heap open for those who live in it still",
    main(function()
      local sup = supervisor()
      local orphan = ask(serving(sup), "eval", [[
        local dynsup = require "dynsup"
        return dynsup.spawn(require("spec.support.heap_worker").serve)
      ]])
      assert.is_true(dynsup.stop(sup))
      settle()
      assert.same({ 0, 1 }, numbers())
      assert.equal("still here", ask(orphan, "echo", "still here"))
      host.stop(orphan, "kill")
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "runs start functions by name in its heaps",
    main(function()
      local sup = supervisor()
      local pid, info = dynsup.start_child(sup, {
        start = "spec.support.heap_worker:start",
        args = { dynsup.self() },
      })
      assert.same({ "up", pid }, { dynsup.receive(1000) })
      assert.same({ "info" }, info)
      assert.equal(1, heap_of(pid))
    end)
  )

  it(
    "hands arguments over, its own first",
    main(function()
      local sup = supervisor { heaps = 1, extra_arguments = { dynsup.self(), { 1, 2 } } }
      serving(sup, {
        body = "spec.support.heap_worker:arguments",
        args = { nil, "x", nil, n = 3 },
      })
      local message = table.pack(dynsup.receive(1000))
      assert.same({ "arguments", { 1, 2 }, nil, "x", nil, n = 5 }, message)
    end)
  )

  it(
    "starts a named child, one that gets ready, and ensures one",
    main(function()
      local sup = supervisor()
      local spec = { body = SERVE, name = "named" }
      local pid, how = dynsup.ensure_child(sup, spec)
      assert.equal("started", how)
      assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, spec) })
      assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, spec) })
      local ready = { body = "spec.support.heap_worker:ready", ready = true, args = { 5 } }
      local _, info = assert(dynsup.start_child(sup, ready))
      assert.same({ "ready", 5 }, info)
    end)
  )

  it(
    "refuses what cannot go there, and says why",
    main(function()
      local sup = supervisor()
      local _, reason, detail = dynsup.start_child(sup, { body = print })
      assert.equal("invalid_mfa", reason)
      assert.matches("what runs in another heap is named", detail)
      _, reason, detail = dynsup.start_child(sup, { body = SERVE, args = { 1, { f = print } } })
      assert.equal("invalid_mfa", reason)
      assert.matches("a function at args%[2%]%.f cannot travel to another heap", detail)
      assert.same({ nil, "invalid_heaps", 0 }, { dynsup.start_link { heaps = 0 } })
      assert.same({ nil, "invalid_heaps", 1.5 }, { dynsup.start_link { heaps = 1.5 } })
      assert.same({ nil, "invalid_heaps", "many" }, { dynsup.start_link { heaps = "many" } })
      assert.same(
        { nil, "invalid_heap_memory", -1 },
        { dynsup.start_link { heaps = 1, heap_memory = -1 } }
      )
      _, reason = dynsup.start_link { heap_memory = 1000000 }
      assert.equal("invalid_heap_memory", reason)
      _, reason, detail = dynsup.start_link { heaps = 1, extra_arguments = { print } }
      assert.equal("invalid_extra_arguments", reason)
      assert.matches("a function at extra_arguments%[1%]", detail)
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "takes its options from init, too",
    main(function()
      local module = {
        init = function()
          return dynsup.init { heaps = 2 }
        end,
      }
      local sup = assert(dynsup.start_link(module))
      assert.equal(1, heap_of(serving(sup)))
    end)
  )
end)

describe("a child with a heap of its own", function()
  it(
    "has it as long as it lives, and each incarnation another",
    main(function()
      local sup = supervisor {}
      local pid = serving(sup, { heap = "own", name = "own" })
      local first = heap_of(pid)
      assert.is_true(first > 0)
      assert.is_nil(ask(pid, "global", "mark", 1))
      assert.equal(1, ask(pid, "global", "mark", 2))
      host.stop(pid, "kill")
      pid = dynsup.whereis "own"
      assert.is_nil(ask(pid, "global", "mark", 3))
      settle()
      assert.equal(2, #dynsup.heaps())
      assert.is_true(dynsup.terminate_child(sup, pid))
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "is named, and no C worker",
    main(function()
      local sup = supervisor {}
      local _, reason = dynsup.start_child(sup, { body = print, heap = "own" })
      assert.equal("invalid_mfa", reason)
      _, reason = dynsup.start_child(sup, { body = SERVE, heap = "mine" })
      assert.equal("invalid_heap", reason)
    end)
  )

  it(
    "may be a static supervisor's",
    main(function()
      local sup = assert(dynsup.supervisor.start_link {
        { id = "a", body = SERVE, heap = "own", name = "a" },
      })
      assert.is_true(heap_of(dynsup.whereis "a") > 0)
      host.stop(dynsup.whereis "a", "kill")
      assert.equal("x", ask(dynsup.whereis "a", "echo", "x"))
      dynsup.stop(sup)
    end)
  )
end)

describe("a message to another heap", function()
  it(
    "is a copy of all that can travel",
    main(function()
      local pid = serving(supervisor())
      local value = { 1, "two", { 3 }, [2.5] = true, pid = pid, text = ("x"):rep(1000) }
      assert.same(value, (ask(pid, "echo", value)))
      assert.same({ nil, false, 0, "s", 0.5 }, { ask(pid, "echo", nil, false, 0, "s", 0.5) })
      local shared = {}
      local cyclic = { left = shared, right = shared }
      cyclic.self = cyclic
      assert.same({ true, true }, { ask(pid, "shape", cyclic) })
    end)
  )

  it(
    "is refused at the sender, with the place of what cannot travel",
    main(function()
      local pid = serving(supervisor())
      local ok, message = pcall(dynsup.send, pid, 1, { callback = print })
      assert.is_false(ok)
      assert.matches("a function at message%[2%]%.callback cannot travel to another heap", message)
      ok, message = pcall(dynsup.send_after, 1, pid, coroutine.create(print))
      assert.is_false(ok)
      assert.matches("message%[1%]", message)
      assert.equal("fine", ask(pid, "echo", "fine"))
    end)
  )

  it(
    "is matched by its first value, in order, and may come later",
    main(function()
      local pid = serving(supervisor())
      ask(pid, "eval", [[
        local dynsup = require "dynsup"
        local to = ...
        dynsup.send(to, "b", { 1 })
        dynsup.send(to, "a", { 2 })
        dynsup.send(to, { "c" })
        dynsup.send_after(10, to, "later", { 3 })
      ]], dynsup.self())
      assert.same({ "a", { 2 } }, { dynsup.receive_match("a", 0) })
      assert.same(
        { { "c" } },
        { dynsup.receive_match(function(first)
          return type(first) == "table"
        end, 0) }
      )
      assert.same({ "b", { 1 } }, { dynsup.receive(0) })
      assert.same({ "later", { 3 } }, { dynsup.receive(100) })
    end)
  )

  it(
    "outlives the heap that it came from",
    main(function()
      local sup = supervisor {}
      local pid = serving(sup, { heap = "own", restart = "temporary" })
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, dynsup.self(), "eval", [[
        local dynsup = require "dynsup"
        dynsup.send(..., "last", { "words" })
        dynsup.exit { "reason", { 1 } }
      ]], dynsup.self())
      dynsup.sleep(10)
      assert.same({ 0 }, numbers())
      assert.same({ "last", { "words" } }, { dynsup.receive(0) })
      assert.same({ "DOWN", ref, pid, { "reason", { 1 } } }, { dynsup.receive(0) })
    end)
  )
end)

describe("in a further heap", function()
  it(
    "links, monitors, names and exits work as elsewhere",
    main(function()
      local pid = serving(supervisor {}, { heap = "own", name = "there", restart = "temporary" })
      assert.equal(pid, dynsup.whereis "there")
      assert.equal(dynsup.self(), (ask(pid, "call", "dynsup", "whereis", "main")) or dynsup.self())
      dynsup.flag("trap_exit", true)
      dynsup.link(pid)
      dynsup.send(pid, dynsup.self(), "eval", [[error { code = 7 }]])
      local _, ok, reason = dynsup.receive_match(pid)
      assert.is_false(ok)
      assert.same({ code = 7 }, reason)
      dynsup.exit(pid, { "gone", { 2 } })
      assert.same({ "EXIT", pid, { "gone", { 2 } } }, { dynsup.receive(100) })
    end)
  )

  it(
    "a crash is told with its error and traceback",
    main(function()
      local sup = supervisor {}
      local pid = serving(sup, {
        heap = "own",
        restart = "temporary",
        body = "spec.support.heap_worker:crash",
      })
      local reason = host.down(dynsup.monitor(pid))
      assert.matches("it broke", reason.error)
      assert.matches("heap_worker.lua", reason.traceback)
      assert.matches("it broke.*\n.*stack traceback", tostring(reason))
    end)
  )

  it(
    "servers are called from other heaps, and call",
    main(function()
      local sup = supervisor()
      local server = serving(sup, {
        start = "spec.support.heap_worker:start_counter",
        args = { 5 },
      })
      assert.equal(1, heap_of(server))
      assert.same({ { 1 }, 5 }, dynsup.server.call(server, { 1 }))
      assert.same({ "a", 6 }, dynsup.server.call(server, "a"))
      assert.is_true(dynsup.server.cast(server, dynsup.self()))
      assert.same({ "cast", 7 }, { dynsup.receive(100) })
      local other = serving(sup)
      assert.equal(2, heap_of(other))
      assert.same({ "b", 8 }, ask(other, "eval", [[
        return require("dynsup").server.call(..., "b")
      ]], server))
      local ok, message = pcall(dynsup.server.call, server, { print })
      assert.is_false(ok)
      assert.matches("a function at request%[1%]", message)
    end)
  )

  it(
    "the registry and tasks work",
    main(function()
      local registry = assert(dynsup.registry.start_link { keys = "unique", name = "reg" })
      local pid = serving(supervisor())
      assert.is_true(ask(pid, "eval", [[
        local registry = require "dynsup.registry"
        return registry.register("reg", "key", { "value" })
      ]]))
      assert.equal(pid, dynsup.registry.whereis("reg", "key"))
      assert.same({ { pid = pid, value = { "value" } } }, dynsup.registry.lookup("reg", "key"))
      assert.equal(6, ask(pid, "eval", [[
        local task = require "dynsup.task"
        return task.await(task.async(function() return 6 end))
      ]]))
      assert.is_true(dynsup.is_alive(registry))
    end)
  )

  it(
    "observers and the log work",
    function()
      local lines = {}
      local log = function(_, line)
        lines[#lines + 1] = line
      end
      host.run(function()
        local pid = serving(supervisor())
        ask(pid, "eval", [[
          local dynsup = require "dynsup"
          dynsup.log.info("said there", { a = 1 })
          seen = dynsup.observe({ events = { "exited" } }, dynsup.self())
          dynsup.spawn(function() dynsup.exit { "reason", 1 } end)
        ]])
        local told = ask(pid, "eval", [[
          local _, event = require("dynsup").receive_match("EVENT", 100)
          return event
        ]])
        assert.same({ "reason", 1 }, told.reason)
        ask(pid, "eval", [[seen:close()]])
      end, { log = log, log_level = "info" })
      assert.matches("said there", table.concat(lines, "\n"))
    end
  )

  it(
    "supervisors are started and stopped",
    main(function()
      local pid = serving(supervisor())
      local sup, child = ask(pid, "eval", [[
        local dynsup = require "dynsup"
        local sup = assert(dynsup.start_link { extra_arguments = { { 1 } } })
        local child = assert(dynsup.start_child(sup, { id = "x", body = function(extra)
          dynsup.sleep(extra[2])
        end }))
        return sup, child
      ]])
      assert.equal(1, heap_of(child))
      local children = dynsup.which_children(sup)
      assert.equal("x", children[1].id)
      host.stop(child, "kill")
      assert.equal(1, heap_of(dynsup.which_children(sup)[1].pid))
      assert.is_true(dynsup.stop(sup))
    end)
  )

  it(
    "a restarted child finds its state, also when its heap is gone",
    main(function()
      local pid = serving(supervisor {}, { heap = "own", name = "keeper" })
      ask(pid, "eval", [[require("dynsup").save_state { 1, { 2 } }]])
      host.stop(pid, "kill")
      settle()
      assert.same({ 1, { 2 } }, ask(dynsup.whereis "keeper", "eval", [[
        return require("dynsup").previous().state
      ]]))
    end)
  )

  it(
    "is shown where a process is",
    main(function()
      local pid = serving(supervisor())
      settle()
      assert.matches("heap_worker.lua", dynsup.info(pid).traceback)
      local rows = dynsup.heaps()
      assert.equal(1, rows[2].processes)
      assert.is_true(rows[2].memory > 10000)
      assert.is_false(rows[2].lost)
    end)
  )

  it(
    "a run inside it works",
    main(function()
      local pid = serving(supervisor())
      assert.same({ true, 5 }, { ask(pid, "eval", [[
        local dynsup = require "dynsup"
        return dynsup.run({ clock = "virtual" }, function() dynsup.sleep(10) return 5 end)
      ]]) })
    end)
  )
end)

-- ---- loss ----

local MEMORY = 3000000

local function reports()
  local list = {}
  local observation = dynsup.observe({ events = { "gave_up", "restarted" } }, function(event)
    list[#list + 1] = event.event
  end)
  return list, observation
end

describe("a heap that needs more than its memory", function()
  local function eating(body, options)
    options = options or {}
    options.heaps = options.heaps or 1
    options.heap_memory = options.heap_memory or MEMORY
    local sup = supervisor(options)
    local pid = serving(sup, {
      body = "spec.support.heap_worker:" .. body,
      args = { dynsup.self(), 10000 },
      name = "eater",
    })
    assert.same({ "up", pid }, { dynsup.receive(1000) })
    return sup, pid
  end

  it(
    "is lost with its workers, which are restarted in a new one and count once",
    main(function()
      local sup, pid = eating("eater", { max_restarts = 1, heaps = 2 })
      local beside = serving(sup, { name = "beside" })
      local ref = dynsup.monitor(pid)
      local others, refs = {}, {}
      for i = 1, 20 do
        others[i] = serving(sup, { name = "other" .. i })
        refs[i] = dynsup.monitor(others[i])
      end
      local list, observation = reports()
      assert.equal(heap_of(pid), heap_of(others[1]))
      assert.not_equal(heap_of(pid), heap_of(beside))
      dynsup.send(pid, "eat")
      assert.equal("memory_exceeded", host.down(ref))
      settle()
      local lost = 0
      for i = 1, 20 do
        local now = dynsup.whereis("other" .. i)
        if now ~= others[i] then
          lost = lost + 1
          assert.equal("memory_exceeded", host.down(refs[i]))
        end
        assert.equal(i, ask(now, "echo", i))
      end
      assert.equal(10, lost)
      assert.equal(beside, dynsup.whereis "beside")
      assert.not_equal(pid, dynsup.whereis "eater")
      assert.is_true(dynsup.is_alive(sup))
      assert.equal(11, #list)
      settle()
      assert.equal(3, #dynsup.heaps())
      observation:close()
    end)
  )

  it(
    "is lost once more, and counts once more",
    main(function()
      local sup, pid = eating("eater", { max_restarts = 1 })
      dynsup.flag("trap_exit", true)
      local ref = dynsup.monitor(sup)
      dynsup.send(pid, "eat")
      settle()
      assert.is_true(dynsup.is_alive(sup))
      dynsup.send("eater", "eat")
      assert.equal("shutdown", host.down(ref))
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "ends also what catches its errors",
    main(function()
      local _, pid = eating("stubborn_eater", { heap_memory = MEMORY })
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, "eat")
      assert.equal("memory_exceeded", host.down(ref))
    end)
  )

  it(
    "lets the close handlers of its workers run",
    main(function()
      local sup, pid = eating "eater"
      local sleeper = serving(sup, {
        body = "spec.support.heap_worker:sleeper",
        args = { dynsup.self() },
        restart = "temporary",
      })
      assert.same({ "up", sleeper }, { dynsup.receive(1000) })
      dynsup.send(pid, "eat")
      assert.same({ "down", sleeper }, { dynsup.receive_match("down", 1000) })
    end)
  )

  it(
    "takes with it the functions that others were to start again",
    main(function()
      local sup, pid = eating "eater"
      local other = supervisor { name = "other" }
      local made = ask(serving(sup), "eval", [[
        local dynsup = require "dynsup"
        return (assert(dynsup.start_child("other", { body = function() dynsup.sleep() end })))
      ]])
      local ref, down = dynsup.monitor(made), dynsup.monitor(other)
      dynsup.flag("trap_exit", true)
      dynsup.send(pid, "eat")
      assert.equal("memory_exceeded", host.down(ref))
      assert.equal("shutdown", host.down(down))
    end)
  )

  it(
    "leaves what they own, and who waits for them is told",
    main(function()
      local registry = assert(dynsup.registry.start_link { keys = "unique", name = "reg" })
      local sup, pid = eating "eater"
      local server = serving(sup, {
        start = "spec.support.heap_worker:start_counter",
        args = { 5 },
        restart = "temporary",
      })
      local member = serving(sup, { restart = "temporary" })
      ask(member, "eval", [[return require("dynsup.registry").register("reg", "key", {})]])
      local ref = dynsup.monitor(server)
      assert.is_true(dynsup.is_alive(server))
      dynsup.send(pid, "eat")
      assert.equal("memory_exceeded", host.down(ref))
      settle()
      assert.is_nil(dynsup.registry.whereis("reg", "key"))
      assert.same({ nil, "noproc" }, { dynsup.server.call(server, "x") })
      assert.is_true(dynsup.is_alive(registry))
    end)
  )

  it(
    "fails a start function that runs in it, and not its supervisor",
    main(function()
      local sup, pid = eating "eater"
      local asked, ref = dynsup.spawn_monitor(function()
        dynsup.exit { dynsup.start_child(sup, {
          start = "spec.support.heap_worker:wait",
          restart = "temporary",
        }) }
      end)
      dynsup.yield()
      assert.is_true(dynsup.is_alive(asked))
      dynsup.send(pid, "eat")
      assert.same({ nil, "memory_exceeded" }, host.down(ref))
      assert.is_true(dynsup.is_alive(sup))
    end)
  )

  it(
    "may be a child's own, with max_memory",
    main(function()
      local sup = supervisor {}
      local pid = serving(sup, {
        body = "spec.support.heap_worker:eater",
        args = { dynsup.self(), 1000 },
        heap = "own",
        max_memory = 1000000,
        name = "eater",
      })
      assert.equal(1000000, dynsup.heaps()[2].limit)
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, "eat")
      assert.equal("memory_exceeded", host.down(ref))
      settle()
      assert.is_true(dynsup.is_alive(dynsup.whereis "eater"))
      assert.equal(2, #dynsup.heaps())
    end)
  )

  it(
    "is not lost by a child that exceeds a limit of its own",
    main(function()
      local sup = supervisor { heaps = 1, heap_memory = 10 * MEMORY }
      local beside = serving(sup)
      local pid = serving(sup, {
        body = "spec.support.heap_worker:eater",
        args = { dynsup.self(), 1000 },
        max_memory = 300000,
        restart = "temporary",
      })
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, "eat")
      assert.equal("memory_exceeded", host.down(ref))
      assert.equal("x", ask(beside, "echo", "x"))
      assert.equal(1, dynsup.heaps()[2].processes)
    end)
  )

  it(
    "is not made when it is too small for what it must hold",
    main(function()
      local sup = supervisor { heaps = 1, heap_memory = 1000 }
      local ok, message = pcall(dynsup.start_child, sup, { body = SERVE })
      assert.is_false(ok)
      assert.matches("not enough memory", message)
      settle()
      assert.same({ 0 }, numbers())
    end)
  )
end)

-- ---- the world outside ----

describe("in a further heap, on the real clock,", function()
  it(
    "sockets connect to other heaps, and are closed with their process",
    net.main(function()
      local sup = supervisor()
      local server, client = serving(sup), serving(sup)
      local port = ask(server, "eval", [[
        local dynsup = require "dynsup"
        local listener = assert(dynsup.net.listen("127.0.0.1", 0))
        local serve = dynsup.spawn_link(function()
          dynsup.receive()
          local socket = assert(listener:accept(5000))
          socket:write(socket:read(5):upper())
          dynsup.sleep()
        end)
        listener:give(serve)
        dynsup.send(serve, "go")
        return select(2, listener:sockname())
      ]])
      assert.equal("HELLO", ask(client, "eval", [[
        local dynsup = require "dynsup"
        socket = assert(dynsup.net.connect("127.0.0.1", ...))
        socket:write "hello"
        return socket:read(5)
      ]], port))
    end)
  )

  it(
    "files are read and written, by threads, also while the heap is lost",
    net.main(function()
      local path = os.tmpname()
      local sup = supervisor {}
      local pid = serving(sup, { heap = "own", restart = "temporary" })
      assert.equal("text", ask(pid, "eval", [[
        local fs = require "dynsup.fs"
        assert(fs.write(..., "text"))
        return fs.read(...)
      ]], path))
      dynsup.send(pid, dynsup.self(), "eval", [[
        require("dynsup").fs.read "/proc/self/status"
      ]])
      dynsup.yield()
      host.stop(pid, "kill")
      os.remove(path)
    end)
  )

  it(
    "luv's timers and requests call back, and end with the heap",
    net.main(function()
      local sup = supervisor {}
      local pid = serving(sup, { heap = "own", restart = "temporary" })
      assert.equal(7, ask(pid, "eval", [[
        local dynsup, uv = require "dynsup", require "luv"
        forever = uv.new_timer()
        forever:start(1, 1, function() ticks = (ticks or 0) + 1 end)
        return dynsup.await(function(resume)
          local timer = uv.new_timer()
          timer:start(1, 0, function()
            timer:close()
            resume(7)
          end)
        end)
      ]]))
      assert.is_true(ask(pid, "eval", [[
        local dynsup, uv = require "dynsup", require "luv"
        for _ = 1, 20 do
          uv.fs_stat("/", function() end)
        end
        return dynsup.await(function(resume)
          uv.fs_stat("/", function(_, stat) resume(stat.type == "directory") end)
        end)
      ]]))
      local ok, message = pcall(ask, pid, "eval", [[
        require("luv").new_thread(function() end)
      ]])
      assert.is_false(ok)
      assert.matches("luv's threads are for the first heap", tostring(message))
      dynsup.send(pid, dynsup.self(), "eval", [[
        local uv = require "luv"
        for _ = 1, 20 do
          uv.fs_stat("/", function() error "after its end" end)
        end
        require("dynsup").exit "normal"
      ]])
      host.down(dynsup.monitor(pid))
      local looks = 0
      while #dynsup.heaps() > 1 and looks < 2000 do
        dynsup.sleep(1)
        looks = looks + 1
      end
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "luv is let go of when the host ends",
    net.main(function()
      local pid = serving(supervisor())
      ask(pid, "eval", [[
        local uv = require "luv"
        forever = uv.new_timer()
        forever:start(1, 1, function() end)
        for _ = 1, 50 do
          uv.fs_stat("/", function() end)
        end
      ]])
      dynsup.halt(0)
    end)
  )

  it(
    "a loop that does not end is preempted",
    net.main(function()
      local sup = supervisor { heaps = 1 }
      local busy = serving(sup, { restart = "temporary" })
      dynsup.send(busy, dynsup.self(), "eval", "while true do end")
      assert.equal("x", ask(serving(sup), "echo", "x"))
      host.stop(busy, "kill")
    end)
  )
end)
