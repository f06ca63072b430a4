-- Heaps that need more than their memory.

local host = require "spec.support.host"
local heaps = require "spec.support.heaps"
local dynsup = require "dynsup"

local main = host.main
local supervisor, serving, ask = heaps.supervisor, heaps.serving, heaps.ask
local heap_of, numbers, settle, SERVE = heaps.heap_of, heaps.numbers, heaps.settle, heaps.SERVE

local MEMORY = 3000000

-- What observers are told of heaps, as "event heap limit".
local function heap_events()
  local list = {}
  dynsup.observe({ events = { "heap_opened", "heap_lost", "heap_closed" } }, function(event)
    assert(not event.pid and not event.type)
    list[#list + 1] = ("%s %d %s"):format(event.event, event.heap, event.limit)
    list.processes = event.processes or list.processes
  end)
  return list
end

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
    "is told to observers, as are its opening and closing, and written to the log",
    function()
      local lines = {}
      host.run(function()
        local list = heap_events()
        local _, pid = eating "eater"
        local other = serving(supervisor {}, { heap = "own" })
        dynsup.send(pid, "eat")
        settle()
        assert.same({ "heap_opened 1 3000000", "heap_opened 2 nil", "heap_lost 1 3000000", "heap_opened 3 3000000",
          "heap_closed 1 3000000", processes = 1 }, list)
        host.stop(other, "kill")
        settle()
        table.sort(list)
        assert.equal("heap_closed 2 nil", list[2])
      end, { log_level = "error", log_format = "logfmt", log = function(_, line)
        lines[#lines + 1] = line:match "event=heap.*"
      end })
      assert.same({ 'event=heap_lost message="heap 1 is lost: it may have 3000000 bytes and needed more; '
        .. '1 process ends with it" heap=1 limit=3000000 processes=1' }, lines)
    end
  )

  it(
    "tells nobody when it is too small to be opened",
    main(function()
      local list = heap_events()
      local sup = supervisor { heaps = 1, heap_memory = 10000 }
      assert.is_false((pcall(dynsup.start_child, sup, { body = SERVE })))
      settle()
      assert.same({}, list)
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
    "finds a message for whose copy there was no memory a moment before",
    main(function()
      local sup, looked = supervisor { heaps = 1 }, 0
      for taken = 400000, 800000, 20000 do
        local pid = assert(dynsup.start_child(sup, {
          body = "spec.support.heap_worker:look_twice",
          args = { dynsup.self(), 200000, taken },
          max_memory = 1000000,
          restart = "temporary",
        }))
        dynsup.monitor(pid)
        dynsup.send(pid, ("k"):rep(200000))
        local what, found = dynsup.receive()
        if what == "looked" then
          looked = looked + 1
          assert.is_true(found, taken)
          dynsup.receive_match("DOWN")
        end
      end
      assert.is_true(looked > 5)
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
    "is lost by what luv hands to a callback, where nobody could catch an error",
    main(function()
      local sup = supervisor { heaps = 1, heap_memory = MEMORY }
      local pid = serving(sup, { restart = "temporary" })
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, dynsup.self(), "eval", [[
        local dynsup, uv = require "dynsup", require "luv"
        local fd = assert(uv.fs_open("/dev/zero", "r", 0))
        local size = ...
        return dynsup.await(function(resume)
          uv.fs_read(fd, size, 0, function(_, zeros)
            uv.fs_close(fd)
            resume(zeros)
          end)
        end)
      ]], 4 * MEMORY)
      assert.equal("memory_exceeded", host.down(ref))
      assert.equal("x", ask(serving(sup), "echo", "x"))
    end, { clock = "real" })
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
