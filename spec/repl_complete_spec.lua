-- What Tab offers at the prompt.

local dynsup = require "dynsup"
local complete = require "dynsup.repl.complete"

local env = {
  alpha = 1,
  alps = { height = 4000, climb = function() end, ["not a name"] = 1, peak = { name = "x" } },
  beta = "text",
  object = setmetatable({ own = 1 }, { __index = setmetatable({ method = function() end, field = 2 }, {
    __index = { inherited = function() end },
  }) }),
  magic = setmetatable({}, { __index = function() error "called" end, __pairs = error }),
  dynsup = dynsup,
}

local function names(prefix)
  local found = {}
  for _, name in ipairs { "worker one", "worker_two", "other", "xodd\n", "xodd\u{9b}31m", "xodd\xff", "xoddé" } do
    if name:sub(1, #prefix) == prefix then found[#found + 1] = name end
  end
  return found
end

local function offered(text)
  return (select(2, complete.candidates(text, env, names)))
end

describe("completion of a name", function()
  it("offers globals and keywords", function()
    assert.same({ "alpha", "alps" }, offered "al")
    assert.same({ "alpha", "alps" }, offered "x = f(al")
    assert.same({ "alpha", "alps", "and" }, offered "a")
    assert.same({ "while" }, offered "whi")
    assert.same({ "alpha", "alps", "beta", "dynsup", "magic", "object" }, offered "")
    assert.same({ "alpha", "alps" }, offered "'x' .. al")
  end)

  it("offers fields behind a dot, methods only behind a colon", function()
    assert.same({ "climb", "height", "peak" }, offered "alps.")
    assert.same({ "climb" }, offered "alps:")
    assert.same({ "height" }, offered "print(alps.he")
    assert.same({ "name" }, offered "alps.peak.")
    assert.same({ "field", "inherited", "method", "own" }, offered "object.")
    assert.same({ "inherited", "method" }, offered "object:")
    assert.same({ "upper" }, offered "beta:up")
    assert.same({ "height" }, offered "1..alps.he")
    assert.same({ "height" }, offered "..alps.he")
    assert.same({}, offered "alps.1")
  end)

  it("offers the modules beside dynsup, and what is in them", function()
    assert.same({ "log" }, offered "dynsup.lo")
    assert.same({ "error" }, offered "dynsup.log.er")
    assert.same({ "start_child" }, offered "dynsup.start_c")
    assert.same({}, offered "dynsup.rep")
    for _, name in ipairs(offered "dynsup.") do
      local page = rawget(dynsup, name) == nil and io.open("docs/api/" .. name .. ".md")
      assert.is_truthy(page or rawget(dynsup, name) ~= nil, name .. " is no module of the reference")
    end
  end)

  it("offers no name of more than 150 bytes", function()
    local globals = { [("x"):rep(150)] = 1, [("x"):rep(151)] = 2, y1 = { [("z"):rep(1000000)] = 3 } }
    assert.same({ ("x"):rep(150) }, (select(2, complete.candidates("x", globals))))
    assert.same({ ("x"):rep(149), { ("x"):rep(150) } }, { complete.line("x", globals) })
    assert.same({ "", {} }, { complete.line("y1.z", globals) })
  end)

  it("offers nothing where it knows nothing, and calls nothing", function()
    for _, text in ipairs { "nothing.", "alps[1].", "f().", "12", "magic.x.", "magic.", "-- al", "[[al" } do
      assert.same({}, offered(text), text)
    end
  end)
end)

describe("completion of what a hostile client sends", function()
  local N = 60000
  local function many(text) return text:rep(N // #text) end
  local TEXTS = {
    ["a word"] = many "a",
    ["a word behind a sign"] = "x(" .. many "a",
    ["a word in front of a blank"] = many "a" .. " ",
    ["a path"] = many "a.",
    ["dots"] = many "..:",
    ["digits"] = many "1",
    ["brackets"] = many "[=",
    ["comments"] = many "--[[",
    ["quotes"] = many "'",
    ["blanks behind require"] = "require" .. many " " .. "+ 'x",
    ["blanks before a string"] = many " " .. "+ 'x",
    ["blanks behind a dot"] = "." .. many " " .. "z",
  }

  for name, text in pairs(TEXTS) do
    it("takes time with the length, not with its square: " .. name, function()
      local before = os.clock() -- of the processor
      complete.line(text, env, names)
      assert.is_true(os.clock() - before < 2)
    end)
  end
end)

describe("completion in a string", function()
  it("offers no names that would steer the terminal", function()
    assert.same({ "xoddé" }, offered "f 'x")
  end)

  it("offers names of processes", function()
    assert.same({ "worker one", "worker_two" }, offered "dynsup.send('wor")
    assert.same({ "other" }, offered 'f("a\\"b", "o')
    assert.same({ "other", "worker one", "worker_two", "xoddé" }, offered "f '")
    assert.same({}, offered "f 'x' .. 'zzz")
  end)

  it("offers modules behind require", function()
    package.loaded["some.module"] = true
    assert.same({ "some.module" }, offered "local x = require 'some.m")
    assert.same({ "some.module" }, offered 'require("some.m')
    assert.same({ "some.module" }, offered 'require  (  "some.m')
    assert.same({}, offered 'require(("some.m')
    package.loaded["some.module"] = nil
    assert.same({ "dynsup.log" }, offered 'require "dynsup.lo')
    assert.same({ "spec.support.host" }, offered "require 'spec.support.hos")
  end)
end)

describe("Tab", function()
  it("inserts what all candidates have in common", function()
    assert.equal("ght", (complete.line("alps.hei", env, names)))
    assert.equal("p", (complete.line("al", env, names)))
    assert.equal("", (complete.line("alp", env, names)))
    assert.equal("", (complete.line("zzz", env, names)))
    assert.equal("ker", (complete.line("f 'wor", env, names)))
  end)

  it("is right among more candidates than are shown", function()
    local many = {}
    for i = 1, 5000 do many["worker_" .. i] = true end
    local insertion, candidates = complete.line("wor", many)
    assert.equal("ker_", insertion)
    assert.equal(1000, #candidates)
    many.world = true
    assert.equal("", (complete.line("wor", many)))
    assert.equal("d", (complete.line("worl", many)))
  end)

  it("shows the candidates in columns, downwards", function()
    assert.equal("a    ccc\nbb   d", complete.table({ "a", "bb", "ccc", "d" }, 10))
    assert.equal("a\nbb", complete.table({ "a", "bb" }, 3))
    assert.equal("ä   b", complete.table({ "ä", "b" }, 10):gsub("  +", "   "))
  end)
end)
