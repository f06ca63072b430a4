-- The work of bench/compute.lua in the stock interpreter, in no worker.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")
local work = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/work.lua")

local function measure(f, size, count)
  local begun = bench.now()
  for _ = 1, count do
    f(size)
  end
  return bench.now() - begun
end

for _, kind in ipairs({ "fib", "loop" }) do
  local size = bench.smoke and 10 or work.sizes[kind]
  local count = bench.count(work.counts[kind], 1)
  measure(work[kind], size, math.max(1, count // 10))
  bench.rate(kind, size, count, measure(work[kind], size, count), "runs")
end
