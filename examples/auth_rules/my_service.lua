--- The service: its tree, and what it does on demand.
local dynsup = require "dynsup"

local AuthDataLoaderSup = require "auth_data_loader_sup"
local RulesStore = require "rules_store"
local auth_service = require "auth_service"

local NAME, LISTENER = "my_service", "my_service.listener"

local my_service = {}

local url -- where the rules are, once the service is started

local function listen()
  while true do
    local event = dynsup.receive()
    if event == "rules_changed" then
      my_service.update_auth_rules()
    end
  end
end

-- The URL of the real authorization service, or that of one of our own.
local function find_rules(top)
  local given = os.getenv "AUTH_URL"
  if given and given ~= "" then
    return given
  end
  local _, address = assert(dynsup.start_child(top, auth_service))
  return address
end

--- Starts the service; it loads nothing yet.
---@return userdata? pid
---@return string? reason "already_started"
---@return userdata? pid of who was started before
function my_service.start()
  local top, reason, running = dynsup.start_link { name = NAME }
  if not top then
    return nil, reason, running
  end
  assert(dynsup.start_child(top, RulesStore))
  assert(dynsup.start_child(top, AuthDataLoaderSup))
  url = find_rules(top)
  assert(dynsup.start_child(top, { body = listen, name = LISTENER }))
  return top
end

--- Loads the rules anew: returns as soon as a loader is at work.
---@return userdata? pid of the loader
---@return string? reason
function my_service.update_auth_rules()
  return AuthDataLoaderSup.start_loader(url)
end

--- The event that has the rules loaded anew.
function my_service.rules_changed()
  return dynsup.send(LISTENER, "rules_changed")
end

--- The rules as they were loaded last; nil before.
---@return string[]?
function my_service.rules()
  return RulesStore.get()
end

return my_service
