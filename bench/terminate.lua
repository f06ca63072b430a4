-- How long it takes to stop a supervisor of many idle children. Prints `ms` of the kind stop.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local spec = {
  restart = "temporary",
  body = function()
    dynsup.receive()
  end,
}

local function stop_all(count)
  local sup = assert(dynsup.start_link())
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  dynsup.yield() -- all of them run first
  collectgarbage()
  local begun = dynsup.now()
  assert(dynsup.stop(sup))
  return dynsup.now() - begun
end

for _, count in ipairs(bench.sizes({ 10000, 100000, 1000000 }, { 100 })) do
  stop_all(math.min(count, 1000))
  bench.figure("stop", count, stop_all(count), "ms")
end
