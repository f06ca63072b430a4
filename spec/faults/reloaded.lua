-- A module that programs reload.
local reloaded = {}

function reloaded.idle()
  require("dynsup").receive()
end

return reloaded
