local dynsup = require "dynsup"
local host = require "spec.support.host"

-- A generator of 1 .. n that calls wait before each value.
local function counter(n, wait)
  return coroutine.wrap(function()
    for i = 1, n do
      wait(i)
      coroutine.yield(i)
    end
  end)
end

local function collect(generator)
  local values = {}
  for value in generator do
    values[#values + 1] = value
  end
  return values
end

local function sleep_10()
  dynsup.sleep(10)
end

-- What f(...) returns in a process of its own.
local function in_another_process(f, ...)
  local results
  host.reason(function(...)
    results = table.pack(f(...))
  end, ...)
  return table.unpack(results, 1, results.n)
end

describe("a generator in a process", function()
  it("may sleep between its values", host.main(function()
    local before = dynsup.now()
    assert.same({ 1, 2, 3 }, collect(counter(3, sleep_10)))
    assert.equal(before + 30, dynsup.now())
  end))

  it("may give way between its values", host.main(function()
    assert.same({ 1, 2, 3 }, collect(counter(3, function()
      dynsup.yield()
    end)))
  end))

  it("may receive its values", host.main(function()
    for i = 1, 3 do
      dynsup.send_after(10 * i, dynsup.self(), i * i)
    end
    local generator = coroutine.wrap(function()
      for _ = 1, 3 do
        coroutine.yield(dynsup.receive())
      end
    end)
    assert.same({ 1, 4, 9 }, collect(generator))
  end))

  it("gets the results of what it waits for, not those of a resume", host.main(function()
    local co = coroutine.create(function(a)
      local message = table.pack(dynsup.receive(10))
      local b = coroutine.yield(a, message)
      return b, table.pack(dynsup.receive_match("x"))
    end)
    assert.same({ true, 1, { nil, "timeout", n = 2 } }, { coroutine.resume(co, 1) })
    dynsup.send(dynsup.self(), "x", nil, 3)
    assert.same({ true, 2, { "x", nil, 3, n = 3 } }, { coroutine.resume(co, 2) })
    assert.equal("dead", coroutine.status(co))
  end))

  it("passes all values both ways, nils included", host.main(function()
    local co = coroutine.create(function(...)
      sleep_10()
      local second = table.pack(coroutine.yield(nil, select("#", ...), nil))
      sleep_10()
      return second.n, nil
    end)
    local first = table.pack(coroutine.resume(co, nil, 1, nil))
    assert.same({ true, nil, 3, nil, n = 4 }, first)
    assert.same({ true, 2, nil, n = 3 }, table.pack(coroutine.resume(co, nil, nil)))
  end))

  it("lets other processes run while it sleeps", host.main(function()
    local order = {}
    dynsup.spawn(function()
      for i = 1, 2 do
        dynsup.sleep(10)
        order[#order + 1] = "other " .. i
      end
    end)
    for value in counter(2, function()
      dynsup.sleep(15)
    end) do
      order[#order + 1] = "value " .. value
    end
    assert.same({ "other 1", "value 1", "other 2", "value 2" }, order)
  end))

  it("may be nested deeply, with waits at every level", host.main(function()
    local function nest(depth)
      if depth == 0 then
        return counter(3, sleep_10)
      end
      return coroutine.wrap(function()
        for value in nest(depth - 1) do
          dynsup.yield()
          coroutine.yield(value + 1)
        end
      end)
    end
    local before = dynsup.now()
    assert.same({ 31, 32, 33 }, collect(nest(30)))
    assert.equal(before + 30, dynsup.now())
  end))

  it("runs beside others of many processes without mixing values", host.main(function()
    local main = dynsup.self()
    for i = 1, 50 do
      dynsup.spawn(function()
        local sum = 0
        for value in counter(20, function(step)
          dynsup.sleep((i * step) % 7)
        end) do
          sum = sum + value * i
        end
        dynsup.send(main, i, sum)
      end)
    end
    local sums = {}
    for _ = 1, 50 do
      local i, sum = dynsup.receive()
      sums[i] = sum
    end
    for i = 1, 50 do
      assert.equal(210 * i, sums[i])
    end
  end))

  it("belongs to the process that resumes it", host.main(function()
    local co = coroutine.create(function()
      local first = dynsup.self()
      coroutine.yield(first)
      dynsup.sleep(10)
      return dynsup.self()
    end)
    local _, first = coroutine.resume(co)
    assert.equal(dynsup.self(), first)
    local theirs, second = in_another_process(function()
      return dynsup.self(), (select(2, coroutine.resume(co)))
    end)
    assert.equal(theirs, second)
  end))

  it("may have a C function for a body", host.main(function()
    local before = dynsup.now()
    assert.same({ true }, { coroutine.resume(coroutine.create(dynsup.sleep), 10) })
    assert.equal(before + 10, dynsup.now())
    dynsup.send(dynsup.self(), "hello", 1)
    assert.same({ "hello", 1 }, { coroutine.wrap(dynsup.receive)() })
  end))

  it("may wait in a metamethod, an iterator and a pcall", host.main(function()
    local object = setmetatable({}, {
      __index = function(_, key)
        dynsup.sleep(10)
        return key .. "!"
      end,
      __call = function(_, _, n)
        dynsup.sleep(10)
        n = (n or 0) + 1
        return n <= 2 and n or nil
      end,
    })
    local values = collect(coroutine.wrap(function()
      coroutine.yield(object.field)
      for n in object do
        coroutine.yield(n)
      end
      coroutine.yield(select(2, pcall(function()
        dynsup.sleep(10)
        error("caught", 0)
      end)))
    end))
    assert.same({ "field!", 1, 2, "caught" }, values)
  end))

  it("may run inside a sort comparator as long as it does not wait", host.main(function()
    local list = { 3, 1, 2 }
    table.sort(list, function(a, b)
      return coroutine.wrap(function()
        coroutine.yield(a < b)
      end)()
    end)
    assert.same({ 1, 2, 3 }, list)
  end))

  it("says so when it would have to wait inside a sort comparator", host.main(function()
    local ok, err = pcall(table.sort, { 3, 1, 2 }, function(a, b)
      return coroutine.wrap(function()
        dynsup.sleep(10)
        coroutine.yield(a < b)
      end)()
    end)
    assert.is_false(ok)
    assert.matches("wait", err)
    assert.same({ 1, 2 }, collect(counter(2, sleep_10)))
  end))
end)

describe("an error in a coroutine", function()
  it("comes out of resume after a wait", host.main(function()
    local thrown = {}
    local co = coroutine.create(function()
      sleep_10()
      error(thrown)
    end)
    local ok, err = coroutine.resume(co)
    assert.is_false(ok)
    assert.equal(thrown, err)
    assert.equal("dead", coroutine.status(co))
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end))

  it("goes through wrap unchanged when it is no string", host.main(function()
    local thrown = {}
    local ok, err = pcall(coroutine.wrap(function()
      sleep_10()
      error(thrown)
    end))
    assert.is_false(ok)
    assert.equal(thrown, err)
  end))

  it("goes through wrap as stock Lua does it when it is a string", host.main(function()
    local generator = coroutine.wrap(function()
      sleep_10()
      error("boom", 0)
    end)
    local line
    local _, err = pcall(function()
      line = debug.getinfo(1, "l").currentline + 1
      generator()
    end)
    assert.matches("coroutine_spec.lua:" .. line .. ": boom$", err)
  end))

  it("closes the variables of a wrapped coroutine", host.main(function()
    local closed = false
    pcall(coroutine.wrap(function()
      local _ <close> = host.closer(function()
        closed = true
      end)
      sleep_10()
      error("boom")
    end))
    assert.is_true(closed)
  end))

  it("ends the process when nobody catches it", host.main(function()
    local crash = host.reason(function()
      coroutine.wrap(function()
        sleep_10()
        error({ code = 7 })
      end)()
    end)
    assert.same({ code = 7 }, crash.error)
  end))

  it("is raised by a wrapped coroutine that is dead", host.main(function()
    local generator = counter(1, sleep_10)
    assert.same({ 1 }, collect(generator))
    local ok, err = pcall(generator)
    assert.is_false(ok)
    assert.matches("cannot resume dead coroutine", err)
  end))
end)

describe("coroutine.status", function()
  it("is \"normal\" for everyone else while a coroutine waits for its process", host.main(function()
    local inner
    local outer = coroutine.create(function()
      inner = coroutine.create(sleep_10)
      coroutine.resume(inner)
    end)
    dynsup.spawn(coroutine.resume, outer)
    dynsup.sleep(5)
    assert.equal("normal", coroutine.status(outer))
    assert.equal("normal", coroutine.status(inner))
    dynsup.sleep(10)
    assert.equal("dead", coroutine.status(outer))
    assert.equal("dead", coroutine.status(inner))
  end))

  it("is \"normal\" for the thread of another process", host.main(function()
    local thread
    dynsup.spawn(function()
      thread = coroutine.running()
      dynsup.sleep(10)
    end)
    dynsup.sleep(5)
    assert.equal("normal", coroutine.status(thread))
  end))

  it("is what stock Lua says within one process", host.main(function()
    local co
    local outer = coroutine.running()
    co = coroutine.create(function()
      sleep_10()
      coroutine.yield(coroutine.status(co), coroutine.status(outer))
    end)
    assert.equal("suspended", coroutine.status(co))
    assert.same({ true, "running", "normal" }, { coroutine.resume(co) })
    assert.equal("suspended", coroutine.status(co))
    coroutine.resume(co)
    assert.equal("dead", coroutine.status(co))
    assert.equal("running", coroutine.status(outer))
  end))
end)

describe("coroutine.resume", function()
  it("refuses a coroutine that waits for another process", host.main(function()
    local co = coroutine.create(sleep_10)
    dynsup.spawn(coroutine.resume, co)
    dynsup.sleep(5)
    assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(co) })
    dynsup.sleep(10)
    assert.equal("dead", coroutine.status(co))
  end))

  it("refuses the thread of another process", host.main(function()
    local thread
    local pid = dynsup.spawn(function()
      thread = coroutine.running()
      dynsup.receive()
    end)
    dynsup.yield()
    assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(thread) })
    assert.is_true(dynsup.is_alive(pid))
    assert.equal("boom", host.stop(pid, "boom"))
  end))

  it("refuses the coroutine that runs", host.main(function()
    local co
    co = coroutine.create(function()
      sleep_10()
      return coroutine.resume(co)
    end)
    assert.same({ true, false, "cannot resume non-suspended coroutine" },
      { coroutine.resume(co) })
  end))
end)

describe("coroutine.close", function()
  it("closes a generator that stands at its own yield", host.main(function()
    local closed = false
    local co = coroutine.create(function()
      local _ <close> = host.closer(function()
        closed = true
      end)
      sleep_10()
      coroutine.yield()
    end)
    coroutine.resume(co)
    assert.is_false(closed)
    assert.same({ true }, { coroutine.close(co) })
    assert.is_true(closed)
    assert.equal("dead", coroutine.status(co))
  end))

  it("refuses a coroutine that waits for another process", host.main(function()
    local co = coroutine.create(sleep_10)
    dynsup.spawn(coroutine.resume, co)
    dynsup.sleep(5)
    local ok, err = pcall(coroutine.close, co)
    assert.is_false(ok)
    assert.matches("cannot close a normal coroutine", err)
  end))
end)

describe("coroutine.running and coroutine.isyieldable", function()
  it("tell in a process that it runs in a thread that can yield", host.main(function()
    local thread, is_main = coroutine.running()
    assert.equal("thread", type(thread))
    assert.is_false(is_main)
    assert.is_true(coroutine.isyieldable())
    dynsup.sleep(1)
    assert.equal(thread, (coroutine.running()))
  end))

  it("tell the same in a generator, before and after a wait", host.main(function()
    local co
    co = coroutine.create(function()
      assert.equal(co, (coroutine.running()))
      assert.is_true(coroutine.isyieldable())
      sleep_10()
      assert.equal(co, (coroutine.running()))
      return coroutine.isyieldable()
    end)
    assert.same({ true, true }, { coroutine.resume(co) })
  end))

  it("tell that a sort comparator cannot yield", host.main(function()
    local yieldable
    table.sort({ 2, 1 }, function(a, b)
      yieldable = coroutine.isyieldable()
      return a < b
    end)
    assert.is_false(yieldable)
  end))

  it("show different threads to different processes that are alive", host.main(function()
    local seen = { [coroutine.running()] = true }
    for _ = 1, 10 do
      dynsup.spawn(function()
        seen[coroutine.running()] = true
        dynsup.receive()
      end)
    end
    dynsup.sleep(1)
    local count = 0
    for _ in pairs(seen) do
      count = count + 1
    end
    assert.equal(11, count)
  end))
end)

describe("a thread that a script has seen", function()
  it("is not used again for another process", host.main(function()
    local seen
    host.reason(function()
      seen = coroutine.running()
    end)
    assert.equal("dead", coroutine.status(seen))
    for _ = 1, 100 do
      local again = false
      host.reason(function()
        again = coroutine.running() == seen
      end)
      assert.is_false(again)
    end
    assert.equal("dead", coroutine.status(seen))
  end))
end)

describe("coroutine.yield at the outermost level", function()
  it("gives way to the others and returns nothing", host.main(function()
    local ran = false
    dynsup.spawn(function()
      ran = true
    end)
    local before = dynsup.now()
    assert.equal(0, select("#", coroutine.yield("dropped", 2)))
    assert.is_true(ran)
    assert.equal(before, dynsup.now())
  end))

  it("leaves the mailbox as it is", host.main(function()
    dynsup.send(dynsup.self(), "kept")
    coroutine.yield()
    assert.equal("kept", dynsup.receive(0))
  end))
end)

describe("coroutines outside of a host", function()
  it("work as ever after a run", function()
    host.run(function()
      collect(counter(3, sleep_10))
    end)
    assert.same({ 1, 2, 3 }, collect(counter(3, function() end)))
    local co = coroutine.create(function(...)
      return select("#", coroutine.yield(...))
    end)
    assert.same({ true, 1, nil, n = 3 }, table.pack(coroutine.resume(co, 1, nil)))
    assert.same({ true, 2 }, { coroutine.resume(co, nil, nil) })
  end)
end)
