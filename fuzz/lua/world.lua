-- One random program: actors in a run of its own, on a virtual clock, interrupted after every few
-- instructions. At rest, with everybody still there, the library's answers are compared with each other;
-- then all are ended, and nothing may be left.
local actor = require "fuzz.lua.actor"
local invariant = require "fuzz.lua.invariant"
local dynsup = require "dynsup"
local must, everybody = invariant.must, invariant.everybody
local registry, server = dynsup.registry, dynsup.server

local REST_MS = 100000
local FIRST = 8 -- actors that are there at the beginning
local INSTRUCTION = 1e-5 -- the slice in ms that has one, on a virtual clock

-- The default numbers of actors and steps; two runs of a seed are the same.
local world = { actors = 40, steps = 40, is_exact = true }

-- ---- what is there from the beginning ----

local calculator = {}

function calculator.init()
  return "ok", 0
end

function calculator.handle_call(request, _, sum)
  if request == "crash" then
    error "the server breaks"
  elseif request == "slow" then
    dynsup.sleep(20)
    return "reply", "slow", sum
  end
  return "reply", sum + request, sum + request
end

function calculator.handle_cast(request, sum)
  return "noreply", sum + request
end

function calculator.handle_info(_, sum)
  return "noreply", sum
end

local function idle()
  dynsup.receive()
end

-- The init function of a static supervisor, which takes its time.
local late = {}

function late.init()
  dynsup.sleep(30)
  return dynsup.supervisor.init({}, { max_restarts = 1000000, max_seconds = 1 })
end

-- The tree that outlives all storms.
local function plant()
  local endless = { max_restarts = 1000000, max_seconds = 1 }
  local function sup(name)
    return { dynsup, { name = name, max_restarts = endless.max_restarts, max_seconds = endless.max_seconds } }
  end
  assert(dynsup.supervisor.start_link({
    { registry, { keys = "unique", name = "unique" } },
    { registry, { keys = "duplicate", name = "many" } },
    {
      id = "server",
      start = function()
        return server.start_link(calculator, nil, { name = "server" })
      end,
    },
    sup "tasks",
    sup "top",
    sup "pool",
    {
      id = "order",
      type = "supervisor",
      start = function()
        local children = {}
        for i = 1, 3 do
          children[i] = { id = i, body = idle }
        end
        return dynsup.supervisor.start_link(children,
          { name = "order", strategy = "rest_for_one", max_restarts = 1000000, max_seconds = 1 })
      end,
    },
    {
      id = "late",
      type = "supervisor",
      start = function()
        return dynsup.supervisor.start_link(late, nil, { name = "late" })
      end,
    },
  }, endless))
end

-- ---- the end ----

-- Ends everything except the caller; each end is reported once.
local function check_end(w)
  local refs = {}
  for _, pid in ipairs(w.pids) do
    refs[#refs + 1] = dynsup.monitor(pid)
  end
  for _, process in ipairs(everybody()) do
    if process.pid ~= dynsup.self() then
      dynsup.exit(process.pid, "kill")
    end
  end
  dynsup.sleep(REST_MS)
  for _, ref in ipairs(refs) do
    must(dynsup.receive_match(function(tag, down)
      return tag == "DOWN" and down == ref
    end, 0), "a DOWN is missing")
  end
  must(not dynsup.receive_match("DOWN", 0), "a DOWN came twice")
  must(#everybody() == 1, "%d processes are left", #everybody())
  for i = 1, 4 do
    must(not dynsup.whereis("child " .. i), "a child's name is left")
  end
end

-- ---- the run ----

-- Runs the program of this seed. Returns its log (a list of lines), how many events and instructions
-- a slice it had, and what was wrong, or nil.
function world.run(seed, limit, steps)
  local w = { log = {}, pids = {}, sups = { "pool" }, count = 0, begun = 0, limit = limit, steps = steps }
  local spawned, exited = 0, 0
  local slice = 1 + seed % 200
  local function event_log(line)
    spawned = spawned + (line:find(" event=spawned ", 1, true) and 1 or 0)
    exited = exited + (line:find(" event=exited ", 1, true) and 1 or 0)
    w.log[#w.log + 1] = line
  end
  local options = { clock = "virtual", seed = seed, slice = slice * INSTRUCTION, event_log = event_log }
  local ok, reason = dynsup.run(options, function()
    dynsup.flag("trap_exit", true)
    plant()
    for i = 1, FIRST do
      w.count = i
      w.pids[i] = dynsup.spawn(actor.run, w, i, seed + i)
    end
    dynsup.sleep(REST_MS)
    must(not w.wrong, "%s", w.wrong)
    w.log[#w.log + 1] = "at rest with " .. invariant.check_rest()
    check_end(w)
  end)
  local wrong = not ok and tostring(type(reason) == "table" and reason.error or reason) or nil
  if not wrong and spawned ~= exited then
    wrong = ("%d processes have begun and %d have ended"):format(spawned, exited)
  end
  return w.log, wrong, spawned
end

return world
