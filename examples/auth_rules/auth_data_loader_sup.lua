--- The dynamic supervisor of the loaders.
local dynsup = require "dynsup"

local AuthDataLoader = require "auth_data_loader"

local NAME = "my_service.auth_data_loader_sup"

local AuthDataLoaderSup = {}
dynsup.use(AuthDataLoaderSup)

function AuthDataLoaderSup.start_link()
  return dynsup.start_link(AuthDataLoaderSup, "no_args", { name = NAME })
end

function AuthDataLoaderSup.init()
  return dynsup.init { strategy = "one_for_one" }
end

--- Starts a loader of the rules at the URL.
---@param url string
---@return userdata? pid
---@return string? reason
function AuthDataLoaderSup.start_loader(url)
  return dynsup.start_child(NAME, { AuthDataLoader, url })
end

return AuthDataLoaderSup
