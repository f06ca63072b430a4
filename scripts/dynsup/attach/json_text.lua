--- Values as JSON texts, for programs that ask a host: written in Lua, in pieces, so that a large
--- value is preempted like any other code.
--
-- Tables are read raw. A list (the keys 1 to n and no other) is an array, any other table an object
-- whose names are the keys as text; an empty table is an array. What JSON has not is a text: pids and
-- the like as tostring shows them, "infinity" and "nan". Bytes that are no UTF-8, which JSON must be, are
-- the replacement character.

local wire = require "dynsup.attach.wire"

local json_text = {}

local DEPTH = 100  -- of tables in tables
local SORTED = 200 -- names of an object, up to which they are sorted

local write

-- The text with each byte that is no part of a character replaced.
local function to_utf8(text)
  local parts, at = {}, 1
  local length, bad = utf8.len(text)
  while not length do
    parts[#parts + 1] = text:sub(at, bad - 1) .. "\u{fffd}"
    at = bad + 1
    length, bad = utf8.len(text, at)
  end
  return at == 1 and text or table.concat(parts) .. text:sub(at)
end

local function write_string(text, emit)
  emit '"'
  for piece in wire.pieces(text) do
    emit(wire.quote(to_utf8(piece)):sub(2, -2))
  end
  emit '"'
end

local function number_text(value)
  if value ~= value then
    return '"nan"'
  elseif value == math.huge or value == -math.huge then
    return value > 0 and '"infinity"' or '"-infinity"'
  end
  return wire.number(value)
end

local function is_list(value)
  local length, count = rawlen(value), 0
  for key in next, value do
    count = count + 1
    if math.type(key) ~= "integer" or key < 1 or key > length then
      return false
    end
  end
  return count == length
end

local function write_list(value, emit, open)
  for i = 1, rawlen(value) do
    emit(i > 1 and "," or "[")
    write(rawget(value, i), emit, open)
  end
  emit(rawlen(value) > 0 and "]" or "[]")
end

-- The keys, and for a small table their order.
local function keys_of(value)
  local keys = {}
  for key in next, value do
    keys[#keys + 1] = key
  end
  if #keys <= SORTED then
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  end
  return keys
end

local function write_object(value, emit, open)
  for i, key in ipairs(keys_of(value)) do
    emit(i > 1 and "," or "{")
    write_string(tostring(key), emit)
    emit ":"
    write(rawget(value, key), emit, open)
  end
  emit "}"
end

local function write_table(value, emit, open)
  if open[value] then
    return emit '"... its own parent"'
  elseif open.depth >= DEPTH then
    return emit '"..."'
  end
  open[value], open.depth = true, open.depth + 1
  local writer = is_list(value) and write_list or write_object
  writer(value, emit, open)
  open[value], open.depth = nil, open.depth - 1
end

function write(value, emit, open)
  local kind = type(value)
  if kind == "table" then
    write_table(value, emit, open)
  elseif kind == "string" then
    write_string(value, emit)
  elseif kind == "number" then
    emit(number_text(value))
  elseif kind == "boolean" or kind == "nil" then
    emit(tostring(value == nil and "null" or value))
  else
    write_string(tostring(value), emit)
  end
end

--- Writes a value.
---@param value any
---@param emit fun(piece: string) called with one piece of the text after the other
function json_text.write(value, emit)
  write(value, emit, { depth = 0 })
end

return json_text
