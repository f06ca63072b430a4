-- Coroutines made and run to their end by a loop in Lua.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local function body() end

local function run_all(count)
  collectgarbage()
  local begun = bench.now()
  for _ = 1, count do
    coroutine.resume(coroutine.create(body))
  end
  return bench.now() - begun
end

for _, count in ipairs(bench.sizes({ 100000 }, { 100 })) do
  run_all(count)
  local ms = run_all(count)
  bench.rate("all", count, count, ms, "workers")
  bench.rate("turns", count, count, ms, "workers")
end
