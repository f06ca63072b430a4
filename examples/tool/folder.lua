--- The folder of plug-ins: which there are, and in which versions.
local dynsup = require "dynsup"

local folder = {}

--- The plug-ins that are there: a name -> { path =, version = }; nil, a reason and a detail without
--- the folder.
---@param path string
function folder.look(path)
  local entries, reason, detail = dynsup.fs.scandir(path, { stat = true })
  if not entries then return nil, reason, detail end
  local found = {}
  for file, _, stat in entries do
    local name = file:match "^([%w_-]+)%.lua$"
    if name and stat then
      found[name] = { path = path .. "/" .. file, version = stat.mtime .. " " .. stat.size .. " " .. stat.inode }
    end
  end
  return found
end

return folder
