--- Observations: events in the life of processes and children, sent to a function or a mailbox.
--
-- Each is sent as a message "EVENT", event. A function runs in a process of its own, which takes these
-- messages and calls it: so it may wait, is interrupted when it runs long, and its error ends only the
-- observation, with a report like any other.

local native = ...
local dynsup = require "dynsup"

local observation = {}

local kinds = native.kinds()
local levels = { error = 1, warning = 2, info = 3, debug = 4 }
local all_kinds = -1

---@class dynsup.Observation
---@field pid any the process that gets the events
local methods = {}

local metatable = { __index = methods, __name = "dynsup.observation" }

--- Ends the observation: no more events are sent. A second call does nothing.
---@return boolean ended it was not over yet
function methods:close()
  if getmetatable(self) ~= metatable then
    error(("bad argument #1 to 'close' (observation expected, got %s)"):format(type(self)), 2)
  end
  local was_open = native.close(self.run, self.number)
  if self.state and was_open then
    self.state.is_over = true
    local _, me = native.here()
    if self.pid ~= me then
      dynsup.exit(self.pid, "shutdown")
    end
  end
  return was_open
end

metatable.__close = methods.close

function metatable.__tostring(self)
  return "observation by " .. tostring(self.pid)
end

-- The body of a process that passes events to f, until the observation is closed or its owner ends.
local function watch(f, owner, state)
  local ref = owner and dynsup.monitor(owner)
  while not state.is_over do
    local tag, value = dynsup.receive()
    if tag == "DOWN" and value == ref then
      return
    elseif tag == "EVENT" then
      f(value)
    end
  end
end

-- ---- the filter ----

local readers = {}

function readers.events(value)
  local list = type(value) == "string" and { value } or value
  if type(list) ~= "table" then
    return
  end
  local bits = 0
  for _, name in ipairs(list) do
    if not kinds[name] then
      return
    end
    bits = bits | kinds[name]
  end
  return bits
end

function readers.level(value)
  return levels[value]
end

-- A name stays a name: it stands for whatever process has it at the time. { registry, key } is looked up now.
local function read_dest(value)
  if type(value) ~= "table" then
    return (type(value) == "string" or dynsup.is_pid(value)) and value or nil
  end
  local ok, pid = pcall(native.dest, value)
  return ok and pid or nil
end

readers.supervisor, readers.pid = read_dest, read_dest

-- The filter's fields, read; or nil, reason, detail.
local function read_filter(filter)
  local read = { events = all_kinds, level = levels.debug }
  for name, value in next, filter or {} do
    local reader = readers[name]
    if not reader then
      return nil, "invalid_option", name
    end
    local result = reader(value)
    if result == nil then
      return nil, "invalid_" .. name, value
    end
    read[name] = result
  end
  return read
end

-- ---- opening ----

local function begin(pid, read, state)
  return setmetatable({
    pid = pid,
    run = (native.here()),
    number = native.open(pid, read.events, read.level, read.supervisor, read.pid),
    state = state,
  }, metatable)
end

--- Keeps the last events in a ring, in place of telling them to a process.
---@param filter? table
---@param limit integer
---@return table? observation with kept()
function observation.keep(filter, limit)
  local read, reason, detail = read_filter(filter)
  if not read then
    return nil, reason, detail
  end
  return begin(limit, read)
end

--- Of one that keeps: its list, and how many places of it come before the oldest; nil when it is over.
---@return table?
---@return integer?
function methods:kept()
  return native.kept(self.run, self.number)
end

-- Without memory for the rest, the process that was made for f goes as it came.
local function begin_function(f, read)
  local state = {}
  local _, me = native.here()
  local pid = dynsup.spawn(watch, f, me, state)
  local ok, result = pcall(begin, pid, read, state)
  if not ok then
    dynsup.exit(pid, "kill")
    error(result, 0)
  end
  return result
end

local function begin_mailbox(dest, read)
  local pid = native.dest(dest)
  if not pid or not dynsup.is_alive(pid) then
    return nil, "noproc"
  end
  local why = native.deaf(pid)
  if why then
    return nil, why
  end
  return begin(pid, read)
end

local function check(filter, target)
  if filter ~= nil and type(filter) ~= "table" then
    error(("bad argument #1 to 'observe' (table expected, got %s)"):format(type(filter)), 3)
  end
  local kind = type(target)
  if kind == "function" then return end
  local ok, message = pcall(native.dest, target)
  if ok then return end
  local what = message:match "%((a key .*)%)$" -- a dest, but not one of this kind
  what = what or "function or dest expected, got " .. kind
  error(("bad argument #2 to 'observe' (%s)"):format(what), 3)
end

--- dynsup.observe.
---@param filter? table
---@param target any
function observation.open(filter, target)
  native.here() -- raises outside of a run
  check(filter, target)
  local read, reason, detail = read_filter(filter)
  if not read then
    return nil, reason, detail
  end
  if type(target) == "function" then
    return begin_function(target, read)
  end
  return begin_mailbox(target, read)
end

return observation
