--- The server that keeps the rules and notifies subscribers of new ones.
local dynsup = require "dynsup"

local server = dynsup.server

local NAME = "my_service.rules_store"

local RulesStore = {}

---@class RulesStoreState
---@field rules string[]? as they were saved last
---@field subscribers table<userdata, boolean> by their pids

function RulesStore.start_link()
  return server.start_link(RulesStore, nil, { name = NAME })
end

function RulesStore.init()
  return "ok", { rules = nil, subscribers = {} }
end

function RulesStore.handle_call(request, _, state)
  if request[1] == "subscribe" then
    state.subscribers[request[2]] = true
  elseif request[1] == "save" then
    state.rules = request[2]
    for pid in pairs(state.subscribers) do
      dynsup.send(pid, "rules_saved", state.rules, request[3])
    end
  end
  return "reply", state.rules, state
end

---@async
---@param rules string[]
function RulesStore.save(rules)
  assert(server.call(NAME, { "save", rules, dynsup.self() }))
end

--- The rules that were saved last; nil before.
---@async
---@return string[]? rules
---@return string? reason
function RulesStore.get()
  return server.call(NAME, { "get" })
end

--- The caller will receive "rules_saved", rules, loader whenever rules are saved.
---@async
function RulesStore.subscribe()
  server.call(NAME, { "subscribe", dynsup.self() })
end

return server.use(RulesStore)
