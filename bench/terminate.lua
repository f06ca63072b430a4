-- How long it takes to stop a supervisor of many idle children. Prints `terminate_COUNT TIME ms`.
local dynsup = require("dynsup")
local sizes_of = dofile(arg[0]:gsub("[^/]*$", "") .. "arguments.lua")

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

for _, count in ipairs(sizes_of({ 10000, 100000, 1000000 }, { 100 })) do
  stop_all(math.min(count, 1000))
  print(("terminate_%d %.2f ms"):format(count, stop_all(count)))
end
