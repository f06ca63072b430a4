--- What a host and an attached client say to each other: JSON objects, one a line.
--
-- Both ways are written in Lua, so that what takes long is preempted like any other code; a C
-- function that reads or writes a long line would hold up the host. Text is UTF-8, but bytes that
-- are none go through as they are.

local wire = {}

--- The number of the protocol; it is in the host's hello.
wire.PROTOCOL = 1

--- Bytes of a text in a request, and of a line over several.
wire.TEXT_MAX = 65536

--- Bytes of a request, without its end of the line: room for any such text, of which a byte takes up to six.
wire.REQUEST_MAX = 400000

--- Bytes of the id of a request: it comes back in each message that answers it.
wire.ID_MAX = 256

--- Values for an eval: they are handed out in one piece.
wire.ARGS_MAX = 10000

--- Bytes of a text in one message; what is longer is sent in pieces.
wire.PIECE = 32768

local DEPTH = 20 -- of objects and lists within each other, the message among them
local FIELD = 2  -- the depth of those that are fields of the message

-- ---- encoding ----

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
for byte = 0, 127 do
  local char = string.char(byte)
  if char:find "%c" and not escapes[char] then
    escapes[char] = ("\\u%04x"):format(byte)
  end
end

--- A text as a JSON string. One call to C: not for texts of any length.
---@param text string
---@return string
function wire.quote(text)
  return '"' .. text:gsub('[%c"\\]', escapes) .. '"'
end

--- A finite number as JSON, short, but so that no digit is lost.
---@param value number
---@return string
function wire.number(value)
  if math.type(value) == "integer" then
    return ("%d"):format(value)
  end
  local short = ("%.14g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

local encode

local function encode_list(list)
  local items = {}
  for i, item in ipairs(list) do
    items[i] = encode(item)
  end
  return "[" .. table.concat(items, ",") .. "]"
end

local function encode_object(object)
  local only, value = next(object)
  if next(object, only) == nil then -- most are so: what a line prints
    return "{" .. wire.quote(only) .. ":" .. encode(value) .. "}"
  end
  local items = {}
  for name, item in next, object do
    items[#items + 1] = wire.quote(name) .. ":" .. encode(item)
  end
  table.sort(items)
  return "{" .. table.concat(items, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if kind == "table" then
    local is_list = value[1] ~= nil or next(value) == nil
    return is_list and encode_list(value) or encode_object(value)
  end
  if kind == "number" then
    return value - value == 0 and wire.number(value) or "null"
  end
  return kind == "string" and wire.quote(value) or tostring(value)
end

--- A message as a line, with its end. An empty table is an empty list.
---@param message table of strings, finite numbers, booleans and tables of these
---@return string
function wire.encode(message)
  return encode(message) .. "\n"
end

--- The text in pieces that a message may hold, none of which ends within a character.
---@param text string
---@return fun(): string?
function wire.pieces(text)
  local at = 1
  return function()
    if at > #text then
      return nil
    end
    local last = math.min(at + wire.PIECE - 1, #text)
    local start = last < #text and utf8.offset(text, 0, last + 1)
    if start and start > at and last + 1 - start < 4 then
      last = start - 1
    end
    local piece = text:sub(at, last)
    at = last + 1
    return piece
  end
end

-- ---- decoding ----

local function fail(what, at)
  error({ what = ("%s at byte %d"):format(what, at) }, 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local names = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

-- The character that \u at this place means, and the place behind it. A half of a pair that stands
-- alone is the replacement character.
local function read_code(text, at)
  local digits = text:match("^\\u(%x%x%x%x)", at)
  if not digits then
    fail("a wrong \\u", at)
  end
  local code = tonumber(digits, 16)
  local low = code >= 0xd800 and code < 0xdc00 and text:match("^\\u([dD][c-fC-F]%x%x)", at + 6)
  if low then
    return utf8.char(0x10000 + (code - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00), at + 12
  elseif code >= 0xd800 and code < 0xe000 then
    return "\u{fffd}", at + 6
  end
  return utf8.char(code), at + 6
end

local function read_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local mark = text:find('["\\\0-\31]', from)
    local byte = mark and text:sub(mark, mark)
    if byte ~= '"' and byte ~= "\\" then
      fail("a string without its end", at)
    end
    parts[#parts + 1] = text:sub(from, mark - 1)
    local name = text:sub(mark + 1, mark + 1)
    if byte == '"' then
      return table.concat(parts), mark + 1
    elseif name == "u" then
      parts[#parts + 1], from = read_code(text, mark)
    else
      parts[#parts + 1], from = names[name] or fail("a wrong escape", mark), mark + 2
    end
  end
end

local read_value

-- What stands between the bracket at this place and its end, the items one by one.
local function read_items(text, at, last, read_item, into, depth)
  local place = skip(text, at + 1)
  if text:sub(place, place) == last then
    return into, place + 1
  end
  while true do
    place = skip(text, read_item(text, place, into, depth))
    local mark = text:sub(place, place)
    if mark == last then
      return into, place + 1
    elseif mark ~= "," then
      fail(("a comma or %s is missing"):format(last), place)
    end
    place = skip(text, place + 1)
  end
end

local function read_element(text, at, list, depth)
  local value, place = read_value(text, at, depth)
  list.n = list.n + 1
  list[list.n] = value
  return place
end

local own_list = {} -- the metatable of lists that are fields of the message

--- Is a field of a message a list, and not an object that looks like one?
---@param field any
---@return boolean
function wire.is_list(field)
  return type(field) == "table" and getmetatable(field) == own_list
end

-- It keeps its n where a null leaves a hole.
local function read_list(text, at, depth)
  local list, place = read_items(text, at, "]", read_element, { n = 0 }, depth)
  local has_null = false
  for i = 1, list.n do
    has_null = has_null or list[i] == nil
  end
  list.n = has_null and list.n or nil
  return depth == FIELD and setmetatable(list, own_list) or list, place
end

local function read_member(text, at, object, depth)
  if text:sub(at, at) ~= '"' then
    fail("a name is missing", at)
  end
  local name, place = read_string(text, at)
  place = skip(text, place)
  if text:sub(place, place) ~= ":" then
    fail("a colon is missing", place)
  end
  object[name], place = read_value(text, skip(text, place + 1), depth)
  return place
end

local function read_object(text, at, depth)
  return read_items(text, at, "}", read_member, {}, depth)
end

local words = { ["true"] = true, ["false"] = false }

local function read_other(text, at)
  local word = text:match("^%l+", at)
  if word == "null" or words[word] ~= nil then
    return words[word], at + #word
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if not tonumber(number) then
    fail("a value is missing", at)
  end
  return tonumber(number), at + #number
end

local readers = { ['"'] = read_string, ["["] = read_list, ["{"] = read_object }

local function read_nested(reader, text, at, depth)
  if depth >= DEPTH then
    fail("nested too deep", at)
  end
  return reader(text, at, depth + 1)
end

-- At a depth of so many objects and lists around it.
function read_value(text, at, depth)
  local mark = text:sub(at, at)
  if mark == "[" or mark == "{" then
    return read_nested(readers[mark], text, at, depth)
  end
  return (readers[mark] or read_other)(text, at)
end

local function read_line(line)
  local at = skip(line, 1)
  local value, place = read_value(line, at, 0)
  if line:sub(at, at) ~= "{" then
    fail("an object is missing", at)
  end
  place = skip(line, place)
  if place <= #line then
    fail("something follows", place)
  end
  return value
end

--- A line as a message. A field that is null is none at all; a list with null in it has n, as of
--- table.pack. Of fields that are tables wire.is_list tells which are lists.
---@param line string
---@return table? message
---@return string? problem
function wire.decode(line)
  local ok, value = pcall(read_line, line)
  if ok then
    return value
  end
  return nil, type(value) == "table" and value.what or tostring(value)
end

return wire
