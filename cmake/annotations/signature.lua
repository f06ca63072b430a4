--- Signatures: reads the types of the API's pages, `fun(dest: dest, ms?: time): true`, and writes them as
-- annotations of LuaLS.

local signature = {}

local BUILT_IN = {}
for name in ([[any nil boolean true false string number integer table function thread userdata
  lightuserdata]]):gmatch "%a+" do
  BUILT_IN[name] = true
end

local CLOSES = { ["("] = ")", ["{"] = "}", ["["] = "]", ["<"] = ">" }

-- Where the bracket that opens at that place closes.
local function closing(text, place)
  local open = text:sub(place, place)
  local _, last = text:find("^%b" .. open .. CLOSES[open], place)
  return last or error("nothing closes " .. text:sub(place), 0)
end

-- Parts a text at commas that are in no brackets and quotes.
local function split(text)
  local parts, from, place = {}, 1, 1
  while place <= #text do
    local char = text:sub(place, place)
    if CLOSES[char] then
      place = closing(text, place)
    elseif char == '"' then
      place = text:find('"', place + 1, true) or error("a quote is open in " .. text, 0)
    elseif char == "," then
      parts[#parts + 1] = text:sub(from, place - 1):match "^%s*(.-)%s*$"
      from = place + 1
    end
    place = place + 1
  end
  local last = text:sub(from):match "^%s*(.-)%s*$"
  if last ~= "" then
    parts[#parts + 1] = last
  end
  return parts
end

-- The type with the names of dynsup's own types in full.
local function qualify(text, types, generic)
  local function full(name, follows)
    if BUILT_IN[name] or name == "fun" or name == generic or follows:find "^%??%s*:" then
      return name
    end
    return types[name] and "dynsup." .. name or error("the type " .. name .. " is not known", 0)
  end
  local outside = (text .. '""'):gsub('([^"]*)("[^"]*")', function(code, quoted)
    return code:gsub("([%a_][%w_]*)()", function(name, behind)
      return full(name, code:sub(behind))
    end) .. quoted
  end)
  return outside:sub(1, -3)
end

local function read_param(text, types, generic)
  local name, optional, kind = text:match "^([%a_][%w_]*)(%??):%s*(.+)$"
  if not name then
    name, optional, kind = "...", "", text:match "^%.%.%.:%s*(.+)$"
  end
  if not kind then
    error("an argument without a type: " .. text, 0)
  end
  return { name = name, optional = optional == "?", type = qualify(kind, types, generic) }
end

--- Reads one signature.
---@param text string
---@param types table<string, any> the names of dynsup's own types
---@return table { params = { name =, optional =, type = }..., returns = types..., generic = }
function signature.read(text, types)
  local generic, open = text:match "^fun<(%a+)>()"
  open = open or text:match "^fun()" or error("no function: " .. text, 0)
  local last = closing(text, open)
  local read = { params = {}, returns = {}, generic = generic }
  for i, part in ipairs(split(text:sub(open + 1, last - 1))) do
    read.params[i] = read_param(part, types, generic)
  end
  local rest = text:sub(last + 1):match "^%s*:%s*(.+)$"
  if not rest and text:sub(last + 1) ~= "" then
    error("what is behind the arguments is no type: " .. text, 0)
  end
  for i, part in ipairs(split(rest or "")) do
    read.returns[i] = qualify(part, types, generic)
  end
  return read
end

local function optional(kind)
  local is_already = kind:find "%?$" and not kind:find "[|%s]" or kind == "any" or kind == "nil"
  return is_already and kind or kind .. "|nil"
end

--- What a function returns, with nil, reason [, detail] of one that can fail: a list of { type =, name = }.
---@param read table
---@param fails boolean
function signature.results(read, fails)
  local results = {}
  for i, kind in ipairs(read.returns) do
    local is_open = kind:match "^%.%.%.:%s*(.*)$"
    if is_open then
      kind = is_open
    elseif fails and i == 1 then
      kind = optional(kind)
    elseif fails and kind ~= "any" then
      kind = optional(kind .. "|dynsup.reason")
    end
    results[i] = { type = kind, name = is_open and "..." or nil }
    if is_open then
      return results
    end
  end
  if fails then
    results[2] = results[2] or { type = "dynsup.reason|nil", name = "reason" }
    results[3] = results[3] or { type = "any", name = "detail" }
  end
  return results
end

--- The same as a type: fun(dest: dynsup.dest): boolean
---@param read table
---@param fails boolean
---@return string
function signature.text(read, fails)
  local params, results = {}, {}
  for i, param in ipairs(read.params) do
    params[i] = ("%s%s: %s"):format(param.name, param.optional and "?" or "", param.type)
  end
  for i, result in ipairs(signature.results(read, fails)) do
    results[i] = (result.name == "..." and "...: " or "") .. result.type
  end
  local text = "fun(" .. table.concat(params, ", ") .. ")"
  return #results > 0 and text .. ": (" .. table.concat(results, ", ") .. ")" or text
end

return signature
