--- Why the system refused: what dynsup.fs says, without the path, which is shown separately.
local reason = {}

--- "DIR/x: no such file or directory" -> "no such file or directory"
---@param detail string of a function of dynsup.fs
---@param path string that it was given
---@return string
function reason.without_path(detail, path)
  local prefix = path .. ": "
  return detail:sub(1, #prefix) == prefix and detail:sub(#prefix + 1) or detail
end

return reason
