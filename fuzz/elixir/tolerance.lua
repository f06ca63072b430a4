-- The one difference between logs of static supervisors that is not a fault: what comes first when several
-- restarts are due (docs/semantics.md, section 9).
--
-- In OTP each failed start makes a message to try again, which is queued among the
-- ends of other children. dynsup tries again after everything else that is ready. This shows when a
-- start fails and another start function returns a process that is already dead, whose end is ready at
-- once: whether the next restart is the second child's or the next attempt of the first, and so which
-- of the two is reported as the cause and how often each is started before there is one restart too
-- many. (In a group OTP has one message for each failed attempt, dynsup has one in all.)
--
-- So where both happened in an operation, only what was done to which process is compared, not how often
-- and in which order, and nothing that comes after it. The starts of the dead processes and reports on
-- them are left out, and so is which restart was the one too many: that child may be stopped with its group
-- before its end is handled. All else must be the same.

local tolerance = {}

-- The children that were named dead, and whether another start failed: has the operation both?
local function retries(lines)
  local dead, failed = {}, false
  for _, line in ipairs(lines) do
    local name = line:match "^  call (%w+) dead:"
    if name then dead[name] = true end
    failed = failed or line:find "^  report start_error" ~= nil
  end
  return failed and next(dead) ~= nil and dead
end

-- What the operation did to which process, as text: a sorted set of lines without incarnation numbers.
local function acts(lines, dead)
  local set, list = {}, {}
  for _, line in ipairs(lines) do
    if line:find "^  report shutdown " then line = "  report shutdown" end
    local left_out = dead[line:match "^  report [%l_]+ (%w+)" or line:match "^  call (%w+)"] or line:find "^  calls "
    if not left_out then set[line:gsub("(%w)%.%d+", "%1")] = true end
  end
  for line in pairs(set) do list[#list + 1] = line end
  table.sort(list)
  return table.concat(list, "\n")
end

-- A log as lists of the lines of one operation each.
local function operations(log)
  local list, last = {}, nil
  for line in (log .. "\n"):gmatch "(.-)\n" do
    if not last or line:find "^%S" then
      last = {}
      list[#list + 1] = last
    end
    last[#last + 1] = line
  end
  return list
end

--- Are the two logs the same except for that?
---@param elixir string
---@param dynsup string
---@return boolean
function tolerance.same(elixir, dynsup)
  local theirs, ours = operations(elixir), operations(dynsup)
  for i = 1, math.max(#theirs, #ours) do
    local a, b = theirs[i] or {}, ours[i] or {}
    if table.concat(a, "\n") ~= table.concat(b, "\n") then
      local dead = retries(a) and retries(b)
      return dead and acts(a, dead) == acts(b, dead) or false
    end
  end
  return true
end

return tolerance
