--- The new code of a module in one heap, for reload: found, compiled and run, then put into place.
--
-- The module's new code is compiled, then run, before anything changes. Its table then gets the new
-- fields in place: so whoever holds the table (modules that have required it, servers whose callbacks
-- it is, specs) has the new code from the next call on, and there is one module, not two. Code that
-- runs goes on as it is until it calls into the table or its process is restarted.

local native = ...
local loading = require "dynsup.loading"

local _G, debug, pcall, type = _G, debug, pcall, type
local loaded = package.loaded

local reloading_code = {}

-- ---- finding and running ----

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
    if type(module) == "table" then
      set[module] = true
    end
  end
  return set
end

-- Lets a table have the old one wherever it has the new one, as a value (M.__index = M) or as a key.
local function turn_fields(t, new, old)
  for key, value in next, t do
    if rawequal(value, new) then
      rawset(t, key, old)
    end
  end
  local value = rawget(t, new)
  if value ~= nil then
    rawset(t, new, nil)
    rawset(t, old, value)
  end
end

-- The turning of what has the new table to the old one.
local turning = {}
turning.__index = turning

-- Notes a function; the list of them grows while it is walked through.
function turning:note(value)
  if type(value) == "function" and not self.seen[value] then
    self.seen[value] = true
    self.functions[#self.functions + 1] = value
  end
end

-- Turns a table that is nobody else's, and its metatables, and notes the functions in them.
function turning:turn_table(t)
  if type(t) ~= "table" or self.seen[t] then
    return
  end
  self.seen[t] = true
  turn_fields(t, self.new, self.old)
  for _, field in next, t do
    self:note(field)
  end
  local meta = debug and debug.getmetatable(t)
  if not rawequal(meta, self.new) then
    return self:turn_table(meta)
  end
  debug.setmetatable(t, self.old)
end

-- Lets the function have the old table as an upvalue: the module's `local M` is then what others have.
function turning:turn_upvalues(f)
  local is_own = debug.getinfo(f, "S").source == self.source
  local n = 1
  local name, value = debug.getupvalue(f, n)
  while name do
    if rawequal(value, self.new) then
      debug.setupvalue(f, n, self.old)
    elseif is_own then
      self:note(value)
      self:turn_table(value)
    end
    n = n + 1
    name, value = debug.getupvalue(f, n)
  end
end

-- Turns the functions of this run's code that are reached from the new table: fields, those of tables in
-- fields and upvalues, upvalues, and so on; and these tables. Tables nested deeper are left alone, for they
-- could lead anywhere.
local function turn_all(new, old, loader)
  local source = debug and debug.getinfo(loader, "S").source
  local all = setmetatable({ new = new, old = old, source = source, seen = others_tables(), functions = {} }, turning)
  turn_fields(new, new, old) -- also where it is another module's, too
  all:turn_table(new)
  for _, field in next, new do
    all:turn_table(field)
  end
  local i = 1
  while debug and all.functions[i] do
    all:turn_upvalues(all.functions[i])
    i = i + 1
  end
end

local function commit(name, new, loader)
  local old = loaded[name]
  if type(old) ~= "table" or type(new) ~= "table" or rawequal(old, new) then
    loaded[name] = new
    return
  end
  turn_all(new, old, loader)
  native.replace(old, new)
end

-- Claims the load of the module, after any other load of it.
local function claim(name)
  local mine, other = loading.claim(name, loading.current(), true)
  while other do
    loading.wait(other)
    mine, other = loading.claim(name, loading.current(), true)
  end
  return mine
end

-- ---- a part of a reload ----

local part = {}
part.__index = part

--- One heap's part of a reload, to be closed: from prepare on nobody else loads the module there.
---@param name string
---@return table part
function reloading_code.part(name)
  return setmetatable({ name = name }, part)
end

function part:__close()
  local mine <close> = self.mine -- luacheck: ignore mine
end

--- Compiles and runs the code, after any other load of it.
---@param if_loaded? boolean only where the module has been loaded
---@return boolean? done false: it has not been; nil: it is refused
---@return any reason
---@return any detail
function part:prepare(if_loaded)
  self.mine = claim(self.name)
  if if_loaded and loaded[self.name] == nil then
    return false
  end
  local loader, reason, detail = find(self.name)
  if not loader then
    return nil, reason, detail
  end
  local new
  new, reason, detail = run(self.name, loader, reason)
  if new == nil then
    return nil, reason, detail
  end
  self.new, self.loader = new, loader
  return true
end

--- Puts the code into place. Raises without memory: then nothing has changed.
function part:commit()
  commit(self.name, self.new, self.loader)
end

return reloading_code
