-- How many light temporary children a second: from the first start_child until each of them has run
-- to its first receive. Prints `start_child_COUNT RATE starts/s`.
local dynsup = require("dynsup")
local sizes_of = dofile(arg[0]:gsub("[^/]*$", "") .. "arguments.lua")

local ran = 0

local spec = {
  restart = "temporary",
  body = function()
    ran = ran + 1
    dynsup.receive()
  end,
}

local function start_all(count)
  local sup = assert(dynsup.start_link())
  ran = 0
  collectgarbage()
  local begun = dynsup.now()
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  while ran < count do
    dynsup.yield()
  end
  local ms = dynsup.now() - begun
  assert(dynsup.count_children(sup).active == count)
  dynsup.stop(sup)
  return count / ms * 1000
end

for _, count in ipairs(sizes_of({ 100000 }, { 100 })) do
  start_all(count) -- the first time pays for memory that stays
  print(("start_child_%d %.0f starts/s"):format(count, start_all(count)))
end
