-- One random program: actors in a run of its own, on a virtual clock, interrupted after every few
-- instructions. At rest, with everybody still there, what the library tells is compared with itself;
-- then all are ended, and nothing may be left.
local actor = require "fuzz.lua.actor"
local dynsup = require "dynsup"
local registry, server = dynsup.registry, dynsup.server

local REST_MS = 100000
local FIRST = 8 -- actors that are there at the beginning
local INSTRUCTION = 1e-5 -- the slice in ms that has one, on a virtual clock

local world = {}

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
  }, endless))
end

-- ---- what must hold ----

local function must(condition, what, ...)
  if not condition then
    error(what:format(...), 0)
  end
end

local function everybody()
  local list, after = {}, nil
  repeat
    local page
    page, after = dynsup.observer.processes { limit = 100, after = after }
    table.move(page, 1, #page, #list + 1, list)
  until not after
  return list
end

local function holds(list, item)
  for _, other in ipairs(list) do
    if other == item then
      return true
    end
  end
  return false
end

-- Links are mutual, who monitors is counted where it is monitored, names find their owners.
local function check_relations(list)
  local monitors, monitored = 0, 0
  for _, process in ipairs(list) do
    local info = dynsup.info(process.pid)
    monitors, monitored = monitors + #info.monitors, monitored + info.monitored_by
    for _, other in ipairs(info.links) do
      local back = dynsup.info(other)
      must(back, "%s is linked to %s, which is gone", process.pid, other)
      must(holds(back.links, process.pid), "%s is linked to %s, but not the other way", process.pid, other)
    end
    must(not info.name or dynsup.whereis(info.name) == process.pid, "%s is not found by its name", process.pid)
  end
  must(monitors == monitored, "%d monitors, and %d seen from the other end", monitors, monitored)
end

-- Counts and lists of a supervisor's children agree, and the children are there.
local function check_supervisor(sup)
  local counts, children = dynsup.count_children(sup), dynsup.which_children(sup)
  local active = 0
  must(counts.specs == #children, "%s has %d specs and shows %d", sup, counts.specs, #children)
  for _, child in ipairs(children) do
    local runs = dynsup.is_pid(child.pid)
    active = active + (runs and 1 or 0)
    must(not runs or dynsup.is_alive(child.pid), "%s has a child %s that is gone", sup, child.pid)
  end
  must(counts.active == active, "%s counts %d active children and shows %d", sup, counts.active, active)
end

local function check_registry(name, list)
  local alive = {}
  for _, process in ipairs(list) do
    alive[process.pid] = true
  end
  local entries = registry.select(name)
  must(registry.count(name) == #entries, "%s counts %d entries and shows %d", name, registry.count(name), #entries)
  for _, entry in ipairs(entries) do
    must(alive[entry.pid], "%s has an entry of %s, which is gone", name, entry.pid)
  end
end

local function check_rest()
  local list = everybody()
  check_relations(list)
  for _, process in ipairs(list) do
    if process.label == "supervisor" then
      check_supervisor(process.pid)
    end
  end
  check_registry("unique", list)
  check_registry("many", list)
  return #list
end

-- Ends everything but the caller; each end is told once.
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
    w.log[#w.log + 1] = "at rest with " .. check_rest()
    check_end(w)
  end)
  local wrong = not ok and tostring(type(reason) == "table" and reason.error or reason) or nil
  if not wrong and spawned ~= exited then
    wrong = ("%d processes have begun and %d have ended"):format(spawned, exited)
  end
  return w.log, wrong, spawned
end

return world
