local dynsup = require "dynsup"
local host = require "spec.support.host"

describe("now", function()
  it("is a float of milliseconds that stands still while the host is busy", host.main(function()
    local before = dynsup.now()
    assert.equal("float", math.type(before))
    for _ = 1, 1000 do
      dynsup.yield()
    end
    assert.equal(before, dynsup.now())
  end))
end)

describe("sleep", function()
  it("lasts as long as it is told, and returns nothing", host.main(function()
    local before = dynsup.now()
    assert.equal(0, select("#", dynsup.sleep(100)))
    assert.equal(before + 100, dynsup.now())
  end))

  it("is never too short for a fraction", host.main(function()
    local before = dynsup.now()
    dynsup.sleep(0.25)
    assert.is_true(dynsup.now() >= before + 0.25)
    assert.is_true(dynsup.now() <= before + 1)
  end))

  it("of 0 gives way to all that are ready", host.main(function()
    local ran = 0
    local before = dynsup.now()
    for _ = 1, 3 do
      dynsup.spawn(function()
        ran = ran + 1
      end)
    end
    assert.equal(0, select("#", dynsup.sleep(0)))
    assert.equal(3, ran)
    assert.equal(before, dynsup.now())
  end))

  it("is not ended by messages, which stay queued", host.main(function()
    local before = dynsup.now()
    dynsup.send_after(10, dynsup.self(), "first")
    dynsup.send_after(20, dynsup.self(), "second")
    dynsup.sleep(50)
    assert.equal(before + 50, dynsup.now())
    assert.same({ { "first", n = 1 }, { "second", n = 1 } }, host.drain())
  end))

  it("for ever lasts until a signal", host.main(function()
    for _, ms in ipairs { { "infinity" }, { nil }, { math.huge }, { 1e300 } } do
      local pid = dynsup.spawn(dynsup.sleep, ms[1])
      dynsup.sleep(1e9)
      assert.is_true(dynsup.is_alive(pid))
      assert.equal("wake up", host.stop(pid, "wake up"))
    end
  end))

  it("wakes sleepers in the order of their times", host.main(function()
    local order = {}
    for _, ms in ipairs { 30, 10, 20, 5, 25 } do
      dynsup.spawn(function()
        dynsup.sleep(ms)
        order[#order + 1] = ms
      end)
    end
    dynsup.sleep(40)
    assert.same({ 5, 10, 20, 25, 30 }, order)
  end))

  it("wakes ten thousand sleepers each at its time", host.main(function()
    local start = dynsup.now()
    local wrong, awake = 0, 0
    for i = 1, 10000 do
      dynsup.spawn(function()
        local ms = i * 7919 % 5000
        dynsup.sleep(ms)
        awake = awake + 1
        if dynsup.now() ~= start + ms then
          wrong = wrong + 1
        end
      end)
    end
    dynsup.sleep(5000)
    assert.equal(10000, awake)
    assert.equal(0, wrong)
  end))

  it("keeps its time over hours and days", host.main(function()
    local before = dynsup.now()
    for _, ms in ipairs { 3600000, 86400000, 30 * 86400000 } do
      local start = dynsup.now()
      dynsup.sleep(ms)
      assert.equal(start + ms, dynsup.now())
    end
    assert.equal(before + 3600000 + 31 * 86400000, dynsup.now())
  end))
end)

describe("send_after", function()
  it("delivers the message at its time and not before", host.main(function()
    local before = dynsup.now()
    dynsup.send_after(40, dynsup.self(), "tick", nil, 3, nil)
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(39)))
    assert.same({ "tick", nil, 3, nil, n = 4 }, table.pack(dynsup.receive()))
    assert.equal(before + 40, dynsup.now())
  end))

  it("delivers later even with a time of 0", host.main(function()
    dynsup.send_after(0, dynsup.self(), "later")
    dynsup.send(dynsup.self(), "now")
    assert.equal("now", dynsup.receive())
    assert.equal("later", dynsup.receive())
  end))

  it("delivers messages with the same time in the order they were made", host.main(function()
    for i = 1, 100 do
      dynsup.send_after(10, dynsup.self(), i)
    end
    dynsup.sleep(10)
    dynsup.yield()
    local messages = host.drain()
    assert.equal(100, #messages)
    for i, message in ipairs(messages) do
      assert.equal(i, message[1])
    end
  end))

  it("delivers messages in the order of their times", host.main(function()
    for _, ms in ipairs { 500, 3, 70000, 64, 65, 1, 4096, 63 } do
      dynsup.send_after(ms, dynsup.self(), ms)
    end
    local order = {}
    for i = 1, 8 do
      order[i] = dynsup.receive()
    end
    assert.same({ 1, 3, 63, 64, 65, 500, 4096, 70000 }, order)
  end))

  it("finds the process by its name when the timer is made", host.main(function()
    local got
    local pid = dynsup.spawn(function()
      got = dynsup.receive()
    end)
    dynsup.register("worker", pid)
    dynsup.send_after(10, "worker", "tick")
    dynsup.unregister("worker")
    dynsup.register("worker", dynsup.self())
    dynsup.sleep(20)
    assert.equal("tick", got)
    assert.same({}, host.drain())
  end))

  it("says noproc for a name that nobody has", host.main(function()
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.send_after(10, "nobody", "tick")))
  end))

  it("goes on when the process that made the timer ends", host.main(function()
    local main = dynsup.self()
    host.reason(function()
      dynsup.send_after(10, main, "from the dead")
    end)
    assert.equal("from the dead", dynsup.receive())
  end))

  it("ends with its destination", host.main(function()
    local pid = dynsup.spawn(dynsup.sleep, "infinity")
    local timer = dynsup.send_after(1000, pid, "tick")
    host.stop(pid, "boom")
    assert.is_nil((dynsup.cancel_timer(timer)))
  end))

  it("does not keep a run going for a destination that is gone", function()
    local start, ended
    host.run(function()
      local pid = dynsup.spawn(dynsup.sleep, "infinity")
      dynsup.send_after(1000000, pid, "tick")
      dynsup.spawn(function()
        local _ <close> = host.closer(function()
          ended = dynsup.now()
        end)
        dynsup.receive()
      end)
      start = dynsup.now()
      host.stop(pid, "boom")
    end)
    assert.equal(start, ended)
  end)

  it("does not keep a run going that is for ever", function()
    assert.is_true(dynsup.run(function() -- on the real clock, where it would wait
      dynsup.send_after("infinity", dynsup.self(), "never")
      dynsup.send_after(1e300, dynsup.self(), "never")
    end))
    assert.equal("deadlock", select(2, host.outcome(function()
      dynsup.send_after("infinity", dynsup.self(), "never")
      dynsup.receive()
    end)))
  end)

  it("keeps tables by reference", host.main(function()
    local shared = {}
    dynsup.send_after(10, dynsup.self(), shared)
    collectgarbage()
    assert.equal(shared, dynsup.receive())
  end))
end)

describe("cancel_timer", function()
  it("returns the milliseconds that were left, and nothing is delivered", host.main(function()
    local timer = dynsup.send_after(100, dynsup.self(), "tick")
    dynsup.sleep(30)
    local left = dynsup.cancel_timer(timer)
    assert.equal(70, left)
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(200)))
  end))

  it("returns infinity for a timer that is for ever", host.main(function()
    local timer = dynsup.send_after("infinity", dynsup.self(), "never")
    dynsup.sleep(10)
    assert.equal(math.huge, dynsup.cancel_timer(timer))
    assert.is_nil(dynsup.cancel_timer(timer))
  end))

  it("returns nil for a timer that has fired", host.main(function()
    local timer = dynsup.send_after(10, dynsup.self(), "tick")
    dynsup.receive()
    assert.is_nil((dynsup.cancel_timer(timer)))
  end))

  it("returns nil for a timer that was cancelled before", host.main(function()
    local timer = dynsup.send_after(10, dynsup.self(), "tick")
    dynsup.cancel_timer(timer)
    assert.is_nil((dynsup.cancel_timer(timer)))
  end))

  it("may be called by another process", host.main(function()
    local timer = dynsup.send_after(10, dynsup.self(), "tick")
    local left
    host.reason(function()
      left = dynsup.cancel_timer(timer)
    end)
    assert.equal(10, left)
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(20)))
  end))

  it("does not touch a later timer that took the place of an old one", host.main(function()
    local old = dynsup.send_after(10, dynsup.self(), "old")
    dynsup.cancel_timer(old)
    for i = 1, 100 do
      dynsup.send_after(10, dynsup.self(), i)
    end
    assert.is_nil((dynsup.cancel_timer(old)))
    dynsup.sleep(20)
    assert.equal(100, #host.drain())
  end))

  it("removes any of a thousand timers and leaves the others", host.main(function()
    local timers = {}
    for i = 1, 1000 do
      timers[i] = dynsup.send_after(i * 37 % 1000 + 1, dynsup.self(), i)
    end
    for i = 1, 1000 do
      if i % 3 ~= 0 then
        dynsup.cancel_timer(timers[i])
      end
    end
    dynsup.sleep(1001)
    local messages = host.drain()
    assert.equal(333, #messages)
    for _, message in ipairs(messages) do
      if message[1] % 3 ~= 0 then
        assert.is_nil(message[1])
      end
    end
  end))
end)
