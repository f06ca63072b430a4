-- A helper of busted: each test of a file runs many times, each time in a copy of the process, in which
-- memory fails at another request of the test's, or, with DYNSUP_MEMORY_PROGRAM, of each program that the
-- test starts. Before and after the test there is memory.
local busted = require "busted"
local memory = require "memory_fault"
local sweep = require "fuzz.memory.sweep"

local in_programs = os.getenv "DYNSUP_MEMORY_PROGRAM" ~= nil
local only = math.tointeger(tonumber(os.getenv "MEMORY_LINE" or ""))

-- What is to be done around the test, of all groups that it is in.
local function around(element, what, is_outer_first)
  local groups, group = {}, busted.parent(element)
  while group do
    table.insert(groups, is_outer_first and 1 or #groups + 1, group)
    group = busted.parent(group)
  end
  for _, each in ipairs(groups) do
    for _, step in ipairs(each[what] or {}) do step.run() end
  end
end

-- The test in the copy, which ends here.
local function run(element)
  local prepared = pcall(around, element, "before_each", true)
  if not in_programs then memory.begin() end
  local ok, why = pcall(element.run)
  memory.finish()
  if not ok then io.stderr:write(tostring(type(why) == "table" and why.message or why), "\n") end
  local cleared = pcall(around, element, "after_each", false)
  memory.leave(prepared and ok and cleared)
end

busted.subscribe({ "test", "start" }, function(element)
  local line = element.trace.currentline
  if element.run and (not only or only == line) then
    local copies <close> = memory.freeze()
    if not copies then run(element) end
    sweep.run(("%s:%d"):format(element.trace.short_src, line), copies)
  end
  element.run = function() end -- busted itself has nothing left to do
  return nil, true
end)

busted.subscribe({ "suite", "end" }, function()
  sweep.finish()
  io.stdout:flush()
  os.exit(sweep.found == 0)
end)
