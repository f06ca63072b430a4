--- The Lua half of `dynsup check`: the main process of a dry run, and the report on it.
--
-- Design notes.
-- Declarations are validated in C, as in every run; this module only reports what is refused: `told` is
-- called inside start_child and the like, with what these are about to return, so that the stack shows the
-- place. A failure without a script on the stack, in a start function written in C, appears again as the
-- failure of the start_child or start_link that called it.
-- A body by name is looked up in its own process: its place is that of the call that returned its pid, or
-- that of the supervisor above it, which is known by the end of the run.

local native = ...

local dynsup = require "dynsup"
local text = require "dynsup.check_text"

text.fields = native.fields()

local stdout, stderr = io.stdout, io.stderr
local script_name = arg and arg[0] -- before the script runs, which may change it

local check = {}

local mistakes = 0
local said = {}    -- line -> true: each is printed once
local places = {}  -- pid -> the place of the call that returned it
local last         -- the last failure reported: { reason =, place = }, with is_note = true or by = an earlier one;
                   -- nil when something has gone well since
local later = {}   -- functions for what can be reported only at the end

-- ---- lines ----

local function say(line)
  if said[line] then return end
  said[line] = true
  stderr:write(line, "\n")
end

local function say_mistake(place, what, line)
  local full = ("%s: %s: %s"):format(place, what, line)
  if not said[full] then mistakes = mistakes + 1 end
  say(full)
end

local function say_note(place, line)
  say(("%s: note: %s"):format(place, line))
end

-- ---- places ----

local function is_ours(source)
  return source:find "^=dynsup[%w_.]*$" ~= nil
end

-- The innermost line of a script on the stack, from the level of the caller's caller on.
local function place_here()
  local level = 3
  local info = debug.getinfo(level, "Sl")
  while info and (info.currentline < 1 or is_ours(info.source)) do
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  return info and ("%s:%d"):format(info.source:match "^@(.*)" or info.short_src, info.currentline)
end

-- The same in a traceback.
local function place_in(traceback)
  for line in traceback:gmatch "[^\n]+" do
    local place = line:match "^\t(.-:%d+): in "
    if place and not place:find "^dynsup[%w_.]*:" then return place end
  end
  return script_name
end

-- ---- what the run reports ----

-- Failures that may be due to the check, in which no worker runs: they are not mistakes by themselves.
local notes = {
  already_started = "somebody has the name or key, who in a run may have ended before",
  max_children = "no child ends in a check; in a run one may have",
}

-- Nobody has the name. One of the processes that do not run might take it.
local function no_supervisor(place, what)
  local _, idle = native.counts()
  if idle == 0 then
    say_mistake(place, what, "noproc: nobody has that name")
  else
    say_note(place, what .. ": noproc: nobody has that name, unless a worker, which does not run in a check, takes it")
  end
end

-- Is it the end of the process that got the last failure, as by `assert`, which says less about it?
local function is_told(reason)
  if last == nil or rawequal(reason, last.reason) then return last ~= nil end
  local value = text.is_crash(reason) and rawget(reason, "error")
  if type(value) == "string" then value = value:match ": ([%a_]+)$" or value end
  return rawequal(value, last.reason)
end

-- Only at the end is it known whether there was a worker that might have taken a name.
local function may_be_right(telling)
  if telling.by then return may_be_right(telling.by) end
  local _, idle = native.counts()
  return telling.is_note or telling.reason == "noproc" and idle > 0
end

local function failed(place, what, reason, ...)
  local cause, failure = text.cause(reason, ...), text.failure(reason, ...)
  local by = text.is_crash(cause) and is_told(cause) and last or nil
  last = { reason = reason, place = place, is_note = notes[cause] ~= nil, by = by }
  if by then -- the end of a start function
    later[#later + 1] = function()
      if not may_be_right(by) then say_mistake(place, what, failure) end
    end
  elseif last.is_note then
    say_note(place, ("%s: %s: %s"):format(what, failure, notes[cause]))
  elseif reason == "noproc" then
    later[#later + 1] = function() no_supervisor(place, what) end
  else
    say_mistake(place, what, failure)
  end
end

local function told(what, result, reason, ...)
  local place = place_here()
  if not place or reason == "ignore" then
    last = nil
  elseif result ~= nil then
    last = nil
    places[result] = place
  else
    failed(place, what, reason, ...)
  end
end

local function place_of(pids)
  for _, pid in ipairs(pids) do
    if places[pid] then return places[pid] end
  end
  return script_name
end

local function not_found(pid, parent, message)
  local pids = { pid }
  while parent do
    pids[#pids + 1] = parent
    local info = dynsup.info(parent)
    parent = info and info.parent
  end
  later[#later + 1] = function() say_mistake(place_of(pids), "body", text.missing(message)) end
end

local NOT_CHECKED = "waits here for what no check brings: what follows was not checked"

local function waits(traceback)
  say_note(place_in(traceback), "a start function " .. NOT_CHECKED)
end

local function halted(code)
  if code ~= 0 then
    say_mistake(place_here() or script_name, "halt", ("the script ends itself with the code %d"):format(code))
  end
end

-- ---- a listener to which nobody connects ----

local function wait_for_ever()
  dynsup.sleep "infinity"
end

local function close()
  return true
end

-- Whatever it is asked for but these functions never comes.
local function idle(name, functions)
  functions.close = close
  return setmetatable({}, {
    __name = name,
    __close = close,
    __index = function(_, key) return functions[key] or wait_for_ever end,
  })
end

-- Its one connection is there so that what serves connections starts a worker.
local function listener(address, port)
  local connection = idle("socket", { give = close })
  return idle("listener", {
    sockname = function() return address, port end,
    accept = function()
      local socket = connection or wait_for_ever()
      connection = nil
      return socket
    end,
  })
end

-- ---- the run ----

--- The main function of the dry run.
---@param script function
function check.main(script, ...)
  native.begin { told = told, missing = not_found, waits = waits, halt = halted, listener = listener }
  return script(...)
end

local ends = {}

-- A note is not a mistake, however main ends because of it.
local function ends_by_note(reason)
  if may_be_right(last) then
    say_note(text.is_crash(reason) and place_in(rawget(reason, "traceback")) or last.place,
      "the main process ends by that: what follows was not checked")
  end
end

function ends.failed(reason)
  if is_told(reason) then
    ends_by_note(reason)
  elseif text.is_crash(reason) then
    mistakes = mistakes + 1
    say(text.failure(reason))
  else
    say_mistake(script_name, "main", "the main process ended: " .. text.failure(reason))
  end
end

function ends.waits(traceback)
  say_note(place_in(traceback), "the main process " .. NOT_CHECKED)
end

local function summary()
  local specs = native.counts()
  local checked = ("%d child spec%s checked"):format(specs, specs == 1 and "" or "s")
  if mistakes == 0 then return checked .. ": all right" end
  return ("%s: %d mistake%s"):format(checked, mistakes, mistakes == 1 and "" or "s")
end

--- Reports what remains to be reported.
---@param how "done"|"failed"|"waits"|"halted"
---@param value any what the run ended with
---@return integer code for the program's exit
function check.finish(how, value)
  for _, tell in ipairs(later) do tell() end
  if ends[how] then ends[how](value) end
  stdout:write(summary(), "\n")
  return mistakes == 0 and 0 or 1
end

return check
