--- The process that keeps the rules and tells those who want to know when there are new ones.
local dynsup = require "dynsup"

local NAME = "my_service.rules_store"

local RulesStore = {}

---@class RulesStoreState
---@field rules string[]? as they were saved last
---@field subscribers table<userdata, boolean> by their pids

local handlers = {}

function handlers.save(state, rules, loader)
  state.rules = rules
  for pid in pairs(state.subscribers) do
    dynsup.send(pid, "rules_saved", rules, loader)
  end
end

function handlers.get(state, _, pid)
  dynsup.send(pid, "rules", state.rules)
end

function handlers.subscribe(state, _, pid)
  state.subscribers[pid] = true
end

local function handle(state, tag, ...)
  handlers[tag](state, ...)
end

local function run()
  local state = { subscribers = {} }
  while true do
    handle(state, dynsup.receive())
  end
end

---@return table spec
function RulesStore.child_spec()
  return { id = "rules_store", body = run, name = NAME }
end

---@param rules string[]
function RulesStore.save(rules)
  dynsup.send(NAME, "save", rules, dynsup.self())
end

--- The rules that were saved last.
---@async
---@return string[]? rules
---@return string? reason
function RulesStore.get()
  local sent, reason = dynsup.send(NAME, "get", nil, dynsup.self())
  if not sent then
    return nil, reason
  end
  local _, rules = dynsup.receive_match("rules", 1000)
  return rules
end

--- The caller will receive "rules_saved", rules, loader whenever rules are saved.
function RulesStore.subscribe()
  dynsup.send(NAME, "subscribe", nil, dynsup.self())
end

return RulesStore
