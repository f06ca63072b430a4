--- Values as text for people: tables with what they hold, sorted, cut to a sensible size.
--
-- Tables are read raw. A metamethod __tostring is called; what it does is its own affair.

local sorting = require "dynsup.sorting"

local show = {}

local DEPTH = 5    -- of tables within tables
local ITEMS = 60   -- of one table
local NODES = 500  -- of one value
local STRING = 200 -- bytes of a string within a table
local TEXT = 10000 -- bytes of a string that is the value itself
local INDENT = "  "

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
               return then true until while]]):gmatch "%a+" do
  keywords[word] = true
end

---@param text any
---@return boolean # is it a name in Lua?
function show.is_name(text)
  return type(text) == "string" and text:find "^[%a_][%w_]*$" ~= nil and not keywords[text]
end

-- ---- strings ----

local escapes = {
  ["\a"] = "\\a", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t", ["\v"] = "\\v", ["\\"] = "\\\\", ['"'] = '\\"',
}

local function escape_byte(byte)
  return escapes[byte] or ("\\x%02x"):format(byte:byte())
end

-- A control character of eight bits, of which some terminals take orders.
local function escape_control(bytes)
  return (bytes:gsub(".", escape_byte))
end

-- The first bytes of the text, without the beginning of a character at their end.
local function cut(text, size)
  if #text <= size then
    return text
  end
  local last = utf8.offset(text, 0, size + 1)
  return text:sub(1, last and last > size - 4 and last - 1 or size)
end

---@param text string
---@param size integer bytes that are shown
---@return string
local function quote(text, size)
  local part = cut(text, size)
  local shown = part:gsub('[%c"\\\127]', escape_byte):gsub("\xc2[\x80-\x9f]", escape_control)
  if not utf8.len(part) then
    shown = shown:gsub("[\128-\255]", escape_byte)
  end
  if #part < #text then
    return ('"%s..." (%d bytes)'):format(shown, #text)
  end
  return '"' .. shown .. '"'
end

-- ---- everything but tables ----

local function describe_function(value)
  local info = debug.getinfo(value, "S")
  local address = tostring(value):match "0x%x+" or ""
  if info.what == "C" then
    return "function: builtin: " .. address
  end
  return ("function: %s:%d"):format(info.short_src, info.linedefined)
end

-- The text of the value by a metamethod, or nil.
local function own_text(value)
  local meta = debug.getmetatable(value)
  local convert = type(meta) == "table" and rawget(meta, "__tostring")
  if not convert then
    return nil
  end
  local ok, text = pcall(convert, value)
  return ok and type(text) == "string" and text or "(its __tostring failed)"
end

local function scalar(value, size)
  local kind = type(value)
  if kind == "string" then
    return quote(value, size)
  elseif kind == "function" then
    return describe_function(value)
  elseif kind == "table" then
    return own_text(value)
  end
  return tostring(value)
end

-- ---- tables ----

local ranks = { number = 1, string = 2, boolean = 3 }

local function is_before(a, b)
  local rank_a, rank_b = ranks[type(a)] or 4, ranks[type(b)] or 4
  if rank_a ~= rank_b then
    return rank_a < rank_b
  elseif rank_a < 3 then
    return a < b
  end
  return tostring(a) < tostring(b)
end

-- The keys that are not in the list part, sorted; at most limit + 1 of them, so as not to sort a large table.
local function sorted_keys(value, length, limit)
  local keys = {}
  for key in next, value do
    local listed = math.type(key) == "integer" and key >= 1 and key <= length
    if not listed then
      keys[#keys + 1] = key
      if #keys > limit * 100 then
        break
      end
    end
  end
  return sorting.sort(keys, is_before)
end

local function count_all(value)
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  return count
end

local format

local function key_text(key, state)
  if show.is_name(key) then
    return key
  end
  return "[" .. format(key, state, state.depth) .. "]"
end

-- The items of a table as texts, and how many were left out.
local function items_of(value, state, depth)
  local items, length = {}, rawlen(value)
  for i = 1, math.min(length, ITEMS) do
    items[#items + 1] = format(rawget(value, i), state, depth + 1)
  end
  items.listed = #items
  local keys = sorted_keys(value, length, ITEMS)
  for _, key in ipairs(keys) do
    if #items >= ITEMS then
      break
    end
    items[#items + 1] = key_text(key, state) .. " = " .. format(rawget(value, key), state, depth + 1)
  end
  local left = #items >= ITEMS and count_all(value) - #items or 0
  return items, left
end

-- Rows of a list's items, which are short mostly, and then the others, a row each.
local function rows_of(items, room)
  local rows, row = {}, nil
  for i, item in ipairs(items) do
    local fits = row and i <= items.listed and #rows[row] + #item + 2 <= room
    if fits and not item:find("\n", 1, true) then
      rows[row] = rows[row] .. ", " .. item
    else
      row = #rows + 1
      rows[row] = item
    end
  end
  return rows
end

local function lay_out(name, items, state, depth)
  local line = name .. "{ " .. table.concat(items, ", ") .. " }"
  local indent = INDENT:rep(depth)
  if not line:find("\n", 1, true) and #indent + #line <= state.width then
    return line
  end
  local inner = "\n" .. indent .. INDENT
  local rows = rows_of(items, state.width - #indent - #INDENT)
  return name .. "{" .. inner .. table.concat(rows, "," .. inner) .. ",\n" .. indent .. "}"
end

local function table_name(value)
  local meta = debug.getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name .. " " or ""
end

local function format_table(value, state, depth)
  local name = table_name(value)
  if next(value) == nil then
    return name .. "{}"
  elseif state.open[value] then
    return name .. "{ ... its own parent }"
  elseif depth >= state.depth or state.nodes > NODES then
    return name .. "{ ... }"
  end
  state.open[value] = true
  local items, left = items_of(value, state, depth)
  state.open[value] = nil
  if left > 0 then
    items[#items + 1] = ("... %d more"):format(left)
  end
  return lay_out(name, items, state, depth)
end

-- Within a table a text has one line.
local function first_line(text)
  local line = text:match "^[^\n]*"
  return #line < #text and line .. " ..." or line
end

function format(value, state, depth)
  state.nodes = state.nodes + 1
  local text = scalar(value, depth == 0 and TEXT or STRING)
  if not text then
    return format_table(value, state, depth)
  end
  return depth == 0 and text or first_line(text)
end

--- One value as text.
---@param value any
---@param options? { width?: integer, depth?: integer }
---@return string
function show.value(value, options)
  options = options or {}
  local state = { width = options.width or 80, depth = options.depth or DEPTH, nodes = 0, open = {} }
  return format(value, state, 0)
end

--- Several values: in one line where they fit, separated by tabs, else one below the other.
---@param values table a packed table
---@param options? { width?: integer, depth?: integer }
---@return string
function show.values(values, options)
  local texts = {}
  for i = 1, values.n do
    texts[i] = show.value(values[i], options)
  end
  local line = table.concat(texts, "\t")
  local width = options and options.width or 80
  if #line <= width and not line:find("\n", 1, true) then
    return line
  end
  return table.concat(texts, "\n")
end

return show
