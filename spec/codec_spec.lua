-- dynsup.codec: what travels, what does not and how that is said, and bytes that are not what pack made.

local dynsup = require "dynsup"
local codec = require "dynsup.codec"
local way = require "spec.support.travel"

local travel, refused, UNKNOWN = way.arrive, way.refused, way.UNKNOWN

local function same_float(a, b)
  return math.type(b) == "float" and string.pack("n", a) == string.pack("n", b)
end

describe("plain values arrive as they are:", function()
  it("nil and booleans, wherever they stand", function()
    assert.same({ n = 0 }, table.pack(travel()))
    assert.same({ n = 1 }, table.pack(travel(nil)))
    assert.same({ nil, true, false, nil, n = 4 }, table.pack(travel(nil, true, false, nil)))
  end)

  it("integers of all sizes", function()
    for bits = 0, 63 do
      for _, n in ipairs { 1 << bits, -(1 << bits), (1 << bits) - 1, -(1 << bits) - 1 } do
        local arrived = travel(n)
        assert.equal(n, arrived)
        assert.equal("integer", math.type(arrived))
      end
    end
  end)

  it("floats, bit by bit", function()
    local nan = string.unpack("<d", "\1\2\3\4\5\6\xf8\x7f")
    for _, x in ipairs { 0.0, -0.0, 1.0, 0.1, -1e308, 5e-324, math.huge, -math.huge, nan, -nan, 2 ^ 53 } do
      assert.is_true(same_float(x, (travel(x))))
    end
  end)

  it("strings of all sizes and bytes", function()
    local bytes = ""
    for i = 0, 255 do
      bytes = bytes .. string.char(i)
    end
    for _, size in ipairs { 0, 1, 39, 40, 41, 62, 63, 64, 65, 127, 128, 129, 300, 511, 512, 20000, 1 << 21 } do
      local text = bytes:rep(size // 256 + 1):sub(1, size)
      assert.is_true(text == travel(text))
    end
  end)

  it("pids, refs, timers, and the null pointer of other libraries", function()
    local function compare(id)
      assert.equal(id, (travel { id })[1])
      assert.equal(1, travel { [id] = 1 }[id])
    end
    assert(dynsup.run({ clock = "virtual" }, function()
      local pid, ref = dynsup.spawn_monitor(function() end)
      compare(dynsup.self())
      compare(pid)
      compare(ref)
      compare(dynsup.send_after(10, pid, "x"))
    end))
  end)
end)

describe("a table arrives", function()
  it("as a copy, with its items, its pairs and its holes", function()
    local t = { 1, "two", nil, 4.5, x = { y = {} }, [2.5] = false, [true] = "t", [-1] = -1, [1 << 40] = 0 }
    local arrived = travel(t)
    assert.same(t, arrived)
    assert.not_equal(t, arrived)
  end)

  it("with what refers to it twice, or to itself", function()
    local shared = { 1 }
    local t = { shared, shared, { shared } }
    t.self, t[t] = t, "as a key"
    local a, b = travel(t, shared)
    assert.equal(a[1], a[2])
    assert.equal(a[1], a[3][1])
    assert.equal(a[1], b)
    assert.equal(a, a.self)
    assert.equal("as a key", a[a])
  end)

  it("with tables as keys, which are read before their values", function()
    local key = { { deep = true } }
    local arrived = travel { [key] = { key }, [{}] = {} }
    local count = 0
    for k, v in pairs(arrived) do
      count = count + 1
      if next(k) then
        assert.same({ { deep = true } }, k)
        assert.equal(k, v[1])
      end
    end
    assert.equal(2, count)
  end)

  it("with a long string in it once, however often it is there", function()
    local text = ("x"):rep(100000)
    local list = {}
    for i = 1, 100 do
      list[i] = text
    end
    local bytes = codec.pack(list, { [text] = text })
    assert.is_true(#bytes < 101000)
    local arrived, keyed = codec.unpack(bytes)
    assert.is_true(arrived[1] == text and arrived[100] == text and keyed[text] == text)
  end)

  it("when there are very many of them, side by side or one in another", function()
    local wide, deep, left = {}, {}, {}
    for i = 1, 100000 do
      wide[i] = {}
      deep = { deep, i }
      left = { [left] = i }
    end
    local a, b, c = travel(wide, deep, left)
    assert.equal(100000, #a)
    for i = 100000, 1, -1 do
      if b[2] ~= i or c[next(c)] ~= i then
        error(i)
      end
      b, c = b[1], next(c)
    end
    assert.is_nil(next(b))
  end)

  it("when there are many of them side by side, deep in others", function()
    local function deep(value)
      for i = 1, 1999 do value = { value, i } end
      return value
    end
    local wide = {}
    for i = 1, 3000 do wide[i] = { i } end
    wide.deep = deep { wide, "end" }
    local a, b = travel(deep(wide), deep { wide[1] })
    for i = 1999, 1, -1 do
      assert(a[2] == i and b[2] == i)
      a, b = a[1], b[1]
    end
    assert.equal(a[1], b[1])
    for i = 1, 3000 do assert(a[i][1] == i) end
    local inner = a.deep
    for _ = 1, 1999 do inner = inner[1] end
    assert.is_true(inner[1] == a and inner[2] == "end")
  end)

  it("also where tables that wait for their turn refer to others", function()
    local shared, list = {}, {}
    for i = 1, 10000 do
      list = { list, shared, { shared, i }, up = { list } }
    end
    local arrived = travel(list)
    local one = arrived[2]
    for i = 10000, 1, -1 do
      if arrived[2] ~= one or arrived[3][1] ~= one or arrived[3][2] ~= i or arrived.up[1] ~= arrived[1] then
        error(i)
      end
      arrived = arrived[1]
    end
  end)

  it("without a metamethod being called", function()
    local function never() error "called" end
    local meta = { __index = never, __newindex = never, __pairs = never, __len = never, __eq = never, __gc = never }
    meta.__pack = true
    assert.same({ 1, x = 2 }, (travel(setmetatable({ 1, x = 2 }, meta))))
    setmetatable(meta, { __index = never })
    meta.__pack = nil
    refused(setmetatable({}, meta))
    setmetatable(meta, nil)
    meta.__gc = nil
  end)
end)

describe("what cannot travel is named with its place:", function()
  it("functions, coroutines, files, tables with a metatable", function()
    assert.equal("a function at [1] cannot travel", refused(print))
    assert.equal("a function at [2].callback cannot travel", refused(1, { callback = print }))
    assert.equal("a coroutine at [1][3] cannot travel", refused { 1, 2, coroutine.create(print) })
    assert.equal("a userdata (FILE*) at [1].a[1][\"x y\"] cannot travel: its metatable has no __pack that says how",
      refused { a = { { ["x y"] = io.stdout } } })
    assert.equal("a table with a metatable (Point) at [1] cannot travel: its metatable has no __pack that says how",
      refused(setmetatable({}, { __name = "Point" })))
    assert.equal("a table with a metatable at [1][true][1.5] cannot travel: its metatable has no __pack that says how",
      refused { [true] = { [1.5] = setmetatable({}, {}) } })
  end)

  it("something in a key", function()
    assert.equal("a function at [1].x in a key cannot travel", refused { x = { [print] = 1 } })
    assert.equal("a function at [1].x in a key cannot travel", refused { x = { [{ { print } }] = 1 } })
    assert.equal("a function at [1][a table] cannot travel", refused { [{}] = print })
  end)

  it("something deep down, with the ends of its path", function()
    local t = { print }
    for i = 20, 1, -1 do
      t = { ["k" .. i] = t }
    end
    assert.equal("a function at [1].k1.k2.k3.k4....k18.k19.k20[1] cannot travel", refused(t))
    for _ = 1, 3000 do
      t = { up = t }
    end
    assert.equal("a function at .......k18.k19.k20[1] cannot travel",
      (refused(t):gsub("%.k%d%.k?.*(%.%.%.%.k18)", "%1"):gsub("up%.up.*%.%.%.", "")))
  end)

  it("with no more of a name than fits, and nothing that a terminal would act upon", function()
    local detail = refused { [("n"):rep(1000)] = { ["\27[31m"] = { [("m"):rep(31) .. "\n."] = print } } }
    local path = '.' .. ("n"):rep(32) .. '...["?[31m"]["' .. ("m"):rep(31) .. '?..."]'
    assert.equal("a function at [1]" .. path .. " cannot travel", detail)
    local t = print
    for _ = 1, 8 do
      t = { [("x y"):rep(11)] = t }
    end
    assert.is_true(#refused(t) < 256)
  end)
end)

describe("bytes that pack did not make", function()
  -- Every unpacking of bytes ends in values or in a reason.
  local function outcome(bytes)
    local first, reason, detail = codec.unpack(bytes)
    if first == nil and reason == "cannot_unpack" then return detail end
  end

  local function sample()
    local shared = { 1, 2, 3 }
    local t = { shared, shared, x = 1.5, [2.5] = "s", long = ("l"):rep(130), deep = { { {} } }, [{}] = true }
    t.id = -70000
    t.self, t.again = t, t.long
    return codec.pack(t, nil, false, "end", 1 << 40)
  end

  it("are refused when they end early, or go on", function()
    local bytes = sample()
    for size = 0, #bytes - 1 do
      assert.matches("^malformed at byte %d+: ", outcome(bytes:sub(1, size)))
    end
    assert.equal(("malformed at byte %d: bytes behind the last value"):format(#bytes), outcome(bytes .. "\0"))
  end)

  it("are refused or read when any one byte is another", function()
    local bytes = sample()
    for at = 1, #bytes do
      for _, byte in ipairs { 0, 1, 2, 3, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 63, 64, 127, 128, 255 } do
        outcome(bytes:sub(1, at - 1) .. string.char(byte) .. bytes:sub(at + 1))
      end
    end
  end)

  it("are refused with what is wrong and where", function()
    local u32 = string.pack("<I4", 0)
    local function table_of(items, pairs, rest)
      return "\1\0\1\13" .. string.pack("<I4I4", items, pairs) .. rest
    end
    local cases = {
      { "\2\1\0", "byte 0: no version that is known" },
      { "\1\8\0", "byte 0: flags that are not known" },
      { "\1\1\1\19", "byte 3: no tag of a value" },
      { "\1\1\1\8\1\0\0\0\0\0\0\0", "byte 4: an id that is none" },
      { "\1\1\5\0", "byte 3: more values than there are bytes" },
      { "\1\1\1\10\255\255\255\255\255\255\255\255\255\255", "byte 14: a number without an end" },
      { "\1\1\1\10\255\255\255\255\255\255\255\255\127", "byte 13: the bytes end early" },
      { "\1\1\1\13" .. u32 .. u32, "byte 4: a numbered value where none was announced" },
      { table_of(1000, 0, "\0"), "byte 4: a table with more entries than there are bytes" },
      { table_of(0, 0x7fffffff, "\0"), "byte 4: a table with more entries than there are bytes" },
      { table_of(0, 0xffffffff, "\0"), "byte 4: a table with more entries than there are bytes" },
      { table_of(0, 1, "\0\0"), "byte 13: a key that is nil or not a number" },
      { table_of(0, 1, "\7\0\0\0\0\0\0\xf8\x7f\0"), "byte 21: a key that is nil or not a number" },
      { "\1\0\1\18\0", "byte 5: a reference to nothing" },
      { table_of(1, 0, "\18\0"), "byte 14: a reference to nothing" },
      { "\1\0\2\14" .. u32 .. u32 .. "\18\9", "byte 14: a reference to nothing" },
      { "\1\0\3\14" .. u32 .. u32 .. "\13" .. u32 .. u32 .. "\18\1",
        "byte 23: a reference to what is not complete, or was not announced as shared" },
      { "\1\0\2\12\0\17\0" .. u32 .. u32, "byte 7: contents of what does not wait for them" },
      { "\1\0\1\17", "byte 4: the bytes end early" },
      { "\1\0\1\15\7unknown\0", nil },
    }
    for _, case in ipairs(cases) do
      local detail = outcome(case[1])
      assert.equal(case[2] and "malformed at " .. case[2] or UNKNOWN:format "unknown", detail)
    end
  end)

  it("fill no table but those that wait for their contents, and each of them once", function()
    local colors = { red = { 255 } }
    codec.register("spec.color", function(name) return colors[name] end)
    local function contents(number) return number .. string.pack("<I4I4", 0, 1) .. "\69admin\2" end
    local made = "\1\0\2\16\10spec.color\67red\17" .. contents "\0"
    assert.matches("contents of what does not wait for them", outcome(made))
    assert.same({ red = { 255 } }, colors)
    local twice = "\1\0\2\17\17" .. contents "\0" .. contents "\0"
    assert.matches("contents of what does not wait for them", outcome(twice))
    local a, b = codec.unpack("\1\0\2\17\17" .. contents "\0" .. contents "\1")
    assert.same({ { admin = true }, { admin = true } }, { a, b })
  end)

  it("take no more memory than they give reason to", function()
    local nested = {}
    for i = 1, 2000 do
      nested[i] = "\13" .. string.pack("<I4I4", 9 * (2000 - i), 0)
    end
    local bytes = "\1\0\1" .. table.concat(nested)
    collectgarbage()
    local before = collectgarbage "count"
    assert.is_string(outcome(bytes))
    assert.is_true(collectgarbage "count" - before < 4000)
  end)

  it("are misuse when they are no string", function()
    assert.has_error(function() codec.unpack() end)
    assert.has_error(function() codec.unpack(1) end)
    assert.has_error(function() codec.unpack("", 1) end)
  end)
end)
