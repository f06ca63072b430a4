-- What must hold in any host at rest, as far as the library shows it.
local dynsup = require "dynsup"
local registry = dynsup.registry

local invariant = {}

-- Raises the text of what is wrong.
local function must(condition, what, ...)
  if not condition then
    error(what:format(...), 0)
  end
end

invariant.must = must

-- All processes.
function invariant.everybody()
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

-- Links are mutual, monitors are counted the same from both ends, names find their owners.
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

-- With everybody at rest: the library's answers about processes, supervisors and the registries "unique" and
-- "many" agree. Returns how many processes there are.
function invariant.check_rest()
  local list = invariant.everybody()
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

return invariant
