-- The longest pause of the collector with SIZE idle children: three cycles are run in steps, and
-- the longest step of each is taken; the shortest of these is the collector's, anything
-- beyond it the machine's. Prints `ms` of the kinds child (a coroutine) and server.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")
local cycle = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/cycle.lua")

local Idle = {}

function Idle.init(state)
  return "ok", state
end

local specs = {
  child = function()
    return {
      restart = "temporary",
      body = function()
        dynsup.receive()
      end,
    }
  end,
  server = function()
    return dynsup.server.child_spec(Idle, 1, { restart = "temporary" })
  end,
}

local function measure(kind, count)
  local sup, spec = assert(dynsup.start_link()), specs[kind]()
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  dynsup.yield()
  bench.figure(kind, count, cycle(dynsup.now), "ms")
  dynsup.stop(sup)
end

for _, kind in ipairs({ "child", "server" }) do
  for _, count in ipairs(bench.wants(kind) and bench.sizes({ 1000000 }, { 100 }) or {}) do
    measure(kind, count)
  end
end
