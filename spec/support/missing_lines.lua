-- Counts what a full disk has taken from a log of "begin N", "line I of N" and "end N".
local assert = require "luassert"

--- How many lines are missing, and how many are missing according to the log; a line that is cut or runs into
--- the next one is missing. The first and the last line of each group must be there.
---@param log string
---@param groups integer[]
---@param size integer how many lines a group has
---@return integer missing, integer reported
return function(log, groups, size)
  local lines, missing, told = {}, 0, 0
  for line in log:gmatch "[^\n]+" do
    local text = line:match "begin %d+$" or line:match "line %d+ of %d+$" or line:match "end %d+$"
    lines[text or line] = true
    told = told + (line:match "(%d+) lines? of the log before could not be written$" or 0)
  end
  for _, n in ipairs(groups) do
    assert.is_true(lines["begin " .. n] and lines["end " .. n], n)
    for i = 1, size do
      missing = missing + (lines[("line %d of %d"):format(i, n)] and 0 or 1)
    end
  end
  return missing, told
end
