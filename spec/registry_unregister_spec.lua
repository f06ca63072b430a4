-- Which entries registry.unregister_match ends.

local dynsup = require "dynsup"
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
end)
