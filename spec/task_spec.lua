-- dynsup.task: tasks that are started and awaited, one and many.

local bodies = require "spec.support.task_bodies"
local dynsup = require "dynsup"
local host = require "spec.support.host"
local task = require "dynsup.task"

local forever, after, crash = bodies.forever, bodies.after, bodies.crash
local trapping, assert_quiet = bodies.trapping, bodies.assert_quiet

describe("task.async", function()
  it("runs a function in a process, linked and monitored", host.main(function()
    local main = dynsup.self()
    local t = task.async(function(...)
      dynsup.send(main, "runs", dynsup.self(), dynsup.info(dynsup.self()).links[1])
      dynsup.receive()
      return ...
    end, 1, nil, 3, nil)
    assert.same({ "runs", t.pid, main }, { dynsup.receive() })
    assert.equal(1, dynsup.info(t.pid).monitored_by)
    dynsup.send(t.pid, "go")
    assert.same({ 1, nil, 3, nil, n = 4 }, table.pack(task.await(t)))
    assert.same({}, host.drain())
  end))

  it("takes a function by its name", host.main(function()
    package.preload["spec.task_module"] = function() return { twice = function(x) return 2 * x end } end
    assert.equal(42, task.await(task.async("spec.task_module:twice", 21)))
    package.preload["spec.task_module"] = nil
  end))

  it("takes the caller along when it crashes", host.main(function()
    local reason = host.reason(function()
      task.await(task.async(crash, "boom"))
    end)
    assert.equal("boom", reason.error)
  end))

  it("ends with the caller", host.main(function()
    local t
    assert.equal("boom", host.reason(function()
      t = task.async(forever)
      dynsup.exit "boom"
    end))
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(t.pid))
  end))

  it("sends its owner a message that others can read", host.main(function()
    local t = task.async(after, 1, "a", "b")
    assert.same({ t.ref, "a", "b" }, { dynsup.receive() })
    assert.same({ "DOWN", t.ref, t.pid, "normal" }, { dynsup.receive() })
  end))
end)

describe("task.await", function()
  it("returns nothing from a function that returns nothing", host.main(function()
    assert.equal(0, select("#", task.await(task.async(function() end))))
  end))

  it("tells the reason of a crash to who traps exits", trapping(function()
    local t = task.async(crash, "boom")
    local result, reason = task.await(t)
    assert.is_nil(result)
    assert.equal("boom", reason.error)
    assert.same({ "EXIT", t.pid, reason }, { dynsup.receive() })
  end))

  it("tells how a task exited", trapping(function()
    for _, reason in ipairs { "normal", "shutdown", "unknown" } do
      assert.same({ nil, reason, n = 2 }, table.pack(task.await(task.async(dynsup.exit, reason))))
    end
  end))

  it("gives up in time, and the task ends", host.main(function()
    local t = task.async(after, 10, "late")
    local begun = dynsup.now()
    assert.same({ nil, "timeout", n = 2 }, table.pack(task.await(t, 5)))
    assert.equal(5, dynsup.now() - begun)
    dynsup.sleep(0)
    assert.is_false(dynsup.is_alive(t.pid))
    assert_quiet()
  end))

  it("waits for 5 seconds unless told otherwise", host.main(function()
    assert.same({ nil, "timeout" }, { task.await(task.async(after, 5001, "late")) })
    assert.equal("soon", task.await(task.async(after, 4999, "soon")))
    assert.equal("late", task.await(task.async(after, 1000000, "late"), "infinity"))
  end))

  it("does not wait with 0", host.main(function()
    local t = task.async(function() return "done" end)
    dynsup.sleep(1)
    assert.equal("done", task.await(t, 0))
    assert.same({ nil, "timeout" }, { task.await(task.async(forever), 0) })
  end))

  it("leaves other messages", host.main(function()
    dynsup.send(dynsup.self(), "before")
    local t = task.async(after, 1, "x")
    dynsup.send(dynsup.self(), "DOWN")
    dynsup.send(dynsup.self(), "DOWN", "fake", t.pid, "reason")
    assert.equal("x", task.await(t))
    assert.same({ { "before", n = 1 }, { "DOWN", n = 1 }, { "DOWN", "fake", t.pid, "reason", n = 4 } }, host.drain())
  end))

  it("may be called by the owner only", host.main(function()
    local t = task.async(forever)
    local reason = host.reason(function() task.await(t) end)
    assert.matches("bad argument #1 to 'await' %(the task belongs to another process%)", reason.error)
    task.shutdown(t)
  end))

  it("may be called once", host.main(function()
    local t = task.async(function() end)
    task.await(t)
    for _, name in ipairs { "await", "yield", "shutdown", "ignore" } do
      assert.has_error(function() task[name](t) end,
        ("bad argument #1 to '%s' (the task's end has been handed out already)"):format(name))
    end
  end))

  it("is killed with its caller at any moment", host.main(function()
    for ms = 0, 3 do
      local pids = {}
      local pid, ref = dynsup.spawn_monitor(function()
        local t = task.async(after, 2, "x")
        pids[1] = t.pid
        task.await(t)
        dynsup.sleep(10)
      end)
      dynsup.sleep(ms)
      dynsup.exit(pid, "kill")
      assert.equal("killed", host.down(ref))
      dynsup.sleep(1)
      assert.is_false(pids[1] ~= nil and dynsup.is_alive(pids[1]))
    end
  end))

  it("is told when the task is killed at any moment", trapping(function()
    for ms = 0, 2 do
      local t = task.async(after, 3, "x")
      dynsup.sleep(ms)
      dynsup.exit(t.pid, "kill")
      assert.same({ nil, "killed" }, { task.await(t) })
    end
  end))
end)

describe("many tasks that are done", function()
  local N = 12000

  -- The processor time of starting them all, and of f, which takes their results.
  local function times(f)
    local begun, tasks = os.clock(), {}
    for i = 1, N do tasks[i] = task.async(function() return i end) end
    dynsup.sleep(0)
    while dynsup.is_alive(tasks[N].pid) do dynsup.yield() end
    local started = os.clock()
    f(tasks)
    return started - begun, os.clock() - started
  end

  local takers = {
    ["task.await"] = function(tasks)
      for i = 1, N do assert(task.await(tasks[i]) == i) end
    end,
    ["task.await_many"] = function(tasks)
      local results = task.await_many(tasks)
      for i = 1, N do assert(results[i][1] == i) end
    end,
  }

  for name, f in pairs(takers) do
    it("are not passed through for each one, by " .. name, host.main(function()
      local starting, awaiting = times(f)
      assert.is_true(awaiting < 4 * starting, ("%.3f s to start them, %.3f s to await them"):format(starting, awaiting))
      assert.same({}, host.drain())
    end, { clock = "real" }))
  end
end)

describe("what an owner does for a task", function()
  -- f(task) with a dynsup.task of its own; how often the caller has called the functions of dynsup by that.
  local function calls_of(names, f)
    local originals, counts, owner = {}, {}, dynsup.self()
    local loaded = { ["dynsup.task"] = task, ["dynsup.task_stream"] = package.loaded["dynsup.task_stream"] }
    for name in pairs(loaded) do package.loaded[name] = nil end
    for _, name in ipairs(names) do
      originals[name], counts[name] = dynsup[name], 0
      dynsup[name] = function(...)
        if dynsup.self() == owner then counts[name] = counts[name] + 1 end
        return originals[name](...)
      end
    end
    local fresh = require "dynsup.task"
    for name, original in pairs(originals) do dynsup[name] = original end
    for name, module in pairs(loaded) do package.loaded[name] = module end
    f(fresh)
    return counts
  end

  local function exiting(each, n)
    local tasks, sup = {}, dynsup.start_link {}
    for i = 1, n do tasks[i] = each.async_nolink(sup, dynsup.exit, "boom") end
    return tasks
  end

  local takers = {
    ["task.await"] = function(each)
      for _, t in ipairs(exiting(each, 9)) do assert.same({ nil, "boom" }, { each.await(t) }) end
    end,
    ["task.yield_many"] = function(each)
      for _, result in ipairs(each.yield_many(exiting(each, 9))) do assert.same({ "exit", "boom", n = 2 }, result) end
    end,
    ["the end of task.async_stream"] = function(each)
      for status in each.async_stream(nil, { 0, 1, 2, 3 }, function(i) return i > 0 and forever() end) do
        if status then break end
      end
    end,
  }
  for name, f in host.sorted(takers) do
    it("is no look for what its DOWN has left, by " .. name, host.main(function()
      local counts = calls_of({ "demonitor", "receive_match" }, f)
      assert.is_true(counts.demonitor <= 1, "demonitor: " .. counts.demonitor) -- of the one that had a result
      assert.equal(0, counts.receive_match)
      assert.same({}, host.drain())
    end))
  end

  -- The slices, of so many instructions each, in which n tasks are awaited, the last first.
  local function slices(n)
    local tasks = {}
    for i = 1, n do tasks[i] = task.async(function() return i end) end
    dynsup.sleep(1)
    local me = dynsup.self()
    local before = dynsup.info(me).slices
    for i = n, 1, -1 do assert(task.await(tasks[i]) == i) end
    return dynsup.info(me).slices - before
  end

  it("does not depend on the others', also when the last is awaited first", host.main(function()
    local few, many = slices(100), slices(200)
    assert.is_true(many < 3 * few, ("%d slices for 100, %d for 200"):format(few, many))
  end, { slice = 0.005 }))
end)

describe("task.await_many", function()
  it("returns the results in the order of the tasks", host.main(function()
    local tasks = { task.async(after, 3, "a", nil), task.async(after, 1), task.async(after, 2, "c") }
    assert.same({ { "a", nil, n = 2 }, { n = 0 }, { "c", n = 1 } }, task.await_many(tasks))
    assert.same({}, host.drain())
  end))

  it("returns an empty list at once", host.main(function()
    assert.same({}, task.await_many {})
  end))

  it("gives up in time, and all tasks end", host.main(function()
    local tasks = { task.async(after, 1), task.async(after, 10), task.async(forever) }
    assert.same({ nil, "timeout", n = 3 }, table.pack(task.await_many(tasks, 5)))
    assert.equal(5, dynsup.now())
    dynsup.sleep(0)
    for _, t in ipairs(tasks) do assert.is_false(dynsup.is_alive(t.pid)) end
    assert_quiet()
  end))

  it("tells the first that fails, and the others end", trapping(function()
    local tasks = { task.async(forever), task.async(dynsup.exit, "boom"), task.async(after, 1) }
    assert.same({ nil, "boom", tasks[2] }, { task.await_many(tasks) })
    dynsup.sleep(0)
    assert.is_false(dynsup.is_alive(tasks[1].pid))
    assert.has_error(function() task.await(tasks[3]) end)
    assert_quiet()
  end))

  it("raises for a task twice, or of another process", host.main(function()
    local t = task.async(forever)
    assert.has_error(function() task.await_many { t, t } end)
    assert.has_error(function() task.await_many { 1 } end)
    assert.has_error(function() task.yield_many(t.pid) end)
    assert.matches("belongs to another", host.reason(function() task.await_many { t } end).error)
    task.shutdown(t)
  end))
end)

describe("task.yield", function()
  it("tells how a task has ended", trapping(function()
    assert.same({ "ok", 1, nil, n = 3 }, table.pack(task.yield(task.async(after, 1, 1, nil))))
    assert.same({ "exit", "normal", n = 2 }, table.pack(task.yield(task.async(dynsup.exit, "normal"))))
    assert.same({ "exit", "x", n = 2 }, table.pack(task.yield(task.async(dynsup.exit, "x"))))
  end))

  it("lets the task go on when the time is over", host.main(function()
    local t = task.async(after, 10, "x")
    assert.same({ nil, "timeout" }, { task.yield(t, 0) })
    assert.same({ nil, "timeout" }, { task.yield(t, 5) })
    assert.same({ "ok", "x" }, { task.yield(t) })
    assert.same({}, host.drain())
  end))
end)

describe("task.yield_many", function()
  it("tells of each how it has ended, or that it goes on", trapping(function()
    local tasks = { task.async(after, 1, "a"), task.async(dynsup.exit, "x"), task.async(after, 10, "c") }
    assert.same({ { "ok", "a", n = 2 }, { "exit", "x", n = 2 }, { nil, "timeout", n = 2 } },
      task.yield_many(tasks, 5))
    assert.equal("c", task.await(tasks[3]))
    assert.same({}, task.yield_many {})
  end))
end)

describe("misuse of", function()
  local T = {}
  local wrong = {
    { "async", 1 }, { "async", 1, "no colon" }, { "async_link", 2, "sup" }, { "async_nolink", 2, "sup", 1 },
    { "start_child", 2, "sup" }, { "async_link", 1, nil, print }, { "async_nolink", 1, {}, print },
    { "start_child", 1, 1, print }, { "child_spec", 1 }, { "await", 1 }, { "await", 1, {} }, { "await", 2, T, -1 },
    { "await", 2, T, "soon" }, { "await", 2, T, 0 / 0 }, { "yield", 1, 1 }, { "yield", 2, T, {} },
    { "shutdown", 1 }, { "shutdown", 2, T, "kill" }, { "ignore", 1 }, { "await_many", 1 }, { "await_many", 2, {}, -1 },
    { "yield_many", 1, 1 }, { "yield_many", 2, {}, "x" },
  }
  for i, case in ipairs(wrong) do
    it(("%s names argument %d (%d)"):format(case[1], case[2], i), host.main(function()
      local t = task.async(forever)
      local arguments = { table.unpack(case, 3) }
      if arguments[1] == T then arguments[1] = t end
      local ok, message = pcall(function() return (task[case[1]](table.unpack(arguments, 1, #case - 2))) end)
      assert.is_false(ok)
      assert.matches("^spec/task_spec.lua:%d+: bad argument #" .. case[2] .. " to '" .. case[1] .. "'", message)
      task.shutdown(t)
    end))
  end
end)

describe("misuse of task.shutdown", function()
  it("names all that its time may be", host.main(function()
    local t = task.async(forever)
    local _, message = pcall(function() return (task.shutdown(t, "brutal")) end)
    assert.matches('^spec/task_spec.lua:%d+: .* %(milliseconds, "infinity" or "brutal_kill" expected%)$', message)
    task.shutdown(t)
  end))
end)

describe("a task", function()
  it("shows as one", host.main(function()
    local t = task.async(forever)
    assert.equal("task " .. tostring(t.pid), tostring(t))
    task.shutdown(t)
  end))

  it("does not begin when its owner is killed while it makes it", host.main(function()
    local ran = false
    for slices = 1, 40 do
      local pid, ref = dynsup.spawn_monitor(function()
        local t = task.async(function() ran = true end)
        dynsup.exit(t.pid, "kill")
        while true do dynsup.yield() end
      end)
      for _ = 1, slices % 3 do dynsup.yield() end
      dynsup.exit(pid, "kill")
      host.down(ref)
    end
    assert.is_false(ran)
  end, { slice = 0.01 }))
end)
