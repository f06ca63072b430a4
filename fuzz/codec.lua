-- Fuzzes dynsup.codec: bytes that are anybody's, and values made of bytes.
--   Whatever is unpacked, the outcome is values or a reason; what was unpacked packs, and arrives the
--   same; what is packed arrives the same, and what is refused is so with a text.

local codec = require "dynsup.codec"
local value = require "fuzz.value"

local Named = { __pack = "fuzz.named", __name = "Named" }
codec.register("fuzz.named", Named)
codec.register("fuzz.made", function(v) return { made = v } end)

local function is_plain(v)
  return type(v) ~= "table"
end

local function same_plain(a, b)
  if type(a) ~= type(b) or math.type(a) ~= math.type(b) then return false end
  return a == b or a ~= a and b ~= b
end

-- Whether both are the same graphs, as far as keys other than tables show.
local function same(a, b)
  local pairs_left, met = { { a, b } }, {}
  while #pairs_left > 0 do
    local pair = table.remove(pairs_left)
    local x, y = pair[1], pair[2]
    if is_plain(x) or is_plain(y) then
      if not same_plain(x, y) then return false end
    elseif met[x] then
      if met[x] ~= y then return false end
    else
      met[x] = y
      local count = 0
      for k, v in next, x do
        count = count + (is_plain(k) and 0 or 1)
        if is_plain(k) then pairs_left[#pairs_left + 1] = { v, rawget(y, k) } end
      end
      for k in next, y do
        count = count - (is_plain(k) and 0 or 1)
        if is_plain(k) and rawget(x, k) == nil then return false end
      end
      if count ~= 0 then return false end
    end
  end
  return true
end

-- Values that were unpacked travel, and are the same again.
local function check_again(values)
  local bytes = assert(codec.pack(table.unpack(values, 1, values.n)))
  local again = table.pack(codec.unpack(bytes))
  assert(again.n == values.n)
  assert(same(values, again))
end

local function is_refused(results)
  return results[1] == nil and results[2] == "cannot_unpack" and type(results[3]) == "string"
end

local function try_bytes(bytes)
  local results = table.pack(codec.unpack(bytes))
  if is_refused(results) then
    assert(#results[3] > 0)
  else
    check_again(results)
  end
end

-- What is typed arrives as something else.
local function has_type(reader)
  for _, made in ipairs(reader.made) do
    if getmetatable(made) then return true end
  end
end

local function try_value(reader)
  local v = reader:value(6)
  local ok, bytes, reason, detail = pcall(codec.pack, v)
  if not ok then
    assert(type(bytes) == "string" and bytes:find "a __pack", bytes)
  elseif not bytes then
    assert(reason == "cannot_travel" and detail:find "^a " and detail:find " cannot travel", detail)
  else
    local results = table.pack(codec.unpack(bytes))
    if has_type(reader) then
      assert(results.n == 1 or is_refused(results))
    else
      assert(results.n == 1 and same(v, results[1]))
    end
  end
end

return function(input)
  local reader = value.reader(input)
  if reader:byte() % 2 == 0 then
    try_bytes(reader:rest())
  else
    try_value(reader)
  end
end
