-- A module that settlers reload.
local dynsup = require "dynsup"

local module = {}

function module.run()
  dynsup.send("keeper", "born", dynsup.self())
  dynsup.sleep()
end

return module
