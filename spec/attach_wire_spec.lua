-- What a host and an attached client say to each other, and what waits to be written.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local json = require "spec.support.json"
local json_text = require "dynsup.attach.json_text"
local outbox = require "dynsup.attach.outbox"
local wire = require "dynsup.attach.wire"

describe("a message", function()
  it("is a line of JSON", function()
    assert.equal('{"out":"a\\"\\\\\\n\\u0000ä"}\n', wire.encode { out = 'a"\\\n\0ä' })
    assert.equal('{"done":"x","id":7,"ok":true}\n', wire.encode { id = 7, ok = true, done = "x" })
    assert.equal('{"a":["b",1.5],"c":[]}\n', wire.encode { a = { "b", 1.5 }, c = {} })
    assert.equal('{"id":null}\n', wire.encode { id = 1 / 0 })
    assert.equal('{"id":1700000000.1234567}\n', wire.encode { id = 1700000000.1234567 }) -- a time
  end)

  it("is read as it was", function()
    local text = "\0\1\127\"\\/\n ä € \u{1f600} \xff\xfe"
    local message = { text = text, n = -12.5, yes = true, list = { "a", {}, { b = 1 } } }
    assert.same(message, wire.decode(wire.encode(message)))
  end)

  it("is read in all that JSON allows", function()
    assert.same({ a = 1, b = { -2.5e3, false }, c = "ä€😀/\b\f\r\t" }, wire.decode(
      ' { "a" : 1 ,"b":[ -2.5E+3 , false ], "n" : null, "c":"\\u00e4\\u20aC\\ud83d\\ude00\\/\\b\\f\\r\\t" }\r'))
    assert.same({ c = "\u{fffd}x" }, wire.decode '{"c":"\\ud83dx"}')
    assert.same({ c = "\u{fffd}" }, wire.decode '{"c":"\\ude00"}')
    assert.same({}, wire.decode "{}")
    assert.same({ a = { nil, 1, { nil, n = 1 }, nil, n = 4 }, b = {} }, wire.decode '{"a":[null,1,[null],null],"b":[]}')
  end)

  it("is refused with where the mistake is", function()
    local function refused(line)
      local message, problem = wire.decode(line)
      assert.is_nil(message, line)
      return problem
    end
    assert.equal("a value is missing at byte 1", refused "")
    assert.equal("an object is missing at byte 2", refused " []")
    assert.equal("something follows at byte 4", refused "{} x")
    assert.equal("a name is missing at byte 8", refused '{"a":1,}')
    assert.equal("a colon is missing at byte 6", refused '{"a" 1}')
    assert.equal("a comma or } is missing at byte 8", refused '{"a":1 "b":2}')
    assert.equal("a comma or ] is missing at byte 9", refused '{"a":[1 2]}')
    assert.equal("a string without its end at byte 6", refused '{"a":"b')
    assert.equal("a string without its end at byte 6", refused '{"a":"\n"}')
    assert.equal("a wrong escape at byte 7", refused '{"a":"\\x"}')
    assert.equal("a wrong \\u at byte 7", refused '{"a":"\\u12g4"}')
    assert.truthy(refused('{"a":' .. ("["):rep(60000)):find "nested too deep")
    assert.equal("nested too deep at byte 25", refused('{"a":' .. ("["):rep(20) .. ("]"):rep(20) .. "}"))
    for _, wrong in ipairs { "nul", "True", "1.2.3", "-", "+1", ".5", "0x10", "1e", "nan", "''" } do
      refused('{"a":' .. wrong .. "}")
    end
  end)

  it("may have 20 objects and lists within each other, the innermost with values", function()
    for _, value in ipairs { "", "1", '"text"', "true", "null" } do
      assert.truthy(wire.decode('{"a":' .. ("["):rep(19) .. value .. ("]"):rep(19) .. "}"))
    end
    assert.truthy(wire.decode(('{"a":'):rep(19) .. '{"b":1}' .. ("}"):rep(19)))
  end)

  it("keeps a list of its own apart from an object with n", function()
    local message = assert(wire.decode '{"a":[null],"b":{"n":1},"c":[],"d":[1],"e":1}')
    local kinds = {}
    for name, value in pairs(message) do kinds[name] = wire.is_list(value) end
    assert.same({ a = true, b = false, c = true, d = true, e = false }, kinds)
  end)

  it("never fails to be read or refused", function()
    math.randomseed(3)
    local line = '{"do":"line","text":"a\\u00e4\\n","list":[1,2.5,{"x":null}],"yes":true}'
    for _ = 1, 20000 do
      local at, to = math.random(#line), math.random(#line)
      local text = line:sub(1, at) .. string.char(math.random(0, 255)) .. line:sub(to)
      local message, problem = wire.decode(text)
      assert.is_true(type(message) == "table" or type(problem) == "string")
    end
  end)

  it("holds a piece of a text that ends with a character", function()
    for _, text in ipairs { "", "short", ("x"):rep(100000), ("xä€😀"):rep(20000), ("\x80"):rep(100000) } do
      local pieces = {}
      for piece in wire.pieces(text) do
        pieces[#pieces + 1] = piece
        assert.is_true(#piece > 0 and #piece <= wire.PIECE)
        assert.is_true(utf8.len(piece) ~= nil or utf8.len(text) == nil)
      end
      assert.equal(text, table.concat(pieces))
    end
  end)
end)

describe("an answer", function()
  it("has at most 200 KB, whatever its text and its id are", function()
    local line = wire.encode { value = 1000000, text = ("\127"):rep(wire.PIECE), id = ("\0"):rep(wire.ID_MAX) }
    assert.is_true(#line <= 200000, #line)
  end)
end)

describe("a value as JSON", function()
  local function text_of(value)
    local pieces = {}
    json_text.write(value, function(piece) pieces[#pieces + 1] = piece end)
    return table.concat(pieces)
  end

  it("is a number, a text or a word", function()
    assert.equal("1 -2 1.5 1e+300 0.1 9007199254740993", table.concat({ text_of(1), text_of(-2), text_of(1.5),
      text_of(1e300), text_of(0.1), text_of(9007199254740993) }, " "))
    assert.equal('"infinity" "-infinity" "nan"', table.concat({ text_of(1 / 0), text_of(-1 / 0), text_of(0 / 0) }, " "))
    assert.equal('true false null "a\\"\\n"', table.concat({ text_of(true), text_of(false), text_of(nil),
      text_of "a\"\n" }, " "))
    assert.equal(1.1 + 2.2, tonumber(text_of(1.1 + 2.2)))
  end)

  it("is an array or an object", function()
    assert.equal("[]", text_of {})
    assert.equal("[1,[2],null]", (text_of({ 1, { 2 }, print }):gsub('"function[^"]*"', "null")))
    assert.equal('{"1":1,"3":3}', text_of { 1, nil, 3 })
    assert.equal('{"1":"a","b":{"c":true}}', text_of { "a", b = { c = true } })
    assert.equal('{"true":1}', text_of { [true] = 1 })
    assert.equal("[1]", text_of(setmetatable({ 1 }, { __tostring = error, __index = error, __len = error })))
  end)

  it("is a text where JSON has nothing for it", host.main(function()
    assert.equal(('"%s"'):format(dynsup.self()), text_of(dynsup.self()))
    local cycle = { 1 }
    cycle[2] = cycle
    assert.equal('[1,"... its own parent"]', text_of(cycle))
    local deep = {}
    for _ = 1, 1000 do deep = { deep } end
    assert.truthy(text_of(deep):find('[["..."]]', 1, true))
    local shared = {}
    assert.equal("[[],[]]", text_of { shared, shared })
  end))

  it("is read by others", function()
    local value = { list = { 1, 2, { a = "ä\0" } }, text = ("x\n"):rep(50000), many = {} }
    for i = 1, 1000 do value.many["key" .. i] = i end
    assert.same(value, json.read(text_of(value)))
  end)
end)

-- A socket that takes what is written, as often as it is asked.
local function new_socket()
  local socket = { texts = {} }
  function socket.set() return true end
  function socket:write(text)
    dynsup.yield()
    table.insert(self.texts, text)
    return true
  end
  function socket:close() self.is_closed = true end
  return socket
end

-- The messages that were written to it.
local function written(socket)
  local messages = {}
  for line in table.concat(socket.texts):gmatch "[^\n]+" do
    messages[#messages + 1] = assert(wire.decode(line))
  end
  return messages
end

-- Runs f as the main process for each length of a slice, in instructions.
local function everywhere(most, f)
  return function()
    for n = 1, most do
      host.run(f, { slice = n * 1e-5 })
    end
  end
end

-- Three processes that put numbered messages in; those for which it holds are the outbox's own.
local function put_all(box, count, text, is_patient)
  local refs = {}
  for who = 1, 3 do
    refs[who] = select(2, dynsup.spawn_monitor(function()
      box.patient[dynsup.self()] = is_patient(who) or nil
      for i = 1, count do
        assert(box:put { who = who, number = i, out = text })
      end
    end))
  end
  for _, ref in ipairs(refs) do
    assert.equal("normal", host.down(ref))
  end
end

local function assert_all(count, messages)
  local seen = { 0, 0, 0 }
  for _, message in ipairs(messages) do
    assert.equal(seen[message.who] + 1, message.number)
    seen[message.who] = message.number
  end
  assert.same({ count, count, count }, seen)
end

describe("an outbox, wherever its processes are interrupted,", function()
  it("loses nothing and keeps the order", everywhere(300, function()
    local box, socket = outbox.new(), new_socket()
    local writer = select(2, dynsup.spawn_monitor(box.serve, box, socket))
    put_all(box, 5, "", function(who) return who == 1 end)
    dynsup.sleep(1)
    assert_all(5, written(socket)) -- without anything that would wake the writer once more
    box:finish { bye = "halted" }
    assert.equal("normal", host.down(writer))
    assert.same({ bye = "halted" }, table.remove(written(socket)))
    assert.equal(0, box.bytes)
    assert.is_true(socket.is_closed)
  end))

  it("lets those in who wait for room", everywhere(40, function()
    local box, socket = outbox.new(), new_socket()
    local writer = dynsup.spawn(box.serve, box, socket)
    put_all(box, 3, ("x"):rep(400000), function() return true end)
    dynsup.sleep(1)
    assert_all(3, written(socket))
    assert.is_true(dynsup.is_alive(writer))
  end))
end)

describe("an outbox", function()

  it("makes its own processes wait for room, and counts what others lose", host.main(function()
    local box, socket = outbox.new(), new_socket()
    local text = ("x"):rep(wire.PIECE)
    local function fill(count)
      for _ = 1, count do box:put { out = text } end
    end
    fill(100)
    assert.equal(100 - box.last, box.lost)
    local patient = dynsup.spawn(function()
      box.patient[dynsup.self()] = true
      fill(50)
    end)
    dynsup.sleep(1)
    assert.equal("waiting", dynsup.info(patient).status)
    local before, lost = box.last, box.lost
    dynsup.spawn(box.serve, box, socket)
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(patient))
    local outs = 0
    for _, message in ipairs(written(socket)) do
      if message.lost then
        assert.equal(before, outs)
        assert.equal(lost, message.lost)
      end
      outs = outs + (message.out and 1 or 0)
    end
    assert.equal(before + 50, outs)
  end))

  it("lets who waits go when nobody reads any more", host.main(function()
    local box = outbox.new()
    local taken
    local _, ref = dynsup.spawn_monitor(function()
      box.patient[dynsup.self()] = true
      repeat taken = box:put { out = ("x"):rep(wire.PIECE) } until not taken
    end)
    dynsup.sleep(1)
    box:finish()
    assert.equal("normal", host.down(ref))
    assert.is_false(taken)
    assert.is_false(box:put { out = "late" })
  end))
end)
