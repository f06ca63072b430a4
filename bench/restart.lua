-- How soon a permanent child's replacement runs, and how many are replaced a second. Prints
--   kill_p50, kill_p99, kill_max    us from the kill until the replacement's first line
--   error_p50, ...                  us from the error, with its traceback, until then
--   burst                           restarts/s when SIZE children are killed at once
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local OPTIONS = { max_restarts = 1000000000, max_seconds = 1 }

local starts, begun_at, failed_at = 0, 0, 0

local function body()
  begun_at = dynsup.now()
  starts = starts + 1
  dynsup.receive()
  failed_at = dynsup.now()
  error("as it was told")
end

local function await_starts(count)
  while starts < count do
    dynsup.yield()
  end
end

local function new_children(count)
  local sup = assert(dynsup.start_link(OPTIONS))
  starts = 0
  for i = 1, count do
    assert(dynsup.start_child(sup, { body = body, id = i }))
  end
  await_starts(count)
  return sup
end

local enders = {
  kill = function(pid)
    failed_at = dynsup.now()
    dynsup.exit(pid, "kill")
  end,
  error = function(pid)
    dynsup.send(pid, "fail")
  end,
}

-- The us of each end, one after the other.
local function latencies(ender, count)
  local sup = new_children(1)
  local values = {}
  for i = 1, count do
    ender(dynsup.which_children(sup)[1].pid)
    await_starts(i + 1)
    values[i] = (begun_at - failed_at) * 1000
  end
  dynsup.stop(sup)
  return values
end

-- How long it takes to replace all children, killed at once.
local function burst(count)
  local sup = new_children(count)
  local children = dynsup.which_children(sup)
  collectgarbage()
  local begun = dynsup.now()
  for i = 1, count do
    dynsup.exit(children[i].pid, "kill")
  end
  await_starts(2 * count)
  local ms = dynsup.now() - begun
  dynsup.stop(sup)
  return ms
end

for _, kind in ipairs({ "kill", "error" }) do
  if bench.wants(kind) then
    local count = bench.count(20000, 20)
    latencies(enders[kind], count // 10)
    bench.spread(kind, 1, latencies(enders[kind], count), "us")
  end
end
for _, count in ipairs(bench.wants("burst") and bench.sizes({ 1000, 10000, 100000 }, { 10 }) or {}) do
  burst(count)
  bench.rate("burst", count, count, burst(count), "restarts")
end
