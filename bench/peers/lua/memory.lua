-- What a coroutine in a table takes after its first yield.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local function body()
  coroutine.yield()
end

for _, count in ipairs(bench.sizes({ 1000000 }, { 1000 })) do
  local children = {}
  collectgarbage()
  local before = bench.resident()
  for i = 1, count do
    children[i] = coroutine.create(body)
    coroutine.resume(children[i])
  end
  bench.figure("child", count, (bench.resident() - before) / count, "bytes/child")
end
