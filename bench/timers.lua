-- Many workers that sleep 0 to 1000 ms in a loop, whole ms at random; they begin when all are there.
-- Prints
--   rate                          wake-ups/s; twice as many as there are workers are asked for
--   late_p50, late_p99, late_max  ms by which a sleep was longer than asked for
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local LONGEST_MS = 1000
local START_MS = 0.008 -- what the start of a worker takes at most
local KEPT = 100000 -- latenesses that are kept at most, evenly over the time

local wakes, late, every = 0, {}, 1

local function worker(begin)
  local sleep, now, random = dynsup.sleep, dynsup.now, math.random
  sleep(math.max(begin - now(), 0) + random(0, LONGEST_MS))
  while true do
    local ms = random(0, LONGEST_MS)
    local due = now() + ms
    sleep(ms)
    wakes = wakes + 1
    if wakes % every == 0 then
      late[#late + 1] = now() - due
    end
  end
end

local function measure(count, ms)
  local sup = assert(dynsup.start_link())
  local begin = dynsup.now() + count * START_MS
  local spec = { body = worker, args = { begin }, restart = "temporary" }
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  dynsup.sleep(math.max(begin - dynsup.now(), 0) + LONGEST_MS)
  every = math.max(1, math.floor(2 * count * ms / LONGEST_MS / KEPT))
  wakes, late = 0, {}
  local begun = dynsup.now()
  dynsup.sleep(ms)
  local took = dynsup.now() - begun
  local counted, values = wakes, late
  dynsup.stop(sup)
  return counted, took, values
end

for _, count in ipairs(bench.sizes({ 100000, 1000000 }, { 100 })) do
  local wakes_count, ms, values = measure(count, bench.count(3000, 200))
  bench.rate("rate", count, wakes_count, ms, "wake-ups")
  bench.spread("late", count, values, "ms")
end
