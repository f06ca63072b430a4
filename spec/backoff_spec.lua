local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

-- Starts a child that lives for each of the given times, crashes, and stays up at last. Returns the
-- delays between each crash and the start that follows.
local function delays(backoff, lives, fields)
  local main, starts = dynsup.self(), {}
  local spec = { backoff = backoff, body = function()
    starts[#starts + 1] = dynsup.now()
    local life = lives[#starts]
    if not life then
      dynsup.send(main, "up")
      family.idle()
    end
    dynsup.sleep(life)
    error("the end of this life", 0)
  end }
  for key, value in pairs(fields or {}) do spec[key] = value end
  local sup = dynsup.start_link { max_restarts = 0 }
  dynsup.start_child(sup, spec)
  dynsup.receive_match("up")
  local result = {}
  for i, life in ipairs(lives) do result[i] = starts[i + 1] - starts[i] - life end
  return result
end

local function assert_delays(expected, actual)
  assert.equal(#expected, #actual)
  for i, delay in ipairs(expected) do assert.near(delay, actual[i], 0.001) end
end

-- A supervisor whose child waits 100 ms for its restart, its last pid, and a counter of its starts.
local function restarting(fields)
  local starts = 0
  local spec = { backoff = { min = 100, jitter = 0 }, body = function()
    starts = starts + 1
    family.mortal()
  end }
  for key, value in pairs(fields or {}) do spec[key] = value end
  local sup = dynsup.start_link { max_restarts = 0 }
  local pid = dynsup.start_child(sup, spec)
  dynsup.sleep(1)
  family.finish(pid, "crash", "boom")
  return sup, pid, function() return starts end
end

describe("a backoff", function()
  it("delays the first restart by min", host.main(function()
    assert_delays({ 70 }, delays({ min = 70, jitter = 0 }, { 0 }))
  end))

  it("doubles the delay at each failure, up to max", host.main(function()
    assert_delays({ 100, 200, 400, 800, 1000, 1000 },
      delays({ min = 100, max = 1000, jitter = 0 }, { 0, 0, 0, 0, 0, 0 }))
  end))

  it("multiplies by its factor", host.main(function()
    assert_delays({ 10, 30, 90, 270 }, delays({ min = 10, factor = 3, jitter = 0 }, { 0, 0, 0, 0 }))
    assert_delays({ 10, 10, 10 }, delays({ min = 10, factor = 1, jitter = 0 }, { 0, 0, 0 }))
    assert_delays({ 10, 15, 22.5 }, delays({ min = 10, factor = 1.5, jitter = 0 }, { 0, 0, 0 }))
  end))

  it("has the defaults 100 ms, 30 s and doubling", host.main(function()
    assert_delays({ 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000 },
      delays({ jitter = 0 }, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }))
  end))

  it("goes on doubling while lives are shorter than reset_after", host.main(function()
    assert_delays({ 100, 200, 400 },
      delays({ min = 100, jitter = 0, reset_after = 5000 }, { 0, 4999, 4999 }))
  end))

  it("begins anew after a life of reset_after", host.main(function()
    assert_delays({ 100, 200, 100, 200 },
      delays({ min = 100, jitter = 0, reset_after = 5000 }, { 0, 0, 5000, 0 }))
  end))

  it("has max as the default of reset_after", host.main(function()
    assert_delays({ 100, 200, 400, 100 },
      delays({ min = 100, max = 1000, jitter = 0 }, { 0, 0, 999, 1000 }))
  end))

  it("does not wait before the first start", host.main(function()
    local sup, started = dynsup.start_link {}, nil
    dynsup.start_child(sup, { backoff = true, body = function()
      started = dynsup.now()
      family.idle()
    end })
    local now = dynsup.now()
    dynsup.sleep(1)
    assert.equal(now, started)
  end))

  it("delays each child by its own series", host.main(function()
    local backoff = { min = 100, jitter = 0 }
    assert_delays({ 100, 200, 400 }, delays(backoff, { 0, 0, 0 }))
    assert_delays({ 100, 200, 400 }, delays(backoff, { 0, 0, 0 }))
  end))

  it("delays the failed restarts of a start function, too", host.main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local main, times = dynsup.self(), {}
    local plan = family.planned(family.up, family.fails, family.fails, family.up)
    local pid = dynsup.start_child(sup, { backoff = { min = 100, jitter = 0 }, start = function()
      times[#times + 1] = dynsup.now()
      if #times == 4 then dynsup.send(main, "up") end
      return plan()
    end })
    family.finish(pid, "crash", "boom")
    dynsup.receive_match("up")
    assert_delays({ 100, 200, 400 },
      { times[2] - times[1], times[3] - times[2], times[4] - times[3] })
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))
end)

describe("the jitter of a backoff", function()
  local function first_delay(backoff, seed)
    return host.run(function() return delays(backoff, { 0 })[1] end, { seed = seed })
  end

  it("spreads the delay evenly around, by the given part of it", function()
    local low, high, different = math.huge, 0, {}
    for seed = 1, 60 do
      local delay = first_delay({ min = 1000, jitter = 0.25 }, seed)
      assert.is_true(delay >= 750 - 0.001 and delay <= 1250 + 0.001, tostring(delay))
      low, high = math.min(low, delay), math.max(high, delay)
      different[delay] = true
    end
    assert.is_true(low < 900, tostring(low))
    assert.is_true(high > 1100, tostring(high))
    local count = 0
    for _ in pairs(different) do count = count + 1 end
    assert.is_true(count > 30, tostring(count))
  end)

  it("is a tenth unless the backoff says otherwise", function()
    local low, high = math.huge, 0
    for seed = 1, 60 do
      local delay = first_delay(true, seed)
      assert.is_true(delay >= 90 - 0.001 and delay <= 110 + 0.001, tostring(delay))
      low, high = math.min(low, delay), math.max(high, delay)
    end
    assert.is_true(low < 95, tostring(low))
    assert.is_true(high > 105, tostring(high))
  end)

  it("is the same in two runs with the same seed", function()
    for seed = 1, 5 do
      assert.equal(first_delay(true, seed), first_delay(true, seed))
    end
  end)

  it("never takes the delay beyond max", function()
    for seed = 1, 30 do
      local delay = first_delay({ min = 1000, max = 1000, jitter = 1 }, seed)
      assert.is_true(delay >= 0 and delay <= 1000.001, tostring(delay))
    end
  end)

  it("does not change the series", host.main(function()
    local result = delays({ min = 100, jitter = 0.1 }, { 0, 0, 0, 0 })
    for i, expected in ipairs { 100, 200, 400, 800 } do
      assert.near(expected, result[i], expected * 0.1 + 0.001)
    end
  end))
end)

describe("a delayed restart", function()
  it("does not count towards max_restarts", host.main(function()
    local result = delays({ min = 1, max = 1, jitter = 0 }, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })
    assert.equal(10, #result)
  end))

  it("leaves the restarts of other children counted", family.trapping(function()
    local sup = restarting()
    local ref = dynsup.monitor(sup)
    dynsup.exit((dynsup.start_child(sup, { body = family.idle })), "kill")
    assert.equal("shutdown", host.down(ref))
  end))

  it("leaves the child restarting meanwhile", host.main(function()
    local sup, pid, starts = restarting()
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
    local entry = family.only(sup)
    assert.equal("restarting", entry.pid)
    assert.equal(pid, entry.last_pid)
    dynsup.sleep(99)
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
    assert.equal(1, starts())
    dynsup.sleep(2)
    assert.same(family.workers(1), dynsup.count_children(sup))
    assert.equal(2, starts())
  end))

  it("does not come when the child is terminated by its last pid", host.main(function()
    local sup, pid, starts = restarting()
    local took, done = family.elapsed(dynsup.terminate_child, sup, pid)
    assert.is_true(done)
    assert.equal(0, took)
    assert.same(family.workers(0), dynsup.count_children(sup))
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, pid) })
    dynsup.sleep(1000)
    assert.equal(1, starts())
  end))

  it("does not come when the child is terminated by its name", host.main(function()
    local sup, _, starts = restarting { name = "it" }
    assert.is_true(dynsup.terminate_child(sup, "it"))
    dynsup.sleep(1000)
    assert.equal(1, starts())
  end))

  it("does not come when the supervisor stops", host.main(function()
    local sup, _, starts = restarting()
    local took, done = family.elapsed(dynsup.stop, sup)
    assert.is_true(done)
    assert.equal(0, took)
    dynsup.sleep(1000)
    assert.equal(1, starts())
  end))

  it("does not come when the supervisor is killed", family.trapping(function()
    local sup, _, starts = restarting()
    dynsup.exit(sup, "kill")
    dynsup.sleep(1000)
    assert.equal(1, starts())
  end))

  it("does not hold up the supervisor", host.main(function()
    local sup = restarting()
    local took, pid = family.elapsed(dynsup.start_child, sup, family.idle)
    assert.equal(0, took)
    assert.is_true(dynsup.is_pid(pid))
  end))
end)

describe("a child with a backoff", function()
  it("that is temporary is not restarted", host.main(function()
    local sup, _, starts = restarting { restart = "temporary" }
    assert.same(family.workers(0), dynsup.count_children(sup))
    dynsup.sleep(1000)
    assert.equal(1, starts())
  end))

  it("that is transient and ends normally is not restarted", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.mortal, restart = "transient",
      backoff = true })
    family.finish(pid, "return")
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("that is permanent is restarted after a normal end, with the delay", host.main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local pid = dynsup.start_child(sup, { body = family.mortal,
      backoff = { min = 100, jitter = 0 } })
    family.finish(pid, "return")
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
    dynsup.sleep(101)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))
end)

describe("a backoff beside start functions", function()
  -- A start function that takes its time and makes nothing.
  local function none_after(ms)
    return { start = function()
      dynsup.sleep(ms)
      return nil, "none"
    end }
  end

  it("has its turn between starts that come one after the other", host.main(function()
    local sup, _, starts = restarting()
    for i = 1, 5 do
      dynsup.start_child(sup, none_after(60))
      assert.equal(i < 3 and 1 or 2, starts()) -- it is due in the middle of the second
    end
  end))

  it("goes by how long the child lived, not by when its end had its turn", host.main(function()
    local starts = {}
    local sup = dynsup.start_link {}
    local function short_life()
      starts[#starts + 1] = dynsup.now()
      dynsup.sleep(10)
      error("short", 0)
    end
    dynsup.start_child(sup, { body = short_life, backoff = { min = 100, jitter = 0, reset_after = 500 } })
    dynsup.sleep(115)
    assert.equal(2, #starts)
    dynsup.start_child(sup, none_after(700)) -- the end of the second life waits for this
    dynsup.sleep(150)
    assert.equal(2, #starts) -- 200 ms, not 100
    dynsup.sleep(60)
    assert.equal(3, #starts)
    dynsup.stop(sup)
  end))
end)
