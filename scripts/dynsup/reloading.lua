--- dynsup.reload: new code for a module, and for the children that run it.
--
-- The code is loaded again in all heaps that have the module (reloading_heaps.lua, and in each of them
-- reloading_code.lua); then the children are restarted.

local native = ...
local dynsup = require "dynsup"
local reloading_heaps = require "dynsup.reloading_heaps"

local error, type = error, type

local reloading = {}

-- ---- the children ----

local function is_of(function_name, module)
  return function_name and function_name:sub(1, #module + 1) == module .. ":"
end

-- The children that have been started by "module:function".
local function find_children(module)
  local found = {}
  local supervisor
  local function note(name, ref, incarnation, pid)
    if is_of(name, module) then
      found[#found + 1] = { ref = ref, incarnation = incarnation, pid = pid, supervisor = supervisor }
    end
  end
  for _, each in ipairs(native.supervisors()) do
    supervisor = each
    note(native.child_to_be(supervisor))
    local cursor <close> = native.children(supervisor)
    local name, ref, incarnation, pid
    while cursor do
      name, ref, incarnation, pid = native.next_child(cursor)
      if not ref then
        break
      end
      note(name, ref, incarnation, pid)
    end
  end
  return found
end

-- The calling process and the supervisors above it, with which the caller ends; and the process that has
-- spawned it, which may be a supervisor whose start function waits for it.
local function own_line()
  local line = {}
  local pid = dynsup.self()
  local parent = dynsup.info(pid).parent
  while pid do
    line[pid] = true
    pid = (dynsup.info(pid) or {}).supervisor
  end
  return line, not line[parent] and parent
end

-- The children that can be waited for, and those that cannot: the caller ends with them, or they wait for it.
local function part(children)
  local line, starter = own_line()
  local others, own = {}, {}
  for _, child in ipairs(children) do
    local list = (child.supervisor == starter or child.pid and line[child.pid]) and own or others
    list[#list + 1] = child
  end
  return others, own
end

-- All are told to stop at once, and each then has its own time; those that cannot be waited for come last.
-- Returns how many run again (or will), and how many could not be started yet.
local function renew(children)
  local others, own = part(children)
  local restarted, failed = 0, 0
  for _, child in ipairs(others) do
    native.tell(child.ref, child.incarnation)
  end
  for _, child in ipairs(others) do
    local done, reason = native.await(child.ref, child.incarnation)
    restarted = restarted + (done and 1 or 0)
    failed = failed + (reason == "restarting" and 1 or 0)
  end
  for _, child in ipairs(own) do
    native.tell(child.ref, child.incarnation)
  end
  return restarted + #own, failed
end

-- ---- what dynsup has ----

-- Whether to restart children; or nil, reason, detail.
local function read_options(options)
  local restart = true
  for name, value in next, options or {} do
    if name ~= "restart" then
      return nil, "invalid_option", name
    elseif type(value) ~= "boolean" then
      return nil, "invalid_restart", value
    end
    restart = value
  end
  return restart
end

local function check(name, options, ...)
  if select("#", ...) > 0 then
    error("bad argument #3 to 'reload' (no further argument expected)", 3)
  elseif type(name) ~= "string" then
    error(("bad argument #1 to 'reload' (module name expected, got %s)"):format(type(name)), 3)
  elseif options ~= nil and type(options) ~= "table" then
    error(("bad argument #2 to 'reload' (table expected, got %s)"):format(type(options)), 3)
  end
end

--- dynsup.reload.
---@param name string
---@param options? table
---@return integer? restarted
---@return any failed how many could not be started yet; or the reason
---@return any detail
function reloading.reload(name, options, ...)
  check(name, options, ...)
  native.check()
  local restart, reason, detail = read_options(options)
  if restart == nil then
    return nil, reason, detail
  end
  local ok
  ok, reason, detail = reloading_heaps.load(name)
  if not ok then
    return nil, reason, detail
  end
  local restarted, failed = 0, 0
  if restart then
    restarted, failed = renew(find_children(name))
  end
  native.log(name, restarted, failed)
  return restarted, failed
end

return reloading
