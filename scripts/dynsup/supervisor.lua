--- dynsup.supervisor: static supervisors, whose children are known from the beginning.
--
-- Children start in order and stop in reverse; when one must be restarted, the strategy says which others
-- are. The policy is in C (`native`); this module turns children into specs. Specs and options are validated
-- in C, nowhere else.

local native = ...

local dynsup = require "dynsup"
local check_table = require "dynsup.arguments".check_table
local normalize = native.normalizer()

---@alias dynsup.supervisor.dest lightuserdata|string a pid or a name

---@class dynsup.supervisor
---@field start_child fun(sup: dynsup.supervisor.dest, child: any): lightuserdata?, any, any
---@field terminate_child fun(sup: dynsup.supervisor.dest, id: any): true?, any
---@field restart_child fun(sup: dynsup.supervisor.dest, id: any): lightuserdata?, any, any
---@field delete_child fun(sup: dynsup.supervisor.dest, id: any): true?, any
---@field which_children fun(sup: dynsup.supervisor.dest): table[]?, any
---@field count_children fun(sup: dynsup.supervisor.dest): table<string, integer>?, any
---@field stop fun(sup: dynsup.supervisor.dest, reason?: string|table, ms?: number|string): true?, any
local supervisor = {
  start_child = dynsup.start_child,
  terminate_child = native.terminate_child,
  restart_child = native.restart_child,
  delete_child = native.delete_child,
  which_children = dynsup.which_children,
  count_children = dynsup.count_children,
  stop = dynsup.stop,
}

-- What is in it that nobody would read, n aside, which table.pack adds; or nil.
local function what_no_list_has(children)
  local count = #children
  for key in next, children do
    local is_item = math.type(key) == "integer" and key >= 1
    if is_item and key > count then
      return ("the item %d behind its end at %d"):format(key, count)
    elseif not is_item and key ~= "n" then
      return ("the field '%s'"):format(tostring(key))
    end
  end
end

local function check_list(children, name)
  local odd = what_no_list_has(children)
  if odd then
    local message = "bad argument #1 to '%s' (list of children expected, got a table with %s: "
      .. "a child is a table of its own in the list, options are the next argument)"
    error(message:format(name, odd), 3)
  end
end

local function is_function_name(value)
  return type(value) == "string" and value:find(":", 1, true)
end

-- A child as a spec. A bare function is a temporary worker, whose id is the function; any other value stays
-- what it is, and is refused when it is validated.
local function to_spec(child)
  if type(child) == "function" or is_function_name(child) then
    return { id = child, body = child, restart = "temporary" }
  elseif type(child) ~= "table" or rawget(child, "body") ~= nil or rawget(child, "start") ~= nil then
    return child
  end
  return normalize(child)
end

local function to_specs(children)
  local specs = {}
  for i = 1, #children do
    specs[i] = to_spec(children[i]) or false
  end
  return specs
end

--- Starts a static supervisor with these children, linked to the caller; or one whose children come
--- from `module.init(arg)`.
---@param children table a list of children; or a module with a function init
---@param options? table strategy, name, max_restarts, max_seconds, auto_shutdown; or the argument
---@param module_options? table name, after a module
---@return lightuserdata? pid nil: it did not start
---@return any reason
---@return any detail
function supervisor.start_link(children, options, module_options)
  check_table(children, 1, "start_link")
  if type(children.init) == "function" then
    return native.start_module(children, options, module_options)
  end
  check_list(children, "start_link")
  check_table(options, 2, "start_link", true)
  return native.start(to_specs(children), options or {})
end

--- What a module's `init` returns: its children and options.
---@param children table
---@param options? table as of start_link, without name
---@return table
function supervisor.init(children, options)
  check_table(children, 1, "init")
  check_list(children, "init")
  check_table(options, 2, "init", true)
  local flags = { strategy = "one_for_one", max_restarts = 3, max_seconds = 5, auto_shutdown = "never" }
  for name, value in next, options or {} do
    flags[name] = value
  end
  return { children = to_specs(children), options = flags }
end

--- A child's spec with some fields replaced.
---@param child any
---@param overrides? table
---@return table spec
function supervisor.child_spec(child, overrides)
  check_table(overrides, 2, "child_spec", true)
  local spec = to_spec(child)
  if type(spec) ~= "table" then
    local message = "bad argument #1 to 'child_spec' (child expected, got %s)"
    error(message:format(type(child)), 2)
  end
  local merged = {}
  for _, fields in ipairs { spec, overrides or {} } do
    for name, value in next, fields do
      merged[name] = value
    end
  end
  return merged
end

--- Gives a module `child_spec` and, if it lacks one, `start_link`, for a static supervisor.
---@param module table
---@param defaults? table fields of the child spec in place of the defaults
---@return table module
function supervisor.use(module, defaults)
  check_table(module, 1, "use")
  check_table(defaults, 2, "use", true)
  if module.start_link == nil then
    function module.start_link(arg)
      return supervisor.start_link(module, arg)
    end
  end
  return dynsup.use(module, defaults)
end

return supervisor
