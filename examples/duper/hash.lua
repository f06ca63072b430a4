--- The SHA-256 of a file's content. A thread of libuv's pool computes it; several workers keep
--- several cores busy.
local fs = require "dynsup.fs"

local reason = require "reason"

local hash = {}

---@async
---@param path string
---@param size integer the size it is known to have
---@return string? sum 32 bytes
---@return string? reason
function hash.file(path, size)
  local sum, why, detail = fs.hash(path, "sha256", { size = size })
  if sum then
    return sum
  elseif why == "changed" or why == "not_a_file" then
    return nil, "it changed meanwhile"
  end
  return nil, reason.without_path(detail, path)
end

return hash
