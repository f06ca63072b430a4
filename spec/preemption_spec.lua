-- No process may sleep here beside one that loops for ever: the virtual clock would stand still.
local dynsup = require "dynsup"
local host = require "spec.support.host"

local long = 3000000 -- steps of a loop that takes many slices

local function count_to(n)
  local count = 0
  for _ = 1, n do
    count = count + 1
  end
  return count
end

local function loop_for_ever()
  while true do end
end

-- Spawns a process that counts its slices while the caller is preempted; returns the function that
-- says how many there were so far.
local function slice_counter()
  local slices = 0
  local stop = false
  dynsup.spawn(function()
    while not stop do
      slices = slices + 1
      dynsup.yield()
    end
  end)
  return function()
    stop = true
    return slices
  end
end

-- Kills f's process after some slices of it; returns the reason that its monitor sees.
local function killed_while_running(f)
  local pid = dynsup.spawn(f)
  for _ = 1, 5 do
    dynsup.yield()
  end
  assert.is_true(dynsup.is_alive(pid))
  return host.stop(pid, "kill")
end

describe("a process that does not give way", function()
  it("is interrupted, and others run meanwhile", host.main(function()
    local slices = slice_counter()
    assert.equal(long, count_to(long))
    assert.is_true(slices() > 10)
  end))

  it("can be killed in an endless loop", host.main(function()
    assert.equal("killed", killed_while_running(loop_for_ever))
  end))

  it("can be ended by any signal in an endless loop", host.main(function()
    local pid = dynsup.spawn(loop_for_ever)
    dynsup.yield()
    assert.equal("boom", host.stop(pid, "boom"))
  end))

  it("can be killed when it wraps its loop in pcall, for ever", host.main(function()
    assert.equal("killed", killed_while_running(function()
      while true do
        pcall(function()
          while true do end
        end)
      end
    end))
  end))

  it("can be killed when it loops in xpcall and in its handler", host.main(function()
    assert.equal("killed", killed_while_running(function()
      while true do
        xpcall(loop_for_ever, loop_for_ever)
      end
    end))
  end))

  it("can be killed when it loops in nested coroutines", host.main(function()
    assert.equal("killed", killed_while_running(function()
      local function nest(depth)
        if depth == 0 then
          loop_for_ever()
        end
        while true do
          pcall(coroutine.wrap(nest), depth - 1)
        end
      end
      nest(10)
    end))
  end))

  it("can be killed when it loops in a metamethod", host.main(function()
    assert.equal("killed", killed_while_running(function()
      return setmetatable({}, { __index = loop_for_ever }).field
    end))
  end))

  it("can be killed when it makes coroutines for ever", host.main(function()
    assert.equal("killed", killed_while_running(function()
      while true do
        coroutine.wrap(function()
          coroutine.yield()
        end)()
      end
    end))
  end))

  it("does not keep others from exchanging messages", host.main(function()
    local main = dynsup.self()
    local echo = dynsup.spawn(function()
      while true do
        dynsup.send(main, dynsup.receive())
      end
    end)
    local done = false
    dynsup.spawn(function()
      count_to(long)
      done = true
    end)
    for i = 1, 5 do
      dynsup.send(echo, i)
      assert.equal(i, (dynsup.receive()))
    end
    assert.is_false(done)
    dynsup.sleep(1)
    assert.is_true(done)
  end))

  it("shares the thread with others like it", host.main(function()
    local main = dynsup.self()
    local progress = {}
    for i = 1, 4 do
      progress[i] = 0
      dynsup.spawn(function()
        for step = 1, long do
          progress[i] = step
        end
        dynsup.send(main, i, table.unpack(progress))
      end)
    end
    local first = table.pack(dynsup.receive())
    for i = 2, 5 do
      assert.is_true(first[i] > long / 2)
    end
    for _ = 2, 4 do
      dynsup.receive()
    end
  end))
end)

describe("an interrupted process", function()
  it("goes on with everything as it was", host.main(function()
    local slices = slice_counter()
    local a, b, c = 1, 1.5, "text"
    local list = {}
    for i = 1, 200000 do
      local x <const> = i * 2
      list[#list + 1] = ("%d"):format(x)
      a, b = a + 1, b + 0.5
      if i % 50000 == 0 then
        c = c .. i
      end
    end
    assert.equal(200001, a)
    assert.equal(100001.5, b)
    assert.equal("text50000100000150000200000", c)
    assert.equal(200000, #list)
    assert.equal("400000", list[200000])
    assert.is_true(slices() > 10)
  end))

  it("keeps its pid and its dictionary", host.main(function()
    local slices = slice_counter()
    local pid = dynsup.self()
    dynsup.dict().here = true
    count_to(long)
    assert.equal(pid, dynsup.self())
    assert.is_true(dynsup.dict().here)
    assert.is_true(slices() > 10)
  end))

  it("keeps what a pcall in the middle returns", host.main(function()
    local slices = slice_counter()
    local ok, count, text = pcall(function()
      return count_to(long), "text"
    end)
    assert.same({ true, long, "text" }, { ok, count, text })
    local failed, err = pcall(function()
      count_to(long)
      error("boom", 0)
    end)
    assert.same({ false, "boom" }, { failed, err })
    assert.is_true(slices() > 20)
  end))

  it("keeps the results of metamethods and iterators", host.main(function()
    local slices = slice_counter()
    local number = setmetatable({}, {
      __add = function(_, n)
        return count_to(n)
      end,
      __lt = function()
        count_to(long)
        return true
      end,
      __concat = function()
        count_to(long)
        return "joined"
      end,
      __call = function(_, _, i)
        count_to(long // 4)
        i = (i or 0) + 1
        return i <= 4 and i or nil
      end,
    })
    assert.equal(long, number + long)
    assert.is_true(number < number)
    assert.equal("joined", number .. number)
    local sum = 0
    for i in number do
      sum = sum + i
    end
    assert.equal(10, sum)
    assert.is_true(slices() > 40)
  end))

  it("takes messages that came meanwhile, in order", host.main(function()
    local main = dynsup.self()
    dynsup.spawn(function()
      for i = 1, 10 do
        dynsup.send(main, i)
        dynsup.yield()
      end
    end)
    count_to(long)
    for i = 1, 10 do
      assert.equal(i, (dynsup.receive(0)))
    end
  end))
end)

describe("an interrupted generator", function()
  it("gives the right values", host.main(function()
    local slices = slice_counter()
    local values = {}
    for value, text in coroutine.wrap(function()
      for i = 1, 5 do
        coroutine.yield(count_to(long // 5) + i, "value " .. i)
      end
    end) do
      values[#values + 1] = value - long // 5
      values[#values + 1] = text
    end
    assert.same({ 1, "value 1", 2, "value 2", 3, "value 3", 4, "value 4", 5, "value 5" }, values)
    assert.is_true(slices() > 10)
  end))

  it("gives the right values through ten levels", host.main(function()
    local slices = slice_counter()
    local function nest(depth)
      return coroutine.wrap(function()
        if depth == 0 then
          for i = 1, 5 do
            count_to(long // 10)
            coroutine.yield(i)
          end
          return
        end
        for value in nest(depth - 1) do
          count_to(long // 100)
          coroutine.yield(value * 2)
        end
      end)
    end
    local values = {}
    for value in nest(10) do
      values[#values + 1] = value
    end
    assert.same({ 1024, 2048, 3072, 4096, 5120 }, values)
    assert.is_true(slices() > 10)
  end))

  it("is \"normal\" for other processes meanwhile", host.main(function()
    local co = coroutine.create(loop_for_ever)
    local pid = dynsup.spawn(coroutine.resume, co)
    dynsup.yield()
    dynsup.yield()
    assert.equal("normal", coroutine.status(co))
    assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(co) })
    assert.equal("killed", host.stop(pid, "kill"))
    assert.equal("dead", coroutine.status(co))
  end))
end)

describe("a long sort comparator or gsub callback", function()
  it("runs to its end and gives the right result", host.main(function()
    local list = {}
    for i = 1, 300 do
      list[i] = i * 7919 % 301
    end
    table.sort(list, function(a, b)
      count_to(1000)
      return a < b
    end)
    for i = 1, 300 do
      assert.equal(i, list[i])
    end
    local text = ("ab"):rep(100):gsub("%w", function(letter)
      count_to(20000)
      return letter:upper()
    end)
    assert.equal(("AB"):rep(100), text)
  end))

  it("does not keep the process from being interrupted afterwards", host.main(function()
    table.sort({ 3, 1, 2 }, function(a, b)
      count_to(long)
      return a < b
    end)
    local slices = slice_counter()
    count_to(long)
    assert.is_true(slices() > 10)
  end))
end)

describe("a process that starts others inside its slice", function()
  it("gives way between them", host.main(function()
    local module = { init = function() return "ok", 0 end }
    local others, starts = 0, 0
    dynsup.spawn(function()
      dynsup.sleep(1)
      others = others + 1
    end)
    repeat
      assert(dynsup.server.start(module))
      starts = starts + 1
    until others > 0 or starts == 1e5
    assert.equal(1, others)
  end, { clock = "real" }))
end)

describe("a hook of the user", function()
  -- Preemption by signal needs the real clock; with the count hook a hook of the user takes its
  -- place while it is set.
  local by_signal = { clock = "real" }

  it("is there again after each of many interruptions", host.main(function()
    local slices = slice_counter()
    local lines, passes = 0, 2000000
    local function hook()
      lines = lines + 1
    end
    debug.sethook(hook, "l")
    for i = 1, passes do
      if i == 0 then
        break
      end
    end
    local seen, mask = debug.gethook()
    debug.sethook()
    assert.equal(hook, seen)
    assert.equal("l", mask)
    assert.is_true(slices() > 20)
    assert.is_true(lines > 1.9 * passes)
  end, by_signal))

  it("keeps its count", host.main(function()
    local calls = 0
    local function hook()
      calls = calls + 1
    end
    debug.sethook(hook, "", 1000)
    count_to(long)
    local seen, _, count = debug.gethook()
    debug.sethook()
    assert.equal(hook, seen)
    assert.equal(1000, count)
    assert.is_true(calls >= long // 1000)
  end))

  it("that fails does not switch off preemption for the next process", host.main(function()
    local reason = host.reason(function()
      debug.sethook(error, "", 1000)
      while true do end
    end)
    assert.is_not_nil(reason.traceback)
    local pid, ref = dynsup.spawn_monitor(function()
      while true do end
    end)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
  end))

  it("cannot take the place of the count hook for ever", host.main(function()
    local slices = slice_counter()
    debug.sethook(function() end, "", 1000)
    assert.is_function((debug.gethook()))
    debug.sethook()
    assert.is_nil((debug.gethook()))
    count_to(long)
    assert.is_true(slices() > 0)
  end))

  it("is there again after a callback of luv", function()
    local function hook() end
    local seen
    local co = coroutine.running()
    local before, mask, count = debug.gethook()
    debug.sethook(hook, "l")
    host.run(function()
      local timer = require "luv".new_timer()
      dynsup.await(function(resume)
        timer:start(1, 0, function()
          timer:close()
          resume()
        end)
      end)
    end, by_signal)
    seen = debug.gethook(co)
    debug.sethook(before, mask, count)
    assert.equal(hook, seen)
  end)

  it("cannot be set on a coroutine in which another process waits", host.main(function()
    local inner
    local pid = dynsup.spawn(function()
      inner = coroutine.create(dynsup.receive)
      coroutine.resume(inner)
    end)
    dynsup.yield()
    assert.is_false((pcall(debug.sethook, inner, function() end, "l")))
    dynsup.exit(pid, "kill")
  end))

  it("does not protect its process from being interrupted", host.main(function()
    local slices = slice_counter()
    debug.sethook(function() end, "", 1000)
    count_to(long)
    debug.sethook()
    count_to(long)
    assert.is_true(slices() > 0)
  end, by_signal))
end)

describe("the preempt option", function()
  it("set to false lets a slice last until the process gives way", host.main(function()
    local slices = slice_counter()
    count_to(long)
    assert.equal(0, slices())
  end, { preempt = false }))
end)
