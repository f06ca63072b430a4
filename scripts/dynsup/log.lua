--- Lines of scripts in the log of the host, with fields for programs that read it.
--
-- A line goes where the host's own reports go, in the same format (`dynsup run --log-format`). A line below
-- the log level costs one comparison. Except for misuse, logging cannot fail or raise: a value without a text
-- is shown as its type.

local native = ...

local error, getmetatable, ipairs, next = error, getmetatable, ipairs, next
local pcall, rawget, tostring, type = pcall, rawget, tostring, type
local wanted, write, text = native.wanted, native.write, native.text
local sort = table.sort

---@class dynsup.log
local log = {}

-- Fields of every line: a user's field with such a name gets an underscore appended.
local taken = { time = true, level = true, event = true, message = true, pid = true, name = true, cut = true }

-- A value as the C half takes it: a string, a number or a boolean.
local function plain(value)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then
    return value
  end
  local ok, result = pcall(text, value)
  return ok and result or kind
end

-- The fields as a flat list, in the order of their names, without those that the line has itself.
local function flatten(fields, skip_message)
  local names, by_name = {}, {}
  for key, value in next, fields do
    local name = tostring(plain(key))
    local is_own = skip_message and (key == 1 or key == "message") or key == "event"
    if not is_own then
      if taken[name] then
        name = name .. "_"
      end
      if by_name[name] == nil then
        names[#names + 1] = name
      end
      by_name[name] = value
    end
  end
  sort(names)
  local list = {}
  for i, name in ipairs(names) do
    list[2 * i - 1], list[2 * i] = name, plain(by_name[name])
  end
  return list
end

local function has_text(message)
  local meta = getmetatable(message) -- what its __metatable says, which may be anything
  return type(message) ~= "table" or type(meta) == "table" and rawget(meta, "__tostring") ~= nil
end

-- Tables are read raw, as by `next`.
local function message_and_fields(message, fields)
  if has_text(message) then
    return plain(message), flatten(fields or {}), fields and rawget(fields, "event")
  end
  local said = rawget(message, "message")
  if said == nil then
    said = rawget(message, 1)
  end
  return said ~= nil and tostring(plain(said)) or nil, flatten(message, true), rawget(message, "event")
end

local function check(name, message, fields)
  local kind = type(message)
  if kind ~= "string" and kind ~= "number" and kind ~= "table" then
    error(("bad argument #1 to '%s' (string or table expected, got %s)"):format(name, kind), 3)
  end
  if fields ~= nil and type(fields) ~= "table" then
    error(("bad argument #2 to '%s' (table expected, got %s)"):format(name, type(fields)), 3)
  end
end

for number, name in ipairs { "error", "warning", "info", "debug" } do
  log[name] = function(message, fields)
    check(name, message, fields)
    if not wanted(number) then
      return false
    end
    local said, list, event = message_and_fields(message, fields)
    write(number, type(event) == "string" and event or "log", said, list)
    return true
  end
end

--- The level from which on lines are written: "off", "error", "warning", "info" or "debug".
---@param name? string the new level, for this run
---@return string level before
function log.level(name)
  if name ~= nil and type(name) ~= "string" then
    error("bad argument #1 to 'level' (string expected, got " .. type(name) .. ")", 2)
  end
  local before = native.level(name)
  if not before then
    error("bad argument #1 to 'level' (off, error, warning, info or debug expected)", 2)
  end
  return before
end

return log
