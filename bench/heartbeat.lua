-- How late a worker wakes that sleeps 1 ms again and again. Prints p50, p99 and max in ms of the kinds
--   idle      with SIZE idle workers, one of which makes garbage, so that the collector works
--   endless   with SIZE workers that never give way
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local function idle()
  dynsup.receive()
end

-- About 1 MB of tables a second, a few at a time.
local function litter()
  while true do
    for i = 1, 10 do
      local _ = { i, tostring(i) }
    end
    dynsup.sleep(1)
  end
end

local function endless()
  local x = 0
  while true do
    x = x + 1
  end
end

local neighbours = {
  idle = function(sup, count)
    for _ = 1, count do
      dynsup.start_child(sup, { body = idle, restart = "temporary" })
    end
    dynsup.start_child(sup, litter)
  end,
  endless = function(sup, count)
    for _ = 1, count do
      dynsup.start_child(sup, endless)
    end
  end,
}

local function measure(kind, count)
  local sup = assert(dynsup.start_link())
  neighbours[kind](sup, count)
  bench.beat(dynsup, bench.count(200, 5))
  bench.spread(kind, count, bench.beat(dynsup, bench.count(2000, 20)), "ms")
  for child in dynsup.children(sup) do
    dynsup.exit(child.pid, "kill")
  end
  dynsup.stop(sup)
end

if bench.wants("idle") then
  for _, count in ipairs(bench.sizes({ 10000, 100000, 1000000 }, { 100 })) do
    measure("idle", count)
  end
end
if bench.wants("endless") then
  measure("endless", 1)
end
