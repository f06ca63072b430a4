local dynsup = require "dynsup"
local host = require "spec.support.host"
local task = require "dynsup.task"

local stream = task.async_stream

local function slept(ms)
  dynsup.sleep(ms)
  return ms
end

-- All pairs that a stream hands out.
local function collect(...)
  local all = {}
  for status, value, item, more in stream(...) do all[#all + 1] = { status, value, item, more } end
  return all
end

local function values(...)
  local all = {}
  for status, value in stream(...) do
    assert.equal("ok", status)
    all[#all + 1] = value
  end
  return all
end

local function naturals()
  local n = 0
  return function()
    n = n + 1
    return n
  end, function() return n end
end

local function assert_alone()
  dynsup.sleep(1)
  assert.same({}, host.drain())
  assert.same({}, dynsup.info(dynsup.self()).links)
end

describe("task.async_stream", function()
  it("hands out the results in the order of the items", host.main(function()
    assert.same({ 3, 1, 2, 0 }, values(nil, { 3, 1, 2, 0 }, slept))
    assert.equal(3, dynsup.now())
    assert_alone()
  end))

  it("hands them out as they come when asked to", host.main(function()
    assert.same({ 0, 1, 2, 3 }, values(nil, { 3, 1, 2, 0 }, slept, { ordered = false }))
    assert_alone()
  end))

  it("hands out several results, and nils", host.main(function()
    local seen
    for status, a, b, c in stream(nil, { 1 }, function() return nil, 2, nil end) do seen = { status, a, b, c } end
    assert.same({ "ok", nil, 2, nil }, seen)
  end))

  it("takes lists with nils, and iterators with several values", host.main(function()
    assert.same({ "nil", "2", "nil" }, values(nil, { nil, 2, nil, n = 3 }, tostring))
    local text = ("a=1 b=2"):gmatch "(%w)=(%w)"
    assert.same({ "1a", "2b" }, values(nil, text, function(key, value) return value .. key end))
    assert.same({}, values(nil, {}, tostring))
    assert.same({}, values(nil, function() end, tostring))
  end))

  it("runs so many at a time, and no more", host.main(function()
    local running, counts = {}, {}
    local function work(item)
      table.insert(running, item) -- in one step, however it is interrupted
      table.insert(counts, #running)
      dynsup.sleep(1)
      table.remove(running)
    end
    for _, max in ipairs { 1, 2, 5 } do
      counts = {}
      for _ in stream(nil, { 1, 2, 3, 4, 5, 6, 7 }, work, { max_concurrency = max }) do end
      assert.equal(max, math.max(table.unpack(counts)))
    end
  end))

  it("takes items as they are needed only", host.main(function()
    local items, taken = naturals()
    for _, value in stream(nil, items, slept, { max_concurrency = 3 }) do
      if value == 5 then break end
    end
    assert.equal(7, taken())
    assert_alone()
  end))

  it("keeps no more results than tasks may run", host.main(function()
    local items, taken = naturals()
    local function work(n) dynsup.sleep(n == 1 and 1000 or 1) end
    for status in stream(nil, items, work, { max_concurrency = 4 }) do
      if status then break end
    end
    assert.equal(4, taken())
  end))

  it("begins nothing before it is asked", host.main(function()
    local items, taken = naturals()
    stream(nil, items, slept)
    dynsup.sleep(10)
    assert.equal(0, taken())
  end))

  it("ends its tasks when the loop is left", host.main(function()
    local pids = {}
    local function work(n)
      pids[n] = dynsup.self()
      if n > 1 then
        dynsup.flag("trap_exit", true)
        dynsup.sleep "infinity"
      end
    end
    local function check(leave)
      pids = {}
      leave()
      assert.equal(3, #pids)
      for _, pid in ipairs(pids) do assert.is_false(dynsup.is_alive(pid)) end
      assert_alone()
    end
    local options = { max_concurrency = 3 }
    check(function()
      for status in stream(nil, { 1, 2, 3 }, work, options) do
        if status then break end
      end
    end)
    check(function()
      pcall(function() for _ in stream(nil, { 1, 2, 3 }, work, options) do error "left" end end)
    end)
    check(function()
      (function()
        for status in stream(nil, { 1, 2, 3 }, work, options) do
          if status then return end
        end
      end)()
    end)
  end))

  it("ends its tasks with its process, however that ends", host.main(function()
    for _, leave in ipairs { function() dynsup.exit "normal" end, function() dynsup.exit "boom" end,
      function() dynsup.sleep "infinity" end, function() error "boom" end } do
      local pids = {}
      local pid, ref = dynsup.spawn_monitor(function()
        for _ in stream(nil, { 1, 2, 3 }, function(n)
          pids[n] = dynsup.self()
          if n > 1 then dynsup.sleep "infinity" end
        end) do leave() end
      end)
      dynsup.sleep(1)
      dynsup.exit(pid, "kill")
      host.down(ref)
      dynsup.sleep(1)
      assert.equal(3, #pids)
      for _, each in ipairs(pids) do assert.is_false(dynsup.is_alive(each)) end
    end
  end))

  it("takes its caller along when a task crashes", host.main(function()
    assert.equal("boom", host.reason(function()
      collect(nil, { 1, 2 }, function() dynsup.exit "boom" end)
    end))
  end))

  it("hands out crashes to who traps exits, or does not link", host.main(function()
    local function work(n)
      if n == 2 then dynsup.exit "boom" end
      return n
    end
    local expected = { { "ok", 1 }, { "exit", "boom" }, { "ok", 3 } }
    assert.same(expected, collect(nil, { 1, 2, 3 }, work, { link = false }))
    assert_alone()
    dynsup.flag("trap_exit", true)
    assert.same(expected, collect(nil, { 1, 2, 3 }, work))
    assert_alone()
  end))

  it("exits when a task takes too long", host.main(function()
    local pids = {}
    local reason = host.reason(function()
      collect(nil, { 1, 6, 2 }, function(ms)
        pids[#pids + 1] = dynsup.self()
        return slept(ms)
      end, { timeout = 5 })
    end)
    assert.equal("timeout", reason)
    assert.equal(5, dynsup.now())
    dynsup.sleep(0)
    for _, pid in ipairs(pids) do assert.is_false(dynsup.is_alive(pid)) end
  end))

  it("gives a task 5 seconds from its own beginning", host.main(function()
    assert.equal("timeout", host.reason(function() collect(nil, { 5001 }, slept) end))
    assert.same({ 4999, 4999 }, values(nil, { 4999, 4999 }, slept, { max_concurrency = 1 }))
    assert.same({ 100000 }, values(nil, { 100000 }, slept, { timeout = "infinity" }))
  end))

  it("kills a task that takes too long when asked to", host.main(function()
    local options = { timeout = 5, on_timeout = "kill_task" }
    assert.same({ { "ok", 1 }, { "exit", "timeout" }, { "ok", 2 }, { "exit", "timeout" } },
      collect(nil, { 1, 6, 2, 7 }, slept, options))
    assert_alone()
    dynsup.flag("trap_exit", true)
    options.ordered, options.max_concurrency = false, 2
    assert.same({ { "ok", 1 }, { "ok", 2 }, { "exit", "timeout" } }, collect(nil, { 1, 6, 2 }, slept, options))
    assert_alone()
  end))

  it("tells the item with an exit when asked to", host.main(function()
    local function work(ms, why)
      dynsup.sleep(ms)
      return why and dynsup.exit(why)
    end
    local options = { timeout = 5, on_timeout = "kill_task", zip_input_on_exit = true, link = false }
    local items = { 1, 6 }
    assert.same({ { "ok" }, { "exit", "timeout", 6 } }, collect(nil, items, work, options))
    options.ordered = false
    local pairs_of = coroutine.wrap(function()
      coroutine.yield(9)
      coroutine.yield(2, "late")
      coroutine.yield(1, "early")
    end)
    assert.same({ { "exit", "early", 1, "early" }, { "exit", "late", 2, "late" }, { "exit", "timeout", 9 } },
      collect(nil, pairs_of, work, options))
    options.zip_input_on_exit = false
    assert.same({ { "exit", "timeout" } }, collect(nil, { 7 }, work, options))
  end))

  it("may be nested", host.main(function()
    local function inner(n)
      return #values(nil, { n, n, n }, slept, { max_concurrency = 2 })
    end
    assert.same({ 3, 3, 3 }, values(nil, { 1, 2, 3 }, inner))
  end))

  it("leaves other messages", host.main(function()
    dynsup.send(dynsup.self(), "before")
    dynsup.send(dynsup.self(), "DOWN", "fake", dynsup.self(), "normal")
    assert.same({ 1, 2 }, values(nil, { 1, 2 }, slept))
    assert.equal(2, #host.drain())
  end))

  it("passes on an error of the iterator, and ends its tasks", host.main(function()
    local n = 0
    local function items()
      n = n + 1
      if n == 3 then error("no more", 0) end
      return n
    end
    local ok, message = pcall(collect, nil, items, function() dynsup.sleep "infinity" end)
    assert.same({ false, "no more" }, { ok, message })
    assert_alone()
  end))

  it("begins no task where its caller cannot wait", host.main(function()
    local began = false
    local ok, message = host.in_comparator(function()
      for status in stream(nil, { 1, 2 }, function() began = true end) do assert(status) end
    end)
    assert.is_false(ok)
    assert.matches("cannot wait across", message)
    dynsup.sleep(1)
    assert.is_false(began)
    assert_alone()
  end))

  it("leaves nothing where it is closed by who cannot wait", host.main(function()
    dynsup.flag("trap_exit", true)
    local next_result, _, _, closer = stream(nil, { 1, 2, 3 }, function(i)
      if i == 3 then dynsup.sleep "infinity" end
    end, { max_concurrency = 3, timeout = "infinity" })
    dynsup.send(dynsup.self(), "before")
    next_result()
    dynsup.sleep(1) -- the second has replied
    assert.is_true(host.in_comparator(function()
      local closing <close> = closer -- luacheck: ignore
    end))
    dynsup.sleep(1)
    assert.same({ { "before", n = 1 } }, host.drain())
    assert_alone()
  end))

  it("goes on in the process that began it only", host.main(function()
    local next_result = stream(nil, { 1 }, slept)
    local reason = host.reason(function() return (next_result()) end)
    assert.matches("^spec/task_stream_spec.lua:%d+: async_stream goes on in the process that began it", reason.error)
  end))
end)

describe("task.async_stream under a supervisor", function()
  it("runs its tasks as children, without links", host.main(function()
    local sup = dynsup.start_link {}
    local counts = {}
    for _, value in stream(sup, { 1, 2, 3 }, slept, { max_concurrency = 2 }) do
      counts[value] = dynsup.count_children(sup).active
    end
    assert.equal(1, counts[1])
    dynsup.sleep(1)
    assert.equal(0, dynsup.count_children(sup).specs)
    assert.same({}, host.drain())
  end))

  it("hands out crashes", host.main(function()
    local sup = dynsup.start_link {}
    assert.same({ { "exit", "boom" }, { "ok", 2 } }, collect(sup, { 1, 2 }, function(n)
      if n == 1 then dynsup.exit "boom" end
      return n
    end))
    assert.equal("boom", host.reason(function()
      collect(sup, { 1 }, function() dynsup.exit "boom" end, { link = true })
    end))
  end))

  it("raises when a task is refused, and ends the others", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    local ok, message = pcall(collect, sup, { 1, 2, 3 }, function() dynsup.sleep "infinity" end)
    assert.is_false(ok)
    assert.matches("cannot start a task: max_children", message)
    dynsup.sleep(1)
    assert.equal(0, dynsup.count_children(sup).specs)
    assert.same({}, host.drain())
  end))

  it("has no more children than tasks may run, also where some take too long", host.main(function()
    for _, trapping in ipairs { false, true } do
      dynsup.flag("trap_exit", trapping)
      for _, link in ipairs { false, true } do
        local sup = dynsup.start_link { max_children = 2 }
        local options = { max_concurrency = 2, timeout = 5, on_timeout = "kill_task", link = link }
        local late = { "exit", "timeout" }
        assert.same({ { "ok", 1 }, late, { "ok", 2 }, late, { "ok", 3 } },
          collect(sup, { 1, 6, 2, 7, 3 }, slept, options))
        assert.same({}, host.drain())
        dynsup.stop(sup)
        host.drain() -- its EXIT
      end
    end
  end))

  it("waits until one that took too long is down", host.main(function()
    local sup, closed = dynsup.start_link { max_children = 1 }, 0
    local function work()
      local closing <close> = host.closer(function() closed = closed + 1 end) -- luacheck: ignore
      dynsup.sleep "infinity"
    end
    local options = { max_concurrency = 1, timeout = 5, on_timeout = "kill_task" }
    local seen = 0
    for status, reason in stream(sup, { 1, 2, 3 }, work, options) do
      seen = seen + 1
      local active = dynsup.count_children(sup).active
      assert.same({ "exit", "timeout", seen, 0 }, { status, reason, closed, active })
    end
    assert.equal(3, seen)
  end))

  it("hands out the ends of tasks when the supervisor stops", host.main(function()
    local sup = dynsup.start_link {}
    local all = {}
    dynsup.spawn(function()
      dynsup.sleep(1)
      dynsup.stop(sup)
    end)
    local ok, message = pcall(function()
      for status, reason in stream(sup, { 1, 2, 3 }, function() dynsup.sleep "infinity" end, { max_concurrency = 2 }) do
        all[#all + 1] = { status, reason }
      end
    end)
    assert.is_false(ok)
    assert.matches("cannot start a task: noproc", message)
    assert.same({ { "exit", "shutdown" } }, all)
  end))
end)

describe("misuse of task.async_stream", function()
  local wrong = {
    { 2, nil, 1, slept }, { 3, nil, {}, "x" }, { 4, nil, {}, slept, 1 }, { 4, nil, {}, slept, { max = 1 } },
    { 4, nil, {}, slept, { max_concurrency = 0 } }, { 4, nil, {}, slept, { max_concurrency = 1.5 } },
    { 4, nil, {}, slept, { timeout = -1 } }, { 4, nil, {}, slept, { on_timeout = "kill" } },
    { 4, nil, {}, slept, { ordered = 1 } }, { 4, nil, {}, slept, { link = "yes" } },
    { 4, nil, {}, slept, { zip_input_on_exit = 1 } }, { 1, 5, {}, slept }, { 1, false, {}, slept },
  }
  for i, case in ipairs(wrong) do
    it(("names argument %d (%d)"):format(case[1], i), host.main(function()
      local ok, message = pcall(stream, table.unpack(case, 2, 5))
      assert.is_false(ok)
      assert.matches("bad argument #" .. case[1] .. " to 'async_stream'", message)
    end))
  end
end)

describe("misuse of async_stream", function()
  it("is put down to its caller", host.main(function()
    local _, message = pcall(function() return (dynsup.task.async_stream(nil, {}, 42)) end)
    assert.matches("^spec/task_stream_spec.lua:%d+: bad argument #3 to 'async_stream' %(function", message)
    _, message = pcall(function() return (dynsup.task.async_stream(5, { 1 }, slept)) end)
    assert.matches("^spec/task_stream_spec.lua:%d+: bad argument #1 to 'async_stream' %(pid or registered", message)
  end))
end)
