-- Handles whose finalizer has run already: other finalizers may find them still, in the order in which
-- Lua comes to them, and whoever has the metatable can call it.
local dynsup = require "dynsup"
local host = require "spec.support.host"

-- What can be made and left, and the methods that are tried on it afterwards, with an argument.
local kinds = {
  clock = {
    says = "the clock is gone",
    methods = { pause = false, resume = false, paused = false, now = false, rate = 2, step = 1 },
    make = function() return dynsup.clock.new() end,
  },
  file = {
    says = "^closed$",
    methods = { read = 1, write = "x", stat = false, hash = "sha256" },
    make = function() return assert(dynsup.fs.open("README.md")) end,
  },
  listener = {
    says = "socket",
    methods = { accept = false, sockname = false },
    make = function() return assert(dynsup.net.listen("127.0.0.1", 0)) end,
  },
}

-- What each method says: its error, or its reason behind nil.
local function try(handle, methods)
  local answers = {}
  for method, argument in pairs(methods) do
    local ok, first, reason = pcall(handle[method], handle, table.unpack { argument or nil })
    answers[method] = not ok and first or first == nil and reason or "it went through"
  end
  answers.text = tostring(handle)
  return answers
end

local function assert_refused(answers, kind)
  for method in pairs(kind.methods) do
    assert.matches(kind.says, answers[method])
  end
  assert.equal("string", type(answers.text))
end

for name, kind in pairs(kinds) do
  local options = { clock = name == "listener" and "real" or nil }

  describe("a handle of a " .. name, function()
    it("is refused in a finalizer that comes after its own", host.main(function()
      local answers
      -- The last one made is finalized first.
      local holder = setmetatable({}, { __gc = function(holder)
        answers = try(holder.handle, kind.methods)
      end })
      holder.handle = kind.make()
      holder = nil -- luacheck: no unused
      collectgarbage()
      collectgarbage()
      assert_refused(answers, kind)
    end, options))

    it("is refused when its finalizer has been called by hand, also twice", host.main(function()
      local handle = kind.make()
      local meta = getmetatable(handle)
      meta.__gc(handle)
      meta.__gc(handle)
      assert_refused(try(handle, kind.methods), kind)
    end, options))

    it("has no finalizer among its methods, and that takes nothing else", host.main(function()
      local handle <close> = setmetatable({ kind.make() }, { __close = function(box)
        if box[1].close then box[1]:close() end
      end })
      local meta = getmetatable(handle[1])
      assert.is_nil(handle[1].__gc)
      assert.is_nil(handle[1].__close)
      for _, foreign in ipairs { {}, 1, "x", io.stdout } do
        pcall(meta.__gc, foreign)
        pcall(meta.__close or error, foreign)
        pcall(meta.__tostring or error, foreign)
      end
      pcall(meta.__gc)
    end, options))
  end)
end

describe("a clock that is gone", function()
  it("is none for a supervisor", host.main(function()
    local clock = dynsup.clock.new()
    getmetatable(clock).__gc(clock)
    local sup, reason = dynsup.start_link { clock = clock }
    assert.is_nil(sup)
    assert.equal("invalid_clock", reason)
  end))
end)

describe("an iteration over children that has been closed", function()
  it("has come to its end", host.main(function()
    local sup = dynsup.start_link()
    dynsup.start_child(sup, dynsup.sleep)
    local next_child, cursor = dynsup.children(sup)
    getmetatable(cursor).__gc(cursor)
    getmetatable(cursor).__close(cursor)
    assert.is_nil((next_child(cursor)))
    assert.is_false((pcall(getmetatable(cursor).__gc, {})))
  end))
end)
