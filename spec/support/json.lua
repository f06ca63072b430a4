-- A JSON reader for specs, strict about what it meets.

local json = {}

local read_value

local function expect(text, at, pattern)
  local from, to, capture = text:find("^%s*" .. pattern .. "%s*", at)
  assert(from, "JSON: expected " .. pattern .. " at " .. at)
  return to + 1, capture
end

local function unescape(text)
  local names = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
  text = text:gsub("\\(.)(%x?%x?%x?%x?)", function(kind, digits)
    if kind ~= "u" then
      return (names[kind] or kind) .. digits
    end
    local code = tonumber(digits, 16)
    return code >= 0xdc80 and code <= 0xdcff and string.char(code - 0xdc00) or utf8.char(code)
  end)
  return text
end

local function read_string(text, at)
  local to = at + 1
  while text:sub(to, to) ~= '"' do
    assert(not text:find("^%c", to) and to <= #text, "JSON: a bad character in a string")
    to = to + (text:sub(to, to) == "\\" and 2 or 1)
  end
  local inner = text:sub(at + 1, to - 1)
  assert(utf8.len(inner), "JSON: a string that is no UTF-8")
  return unescape(inner), to + 1
end

local function read_items(text, at, closing, read_item)
  local result = {}
  at = expect(text, at, "[%[{]")
  while not text:find("^" .. closing, at) do
    at = read_item(result, at)
    if not text:find("^" .. closing, at) then
      at = expect(text, at, ",")
    end
  end
  return result, at + 1
end

local readers = {
  ["["] = function(text, at)
    return read_items(text, at, "%]", function(list, from)
      local value, after = read_value(text, from)
      table.insert(list, value)
      return expect(text, after, "")
    end)
  end,
  ["{"] = function(text, at)
    return read_items(text, at, "}", function(object, from)
      local name, value, after
      name, after = read_string(text, from)
      value, after = read_value(text, expect(text, after, ":"))
      object[name] = value
      return expect(text, after, "")
    end)
  end,
  ['"'] = read_string,
  ["t"] = function(_, at) return true, at + 4 end,
  ["f"] = function(_, at) return false, at + 5 end,
}

function read_value(text, at)
  local reader = readers[text:sub(at, at)]
  if reader then
    return reader(text, at)
  end
  local after, number = expect(text, at, "(%-?%d+%.?%d*[eE]?[+-]?%d*)")
  return math.tointeger(number) or assert(tonumber(number)), after
end

--- The value of a document; objects may not hold null.
---@param text string
---@return any
function json.read(text)
  local value, after = read_value(text, 1)
  assert(not text:find("%S", after), "JSON: something comes after the document")
  return value
end

return json
