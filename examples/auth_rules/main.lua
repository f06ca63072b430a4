--- A service that loads authorization rules over HTTP: once at its start, and again when it is notified that
--- they have changed.
---
---   dynsup run examples/auth_rules/main.lua
---   dynsup repl examples/auth_rules/main.lua      then my_service.start(), my_service.update_auth_rules()
---
---   my_service (a static supervisor)
---     ├── auth service                 stands in for the real one, unless there is AUTH_URL
---     ├── rules store                  keeps the rules
---     ├── loader supervisor            a dynamic supervisor of short-lived workers
---     │     └── loader, loader ...     load the rules, save them, and are done
---     └── listener                     waits for the event
---
--- AUTH_URL: where the real rules are. AUTH_PATIENCE: how many ms `dynsup run` waits for them (60000).
--- Exit code: 0 when the rules were loaded twice, 1 when they could not be.
-- luacheck: globals my_service
package.path = (debug.getinfo(1, "S").source:match "^@(.*)/" or ".") .. "/?.lua;" .. package.path

local dynsup = require "dynsup"

local RulesStore = require "rules_store"
my_service = require "my_service"

-- Waits for rules that a loader saves, and for the loader's end.
local function await_rules(patience)
  local saved, _, loader = dynsup.receive_match("rules_saved", patience)
  if saved then
    local ref = dynsup.monitor(loader)
    dynsup.receive_match(function(tag, of)
      return tag == "DOWN" and of == ref
    end)
  end
  return saved ~= nil
end

-- What a service does in its life, in short: it starts, and then something happens.
local function demonstrate(patience)
  assert(my_service.start())
  RulesStore.subscribe()
  my_service.update_auth_rules()
  if not await_rules(patience) then
    return false
  end
  my_service.rules_changed()
  return await_rules(patience)
end

-- `dynsup run` sets arg; at a prompt the person does what we would.
if arg then
  local is_done = demonstrate(tonumber(os.getenv "AUTH_PATIENCE") or 60000)
  if not is_done then
    io.stderr:write "auth_rules: the rules could not be loaded\n"
  end
  dynsup.halt(is_done and 0 or 1)
end
