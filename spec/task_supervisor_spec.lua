-- dynsup.task: tasks that are children of a supervisor.

local bodies = require "spec.support.task_bodies"
local dynsup = require "dynsup"
local host = require "spec.support.host"
local task = require "dynsup.task"

local forever, crash = bodies.forever, bodies.crash

describe("tasks under a supervisor", function()
  it("are its children, and not linked with async_nolink", host.main(function()
    local sup = dynsup.start_link {}
    local t = task.async_nolink(sup, function() return dynsup.receive() end)
    assert.equal(1, dynsup.count_children(sup).active)
    assert.same({ sup }, dynsup.info(t.pid).links)
    dynsup.send(t.pid, "x")
    assert.equal("x", task.await(t))
    dynsup.sleep(1)
    assert.equal(0, dynsup.count_children(sup).specs)
  end))

  it("crash without their owner", host.main(function()
    local sup = dynsup.start_link {}
    local _, reason = task.await(task.async_nolink(sup, crash, "boom"))
    assert.equal("boom", reason.error)
  end))

  it("crash with their owner when they are linked", host.main(function()
    local sup = dynsup.start_link {}
    local reason = host.reason(function() task.await(task.async_link(sup, crash, "boom")) end)
    assert.equal("boom", reason.error)
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("go on unattended after a timeout, and their results reach nobody", host.main(function()
    local sup, done = dynsup.start_link {}, nil
    local t = task.async_nolink(sup, function()
      dynsup.sleep(10)
      done = true
      return "late"
    end)
    assert.same({ nil, "timeout" }, { task.await(t, 5) })
    assert.is_true(dynsup.is_alive(t.pid))
    dynsup.sleep(10)
    assert.is_true(done)
    assert.same({}, host.drain())
  end))

  it("outlive their owner without a link", host.main(function()
    local sup, t = dynsup.start_link {}, nil
    host.reason(function()
      t = task.async_nolink(sup, forever)
      dynsup.sleep(1)
    end)
    assert.is_true(dynsup.is_alive(t.pid))
  end))

  it("end with the supervisor", host.main(function()
    local sup = dynsup.start_link {}
    local t = task.async_nolink(sup, forever)
    dynsup.stop(sup)
    assert.same({ nil, "shutdown" }, { task.await(t) })
  end))

  it("are refused as the supervisor refuses children", host.main(function()
    local sup = dynsup.start_link { max_children = 0 }
    for _, name in ipairs { "async_link", "async_nolink", "start_child" } do
      assert.same({ nil, "max_children" }, { task[name](sup, forever) })
      assert.same({ nil, "noproc" }, { task[name]("nobody", forever) })
      assert.same({ nil, "not_a_supervisor" }, { task[name](dynsup.self(), forever) })
    end
  end))

  it("live in its heap, unless nobody awaits them", host.main(function()
    local sup = dynsup.start_link { heaps = 1 }
    local why = "a task that is awaited shares a table with its owner, and another heap shares none"
    for _, name in ipairs { "async_link", "async_nolink" } do
      assert.same({ nil, "invalid_mfa", why }, { task[name](sup, "string:rep", "x", 2) })
    end
    local ok, message = pcall(function()
      for _ in task.async_stream(sup, { 1 }, "string:rep") do error "it has begun" end
    end)
    assert.same({ false, "async_stream cannot start a task: invalid_mfa: " .. why }, { ok, message })
    local pid = assert(task.start_child(sup, "string:rep", "x", 2))
    host.down(dynsup.monitor(pid))
    assert.equal("invalid_mfa", select(2, task.start_child(sup, forever)))
  end))

  it("get the supervisor's extra arguments before their own", host.main(function()
    local sup, main = dynsup.start_link { extra_arguments = { "conn", nil, { 7 }, n = 3 } }, dynsup.self()
    local expected = { "conn", nil, { 7 }, 1, nil, n = 5 }
    local function hand_back(...) return ... end
    for _, name in ipairs { "async_link", "async_nolink" } do
      assert.same(expected, table.pack(task.await(task[name](sup, hand_back, 1, nil))))
    end
    for _, a, _, c, d in task.async_stream(sup, { "item" }, hand_back) do
      assert.same({ "conn", { 7 }, "item" }, { a, c, d })
    end
    task.start_child(sup, function(...) dynsup.send(main, "got", ...) end, 1, nil)
    assert.same({ "got", table.unpack(expected, 1, 5) }, { dynsup.receive() })
    assert.same({}, host.drain())
  end))

  it("may have no owner", host.main(function()
    local sup, main = dynsup.start_link {}, dynsup.self()
    local pid = task.start_child(sup, function(...) dynsup.send(main, "got", ...) end, 1, nil, 2)
    assert.is_true(dynsup.is_pid(pid))
    assert.same({ "got", 1, nil, 2, n = 4 }, table.pack(dynsup.receive()))
    dynsup.start_child(sup, { task, function() dynsup.send(main, "child") end })
    assert.equal("child", (dynsup.receive()))
    assert.same({}, host.drain())
  end))
end)

describe("a task whose owner is unwound while it begins it", function()
  local session = require "dynsup.repl.session"

  -- The child has been started; its owner is interrupted before it has set up its side.
  it("ends without having begun", host.main(function()
    local sup, main = dynsup.start_link {}, dynsup.self()
    local began = false
    dynsup.spawn(function()
      while dynsup.count_children(sup).active == 0 do dynsup.yield() end
      assert(session.interrupt(main))
    end)
    local line = session.attempt(function()
      local t <close> = host.closer(function() end) -- luacheck: ignore
      local start_child = dynsup.start_child
      dynsup.start_child = function(...)
        local pid = start_child(...)
        dynsup.sleep() -- where it is interrupted, in the middle of its beginning
        return pid
      end
      local reset <close> = host.closer(function() dynsup.start_child = start_child end) -- luacheck: ignore
      task.async_nolink(sup, function() began = true end)
    end)
    assert.equal("interrupted", line)
    dynsup.sleep(1) -- comes only when nothing is ready
    assert.equal(0, dynsup.count_children(sup).active)
    assert.is_false(began)
    dynsup.halt()
  end))

  it("waits for it without a turn of its own", host.main(function()
    local sup = dynsup.start_link {}
    local start_child, pid = dynsup.start_child, nil
    dynsup.start_child = function(...)
      pid = start_child(...)
      dynsup.sleep(10)
      dynsup.start_child = start_child
      return pid
    end
    local t = task.async_nolink(sup, function() return dynsup.info(dynsup.self()).slices end)
    assert.is_true(task.await(t) < 5)
    dynsup.halt()
  end, { slice = 1 })) -- and not as short as tools/check-interleaving makes it
end)
