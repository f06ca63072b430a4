-- How many calls of start_child a second find their name taken, among SIZE other named children. Prints
-- `calls/s` of the kind taken.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local function body()
  dynsup.receive()
end

local function ask(sup, spec, count)
  local start_child = dynsup.start_child
  local begun = dynsup.now()
  for _ = 1, count do
    start_child(sup, spec)
  end
  return dynsup.now() - begun
end

for _, children in ipairs(bench.sizes({ 1000 }, { 10 })) do
  local sup = assert(dynsup.start_link())
  for i = 1, children do
    assert(dynsup.start_child(sup, { body = body, name = "child " .. i }))
  end
  local spec = { body = body, name = "child 1" }
  local pid, reason, existing = dynsup.start_child(sup, spec)
  assert(not pid and reason == "already_started" and existing == dynsup.whereis("child 1"))
  local count = bench.count(1000000, 100)
  ask(sup, spec, count // 10)
  bench.rate("taken", children, count, ask(sup, spec, count), "calls")
  dynsup.stop(sup)
end
