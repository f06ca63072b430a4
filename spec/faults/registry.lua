-- Programs of registries.
local dynsup = require "dynsup"
local registry = require "dynsup.registry"

return {
  { "a registry of unique keys", function()
    local r = assert(registry.start_link { keys = "unique", name = "room" })
    registry.register(r, "me", { 1 })
    registry.register(r, { "table" }, 1)
    dynsup.spawn_link(function()
      registry.register("room", "other", {})
      dynsup.receive()
    end)
    dynsup.sleep(1)
    registry.lookup(r, "other")
    registry.update_value(r, "me", function(old) return { old } end)
    registry.select(r)
    registry.keys(r, dynsup.self())
    registry.unregister(r, "me")
    registry.count(r)
    registry.stop(r)
  end },

  { "a registry of duplicate keys", function()
    local r = assert(registry.start_link { keys = "duplicate" })
    for i = 1, 4 do registry.register(r, "topic", { i }) end
    for _ = 1, 3 do dynsup.spawn_link(function() registry.register(r, "topic") dynsup.receive() end) end
    dynsup.sleep(1)
    registry.dispatch(r, "topic", function(entries)
      for _, entry in ipairs(entries) do
        dynsup.send(entry.pid or entry[1], {})
        dynsup.yield()
      end
    end)
    registry.match(r, "topic", function(value) return value end)
    registry.unregister_match(r, "topic", function() return true end)
    registry.values(r, "topic", dynsup.self())
  end },

  { "children with names in a registry, below a supervisor", function()
    local sup = assert(dynsup.start_link())
    local r = dynsup.start_child(sup, registry.child_spec { keys = "unique", name = "room" })
    dynsup.spawn_link(function()
      registry.register("room", 1)
      dynsup.receive()
    end)
    dynsup.sleep(1)
    dynsup.flag("trap_exit", true)
    dynsup.exit(r, "kill")
    dynsup.sleep(1)
    registry.register("room", 1)
  end },
}
