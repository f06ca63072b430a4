--- dynsup: processes and dynamic supervisors for Lua.
--
-- The functions come from C (`core`); here is the sugar on top of them: modules as children, and
-- `use`. Specs and options are validated in C, nowhere else.

local core = ...

---@class dynsup
local dynsup = core

local check_table = require "dynsup.arguments".check_table
local load_require = require "dynsup.require"

--- The flags of a dynamic supervisor, with defaults filled in: what a module's `init` returns.
---@param options? table
---@return table flags
function dynsup.init(options)
  check_table(options, 1, "init", true)
  local flags = {
    strategy = "one_for_one",
    max_restarts = 3,
    max_seconds = 5,
    max_children = "infinity",
    extra_arguments = {},
  }
  for name, value in next, options or {} do
    flags[name] = value
  end
  return flags
end

--- The child spec of a dynamic supervisor itself, so that `{ dynsup, options }` is a child.
---@param options? table as of start_link
---@return table spec
function dynsup.child_spec(options)
  check_table(options, 1, "child_spec", true)
  options = options or {}
  return {
    id = options.name or "dynsup",
    start = dynsup.start_link,
    args = { options, n = 1 },
    type = "supervisor",
  }
end

--- Gives a module `child_spec` and, if it lacks one, `start_link`.
---@param module table
---@param defaults? table fields of the child spec in place of the defaults
---@return table module
function dynsup.use(module, defaults)
  check_table(module, 1, "use")
  check_table(defaults, 2, "use", true)
  function module.child_spec(arg)
    local spec = {
      id = module,
      start = function(...)
        return module.start_link(...)
      end,
      args = { arg, n = 1 },
      type = "supervisor",
    }
    for name, value in next, defaults or {} do
      spec[name] = value
    end
    return spec
  end
  if module.start_link == nil then
    function module.start_link(arg)
      return dynsup.start_link(module, arg)
    end
  end
  return module
end

--- Tells events in the life of processes and children to a function or a mailbox: docs/api.md.
---@param filter? table events, level, supervisor, pid
---@param target function|any function(event), or the dest of a process
---@return table? observation with close()
---@return string? reason
---@return any detail
function dynsup.observe(filter, target, ...)
  if select("#", ...) > 0 then
    error("bad argument #3 to 'observe' (no further argument expected)", 2)
  end
  return load_require("dynsup.observation").open(filter, target)
end

--- Keeps a copy of a state for the next incarnation of the calling child: docs/api.md.
---@param state any tables without metatables and plain values; nil: forget it
---@return true? saved nil: it was not
---@return string? reason
function dynsup.save_state(...)
  return load_require("dynsup.saving").save(...)
end

--- What the incarnation before has left to this one.
---@return table? previous state, reason, attempt; nil: nothing
function dynsup.previous(...)
  return load_require("dynsup.saving").previous(...)
end

--- Loads a module's code again and restarts the children that run it: docs/api.md.
---@param module string
---@param options? table restart = false: only the code
---@return integer? restarted nil: nothing has changed
---@return any failed how many could not be started yet; or the reason
---@return any detail
function dynsup.reload(...)
  return load_require("dynsup.reloading").reload(...)
end

-- Has it nothing beside module and arg (and n, which table.pack adds)?
local function is_pair(child)
  for key in next, child do
    if key ~= 1 and key ~= 2 and key ~= "n" then return false end
  end
  return true
end

-- A module with child_spec, or { module, arg }, as a child spec; anything else stays what it is.
local function normalize(child)
  local module, arg = child, nil
  if rawget(child, "child_spec") == nil and type(child[1]) == "table" and is_pair(child) then
    module, arg = child[1], child[2]
  end
  if type(module.child_spec) == "function" then
    return module.child_spec(arg)
  end
  return child
end

-- dynsup.x and require "dynsup.x" are the same table.
setmetatable(dynsup, {
  __index = function(_, name)
    local full = "dynsup." .. tostring(name)
    if package.preload[full] and name ~= "require" then
      return load_require(full)
    end
  end,
})

return dynsup, load_require, normalize
