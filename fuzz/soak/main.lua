-- A soak: crash storms for a long time, with the books held against what is there, memory sampled and
-- timers watched. dynsup run [--clock virtual] main.lua CLOCK SECONDS WORKERS ACTS PERIOD_MS SEED; the
-- clock is "virtual" or "real", ACTS the number of things done a storm, one each PERIOD_MS. It ends with
-- 1 when a sum is wrong, a timer drifts or memory grows.
local dynsup = require "dynsup"
local storm = require "fuzz.soak.storm"
local tally = require "fuzz.soak.tally"
local ticks = require "fuzz.soak.ticks"
local trend = require "fuzz.soak.trend"

local SAMPLES = 100
local GROWTH, SLACK = 0.05, 4 << 20 -- memory counts as growing beyond this fraction and this many bytes

local clock, seconds, workers, acts, period, seed = ...
local length = tonumber(seconds) * 1000
workers, acts, period = tonumber(workers), tonumber(acts), tonumber(period)

-- The resident memory of this program in bytes.
local function resident()
  local file = assert(io.open "/proc/self/statm")
  local pages = file:read "n" and file:read "n"
  file:close()
  return pages * 4096
end

-- Everything has come to rest: restarts that wait for their backoff as well.
local function rest(books, tree)
  local before
  repeat
    before = books:of "spawned" + books:of "exited" + books:of "removed"
    dynsup.sleep(600)
  until before == books:of "spawned" + books:of "exited" + books:of "removed"
  return books:check(tree.root)
end

local function sample(figures, books, tree)
  local bytes, alive = rest(books, tree)
  collectgarbage()
  collectgarbage()
  figures:add(dynsup.now() / 3600000, {
    ["Lua's memory"] = collectgarbage "count" * 1024,
    ["memory of processes"] = bytes,
    ["processes"] = alive,
    ["resident memory"] = resident(),
  })
end

local function sorted(map)
  local words = {}
  for name, count in pairs(map) do
    words[#words + 1] = ("%s %d"):format(name, count)
  end
  table.sort(words)
  return table.concat(words, ", ")
end

local function grows(line)
  return line.growth > GROWTH and line.growth * line.mean > SLACK
end

local function report(figures, books, tree, timers)
  local wrong = ticks.report(timers) or tree.lost > 0
  print("acts: " .. sorted(tree.done))
  print("events: " .. sorted(books.counts))
  print(("books: %d of %d processes have ended, %d DOWN missing, %d events lost"):format(
    books:of "exited", books:of "spawned", tree.lost, books.lost))
  for _, line in ipairs(figures:lines()) do
    local verdict = grows(line) and ", GROWS" or ""
    wrong = wrong or verdict ~= ""
    print(("%s: mean %.0f, from %.0f to %.0f, slope %.1f an hour, %.2f %% in all%s"):format(
      line.name, line.mean, line.least, line.greatest, line.slope, line.growth * 100, verdict))
  end
  return wrong
end

math.randomseed(math.tointeger(tonumber(seed)))
local books, figures = tally.new(), trend.new()
local began = dynsup.now()
local timers = ticks.start(clock == "virtual" and 1000 or 10, length, clock == "virtual")
local tree = storm.plant(workers)
local storms, next_sample = 0, 0
while dynsup.now() - began < length do
  local due = began + (storms + 1) * period
  storm.blow(tree, acts)
  storms = storms + 1
  if dynsup.now() - began >= next_sample then
    sample(figures, books, tree)
    next_sample = next_sample + length / SAMPLES
  end
  dynsup.sleep(math.max(1, due - dynsup.now()))
end
sample(figures, books, tree)
for _, timer in ipairs(timers) do
  timer.stopped = true
end
print(("soak: %s clock, %.1f h, %d workers, %d storms, seed %s"):format(
  clock, (dynsup.now() - began) / 3600000, workers, storms, seed))
local wrong = report(figures, books, tree, timers)
print(wrong and "soak: FAILED" or "soak: ok")
dynsup.halt(wrong and 1 or 0)
