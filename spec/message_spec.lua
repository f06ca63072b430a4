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

describe("receive_match", function()
  -- The caller's mailbox holds ("a", 1), ("b", 2), ("a", 3), ("c", 4).
  local function fill()
    for i, tag in ipairs { "a", "b", "a", "c" } do
      dynsup.send(dynsup.self(), tag, i)
    end
  end

  it("takes the first message whose first value is the given one", host.main(function()
    fill()
    assert.same({ "b", 2, n = 2 }, table.pack(dynsup.receive_match("b")))
    assert.same({ "a", 1, n = 2 }, table.pack(dynsup.receive_match("a")))
  end))

  it("leaves the others queued in their order", host.main(function()
    fill()
    dynsup.receive_match("c")
    dynsup.receive_match("b")
    assert.same({ { "a", 1, n = 2 }, { "a", 3, n = 2 } }, host.drain())
  end))

  it("can take the last message and the mailbox still grows at its end", host.main(function()
    fill()
    dynsup.receive_match("c")
    dynsup.send(dynsup.self(), "d", 5)
    local tags = {}
    for i, message in ipairs(host.drain()) do
      tags[i] = message[1]
    end
    assert.same({ "a", "b", "a", "d" }, tags)
  end))

  it("asks a function, which sees all the values", host.main(function()
    fill()
    dynsup.send(dynsup.self(), "a", nil, "x")
    local third = table.pack(dynsup.receive_match(function(tag, number)
      return tag == "a" and number == 3
    end))
    assert.same({ "a", 3, n = 2 }, third)
    local seen
    dynsup.receive_match(function(...)
      seen = select("#", ...)
      return seen == 3
    end)
    assert.equal(3, seen)
  end))

  it("asks the function about each message once", host.main(function()
    fill()
    local asked = {}
    dynsup.send_after(10, dynsup.self(), "d", 5)
    dynsup.receive_match(function(tag, number)
      asked[#asked + 1] = number
      return tag == "d"
    end)
    assert.same({ 1, 2, 3, 4, 5 }, asked)
  end))

  it("compares raw", host.main(function()
    local alike = { __eq = function()
      return true
    end }
    local wanted = setmetatable({}, alike)
    dynsup.send(dynsup.self(), setmetatable({}, alike), "not this")
    dynsup.send(dynsup.self(), wanted, "this")
    assert.equal("this", (select(2, dynsup.receive_match(wanted))))
  end))

  it("matches numbers, booleans, strings, pids and refs", host.main(function()
    local pid, ref = dynsup.spawn_monitor(dynsup.receive)
    for _, value in ipairs { 7, 7.5, true, false, "text", pid, ref, ("x"):rep(100) } do
      dynsup.send(dynsup.self(), "other")
      dynsup.send(dynsup.self(), value)
      assert.same({ value, n = 1 }, table.pack(dynsup.receive_match(value, 0)))
    end
  end))

  -- Values of which some are alike in all but one thing: length, their middle, their kind.
  local function alikes()
    local long, text = ("x"):rep(100), ("x"):rep(48)
    return {
      "text", "texts", "", "DOWN", "timeout", 7, 7.5, true, false, {}, {}, dynsup.self(), long,
      long .. "x", long:sub(1, 50) .. "y" .. long:sub(52), "12345678a87654321", "12345678b87654321",
      text, print, dynsup.receive, coroutine.create(print), io.stdout, 2 ^ 53, math.mininteger,
    }
  end

  it("passes again and again what it has passed before, and finds each", host.main(function()
    local me, values = dynsup.self(), alikes()
    for i, value in ipairs(values) do
      dynsup.send(me, value, i)
    end
    for _ = 1, 3 do
      assert.is_nil((dynsup.receive_match("nobody", 0)))
      assert.is_nil((dynsup.receive_match({}, 0)))
      assert.is_nil((dynsup.receive_match(8, 0)))
    end
    for i = #values, 1, -1 do
      local wanted = values[i]
      if type(wanted) == "string" then -- another string with the same text, where that is possible
        wanted = table.concat { wanted:sub(1, 9), wanted:sub(10) }
      end
      if type(wanted) ~= "function" then
        assert.same({ values[i], i }, { dynsup.receive_match(wanted, 0) })
      end
    end
    assert.same({ { print, 19, n = 2 }, { dynsup.receive, 20, n = 2 } }, host.drain())
  end))

  it("tells an atom of the host's own from a text, and one of them from another", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    dynsup.send(dynsup.self(), "DOWN?", 1)
    dynsup.yield()
    assert.is_nil((dynsup.receive_match("EXIT", 0)))
    assert.same({ "DOWN", ref, pid, "normal" }, { dynsup.receive_match("DOWN", 0) })
    assert.same({ "DOWN?", 1 }, { dynsup.receive_match("DOWN?", 0) })
  end))

  it("takes 1 and 1.0 for the same, as rawequal does", host.main(function()
    dynsup.send(dynsup.self(), 1.0)
    assert.equal("float", math.type(dynsup.receive_match(1, 0)))
    dynsup.send(dynsup.self(), 1)
    assert.equal("integer", math.type(dynsup.receive_match(1.0, 0)))
    dynsup.send(dynsup.self(), "1")
    assert.is_nil((dynsup.receive_match(1, 0)))
  end))

  it("waits for the message, past others", host.main(function()
    local before = dynsup.now()
    dynsup.send_after(10, dynsup.self(), "other")
    dynsup.send_after(20, dynsup.self(), "wanted", 1)
    assert.same({ "wanted", 1, n = 2 }, table.pack(dynsup.receive_match("wanted")))
    assert.equal(before + 20, dynsup.now())
    assert.equal("other", dynsup.receive(0))
  end))

  it("gives up when its time is over, whatever else arrives", host.main(function()
    local before = dynsup.now()
    for ms = 10, 90, 10 do
      dynsup.send_after(ms, dynsup.self(), "other")
    end
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive_match("wanted", 55)))
    assert.equal(before + 55, dynsup.now())
    assert.equal(5, #host.drain())
  end))

  it("only looks when its time is 0", host.main(function()
    dynsup.send(dynsup.self(), "other")
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive_match("wanted", 0)))
    assert.equal("other", dynsup.receive(0))
  end))

  it("raises the function's error and loses no message", host.main(function()
    fill()
    local ok, err = pcall(dynsup.receive_match, function(_, number)
      if number == 2 then
        error("no opinion", 0)
      end
    end)
    assert.is_false(ok)
    assert.equal("no opinion", err)
    assert.equal(4, #host.drain())
  end))

  it("passes 200,000 messages on its way to the last", host.main(function()
    local count = 200000
    for i = 1, count do dynsup.send(dynsup.self(), i) end
    assert.equal(count, dynsup.receive_match(function(i) return i == count end))
    assert.equal(count - 1, dynsup.receive_match(count - 1))
  end, { preempt = false }))

  it("takes the right message after its function has flushed a DOWN", host.main(function()
    local _, ref = dynsup.spawn_monitor(function() end)
    dynsup.sleep(1)
    fill()
    assert.same({ "b", 2 }, { dynsup.receive_match(function(tag)
      dynsup.demonitor(ref)
      return tag == "b"
    end) })
    assert.equal(3, #host.drain())
  end))

  it("lets the function send to its own process", host.main(function()
    fill()
    dynsup.receive_match(function(tag)
      dynsup.send(dynsup.self(), "seen", tag)
      return tag == "b"
    end)
    assert.same({ { "a", 1, n = 2 }, { "a", 3, n = 2 }, { "c", 4, n = 2 },
      { "seen", "a", n = 2 }, { "seen", "b", n = 2 } }, host.drain())
  end))

  it("works with finalizers that send meanwhile", host.main(function()
    local sink = dynsup.spawn(function()
      while true do dynsup.sleep(1) while dynsup.receive(0) do end end
    end)
    local busy = true
    local function churn()
      setmetatable({}, { __gc = function()
        for _ = 1, 3 do dynsup.send(sink, {}) end
        if busy then churn() end
      end })
    end
    churn()
    local mode = collectgarbage("incremental", 20, 10000, 1)
    for _ = 1, 500 do
      dynsup.spawn(function() dynsup.dict().x = {} dynsup.receive(10) error {} end)
      dynsup.sleep(1)
    end
    busy = false
    collectgarbage(mode)
    collectgarbage("incremental", 200, 100, 13)
    dynsup.exit(sink, "kill")
  end, { log_level = "off" }))

  it("finds the EXIT of one process among others", host.main(function()
    dynsup.flag("trap_exit", true)
    dynsup.spawn_link(dynsup.exit, "other")
    local wanted = dynsup.spawn_link(dynsup.exit, "wanted")
    local _, _, reason = dynsup.receive_match(function(tag, pid)
      return tag == "EXIT" and pid == wanted
    end)
    assert.equal("wanted", reason)
    assert.equal("other", host.drain()[1][3])
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
