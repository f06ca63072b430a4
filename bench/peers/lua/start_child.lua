-- Coroutines made and run to their first yield by a loop in Lua, kept in a table.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local ran = 0

local function body()
  ran = ran + 1
  coroutine.yield()
end

local starters = {
  light = function(children, i)
    local child = coroutine.create(body)
    children[i] = child
    coroutine.resume(child)
  end,
  arguments = function(children, i)
    local child = coroutine.create(body)
    children[i] = child
    coroutine.resume(child, 1, "two", { 3 })
  end,
}

local function start_all(start, count)
  local children = {}
  collectgarbage()
  local begun = bench.now()
  for i = 1, count do
    start(children, i)
  end
  return bench.now() - begun
end

for kind, start in pairs(starters) do
  for _, count in ipairs(bench.wants(kind) and bench.sizes({ 100000 }, { 100 }) or {}) do
    start_all(start, count)
    bench.rate(kind, count, count, start_all(start, count), "starts")
  end
end
