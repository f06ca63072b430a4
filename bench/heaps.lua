-- What heaps gain, and what they cost. The size is the number of heaps. Prints
--   stop            ms of the longest step in a cycle of one heap's collector, with a million idle workers
--                   that live in that many heaps
--   beat_p50, beat_p99, beat_max   ms by which a 1 ms heartbeat in the first heap is late with these workers,
--                   one of which makes garbage
--   open            ms to open a heap
-- and messages back and forth, a second: of a number within a heap (within), of a number and of a
-- small table between two heaps (number, table).
local dynsup = require("dynsup")
local here = arg[0]:gsub("[^/]*$", "")
local bench = dofile(here .. "suite/harness.lua")

package.path = here .. "suite/?.lua;" .. package.path

local WORKERS = bench.count(1000000, 200)
local ROUNDS = bench.count(200000, 50)

local function start(sup, name, ...)
  return assert(dynsup.start_child(sup, { body = "heapling:" .. name, args = { ... }, restart = "temporary" }))
end

local function crowd(heaps)
  local sup = assert(dynsup.start_link({ heaps = heaps }))
  local begun = dynsup.now()
  for _ = 1, heaps do
    start(sup, "idle")
  end
  bench.figure("open", heaps, (dynsup.now() - begun) / heaps, "ms")
  for i = heaps + 1, WORKERS do
    start(sup, "idle")
    if i % 1000 == 0 then
      dynsup.yield()
    end
  end
  dynsup.yield()
  return sup
end

local function measure(heaps)
  local sup = crowd(heaps)
  start(sup, "cycle", dynsup.self(), here .. "suite/cycle.lua")
  bench.figure("stop", heaps, dynsup.receive(), "ms")
  start(sup, "litter")
  bench.beat(dynsup, bench.count(200, 5))
  bench.spread("beat", heaps, bench.beat(dynsup, bench.count(2000, 20)), "ms")
  dynsup.stop(sup)
end

local function play(kind, heaps, value)
  local sup = assert(dynsup.start_link({ heaps = heaps }))
  local ping = start(sup, "ping", dynsup.self(), start(sup, "pong"), ROUNDS, value)
  local ms = dynsup.receive()
  assert(ping)
  bench.rate(kind, heaps, 2 * ROUNDS, ms, "messages")
  dynsup.stop(sup)
end

if bench.wants("stop") then
  for _, heaps in ipairs(bench.sizes({ 1, 8, 64, 1024 }, { 2 })) do
    measure(heaps)
  end
end
if bench.wants("messages") then
  play("within", 1, 1)
  play("number", 2, 1)
  play("table", 2, { 1, "two", x = 3 })
end
