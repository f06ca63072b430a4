-- Clocks of trees of processes: pause, step, rate, whose time is whose.
local dynsup = require "dynsup"
local host = require "spec.support.host"

local clock = dynsup.clock

-- A list that workers write into, and a worker that writes its name and time, ten times.
local function diary()
  local lines = {}
  local function ticker(name, ms)
    return function()
      for _ = 1, 10 do
        dynsup.sleep(ms)
        lines[#lines + 1] = ("%s %g"):format(name, dynsup.now())
      end
    end
  end
  return lines, ticker
end

local function tree(c, ...)
  local sup = assert(dynsup.start_link { clock = c })
  for _, body in ipairs { ... } do
    assert(dynsup.start_child(sup, body))
  end
  return sup
end

describe("a clock", function()
  it("stands still while it is paused, and its workers sleep on", host.main(function()
    local lines, ticker = diary()
    local c = clock.new()
    tree(c, ticker("game", 10))
    tree(nil, ticker("ui", 30))
    dynsup.sleep(25)
    c:pause()
    dynsup.sleep(1000)
    assert.equal(25, c:now())
    assert.is_true(c:paused())
    c:resume()
    dynsup.sleep(6)
    assert.same({ "game 10", "game 20", "ui 30", "ui 60" }, table.move(lines, 1, 4, 1, {}))
    assert.same({ "ui 300", "game 30" }, table.move(lines, #lines - 1, #lines, 1, {}))
    assert.equal(31, c:now())
  end))

  it("is stepped from deadline to deadline", host.main(function()
    local lines, ticker = diary()
    local c = clock.new { paused = true }
    tree(c, ticker("a", 5), ticker("b", 7))
    dynsup.yield()
    local before = dynsup.now()
    assert.is_true(c:step(16))
    assert.same({ "a 5", "b 7", "a 10", "b 14", "a 15" }, lines)
    assert.equal(16, c:now())
    assert.equal(before, dynsup.now())
  end))

  it("runs slower or faster than the host's", host.main(function()
    local c = clock.new { rate = 0.5 }
    dynsup.sleep(100)
    assert.equal(50, c:now())
    assert.equal(0.5, c:rate(2)) -- what it was
    dynsup.sleep(100)
    assert.equal(250, c:now())
    assert.equal(2, c:rate())
  end))

  it("answers a wrong option", host.main(function()
    assert.same({ nil, "invalid_option", "name" }, { clock.new { name = "x" } })
    assert.same({ nil, "invalid_rate", 0 }, { clock.new { rate = 0 } })
    assert.same({ nil, "invalid_paused", 1 }, { clock.new { paused = 1 } })
    assert.same({ nil, "invalid_clock", 17 }, { dynsup.start_link { clock = 17 } })
    assert.same({ nil, "invalid_clock", "mine" }, { dynsup.supervisor.start_link({}, { clock = "mine" }) })
    assert.same({ nil, "invalid_option", "clock" },
      { dynsup.start_link({ init = function() return dynsup.init { clock = "host" } end }, nil) })
  end))

  it("refuses what is no rate, step or clock", host.main(function()
    local c = clock.new()
    assert.error_matches(function() c:rate(0) end, "0.001 to 1000")
    assert.error_matches(function() c:rate(0 / 0) end, "0.001 to 1000")
    assert.error_matches(function() c:step(-1) end, ">= 0")
    for _, endless in ipairs { "infinity", math.huge, 9e12, 9.2e12 } do
      assert.error_matches(function() c:step(endless) end, "a step has an end")
    end
    assert.equal(0, c:now())
    assert.error_matches(function() c:step() end, "value expected")
    assert.error_matches(function() c.pause(1) end, "dynsup.clock expected")
    assert.error_matches(function() clock.new(1) end, "table expected")
    assert.error_matches(function()
      table.sort({ 2, 1 }, function(a, b) c:step(1) return a < b end)
    end, "cannot wait")
  end))

  it("belongs to its run", host.main(function()
    local c = clock.new()
    local ok, what = dynsup.run({ clock = "virtual" }, function()
      assert.error_matches(function() c:now() end, "another run")
      local _, what = dynsup.start_link { clock = c }
      return what
    end)
    assert.same({ true, "invalid_clock" }, { ok, what })
  end))

  it("can be found again by a process that has it", host.main(function()
    local sup = tree(clock.new { paused = true }, function() dynsup.receive() end)
    collectgarbage()
    local c = clock.of(sup)
    assert.is_true(c:paused())
    assert.is_true(c == clock.of(dynsup.which_children(sup)[1].pid))
    assert.is_nil(clock.of())
    assert.same({ nil, "noproc" }, { clock.of "nobody" })
    dynsup.stop(sup)
    assert.same({ nil, "noproc" }, { clock.of(sup) })
    assert.is_true(c:paused()) -- the handle holds it
  end))

  it("is let go of by the collector, also after its run", function()
    local kept
    host.run(function()
      kept = clock.new()
      for _ = 1, 1000 do clock.new() end
      collectgarbage()
      assert.is_true(tonumber(tostring(clock.new()):match "%d+") <= 1001) -- the place of another
    end)
    assert.error_matches(function() kept:now() end, "no host is running")
    kept = nil
    collectgarbage()
  end)

  it("is stepped by a callback, which does not wait", function()
    local lines, ticker = diary()
    local c
    assert(dynsup.run(function()
      local uv = require "luv"
      c = clock.new { paused = true }
      tree(c, ticker("a", 5))
      dynsup.yield()
      dynsup.await(function(resume)
        local idle = uv.new_idle()
        idle:start(function()
          idle:close()
          c:step(10)
          resume()
        end)
      end)
      c:step(0) -- behind the other
    end))
    assert.same({ "a 5", "a 10" }, lines)
  end)
end)

describe("the clock of a tree", function()
  it("is that of all that is started under it", host.main(function()
    local c = clock.new { paused = true }
    local found = {}
    local function look(what) found[what] = clock.of() == c end
    local main = dynsup.self()
    local sup = tree(c)
    dynsup.start_child(sup, function()
      look "child"
      dynsup.spawn(function() look "spawned" end)
      dynsup.task.await(dynsup.task.async(function() look "task" end))
      local inner = dynsup.start_link()
      dynsup.start_child(inner, function() look "grandchild" end)
      dynsup.start_child(assert(dynsup.start_link { clock = "host" }), function()
        found["under the host's"] = clock.of() == nil
        dynsup.send(main, "done")
      end)
      dynsup.receive()
    end)
    dynsup.start_child(sup, {
      start = function()
        look "guest"
        return dynsup.spawn_link(function() look "started by a guest" dynsup.receive() end)
      end,
    })
    dynsup.receive()
    dynsup.yield()
    assert.same({ child = true, spawned = true, task = true, grandchild = true, guest = true,
      ["under the host's"] = true, ["started by a guest"] = true }, found)
  end))

  it("may be given to every kind of supervisor", host.main(function()
    local c = clock.new()
    local module = { init = function() return dynsup.init() end }
    local static = { init = function() return { {}, {} } end }
    local sups = {
      dynsup.start_link { clock = c },
      dynsup.start_link(module, nil, { clock = c }),
      dynsup.supervisor.start_link({}, { clock = c }),
      dynsup.start_child(assert(dynsup.start_link()), { dynsup, { clock = c } }),
    }
    assert.is_table(static)
    for i = 1, 4 do
      assert.is_true(clock.of(sups[i]) == c)
    end
  end))

  it("goes for every wait", host.main(function()
    local c = clock.new { paused = true }
    local done = {}
    local function note(what, ...) done[#done + 1] = ("%s %g %s"):format(what, dynsup.now(), ...) end
    local server = assert(dynsup.server.start_link { init = function() return "ok", {} end,
      handle_call = function(_, _, state) return "noreply", state end }, nil)
    tree(c, function() note("receive", select(2, dynsup.receive(1))) end,
      function() note("match", select(2, dynsup.receive_match("x", 2))) end,
      function() note("await", select(2, dynsup.await(function() end, 3))) end,
      function() note("call", select(2, dynsup.server.call(server, "x", 4))) end,
      function()
        local slow = dynsup.task.async(dynsup.receive)
        note("task", select(2, dynsup.task.await(slow, 5)))
      end)
    dynsup.sleep(1000)
    assert.same({}, done)
    c:step(10)
    assert.same({ "receive 1 timeout", "match 2 timeout", "await 3 timeout", "call 4 timeout",
      "task 5 timeout" }, done)
  end))

  it("goes for messages to it, whoever sends them later", host.main(function()
    local c = clock.new { paused = true }
    local got = {}
    local sup = tree(c)
    local main = dynsup.self()
    dynsup.sleep(100) -- the two clocks say different times
    local worker = dynsup.start_child(sup, function()
      dynsup.send_after(5, main, "from the worker")
      while true do got[#got + 1] = { dynsup.receive(), dynsup.now() } end
    end)
    local timer = dynsup.send_after(10, worker, "later")
    dynsup.send_after(4, worker, "soon")
    assert.equal("from the worker", dynsup.receive())
    assert.same({}, got)
    c:step(4)
    assert.same({ { "soon", 4 } }, got)
    assert.equal(6, dynsup.cancel_timer(timer))
  end))

  it("does not keep a paused tree from being stopped", host.main(function()
    local sup = tree(clock.new { paused = true })
    dynsup.start_child(sup, { shutdown = 200, body = function()
      dynsup.flag("trap_exit", true)
      dynsup.receive_match "never"
    end })
    dynsup.start_child(sup, { shutdown = 100, body = function()
      dynsup.flag("trap_exit", true)
      dynsup.receive()
      dynsup.sleep(1) -- its clock stands still
    end })
    dynsup.yield()
    local before = dynsup.now()
    assert.is_true(dynsup.stop(sup))
    assert.equal(200, dynsup.now() - before)
  end))

  it("does not let a child that is to be ready hold up the end of a paused tree", host.main(function()
    local supervisor = dynsup.supervisor
    local c = clock.new()
    local function slow()
      dynsup.sleep(10)
      dynsup.ready()
      dynsup.receive_match "never"
    end
    local sup = assert(supervisor.start_link({ { id = "slow", body = slow, ready = true } },
      { clock = c, strategy = "one_for_all" }))
    c:pause()
    dynsup.exit(supervisor.which_children(sup)[1].pid, "kill")
    dynsup.sleep(1)
    assert.is_true(dynsup.stop(sup))
  end, { log = function() end }))

  it("does not let a start function hold up the end of a paused tree", host.main(function()
    local c = clock.new { paused = true }
    local ends = {
      stop = function(sup) assert.is_true(dynsup.stop(sup)) end,
      ["the parent's signal"] = function(sup, parent)
        dynsup.exit(parent, "kill")
        host.down(dynsup.monitor(sup))
      end,
      ["a pause that comes later"] = function(sup)
        c:resume()
        dynsup.spawn(function()
          dynsup.sleep(1)
          c:pause()
        end)
        assert.is_true(dynsup.stop(sup))
      end,
    }
    for what, finish in pairs(ends) do
      local main, closed = dynsup.self(), false
      local parent = dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        dynsup.send(main, dynsup.start_link { clock = c })
        dynsup.receive_match "never"
      end)
      local sup = dynsup.receive()
      local function slow()
        local guard <close> = setmetatable({}, { __close = function() closed = true end })
        assert.is_table(guard)
        dynsup.sleep(10)
        return dynsup.spawn_link(dynsup.receive)
      end
      local starts = {}
      for i = 1, 2 do
        starts[i] = dynsup.task.async(function() return dynsup.start_child(sup, { start = slow }) end)
      end
      dynsup.sleep(1)
      finish(sup, parent)
      assert.is_true(closed, what)
      assert.is_false(dynsup.is_alive(sup), what)
      assert.same({ nil, "shutdown" }, { dynsup.task.await(starts[1]) })
      assert.is_nil((dynsup.task.await(starts[2])))
      c:pause()
    end
  end))

  it("nor one that waits for an init that sleeps there", host.main(function()
    local c = clock.new { paused = true }
    local init = {}
    local function sleeps()
      init.pid = dynsup.self()
      dynsup.sleep(10)
    end
    local module = { init = sleeps }
    local starts = {
      server = { start = dynsup.server.start_link, args = { module } },
      ["dynamic supervisor"] = { start = dynsup.start_link, args = { module }, type = "supervisor" },
      ["static supervisor"] = { start = dynsup.supervisor.start_link, args = { module }, type = "supervisor" },
    }
    for what, spec in pairs(starts) do
      local sup = assert(dynsup.supervisor.start_link({}, { clock = c }))
      spec.id = what
      local start = dynsup.task.async(dynsup.start_child, sup, spec)
      dynsup.sleep(1)
      assert.is_true(dynsup.is_alive(init.pid), what)
      assert.is_true(dynsup.stop(sup), what)
      assert.is_nil((dynsup.task.await(start)))
      dynsup.sleep(1)
      assert.is_false(dynsup.is_alive(init.pid), what)
    end
  end))

  it("leaves a start function alone that its end does not wait for", host.main(function()
    local c = clock.new { paused = true }
    local sup = tree(c)
    local start = dynsup.task.async(function()
      return dynsup.start_child(sup, { restart = "temporary", start = function()
        dynsup.sleep(10)
        return dynsup.spawn_link(dynsup.receive)
      end })
    end)
    dynsup.sleep(1000)
    c:pause()
    c:step(10)
    assert.is_true(dynsup.is_pid(dynsup.task.await(start)))
    dynsup.stop(sup)
  end))

  it("is not waited for when nobody can let it go on", function()
    local ok, reason, where = host.outcome(function()
      tree(clock.new { paused = true }, function() dynsup.sleep(1) end)
      dynsup.receive()
    end)
    assert.same({ nil, "deadlock" }, { ok, reason })
    assert.matches("1 timer waits on a paused clock that nobody is left to resume", where)
    assert.same({ true, 7 }, { host.outcome(function()
      tree(clock.new { paused = true }, function() dynsup.sleep(1) end)
      return 7
    end) })
  end)

  it("delays restarts, and counts them, in its own time", host.main(function()
    local c = clock.new { paused = true }
    local starts = 0
    tree(c, { backoff = { min = 100, jitter = 0 }, body = function()
      starts = starts + 1
      if starts == 1 then error "once" end
      dynsup.receive()
    end })
    dynsup.sleep(1000)
    assert.equal(1, starts)
    c:step(100)
    assert.equal(2, starts)
  end))
end)
