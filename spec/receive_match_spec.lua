-- receive_match: messages that are taken out of the middle of the mailbox.

local dynsup = require "dynsup"
local host = require "spec.support.host"

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
