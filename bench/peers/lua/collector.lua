-- The longest pause of the collector with SIZE coroutines, in incremental mode: the interpreter begins
-- in generational mode, whose pauses are longer.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")
local cycle = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/cycle.lua")

local function body()
  coroutine.yield()
end

collectgarbage("incremental")
for _, count in ipairs(bench.wants("child") and bench.sizes({ 1000000 }, { 100 }) or {}) do
  local children = {}
  for i = 1, count do
    children[i] = coroutine.create(body)
    coroutine.resume(children[i])
  end
  bench.figure("child", count, cycle(bench.now), "ms")
  assert(#children == count)
end
