-- Fuzzes the lines of the log: messages and fields made of bytes, as text, logfmt and JSON.
--   A line is one, UTF-8, of a limited length; JSON decodes, and texts that are whole are what they were.

local dynsup = require "dynsup"
local value = require "fuzz.value"
local wire = require "dynsup.attach.wire"

local FORMATS = { "json", "logfmt", "text" }

local function fields_of(reader)
  local fields = {}
  for _ = 1, reader:below(6) do
    local key = reader:below(4) == 0 and reader:value(2) or reader:string()
    if key ~= nil and key == key then
      fields[key] = reader:value(2)
    end
  end
  return fields
end

local function check_json(text, message)
  local decoded, problem = wire.decode(text)
  assert(decoded, problem)
  if not decoded.cut and utf8.len(message) and not message:find "\127" then
    assert(decoded.message == message, text)
  end
end

local function check_line(format, text, message)
  assert(utf8.len(text), "no UTF-8")
  assert(#text <= 8192 + 64)
  assert(not text:gsub("\n        ", ""):find "%c" and not text:find "\u{80}", "a control character")
  assert(format == "text" or not text:find "\n", "more than a line")
  if format == "json" then check_json(text, message) end
end

return function(input)
  local reader = value.reader(input)
  local format, message = reader:pick(FORMATS), reader:string()
  local lines = {}
  local options = { clock = "virtual", seed = 1, log_level = "info", log_format = format }
  function options.log(_, text) lines[#lines + 1] = text end
  local ok, reason = dynsup.run(options, function()
    reader.dynsup = true
    dynsup.log.info(message, fields_of(reader))
  end)
  assert(ok, tostring(reason))
  assert(#lines == 1, #lines)
  check_line(format, lines[1], message)
end
