-- Coroutines that sleep 0 to 1000 ms in a loop, each on a timer of luv; they begin when all are there.
local uv = require("luv")
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local LONGEST_MS = 1000
local KEPT = 100000

local wakes, late, every = 0, {}, 1

local function now()
  return uv.hrtime() / 1e6
end

local function new_worker(begin)
  local timer, random = uv.new_timer(), math.random
  local resume
  local function sleep(ms)
    timer:start(math.ceil(ms), 0, resume)
    coroutine.yield()
  end
  resume = coroutine.wrap(function()
    sleep(math.max(0, begin - now()) + random(0, LONGEST_MS))
    while true do
      local ms = random(0, LONGEST_MS)
      local due = now() + ms
      sleep(ms)
      wakes = wakes + 1
      if wakes % every == 0 then
        late[#late + 1] = now() - due
      end
    end
  end)
  resume()
end

local function run_for(ms)
  local begun = now()
  local stop = uv.new_timer()
  stop:start(math.floor(ms), 0, uv.stop)
  uv.run()
  stop:close()
  return now() - begun
end

for _, count in ipairs(bench.sizes({ 100000, 1000000 }, { 100 })) do
  local begin, ms = now() + count * 0.01, bench.count(3000, 200)
  for _ = 1, count do
    new_worker(begin)
  end
  run_for(begin - now() + LONGEST_MS)
  every = math.max(1, math.floor(2 * count * ms / LONGEST_MS / KEPT))
  wakes, late = 0, {}
  local took = run_for(ms)
  bench.rate("rate", count, wakes, took, "wake-ups")
  bench.spread("late", count, late, "ms")
  os.exit(0) -- the timers go on
end
