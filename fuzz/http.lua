-- Fuzzes what dynsup.http makes of URLs, references, options, and the heads of responses. Nothing is
-- sent: in place of libcurl's exchange there are heads and bodies out of the input.
--   The outcome is a response, or nil, a reason and a detail; a URL that was resolved against itself
--   resolves to itself.

local fuzz = ...
local value = require "fuzz.value"

local real = fuzz.native "dynsup.http"
local reader -- of the input that is tried

-- An exchange: a head, pieces of a body, an end or a failure.
local fake = { load = function() end, url = real.url }

function fake.start(settings)
  fake.streams = settings.stream
  assert(type(settings.url) == "string" and type(settings.lines) == "table")
  for _, line in ipairs(settings.lines) do
    assert(not line:find "[\r\n\0]", line)
  end
  return setmetatable({}, { __close = function() end })
end

function fake.next()
  local how = reader:below(8)
  if how == 0 then
    return nil, "timeout", "the time is over"
  elseif fake.streams and how < 4 and not reader:is_over() then
    return "data", reader:string()
  end
  return "end", reader:string()
end

function fake.head()
  return 100 + reader:byte() + reader:byte(), reader:string(), true
end

local path = package.searchpath("scripts.dynsup.http", package.path)
local http = assert(loadfile(path))(fake)

local OPTIONS = {
  "url", "method", "headers", "body", "timeout", "max_bytes", "follow", "on_chunk", "ca_file", "verify", "proxy",
  "decode",
}

local function headers()
  local made = {}
  for _ = 1, reader:below(4) do
    local name = reader:string()
    made[name] = reader:below(3) == 0 and reader:value(2) or reader:string()
  end
  return made
end

local function options()
  local made = {}
  for _ = 1, reader:below(5) do
    made[reader:pick(OPTIONS)] = reader:value(2)
  end
  if reader:below(2) == 0 then
    made.headers = headers()
  end
  return made
end

local function check(result, reason, detail)
  if result == nil then
    assert(type(reason) == "string", "no reason")
    assert(detail == nil or type(detail) == "string", "no detail")
  end
  return result
end

local function check_response(response, reason, detail)
  if not check(response, reason, detail) then return end
  assert(math.type(response.status) == "integer" and type(response.url) == "string")
  for i, header in ipairs(response.headers) do
    assert(header.name ~= "" and not header.name:find "[:%s]", header.name)
    assert(response.headers[header.name:upper()]:find(header.value, 1, true), i)
  end
end

local function try_resolve()
  local base, reference = reader:string(), reader:rest()
  local url = check(http.resolve(base, reference))
  if url then
    -- bytes of the base stay as they are, those of a reference are escaped
    local again = assert(check(http.resolve(url, url)))
    assert(http.resolve(again, again) == again, url)
  end
end

local function try_get()
  local url = reader:string()
  local made = options()
  made.on_chunk = reader:below(4) == 0 and function() end or made.on_chunk
  made.url, made.method = nil, nil
  check_response(http.get(url, made))
end

local function try_request()
  local made = options()
  if reader:below(4) > 0 then made.url = "http://localhost/" .. reader:string() end
  check_response(http.request(made))
end

local tries = { try_resolve, try_get, try_request }

local function try()
  reader:pick(tries)()
end

local dynsup = require "dynsup"

return function(input)
  reader = value.reader(input)
  local ok, reason = dynsup.run({ clock = "virtual", seed = 1, log_level = "off" }, fuzz.counted(try))
  assert(ok, tostring(reason))
end
