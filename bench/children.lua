-- What requests to a supervisor of SIZE children cost. Prints
--   count    us of count_children
--   which    ms of which_children, a list of all
--   iterate  ms to go through all by children, without the list
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local function body()
  dynsup.receive()
end

local function timed(f, ...)
  local begun = dynsup.now()
  f(...)
  return dynsup.now() - begun
end

local function count_often(sup, count)
  for _ = 1, count do
    dynsup.count_children(sup)
  end
end

local function iterate(sup)
  local count = 0
  for _ in dynsup.children(sup) do
    count = count + 1
  end
  return count
end

for _, size in ipairs(bench.sizes({ 100000 }, { 100 })) do
  local sup = assert(dynsup.start_link())
  for _ = 1, size do
    dynsup.start_child(sup, { body = body, restart = "temporary" })
  end
  dynsup.yield()
  local count = bench.count(100000, 100)
  count_often(sup, count // 10)
  bench.figure("count", size, timed(count_often, sup, count) / count * 1000, "us")
  assert(#dynsup.which_children(sup) == size and iterate(sup) == size)
  collectgarbage()
  bench.figure("which", size, timed(dynsup.which_children, sup), "ms")
  collectgarbage()
  bench.figure("iterate", size, timed(iterate, sup), "ms")
  dynsup.stop(sup)
end
