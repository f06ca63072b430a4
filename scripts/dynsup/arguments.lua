--- Checks of arguments: what is wrong is an error at the line that has called the function.

local arguments = {}

--- The argument must be a table, or nil where that is allowed.
---@param value any
---@param position integer
---@param name string the function's
---@param optional? boolean
function arguments.check_table(value, position, name, optional)
  if type(value) ~= "table" and not (optional and value == nil) then
    local message = "bad argument #%d to '%s' (table expected, got %s)"
    error(message:format(position, name, type(value)), 3)
  end
end

return arguments
