--- dynsup.server: a process that is a module of callbacks, with a state; what GenServer is in Elixir.
--
-- The functions come from C (`native`); here is what makes a module a child.

local native = ...
local check_table = require "dynsup.arguments".check_table

---@class dynsup.server
local server = native

--- The child spec of a server: `{ server, Module }` and, by `use`, `{ Module, arg }` are children.
---@param module table the callbacks
---@param arg any for init
---@param overrides? table fields of the child spec in place of the defaults
---@return table spec
function server.child_spec(module, arg, overrides)
  check_table(module, 1, "child_spec")
  check_table(overrides, 3, "child_spec", true)
  local spec = { id = module, start = server.start_link, args = { module, arg, n = 2 } }
  for name, value in next, overrides or {} do
    spec[name] = value
  end
  return spec
end

--- Gives a module `child_spec` (id: the module) and, if it lacks one, `start_link(arg, options)`.
---@param module table the callbacks
---@param defaults? table fields of the child spec in place of the defaults
---@return table module
function server.use(module, defaults)
  check_table(module, 1, "use")
  check_table(defaults, 2, "use", true)
  local own = module.start_link ~= nil
  if not own then
    function module.start_link(arg, options)
      return server.start_link(module, arg, options)
    end
  end
  function module.child_spec(arg)
    local spec = server.child_spec(module, arg, defaults)
    if own and not (defaults and defaults.start) then
      spec.start = function(...)
        return module.start_link(...)
      end
      spec.args = defaults and defaults.args or { arg, n = 1 }
    end
    return spec
  end
  return module
end

return server
