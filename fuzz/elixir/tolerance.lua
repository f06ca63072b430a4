-- The one difference between logs of static supervisors that is no fault.
--
-- In OTP each start that fails while a group starts again makes a message that says to try again. When
-- a child is dead already as it is named, its end is handled before that message: the group starts
-- once more, fails again, and now there are two such messages, the first of which comes before the
-- child's next end. That end is then met while the group is stopped. dynsup knows of each child that it
-- has failed, not how often: it tries again after what else is ready had its turn (docs/semantics.md,
-- section 9), so it goes on to handle the ends first. Both start the same children in the same order
-- and as often, and count as many restarts; they differ in which of the two is reported as the cause.
--
-- So where in one operation a child was named dead and the start of another failed, reports that name
-- that child are left out, and whose restart was one too many; nothing else is.

local tolerance = {}

-- The operation's lines that are compared.
local function comparable(lines)
  local dead, failed = {}, false
  for _, line in ipairs(lines) do
    local name = line:match "^  call (%w+) dead:"
    if name then dead[name] = true end
    failed = failed or line:find "^  report start_error" ~= nil
  end
  if not failed or next(dead) == nil then return lines end
  local kept = {}
  for _, line in ipairs(lines) do
    local context, name = line:match "^  report ([%l_]+) (%w+)"
    if context == "shutdown" then line = "  report shutdown" end
    local left_out = dead[name] and (context == "child_terminated" or context == "shutdown_error")
    if not left_out then kept[#kept + 1] = line end
  end
  return kept
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

--- Are the two logs the same but for that?
---@param elixir string
---@param dynsup string
---@return boolean
function tolerance.same(elixir, dynsup)
  if elixir == dynsup then return true end
  local theirs, ours = operations(elixir), operations(dynsup)
  for i = 1, math.max(#theirs, #ours) do
    local a, b = comparable(theirs[i] or {}), comparable(ours[i] or {})
    if table.concat(a, "\n") ~= table.concat(b, "\n") then return false end
  end
  return true
end

return tolerance
