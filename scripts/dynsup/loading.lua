--- How modules are found and loaded, for require and reload.
--
-- While a module is loaded, others that need it wait: a load may wait in the middle.

local native = ...

local package, error, ipairs, type, loadfile = package, error, ipairs, type, loadfile
local loaded = package.loaded
local globals = _G

-- Lua's own searcher of modules in Lua, if its list is as Lua makes it.
local function find_lua_searcher(searchers)
  local is_own = type(searchers) == "table" and #searchers == 4 and debug
  local second = is_own and searchers[2]
  return second and debug.getinfo(second, "S").what == "C" and second or nil
end

local lua_searcher = find_lua_searcher(package.searchers)
local undivided = native.undivided

local loading = {}

-- name -> { name =, owner = the process that loads it, or false; depth = of its run among nested ones, 0:
-- outside; waiters = resume functions }
local loads = {}

-- depth -> process -> the load that it waits for, which is of the same run
local waits = setmetatable({}, {
  __index = function(all, depth)
    all[depth] = {}
    return all[depth]
  end,
})

local function dynsup()
  return loaded.dynsup
end

--- The calling process, or false.
function loading.current()
  local module = dynsup()
  local ok, pid = pcall(module and module.self or error)
  return ok and pid
end

--- Compiles a file of Lua. Precompiled code is refused, as nobody checks it before it runs, unless
--- the state's package.bytecode is true.
---@param path string
---@param env? table its globals
---@return function? chunk
---@return string? message
function loading.compile(path, env)
  local mode = rawget(package, "bytecode") == true and "bt" or "t"
  local chunk, message = loadfile(path, mode, env or globals)
  if not chunk and message == "attempt to load a binary chunk (mode is 't')" then -- whole: a mistake's has a line
    message = path .. ": precompiled code is not loaded unless package.bytecode is true (dynsup run --allow-bytecode)"
  end
  return chunk, message
end

-- In place of Lua's own searcher of modules in Lua.
local function search_lua(name)
  local path, tried = package.searchpath(name, package.path)
  if not path then return tried end
  local chunk, message = loading.compile(path)
  if not chunk then
    error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, message), 0)
  end
  return chunk, path
end

--- The loader of a module and what else its searcher returned; or nil and what was tried. The searcher's
--- errors, for instance a module's syntax error, are raised.
---@param name string
---@return function? loader
---@return any
function loading.find(name)
  if type(package.searchers) ~= "table" then
    error("'package.searchers' must be a table", 3)
  end
  local messages = {}
  for _, searcher in ipairs(package.searchers) do
    if searcher == lua_searcher then searcher = search_lua end
    local loader, data = searcher(name)
    if type(loader) == "function" then
      return loader, data
    elseif type(loader) == "string" then
      messages[#messages + 1] = "\n\t" .. loader
    end
  end
  return nil, ("module '%s' not found:%s"):format(name, table.concat(messages))
end

local function finish(load)
  load.is_over = true
  if loads[load.name] == load then
    loads[load.name] = nil
  end
end

local guard = {
  __close = function(load)
    undivided(finish, load)
    for _, resume in ipairs(load.waiters) do
      resume()
    end
  end,
}

-- Would its end wait for the caller, and that for its end? A run inside another one holds up the process that has
-- begun it.
local function is_own(load, me, runs)
  if load.depth == #runs then return load.owner == me end
  return load.depth == 0 or runs[load.depth] == load.owner
end

-- Of the caller's run: others do not go on meanwhile.
local function is_under_way(load, me, runs)
  return load.depth == #runs and me and load.owner and dynsup().is_alive(load.owner)
end

-- In one piece: two processes that need the module at the same time must not both load it.
local function claim(name, me, is_anew)
  local load, runs = loads[name], native.runs()
  if load and is_own(load, me, runs) then
    return nil, true
  elseif load and is_under_way(load, me, runs) then
    return nil, nil, load
  elseif loaded[name] and not is_anew then
    return nil
  end
  loads[name] = setmetatable({ name = name, owner = me, depth = #runs, waiters = {} }, guard)
  return loads[name]
end

--- Claims the load of a module, unless another living process is loading it or it is loaded.
---@param name string
---@param me any the calling process, or false
---@param is_anew? boolean also when it is loaded
---@return table? mine to be closed when the load is over, however it ends
---@return table? other the load that is under way, to be waited for
function loading.claim(name, me, is_anew)
  local mine, circle, other = undivided(claim, name, me, is_anew)
  if circle then
    error(("module '%s' is required while it is being loaded"):format(name), 3)
  end
  return mine, other
end

local function join(load, resume)
  if load.is_over then
    return false
  end
  load.waiters[#load.waiters + 1] = resume
  return true
end

-- Notes that the process waits for the load; true, and nothing is noted: it would wait for itself.
local function is_circle(load, me)
  local at = load
  while at and not at.is_over do
    if at.owner == me then return true end
    at = waits[load.depth][at.owner]
  end
  waits[load.depth][me] = load
  return false
end

local unwait = {
  __close = function(waiter) waits[waiter.depth][waiter.pid] = nil end,
}

--- Waits for its end, good or bad. Raises where that end would wait for the caller: processes may require in a
--- circle what one alone could not.
function loading.wait(load)
  local me <close> = setmetatable({ pid = loading.current(), depth = load.depth }, unwait)
  if undivided(is_circle, load, me.pid) then
    error(("module '%s' is required while it is being loaded"):format(load.name), 3)
  end
  dynsup().await(function(resume)
    if not undivided(join, load, resume) then
      resume()
    end
  end)
end

return loading
