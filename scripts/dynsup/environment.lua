--- Environments: the globals of workers whose spec has `env`.
--
-- Such a worker is named by "module:function". The module's code is loaded for each incarnation again, with
-- these globals in place of the shared ones; it is not in package.loaded. Modules that it requires are shared
-- as usual.

local loading = require "dynsup.loading"

local environment = {}

-- What every environment has.
local harmless = {
  "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
  "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION",
}

-- What `dynsup` is where it is allowed: a worker's own affairs.
local of_workers = {
  "await", "cancel_timer", "demonitor", "dict", "flag", "is_alive", "is_pid", "monitor", "now", "previous",
  "ready", "receive", "receive_match", "save_state", "self", "send", "send_after", "sleep", "version",
  "whereis", "yield",
}

-- The last of several names for the globals of the state, whatever scripts make of _G.
local globals = _G

local function picked(from, names)
  local result = {}
  for _, name in ipairs(names) do result[name] = from[name] end
  return result
end

local function copy(from)
  local result = {}
  for name, value in next, from do result[name] = value end
  return result
end

-- ---- functions that would reach the shared globals ----

-- Whose metatables every process has, by the type of the value.
local shared = { pid = "userdata", ["dynsup.crash"] = "table" }

-- The metatable of strings leads to the shared string library, and a worker that changes that of pids (and
-- refs and timers) or of crash objects would have its code run in other processes.
local function own_getmetatable(value)
  if type(value) == "string" then return nil end
  local meta = getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  if name and shared[name] == type(value) then return nil end
  return meta
end

local function own_load(env)
  return function(chunk, name, _, ...)
    if select("#", ...) > 0 then return load(chunk, name, "t", (...)) end
    return load(chunk, name, "t", env)
  end
end

local function own_loadfile(env)
  return function(file, _, ...)
    if select("#", ...) > 0 then return loadfile(file, "t", (...)) end
    return loadfile(file, "t", env)
  end
end

local function own_dofile(env)
  return function(file)
    local chunk, message = loadfile(file, "t", env)
    if not chunk then error(message, 0) end
    return chunk()
  end
end

-- Functions that reach the shared globals by themselves are replaced, if they exist.
local function enclose(env)
  env._G = env
  env.getmetatable = own_getmetatable
  if env.load then env.load = own_load(env) end
  if env.loadfile then env.loadfile = own_loadfile(env) end
  if env.dofile then env.dofile = own_dofile(env) end
  return env
end

-- ---- private: all of it, but none of it shared ----

local function private()
  local env = copy(globals)
  for name, value in next, env do
    if type(value) == "table" and package.loaded[name] == value then
      env[name] = setmetatable(copy(value), getmetatable(value))
    end
  end
  return enclose(env)
end

-- ---- allow: what is named ----

local function own_exit(...)
  if select("#", ...) ~= 1 then
    error("exit takes a reason here: this worker may end none but itself", 2)
  end
  return require "dynsup".exit((...))
end

local function reduced_dynsup()
  local result = picked(require "dynsup", of_workers)
  result.exit = own_exit
  return result
end

local function library(name)
  if name == "dynsup" then return reduced_dynsup() end
  local value = globals[name]
  if type(value) ~= "table" then return value end
  value = copy(value)
  if name == "string" then value.dump = nil end
  return value
end

-- What has been made for the environment stays what it requires, whatever becomes of the globals.
local function own_require(own, allowed)
  return function(name)
    if not allowed[name] then
      error(("module '%s' is not allowed here: see env in the child's spec"):format(tostring(name)), 2)
    end
    return own[name] or require(name)
  end
end

local function allowing(names)
  local env, allowed, own = picked(globals, harmless), {}, {}
  for _, name in ipairs(names) do
    allowed[name] = true
    env[name] = library(name)
  end
  if allowed.require then env.require = own_require(own, allowed) end
  enclose(env)
  for name in next, allowed do own[name] = env[name] end
  return env
end

-- ---- the worker's code ----

local function load_module(name, env)
  local path, tried = package.searchpath(name, package.path)
  if not path then
    error(("module '%s' not found for a worker with env, whose code is a file in Lua:%s"):format(name, tried), 0)
  end
  local chunk, message = loading.compile(path, env)
  if not chunk then
    error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, message), 0)
  end
  return chunk(name, path)
end

local function find(code, env)
  local name, field = code:match "^(.-):(.*)$"
  local module = load_module(name, env)
  if type(module) ~= "table" then
    error(("the module of \"%s\" is no table"):format(code), 0)
  end
  local f = module[field]
  if type(f) ~= "function" then
    error(("no function '%s' in module of '%s'"):format(field, code), 0)
  end
  return f
end

--- The body of a worker with env.
---@param code string "module:function"
---@param env "private"|string[] or the names that are allowed
---@param ... any its arguments
---@return any ...
function environment.call(code, env, ...)
  return find(code, env == "private" and private() or allowing(env))(...)
end

return environment
