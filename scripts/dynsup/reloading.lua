--- dynsup.reload: new code for a module, and for the children that run it.
--
-- The module's new code is compiled, then run, before anything changes. Its table then gets the new
-- fields in place: so whoever holds the table (modules that have required it, servers whose callbacks
-- it is, specs) has the new code from the next call on, and there is one module, not two. Code that
-- runs goes on as it is until it calls into the table or its process is restarted.

local native = ...
local dynsup = require "dynsup"
local loading = require "dynsup.loading"

local _G, debug, error, pcall, type = _G, debug, error, pcall, type
local loaded = package.loaded

local reloading = {}

-- ---- the code ----

-- A searcher's error without the place at which it was called, which is in loading.lua.
local function plain(message)
  return type(message) == "string" and message:gsub("^dynsup%.loading:%d+: ", "") or message
end

-- The loader of the module, compiled; or nil, reason, message.
local function find(name)
  local ok, loader, data = pcall(loading.find, name)
  if not ok then
    return nil, "syntax", (plain(loader))
  elseif not loader then
    return nil, "not_found", data
  elseif not native.is_lua(loader) then
    return nil, "not_lua", data
  end
  return loader, data
end

-- Whatever happens: what the module has put into package.loaded while it ran does not stay there.
local function restoring(name, old)
  return setmetatable({}, { __close = function()
    loaded[name] = old
  end })
end

-- What the module is after it was run; or nil, reason, error.
local function run(name, loader, data)
  local old = loaded[name]
  local guard <close> = restoring(name, old) -- luacheck: ignore guard
  local ok, value = pcall(loader, name, data)
  if not ok then
    return nil, "load_error", value
  elseif value == nil and not rawequal(loaded[name], old) then
    value = loaded[name]
  end
  return value == nil and true or value
end

-- ---- one table for one module ----

-- The tables of modules, and globals: nothing of this run's own.
local function others_tables()
  local set = { [_G] = true }
  for _, module in next, loaded do
    set[module] = true
  end
  return set
end

-- The functions of this run's code that are reached from the new table: fields, those of tables in
-- fields and upvalues, upvalues, and so on. A list, which grows while it is walked through.
local function function_list(new, source)
  local others, seen, list = others_tables(), {}, {}
  local function note(value)
    if type(value) == "function" and not seen[value] then
      seen[value] = true
      list[#list + 1] = value
    end
  end
  local function note_fields(value)
    if type(value) == "table" and not others[value] then
      for _, field in next, value do
        note(field)
      end
    end
  end
  local function note_upvalue(f, value)
    if debug.getinfo(f, "S").source == source then
      note(value)
      note_fields(value)
    end
  end
  note_fields(new)
  note_fields(debug.getmetatable(new))
  for _, field in next, new do
    note_fields(field)
  end
  return list, note_upvalue
end

-- Lets the functions that were made with the new table as an upvalue have the old one: the module's
-- `local M` is then what others have.
local function rebind(new, old, loader)
  local list, note_upvalue = function_list(new, debug.getinfo(loader, "S").source)
  local i = 1
  while list[i] do
    local n = 1
    local name, value = debug.getupvalue(list[i], n)
    while name do
      if rawequal(value, new) then
        debug.setupvalue(list[i], n, old)
      else
        note_upvalue(list[i], value)
      end
      n = n + 1
      name, value = debug.getupvalue(list[i], n)
    end
    i = i + 1
  end
end

-- Fields like M.__index = M.
local function turn_fields(new, old)
  for key, value in next, new do
    if rawequal(value, new) then
      new[key] = old
    end
  end
end

local function commit(name, new, loader)
  local old = loaded[name]
  if type(old) ~= "table" or type(new) ~= "table" or rawequal(old, new) then
    loaded[name] = new
    return
  end
  turn_fields(new, old)
  if debug then
    rebind(new, old, loader)
  end
  native.replace(old, new)
end

-- Takes on the load of the module, behind whoever is at it.
local function claim(name)
  local mine, other = loading.claim(name, loading.current(), true)
  while other do
    loading.wait(other)
    mine, other = loading.claim(name, loading.current(), true)
  end
  return mine
end

-- Loads the module's code anew. True, or nil, reason, detail.
local function load(name)
  local mine <close> = claim(name) -- luacheck: ignore mine
  local loader, reason, detail = find(name)
  if not loader then
    return nil, reason, detail
  end
  local new
  new, reason, detail = run(name, loader, reason)
  if new == nil then
    return nil, reason, detail
  end
  commit(name, new, loader)
  return true
end

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

-- The calling process and the supervisors above it: with them the caller ends. And who has spawned it,
-- which may be a supervisor whose start function waits for it.
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

-- Those who can be waited for, and those who cannot: with them the caller ends, or they wait for it.
local function part(children)
  local line, starter = own_line()
  local others, own = {}, {}
  for _, child in ipairs(children) do
    local list = (child.supervisor == starter or child.pid and line[child.pid]) and own or others
    list[#list + 1] = child
  end
  return others, own
end

-- All are told to stop at once, and each then has its own time; those who cannot be waited for come
-- last. Returns how many run again (or will), and how many could not be started yet.
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
  ok, reason, detail = load(name)
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
