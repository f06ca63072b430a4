-- How the prompt reads and shows Lua: what is complete, and values as text.

require "dynsup"

local read = require "dynsup.repl.read"
local show = require "dynsup.repl.show"

local function problem_of(text)
  return (select(2, read.compile(text, "=stdin")))
end

describe("a text at the prompt", function()
  it("shows keys in their order, however many there are", function()
    math.randomseed(4)
    for count = 1, 60 do
      local value, keys = {}, {}
      for i = 1, count do
        keys[i] = ("k%06d"):format(math.random(0, 999) * 1000 + i)
        value[keys[i]] = i
      end
      table.sort(keys)
      local shown = {}
      for key in show.value(value):gmatch "k%d+" do shown[#shown + 1] = key end
      assert.same(keys, shown)
    end
  end)

  it("is an expression where it can be one", function()
    assert.equal(3, read.compile("1 + 2", "=stdin")())
    assert.same({ 1, nil, 3, n = 3 }, table.pack(read.compile("1, nil, 3", "=stdin")()))
    assert.equal(0, select("#", read.compile("local x = 1", "=stdin")()))
  end)

  it("is incomplete where Lua misses its end", function()
    for _, text in ipairs { "1 +", "x =", "{ 1,", "for i = 1, 3 do", "f(", "[[a", "--[[ a", "function f()", "x.y:" } do
      assert.equal("incomplete", problem_of(text), text)
    end
  end)

  it("is wrong elsewhere", function()
    for _, text in ipairs { "x y", "'a", "1 2", "end", "return return", "goto nowhere" } do
      assert.equal("wrong", problem_of(text), text)
    end
  end)

  it("is empty when it has blanks and comments only", function()
    assert.is_true(read.is_empty " \n-- a\n")
    assert.is_false(read.is_empty "-- a\nx")
  end)
end)

describe("a value is shown", function()
  local function shown(expected, value, options)
    assert.equal(expected, show.value(value, options))
  end

  it("as Lua would write it", function()
    shown("nil", nil)
    shown("true", true)
    shown("1", 1)
    shown("1.0", 1.0)
    shown("-inf", -math.huge)
    shown([["a \"b\"\n\x00\\"]], 'a "b"\n\0\\')
    shown('"äß€"', "äß€")
    shown([["\xff\xe4"]], "\xff\xe4")
    shown('"\\xc2\\x9b31m\\xc2\\x80\u{a0}\\x7f"', "\u{9b}31m\u{80}\u{a0}\127")
  end)

  it("with its place when it is a function", function()
    assert.matches("^function: spec/repl_show_spec.lua:%d+$", show.value(function() end))
    assert.matches("^function: builtin: 0x%x+$", show.value(print))
  end)

  it("by its metamethod __tostring, also when that fails", function()
    shown("mine", setmetatable({}, { __tostring = function() return "mine" end }))
    shown("(its __tostring failed)", setmetatable({}, { __tostring = function() error "x" end }))
    shown("(its __tostring failed)", setmetatable({}, { __tostring = function() return 1 end }))
    shown("{ a ... }", { setmetatable({}, { __tostring = function() return "a\nb" end }) })
  end)

  it("with the name that its metatable gives it", function()
    shown("point { x = 1 }", setmetatable({ x = 1 }, { __name = "point" }))
  end)

  it("raw", function()
    shown("{ 1 }", setmetatable({ 1 }, { __index = error, __len = error, __pairs = error, __metatable = false }))
  end)
end)

describe("a table is shown", function()
  local function shown(expected, value, options)
    assert.equal(expected, show.value(value, options))
  end

  it("with its list first, then its keys, sorted", function()
    shown("{}", {})
    shown([[{ "x", 2, [-1] = 0, [1.5] = 1, ["a b"] = 2, a1 = 3, ["end"] = 4, [true] = 5 }]],
      { "x", 2, [1.5] = 1, ["a b"] = 2, a1 = 3, ["end"] = 4, [true] = 5, [-1] = 0 })
  end)

  it("in one line where it fits, else in several", function()
    shown("{ a = 1, b = { 1 } }", { a = 1, b = { 1 } }, { width = 20 })
    shown("{\n  a = 1,\n  b = { 1 },\n}", { a = 1, b = { 1 } }, { width = 19 })
    shown("{\n  1, 2,\n  3, 4,\n}", { 1, 2, 3, 4 }, { width = 8 })
    shown("{\n  a = {\n    b = 100,\n    c = 200,\n  },\n}", { a = { b = 100, c = 200 } }, { width = 14 })
  end)

  it("without going round in circles", function()
    local value = { 1 }
    value.me = value
    value.list = { value }
    shown("{ 1, list = { { ... its own parent } }, me = { ... its own parent } }", value)
    local shared = { 2 }
    shown("{ { 2 }, { 2 } }", { shared, shared })
  end)

  it("to a sensible depth", function()
    shown("{ { { { { { ... } } } } } }", { { { { { { 1 } } } } } })
    shown("{ { ... }, {} }", { { 1 }, {} }, { depth = 1 })
  end)

  it("to a sensible length", function()
    local list, map = {}, {}
    for i = 1, 1000 do list[i], map["k" .. i] = i, i end
    assert.matches("58, 59, 60,\n  %.%.%. 940 more,\n}$", show.value(list))
    assert.matches("\n  %.%.%. 940 more,\n}$", show.value(map))
    local text = show.value { ("x"):rep(1000) }
    assert.matches('^{\n  "x+%.%.%." %(1000 bytes%),\n}$', text)
    assert.is_true(#text < 250)
    assert.matches('ä%.%.%." %(602 bytes%)', show.value { "a" .. ("ä"):rep(300) .. "a" })
  end)

  it("to a sensible size when tables share tables", function()
    local value = { 1 }
    for _ = 1, 100 do value = { value, value, value } end
    assert.is_true(#show.value(value, { depth = 10 }) < 50000)
  end)

  it("also with keys of all kinds", function()
    local key = {}
    assert.equal("{ [{}] = 1, [function: builtin: ] = 2 }", (show.value { [key] = 1, [print] = 2 }
      :gsub("0x%x+", ""):gsub("^{ (%[func.*2), (.*) }$", "{ %2, %1 }")))
  end)
end)

describe("several values are shown", function()
  it("in one line where they fit, else one below the other", function()
    assert.equal('nil\t"x"', show.values({ nil, "x", n = 2 }))
    assert.equal('"aaaaa"\n"bbbbb"', show.values({ "aaaaa", "bbbbb", n = 2 }, { width = 12 }))
    assert.equal("", show.values { n = 0 })
  end)
end)
