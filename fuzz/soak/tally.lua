-- The books of a soak: every event of the host is counted, and at rest the sums must agree with what
-- is there. A sum that does not is an error that says which and by how much.
local dynsup = require "dynsup"

local tally = {}

-- How many processes are there, and what memory the host says they have.
local function look()
  local alive, bytes, after = 0, 0, nil
  repeat
    local page
    page, after = dynsup.observer.processes { limit = 1000, after = after }
    for _, process in ipairs(page) do
      alive = alive + 1
      bytes = bytes + process.memory
    end
  until not after
  return alive, bytes
end

-- The children of a supervisor and of the supervisors below it.
local function specs_below(sup)
  local specs = 0
  if not dynsup.count_children(sup) then
    return 0 -- a registry
  end
  for child in dynsup.children(sup) do
    local below = child.type == "supervisor" and dynsup.is_pid(child.pid)
    specs = specs + 1 + (below and specs_below(child.pid) or 0)
  end
  return specs
end

local function must_be(what, expected, found)
  if expected ~= found then
    error(("%s: %d were expected, %d are there"):format(what, expected, found), 0)
  end
end

-- Begins to count; the caller is the only one whose processes and children are in the books.
function tally.new()
  local self = setmetatable({ counts = {}, lost = 0 }, { __index = tally })
  self.observation = dynsup.observe(nil, function(event)
    self.counts[event.event] = (self.counts[event.event] or 0) + 1
    self.lost = self.lost + (event.lost or 0)
  end)
  self.alive_before = look()
  return self
end

function tally:of(event)
  return self.counts[event] or 0
end

-- Everything has come to rest: the books are held against what is there below the supervisor. Returns
-- the memory of all processes in bytes.
function tally:check(root)
  local alive, bytes = look()
  must_be("events that were lost", 0, self.lost)
  must_be("processes: begun - ended", self:of "spawned" - self:of "exited", alive - self.alive_before)
  must_be("children: started - removed", self:of "started" - self:of "removed", specs_below(root))
  return bytes, alive
end

return tally
