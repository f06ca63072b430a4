--- Circles of processes that wait for each other, in a list of who waits for whom (observer.waits).

local cycles = {}

-- The edges of a list of waits: pid -> wait.
local function edges_of(list)
  local edges = {}
  for _, wait in ipairs(list) do
    edges[wait.pid] = wait
  end
  return edges
end

-- The cycle that the pid's path leads into, if nobody has met it before.
local function cycle_from(pid, edges, met)
  local path, places = {}, {}
  while edges[pid] and not met[pid] do
    met[pid] = true
    path[#path + 1] = edges[pid]
    places[pid] = #path
    pid = edges[pid].target
  end
  local first = places[pid]
  return first and table.move(path, first, #path, 1, {})
end

-- The walk took its time: does each still wait for the same?
local function is_still_there(cycle, edges)
  for _, wait in ipairs(cycle) do
    local now = edges[wait.pid]
    if not now or now.target ~= wait.target then
      return false
    end
  end
  return true
end

local function ends_by_itself(cycle)
  for _, wait in ipairs(cycle) do
    if wait.left then
      return true
    end
  end
  return false
end

--- The circles of the list, each a list of its waits.
---@param list table[] waits
---@return table[][] found
function cycles.of(list)
  local edges, met, found = edges_of(list), {}, {}
  for _, wait in ipairs(list) do
    found[#found + 1] = cycle_from(wait.pid, edges, met)
  end
  return found
end

--- Those of them that are in a later list as well; `forever` is true in those that no time limit ends.
---@param found table[][]
---@param again table[] waits
---@return table[][] sure
function cycles.still_there(found, again)
  local edges, sure = edges_of(again), {}
  for _, cycle in ipairs(found) do
    if is_still_there(cycle, edges) then
      cycle.forever = not ends_by_itself(cycle)
      sure[#sure + 1] = cycle
    end
  end
  return sure
end

return cycles
