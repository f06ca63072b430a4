--- The service: its tree, and what it does on demand.
local dynsup = require "dynsup"

local AuthDataLoaderSup = require "auth_data_loader_sup"
local AuthService = require "auth_service"
local RulesStore = require "rules_store"

local NAME, LISTENER = "my_service", "my_service.listener"

local my_service = {}

local function listen()
  while true do
    local event = dynsup.receive()
    if event == "rules_changed" then
      my_service.update_auth_rules()
    end
  end
end

-- The URL of the real authorization service, if there is one.
local function given_url()
  local url = os.getenv "AUTH_URL"
  return url ~= "" and url or nil
end

--- Starts the service; it loads nothing yet.
---@return userdata? pid
---@return string? reason "already_started"
---@return userdata? pid of the one that already runs
function my_service.start()
  local children = { RulesStore, AuthDataLoaderSup, { id = "listener", body = listen, name = LISTENER } }
  if not given_url() then
    table.insert(children, 1, AuthService)
  end
  return dynsup.supervisor.start_link(children, { strategy = "one_for_one", name = NAME })
end

--- Loads the rules again: returns as soon as a loader is at work.
---@return userdata? pid of the loader
---@return string? reason
function my_service.update_auth_rules()
  return AuthDataLoaderSup.start_loader(given_url() or AuthService.url())
end

--- The event that causes the rules to be loaded again.
function my_service.rules_changed()
  return dynsup.send(LISTENER, "rules_changed")
end

--- The rules as they were loaded last; nil before.
---@return string[]?
function my_service.rules()
  return RulesStore.get()
end

return my_service
