-- How many short-lived workers a second: temporary children whose body returns at once, from the first
-- start_child until the last has left its supervisor. Prints `workers/s` of the kinds
--   all     one process starts all of them without giving way: they run when its slice is over
--   turns   it gives way after each hundred, so that few are there at a time
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local spec = { restart = "temporary", body = function() end }

local function start_all(sup, count)
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
end

local starters = {
  all = start_all,
  turns = function(sup, count)
    for _ = 1, count // 100 do
      start_all(sup, 100)
      dynsup.yield()
    end
  end,
}

local function run_all(start, count)
  local sup = assert(dynsup.start_link())
  collectgarbage()
  local begun = dynsup.now()
  start(sup, count)
  while dynsup.count_children(sup).specs > 0 do
    dynsup.yield()
  end
  local ms = dynsup.now() - begun
  dynsup.stop(sup)
  return ms
end

for _, kind in ipairs({ "all", "turns" }) do
  for _, count in ipairs(bench.wants(kind) and bench.sizes({ 100000 }, { 100 }) or {}) do
    run_all(starters[kind], count)
    bench.rate(kind, count, count, run_all(starters[kind], count), "workers")
  end
end
