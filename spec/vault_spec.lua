-- Values that C keeps are what they are, also when others take the room that was made for them: by what
-- is called while they are read. How much room there is depends on how many are kept already.
local dynsup = require "dynsup"
local finalizer = require "spec.support.finalizer"
local host = require "spec.support.host"

local PAGE = 256 -- values for which room is made at once

-- Keeps so many values.
local function fill(count)
  for _ = 1, count do
    dynsup.send(dynsup.self(), {})
  end
end

-- What takes room away: a message of values that need some.
local function eater()
  local sink = dynsup.spawn(dynsup.sleep)
  return function()
    dynsup.send(sink, {}, {}, {})
  end
end

-- Values that are kept from now on come back.
local function assert_keeps()
  for i = 1, 20 do
    dynsup.send(dynsup.self(), "late", { i })
  end
  for i = 1, 20 do
    local _, value = dynsup.receive_match("late", 0)
    assert.same({ i }, value)
  end
end

-- Runs the test beside 0 to PAGE - 1 values.
local function beside_any(test)
  return function()
    for count = 0, PAGE - 1 do
      host.run(function()
        fill(count)
        test(eater())
        assert_keeps()
      end)
    end
  end
end

describe("what is kept", function()
  it("of a supervisor with heaps is its name, whatever packs its extra arguments", beside_any(function(eat)
    assert(dynsup.registry.start_link { keys = "unique", name = "names" })
    local key = {}
    local function pack()
      eat()
      return "packed", 1
    end
    local sup = assert(dynsup.start_link {
      heaps = 1,
      name = { "names", key },
      extra_arguments = { setmetatable({}, { __pack = pack }) },
    })
    assert.same({ key }, dynsup.registry.keys("names", sup))
  end))

  it("of an init that returns no flags is that, whatever has run while it was read", beside_any(function(eat)
    local flags = { extra_arguments = { 1 } }
    local module = { init = function()
      finalizer.set(eat)
      return flags
    end }
    dynsup.flag("trap_exit", true)
    local _, reason, detail = dynsup.start_link(module)
    finalizer.unset()
    assert.equal("bad_return", reason)
    assert.equal(flags, detail)
  end))
end)
