-- Periodic timers of a soak: the n-th tick is held against n * period.
local dynsup = require "dynsup"

local ticks = {}

local function ns(ms)
  return math.floor(ms * 1e6 + 0.5)
end

-- The ways to wait for a number of ms; "sent" is by a message to itself.
local ways = {
  { "sleep", dynsup.sleep },
  {
    "receive",
    function(ms)
      assert(select(2, dynsup.receive(ms)) == "timeout")
    end,
  },
  {
    "sent",
    function(ms)
      dynsup.send_after(ms, dynsup.self(), "tick")
      assert(dynsup.receive() == "tick")
    end,
  },
  {
    "await",
    function(ms)
      assert(select(2, dynsup.await(function() end, ms)) == "timeout")
    end,
  },
}

-- Ticks until it is told to stop; exact: no tick is ever late. Otherwise lateness is kept in tenths
-- of the whole time: its sum, least and longest. A tick that is late delays no other.
local function tick(timer, exact)
  local start = dynsup.now()
  while not timer.stopped do
    timer.count = timer.count + 1
    local due = start + timer.count * timer.period
    timer.wait(math.max(0, due - dynsup.now()))
    local late = ns(dynsup.now()) - ns(due)
    if late < 0 or (exact and late > 0) then
      timer.wrong = ("tick %d of %s is %d ns off"):format(timer.count, timer.way, late)
      return
    end
    local tenth = math.min(10, 1 + math.floor(10 * (dynsup.now() - start) / timer.length))
    local part = timer.tenths[tenth]
    part.count, part.sum = part.count + 1, part.sum + late
    part.least, part.longest = math.min(part.least, late), math.max(part.longest, late)
  end
end

-- Starts one for each way; they are linked to the caller. length: of the soak, in ms.
function ticks.start(period, length, exact)
  local timers = {}
  for i, way in ipairs(ways) do
    local timer = { way = way[1], wait = way[2], period = period, length = length, count = 0, tenths = {} }
    for tenth = 1, 10 do
      timer.tenths[tenth] = { count = 0, sum = 0, least = math.huge, longest = 0 }
    end
    timer.pid = dynsup.spawn_link(tick, timer, exact)
    timers[i] = timer
    period = period * 1.1 -- they do not fall together
  end
  return timers
end

local function average_us(timer)
  local sum = 0
  for _, part in ipairs(timer.tenths) do
    sum = sum + part.sum
  end
  return sum / math.max(1, timer.count) / 1000
end

local function least_us(part)
  return part.count > 0 and part.least / 1000 or 0
end

-- Are all of the last ticks late? On a busy machine some ticks are late at any time; when each is
-- counted from the one before, what is late adds up, and soon all are.
local function drifts(timer)
  return least_us(timer.tenths[10]) > least_us(timer.tenths[1]) + timer.period * 1000 / 2
end

-- Prints a line for each timer; true: one was wrong.
function ticks.report(timers)
  local wrong = false
  for _, timer in ipairs(timers) do
    local longest = 0
    timer.wrong = timer.wrong or (drifts(timer) and "it drifts")
    for _, part in ipairs(timer.tenths) do
      longest = math.max(longest, part.longest)
    end
    local text = "timer %-8s period %g ms: %d ticks, late by %.1f us on average; the least in the first tenth %.1f us, "
      .. "in the last %.1f us; %.1f us at most%s"
    print(text:format(timer.way, timer.period, timer.count, average_us(timer), least_us(timer.tenths[1]),
      least_us(timer.tenths[10]), longest / 1000, timer.wrong and ", WRONG: " .. timer.wrong or ""))
    wrong = wrong or timer.wrong
  end
  return wrong
end

return ticks
