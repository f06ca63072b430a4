local dynsup = require "dynsup"
local host = require "spec.support.host"

-- Sends itself the values and receives them again.
local function round_trip(...)
  dynsup.send(dynsup.self(), ...)
  return table.pack(dynsup.receive(0))
end

describe("a message", function()
  it("arrives with all its values", host.main(function()
    assert.same({ "a", 2, true, n = 3 }, round_trip("a", 2, true))
  end))

  it("keeps nils in the middle and at the end", host.main(function()
    assert.same({ "a", nil, "c", nil, nil, n = 5 }, round_trip("a", nil, "c", nil, nil))
  end))

  it("may begin with false", host.main(function()
    assert.same({ false, n = 1 }, round_trip(false))
  end))

  it("keeps integers and floats apart", host.main(function()
    local got = round_trip(1, 1.0, math.maxinteger, math.mininteger, -0.0)
    assert.equal("integer", math.type(got[1]))
    assert.equal("float", math.type(got[2]))
    assert.equal(math.maxinteger, got[3])
    assert.equal(math.mininteger, got[4])
    assert.equal(-math.huge, 1 / got[5])
  end))

  it("carries strings byte by byte", host.main(function()
    local text = "zero \0 and " .. ("long "):rep(10000)
    assert.equal(text, round_trip(text)[1])
  end))

  it("carries pids, refs, functions and threads", host.main(function()
    local pid, ref = dynsup.spawn_monitor(dynsup.receive)
    local thread = coroutine.create(print)
    assert.same({ pid, ref, print, thread, n = 4 }, round_trip(pid, ref, print, thread))
  end))

  it("hands tables on by reference", host.main(function()
    local shared = { 1 }
    local pid, down = dynsup.spawn_monitor(function()
      local got = dynsup.receive()
      got[1] = got == shared
    end)
    dynsup.send(pid, shared)
    host.down(down)
    assert.same({ true }, shared)
  end))

  it("may have hundreds of values", host.main(function()
    local values = {}
    for i = 1, 240 do
      values[i] = i
    end
    local got = round_trip(table.unpack(values))
    assert.equal(240, got.n)
    assert.equal(1, got[1])
    assert.equal(240, got[240])
  end))

  it("outlives a garbage collection in the mailbox", host.main(function()
    dynsup.send(dynsup.self(), { "a table" }, "a " .. "string")
    collectgarbage()
    collectgarbage()
    local got, text = dynsup.receive(0)
    assert.same({ "a table" }, got)
    assert.equal("a string", text)
  end))
end)

describe("the mailbox", function()
  it("keeps no hold on a message that was received", host.main(function()
    local weak = setmetatable({}, { __mode = "v" })
    local function post()
      weak[1] = {}
      dynsup.send(dynsup.self(), "table", weak[1])
    end
    local function take()
      assert.equal(weak[1], (select(2, dynsup.receive(0))))
    end
    post()
    take()
    dynsup.yield()
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end))

  it("lets go of its messages when the process ends", host.main(function()
    local weak = setmetatable({}, { __mode = "v" })
    local pid = dynsup.spawn(dynsup.sleep, "infinity")
    local function post()
      weak[1] = {}
      dynsup.send(pid, weak[1])
    end
    post()
    assert.equal("killed", host.stop(pid, "kill"))
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end))

  it("keeps ten thousand messages in order", host.main(function()
    for i = 1, 10000 do
      dynsup.send(dynsup.self(), i)
    end
    for i = 1, 10000 do
      local got = dynsup.receive(0)
      if got ~= i then
        assert.equal(i, got)
      end
    end
    assert.same({}, host.drain())
  end))
end)

describe("send", function()
  it("returns true to a process that is alive", host.main(function()
    assert.same({ true, n = 1 }, table.pack(dynsup.send(dynsup.self(), "hello")))
  end))

  it("drops a message to the dead and returns true", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    assert.same({ true, n = 1 }, table.pack(dynsup.send(pid, "hello")))
    assert.same({}, host.drain())
  end))

  it("finds a process by its name", host.main(function()
    dynsup.register("main", dynsup.self())
    assert.is_true(dynsup.send("main", "hello"))
    assert.equal("hello", dynsup.receive(0))
  end))

  it("says noproc for a name that nobody has", host.main(function()
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.send("nobody", "hello")))
  end))

  it("does not let the receiver run at once", host.main(function()
    local got
    local pid = dynsup.spawn(function()
      got = dynsup.receive()
    end)
    dynsup.yield()
    dynsup.send(pid, "hello")
    assert.is_nil(got)
    dynsup.yield()
    assert.equal("hello", got)
  end))

  it("keeps the order of messages and signals from one process to another", host.main(function()
    local main = dynsup.self()
    dynsup.flag("trap_exit", true)
    local pid = dynsup.spawn_link(function()
      dynsup.send(main, "first")
      dynsup.exit(main, "second")
      dynsup.send(main, "third")
      dynsup.exit("fourth")
    end)
    dynsup.sleep(1)
    assert.same({
      { "first", n = 1 },
      { "EXIT", pid, "second", n = 3 },
      { "third", n = 1 },
      { "EXIT", pid, "fourth", n = 3 },
    }, host.drain())
  end))

  it("puts a message before the DOWN of its sender", host.main(function()
    local main = dynsup.self()
    local _, ref = dynsup.spawn_monitor(function()
      dynsup.send(main, "last words")
    end)
    assert.equal("last words", dynsup.receive())
    local tag, down_ref = dynsup.receive()
    assert.same({ "DOWN", ref }, { tag, down_ref })
  end))

  it("works inside a sort comparator", host.main(function()
    local sent = 0
    table.sort({ 3, 1, 2 }, function(a, b)
      dynsup.send(dynsup.self(), a, b)
      sent = sent + 1
      return a < b
    end)
    assert.equal(sent, #host.drain())
  end))
end)

describe("receive", function()
  it("takes the oldest message first", host.main(function()
    dynsup.send(dynsup.self(), 1)
    dynsup.send(dynsup.self(), 2)
    assert.equal(1, dynsup.receive())
    assert.equal(2, dynsup.receive())
  end))

  it("waits for a message", host.main(function()
    local main = dynsup.self()
    local before = dynsup.now()
    dynsup.spawn(function()
      dynsup.sleep(50)
      dynsup.send(main, "late", nil)
    end)
    assert.same({ "late", nil, n = 2 }, table.pack(dynsup.receive()))
    assert.equal(before + 50, dynsup.now())
  end))

  it("gives up when its time is over", host.main(function()
    local before = dynsup.now()
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(75)))
    assert.equal(before + 75, dynsup.now())
  end))

  it("only looks when its time is 0", host.main(function()
    local before = dynsup.now()
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(0)))
    dynsup.send(dynsup.self(), "here")
    assert.same({ "here", n = 1 }, table.pack(dynsup.receive(0)))
    assert.equal(before, dynsup.now())
  end))

  it("waits for ever with \"infinity\", nil and enormous times", host.main(function()
    for _, ms in ipairs { { "infinity" }, { nil }, { math.huge }, { 1e300 }, { 1e15 } } do
      dynsup.send_after(1000000, dynsup.self(), "at last")
      assert.equal("at last", dynsup.receive(ms[1]))
    end
  end))

  it("is not late for a message that came in time", host.main(function()
    dynsup.send_after(10, dynsup.self(), "in time")
    assert.equal("in time", dynsup.receive(11))
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(100)))
  end))

  it("lets nothing of an old time limit disturb the next wait", host.main(function()
    dynsup.send(dynsup.self(), "at once")
    assert.equal("at once", dynsup.receive(10))
    dynsup.send_after(5, dynsup.self(), "soon")
    assert.equal("soon", dynsup.receive(10))
    local before = dynsup.now()
    dynsup.receive(30)
    assert.equal(before + 30, dynsup.now())
  end))
end)

describe("a message with more values than the stack has room for", function()
  local MANY = 990000

  -- Calls f so deep that there is no room.
  local function deep(f, depth)
    if depth == 0 then return table.pack(pcall(f)) end
    local results = deep(f, depth - 1)
    return results
  end

  local function big()
    return "big", table.unpack({}, 1, MANY)
  end

  local receives = {
    receive = function() return dynsup.receive(10) end,
    ["receive_match of a value"] = function() return dynsup.receive_match("big", 10) end,
    ["receive_match with a function"] = function()
      return dynsup.receive_match(function(tag) return tag == "big" end, 10)
    end,
  }

  for name, receive in host.sorted(receives) do
    it("stays, with an error of " .. name, host.main(function()
      dynsup.send(dynsup.self(), big())
      local results = deep(receive, 5000)
      assert.is_false(results[1])
      assert.matches("too many values in a message", results[2])
      assert.equal(MANY + 1, select("#", dynsup.receive(0)))
    end))
  end

  it("stays when it comes to who waits, who is told", host.main(function()
    local main = dynsup.self()
    local pid = dynsup.spawn(function()
      local results = deep(dynsup.receive, 5000)
      dynsup.send(main, results.n, results[2], results[3], select("#", dynsup.receive(0)))
    end)
    dynsup.sleep(1)
    dynsup.send(pid, big())
    assert.same({ 3, nil, "message_too_big", MANY + 1 }, { dynsup.receive(10) })
  end))
end)
