-- Workers in further heaps: what gets from one to another, and what works there.

local host = require "spec.support.host"
local net = require "spec.support.net"
local heaps = require "spec.support.heaps"
local dynsup = require "dynsup"

local main = host.main
local supervisor, serving, ask = heaps.supervisor, heaps.serving, heaps.ask
local heap_of, numbers, settle = heaps.heap_of, heaps.numbers, heaps.settle

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
        local told = ask(pid, "eval", [[
          local dynsup = require "dynsup"
          dynsup.log.info("said there", { a = 1 })
          seen = dynsup.observe({ events = { "exited" } }, dynsup.self())
          dynsup.spawn(function() dynsup.exit { "reason", 1 } end)
          local _, event = dynsup.receive_match("EVENT", 100)
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
      dynsup.monitor(pid)
      dynsup.send(pid, dynsup.self(), "eval", [[
        local uv = require "luv"
        for _ = 1, 20 do
          uv.fs_stat("/", function() error "after its end" end)
        end
        require("dynsup").exit "normal"
      ]])
      local tag = dynsup.receive_match(function(first) return first == "DOWN" or first == pid end)
      assert.equal("DOWN", tag) -- it answers when it cannot end
      local looks = 0
      while #dynsup.heaps() > 1 and looks < 2000 do
        dynsup.sleep(1)
        looks = looks + 1
      end
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "luv's threads are for the first heap also inside a run",
    net.main(function()
      local pid = serving(supervisor())
      local _, message = ask(pid, "eval", [[
        local dynsup = require "dynsup"
        return dynsup.run({ clock = "virtual" }, function()
          return select(2, pcall(require("luv").new_work, print, print))
        end)
      ]])
      assert.matches("luv's threads are for the first heap", tostring(message))
    end)
  )

  it(
    "luv calls back also in a heap that was about to be closed, and is wanted again",
    net.main(function()
      local pid = serving(supervisor {}, { heap = "own", restart = "temporary" })
      ask(pid, "eval", [[
        local dynsup, uv, to = require "dynsup", require "luv", ...
        kept = ("x"):rep(2000000)
        local function last()
          dynsup.send(to, dynsup.await(function(resume)
            local timer = uv.new_timer()
            timer:start(1, 0, function()
              timer:close()
              resume "called back"
            end)
          end, 1000))
        end
        setmetatable({}, { __gc = function() dynsup.spawn(last) end })
      ]], dynsup.self())
      host.stop(pid, "kill")
      assert.equal("called back", (dynsup.receive(5000)))
    end)
  )

  it(
    "does not keep the host busy while luv has what cannot be cancelled",
    net.main(function()
      local uv = require "luv"
      local path = os.tmpname()
      os.remove(path)
      assert(os.execute("mkfifo " .. path))
      local fd = assert(uv.fs_open(path, "r+", 0))
      os.remove(path)
      local pid = serving(supervisor {}, { heap = "own", restart = "temporary" })
      ask(pid, "eval", [[require("luv").fs_read(..., 1, nil, function() end)]], fd)
      dynsup.sleep(50) -- a thread of libuv's waits for a byte by then; if not, the request is cancelled
      host.stop(pid, "kill")
      local turns, check = 0, uv.new_check()
      check:start(function() turns = turns + 1 end)
      dynsup.sleep(100)
      check:close()
      uv.fs_write(fd, "x")
      local looks = 0
      while #dynsup.heaps() > 1 and looks < 2000 do
        dynsup.sleep(1)
        looks = looks + 1
      end
      uv.fs_close(fd)
      assert.same({ 0 }, numbers())
      assert.is_true(turns < 200, turns)
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
