-- What plain code costs in a worker, which may be interrupted. Prints `runs/s` of the kind
-- fib, a recursive function of SIZE, and of the kind loop, a loop over a table of SIZE.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")
local work = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/work.lua")

local function measure(f, size, count)
  local begun = dynsup.now()
  for _ = 1, count do
    f(size)
  end
  return dynsup.now() - begun
end

-- In a worker of its own, beside nobody.
dynsup.spawn(function()
  for _, kind in ipairs({ "fib", "loop" }) do
    local size = bench.smoke and 10 or work.sizes[kind]
    local count = bench.count(work.counts[kind], 1)
    measure(work[kind], size, math.max(1, count // 10))
    bench.rate(kind, size, count, measure(work[kind], size, count), "runs")
  end
end)
