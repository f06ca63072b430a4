-- Which entries registry.unregister_match ends.

local dynsup = require "dynsup"
local heaps = require "spec.support.heaps"
local host = require "spec.support.host"
local registry = require "dynsup.registry"

describe("registry.unregister_match", function()
  it("ends the very entries that are accepted, of those with equal values", host.main(function()
    local r = registry.start_link { keys = "duplicate" }
    local function left_of(values, accepts)
      for i = 1, values.n do registry.register(r, "k", values[i]) end
      assert.is_true(registry.unregister_match(r, "k", accepts))
      local left = registry.values(r, "k", dynsup.self())
      registry.unregister(r, "k")
      return left
    end
    local function nth(n)
      return function()
        n = n - 1
        return n == 0
      end
    end
    local function is_nan(value) return value ~= value end
    assert.same({ "a", "b", n = 2 }, left_of({ "a", "b", "a", n = 3 }, nth(3)))
    assert.same({ "b", "a", n = 2 }, left_of({ "a", "b", "a", n = 3 }, nth(1)))
    assert.same({ nil, 1, n = 2 }, left_of({ nil, 1, nil, n = 3 }, nth(3)))
    assert.same({ 1, 2, n = 2 }, left_of({ 1, 0 / 0, 2, -(0 / 0), n = 4 }, is_nan))
  end))

  it("ends no other entry where its function ends some itself", host.main(function()
    local r = registry.start_link { keys = "duplicate" }
    for _, value in ipairs { "a", "b", "c", "d" } do registry.register(r, "k", value) end
    assert.is_true(registry.unregister_match(r, "k", function(value)
      if value == "b" then
        registry.unregister_match(r, "k", function(inner) return inner ~= "d" end)
        registry.register(r, "k", "e")
      end
      return value == "a" or value == "d"
    end))
    assert.same({ "e", n = 1 }, registry.values(r, "k", dynsup.self()))
    for _, value in ipairs { "x", "y" } do registry.register(r, "k", value) end
    assert.is_true(registry.unregister_match(r, "k", function(value)
      registry.unregister(r, "k")
      return value
    end))
    assert.equal(0, registry.count(r))
  end))

  it("ends an entry that has got another value since", host.main(function()
    local r = registry.start_link { keys = "unique" }
    registry.register(r, "k", 1)
    assert.is_true(registry.unregister_match(r, "k", function(value)
      registry.update_value(r, "k", function() return 2 end)
      return value == 1
    end))
    assert.equal(0, registry.count(r))
  end))

  it("ends no entry that was made since, with the same value", host.main(function()
    local r = registry.start_link { keys = "unique", name = "R" }
    local function renew(start)
      return function()
        registry.unregister("R", "k")
        start()
        registry.register("R", "k", 1)
        return true
      end
    end
    registry.register(r, "k", 1)
    assert.is_true(registry.unregister_match("R", "k", renew(function() end)))
    assert.equal(1, registry.count("R"))
    assert.is_true(registry.unregister_match("R", "k", renew(function()
      registry.stop("R")
      registry.start_link { keys = "unique", name = "R" }
    end)))
    assert.equal(1, registry.count("R"))
  end))

  it("tells a child of a further heap that its name cannot be taken, too", host.main(function()
    registry.start_link { keys = "unique", name = "R" }
    local child = heaps.serving(heaps.supervisor { heaps = 1 }, { name = { "R", "k", { 1, 2 } } })
    assert.same({ nil, "taken" }, { heaps.ask(child, "eval", [[
      local registry = require "dynsup.registry"
      return registry.unregister_match("R", "k", function(value) return value[2] == 2 end)
    ]]) })
    assert.equal(child, registry.whereis("R", "k"))
  end))
end)
