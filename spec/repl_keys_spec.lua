-- The prompt's keys, as a terminal sends them, and the search through earlier lines.

require "dynsup"

local keys = require "dynsup.repl.keys"
local search = require "dynsup.repl.search"

-- The whole keys of what has come, and what is left.
local function part(bytes)
  local parts, at = {}, 1
  while at <= #bytes do
    local length = keys.length(bytes, at)
    if not length then
      return parts, bytes:sub(at)
    end
    parts[#parts + 1] = bytes:sub(at, at + length - 1)
    at = at + length
  end
  return parts, ""
end

describe("what a terminal sends", function()
  it("is parted into characters", function()
    assert.same({ { "a", "\r", "ä", "€", "😀", "\127" }, "" }, { part "a\rä€😀\127" })
  end)

  it("is no sequence when it is too long for one, or broken off", function()
    assert.same({ {}, "\27[" .. ("1"):rep(30) }, { part("\27[" .. ("1"):rep(30)) })
    assert.same({ { "\27[" .. ("1"):rep(31) }, "" }, { part("\27[" .. ("1"):rep(31)) })
    assert.same({ { "\27[" .. ("1"):rep(40) .. "A", "b" }, "" }, { part("\27[" .. ("1"):rep(40) .. "Ab") })
    assert.same({ { "\27[1", "\1", "a" }, "" }, { part "\27[1\1a" })
    assert.same({ { "\27", "\27", "\27\27[A" }, "" }, { part "\27\27\27\27[A" })
    for _, bytes in ipairs { "\27[", "\27", "\27O", "\24\27" } do
      local _, left = part(bytes .. bytes:sub(-1):rep(66000))
      assert.is_true(#left <= 34)
    end
  end)

  it("is parted into escape sequences", function()
    assert.same({ { "\27[A", "\27OB", "\27[1;5C", "\27[200~", "\27b", "\27ä" }, "" },
      { part "\27[A\27OB\27[1;5C\27[200~\27b\27ä" })
  end)

  it("stays until a key is whole", function()
    for _, whole in ipairs { "ä", "😀", "\27[1;5C", "\27OB", "\27b", "\27ä", "\24\24", "\22\t" } do
      for i = 1, #whole - 1 do
        assert.same({ {}, whole:sub(1, i) }, { part(whole:sub(1, i)) })
      end
      assert.same({ { whole }, "" }, { part(whole) })
    end
  end)

  it("may be no UTF-8", function()
    assert.same({ { "\xff", "a", "\xc3", "b", "\x80" }, "" }, { part "\xffa\xc3b\x80" })
  end)

  it("is for the editor where that knows it", function()
    for _, key in ipairs { "a", "\1", "\27[A", "\27OC", "\27[3~", "\27b", "€" } do
      assert.is_true(keys.is_known(key))
    end
    for _, key in ipairs { "\27[15~", "\27[1;2P", "\27OP", "\27[200~", "\27", "\0", "\27x", "\27X" } do
      assert.is_false(keys.is_known(key))
    end
  end)
end)

describe("a search through earlier lines", function()
  local lines = { "one", "two", "three", "two", "onetwo" }

  -- The text and whether it failed, after these keys.
  local function searched(...)
    local s = search.new(lines, "before")
    for _, key in ipairs { ... } do
      local over = s:key(key)
      if over then return over, "over" end
    end
    return s:text(), s.failed
  end

  it("shows the latest line that has what was typed in it", function()
    assert.same({ "before", false }, { searched() })
    assert.same({ "onetwo", false }, { searched("o") })
    assert.same({ "onetwo", false }, { searched("t", "w") })
    assert.same({ "three", false }, { searched("t", "h") })
    assert.same({ "three", true }, { searched("t", "h", "x") })
  end)

  it("goes on to older ones, another one each time", function()
    assert.same({ "two", false }, { searched("t", "w", "\18") })
    assert.same({ "two", true }, { searched("t", "w", "\18", "\18", "\18") })
    assert.same({ "one", false }, { searched("o", "n", "\18") })
    assert.same({ "before", false }, { searched("\18") })
  end)

  it("begins anew with a shorter text", function()
    assert.same({ "onetwo", false }, { searched("t", "h", "\127") })
    assert.same({ "before", false }, { searched("t", "\127") })
    assert.same({ "before", false }, { searched("\127") })
  end)

  it("is given up, or ends with the line that is shown", function()
    assert.same({ "before", "over" }, { searched("t", "\7") })
    assert.same({ "onetwo", "over" }, { searched("t", "\r") })
    assert.same({ "onetwo", "over" }, { searched("t", "\27[C") })
  end)
end)
