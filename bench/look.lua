-- What a look into a host with many workers costs, of which one in a hundred wakes 50 times a second.
-- Prints `ms` of the longest look, of the kind longest; on stderr the time of each, and by how much a
-- heartbeat of 5 ms was late at most meanwhile.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local observer = dynsup.observer

local function busy()
  while true do
    dynsup.sleep(20)
  end
end

local late = 0

local function heartbeat()
  while true do
    local due = dynsup.now() + 5
    dynsup.sleep(5)
    late = math.max(late, dynsup.now() - due)
  end
end

local function measure(name, f)
  dynsup.sleep(20)
  late = 0
  local begun = dynsup.now()
  f()
  local ms = dynsup.now() - begun
  dynsup.sleep(20)
  io.stderr:write(("%-12s %8.2f ms  heartbeat late by %.2f ms\n"):format(name, ms, late))
  return ms
end

local looks = {
  { "top", function() observer.top({ by = "slices" }) end },
  { "tree", function() tostring(observer.tree()) end },
  { "info", function() tostring(observer.info("pool")) end },
  { "page", function() observer.processes({ limit = 1000 }) end },
  { "deadlocks", observer.deadlocks },
}

local function longest_look(count)
  local sup = assert(dynsup.start_link({ name = "pool" }))
  for i = 1, count do
    dynsup.start_child(sup, i % 100 == 0 and busy or dynsup.receive)
  end
  local beat = dynsup.spawn(heartbeat)
  dynsup.sleep(500)
  measure("(nothing)", function()
    dynsup.sleep(200)
  end)
  local longest = 0
  for _, look in ipairs(looks) do
    longest = math.max(longest, measure(look[1], look[2]))
  end
  dynsup.exit(beat, "kill")
  dynsup.stop(sup)
  return longest
end

for _, count in ipairs(bench.sizes({ 100000 }, { 100 })) do
  bench.figure("longest", count, longest_look(count), "ms")
end
