--- How modules are found and loaded, for require and reload.
--
-- While a module is loaded, others that need it wait: a load may wait in the middle.

local package, error, ipairs, type = package, error, ipairs, type
local loaded = package.loaded

local loading = {}

-- name -> { owner = the process that loads it, or false; waiters = resume functions }
local loads = {}

local function dynsup()
  return loaded.dynsup
end

--- The calling process, or false.
function loading.current()
  local module = dynsup()
  local ok, pid = pcall(module and module.self or error)
  return ok and pid
end

--- The loader of a module and what its searcher found beside; or nil and what was tried. The
--- searcher's errors, as of a module with a syntax error, are raised.
---@param name string
---@return function? loader
---@return any
function loading.find(name)
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
  return nil, ("module '%s' not found:%s"):format(name, table.concat(messages))
end

--- The load under way by another living process, if there is one.
---@param name string
---@param me any the calling process, or false
---@return table? load
function loading.foreign(name, me)
  local load = loads[name]
  if load and load.owner == me then
    error(("module '%s' is required while it is being loaded"):format(name), 3)
  end
  if load and load.owner and dynsup().is_alive(load.owner) then
    return load
  end
end

--- Waits for its end, good or bad.
function loading.wait(load)
  dynsup().await(function(resume)
    load.waiters[#load.waiters + 1] = resume
  end)
end

--- Marks the module as being loaded until the result is closed, however the loading ends.
---@param name string
---@param me any
---@return table load to be closed
function loading.begin(name, me)
  local load = { owner = me, waiters = {} }
  loads[name] = load
  return setmetatable(load, {
    __close = function()
      if loads[name] == load then
        loads[name] = nil
      end
      for _, resume in ipairs(load.waiters) do
        resume()
      end
    end,
  })
end

return loading
