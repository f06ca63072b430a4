--- require, so that the code of a module may wait.
--
-- It does what Lua's own does, by package.loaded and package.searchers, but as a Lua function it can
-- be yielded across. A module that another process is loading just now is waited for; a module that
-- is required while it loads itself is an error in place of an endless recursion.

local package, error, ipairs, type = package, error, ipairs, type
local loaded = package.loaded

-- name -> { owner = the process that loads it, or false; waiters = resume functions }
local loading = {}

local function dynsup()
  return loaded.dynsup
end

-- The calling process, or false.
local function current()
  local module = dynsup()
  local ok, pid = pcall(module and module.self or error)
  return ok and pid
end

local function find_loader(name)
  if type(package.searchers) ~= "table" then
    error("'package.searchers' must be a table", 3)
  end
  local messages = {}
  for _, searcher in ipairs(package.searchers) do
    local loader, data = searcher(name)
    if type(loader) == "function" then
      return loader, data
    elseif type(loader) == "string" then
      messages[#messages + 1] = "\n\t" .. loader
    end
  end
  error(("module '%s' not found:%s"):format(name, table.concat(messages)), 3)
end

-- The load under way by another living process, if there is one.
local function foreign_load(name, me)
  local load = loading[name]
  if load and load.owner == me then
    error(("module '%s' is required while it is being loaded"):format(name), 3)
  end
  if load and load.owner and dynsup().is_alive(load.owner) then
    return load
  end
end

local function wait_for(load)
  dynsup().await(function(resume)
    load.waiters[#load.waiters + 1] = resume
  end)
end

-- Marks the module as being loaded until the result is closed, however the loading ends.
local function begin(name, me)
  local load = { owner = me, waiters = {} }
  loading[name] = load
  return setmetatable(load, {
    __close = function()
      if loading[name] == load then
        loading[name] = nil
      end
      for _, resume in ipairs(load.waiters) do
        resume()
      end
    end,
  })
end

local function load_module(name, me)
  local loader, data = find_loader(name)
  local guard <close> = begin(name, me) -- luacheck: ignore guard
  local value = loader(name, data)
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name], data
end

return function(name)
  if type(name) == "number" then
    name = tostring(name)
  elseif type(name) ~= "string" then
    error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
  end
  while not loaded[name] do
    local me = current()
    local load = me and foreign_load(name, me)
    if not load then
      return load_module(name, me)
    end
    wait_for(load)
  end
  return loaded[name]
end
