--- An HTTP client for processes: a request is a call that waits, on libcurl and the host's own loop.
--
-- C makes one exchange (`native`); here are the options and their checks, redirects, and the tables
-- that the caller gets.

local native = ...
native.load()

local dynsup = require "dynsup"

---@class dynsup.http
local http = {}

local DEFAULT_TIMEOUT = 30000
local DEFAULT_MAX_BYTES = 16 * 1024 * 1024
local DEFAULT_FOLLOW = 10
local REDIRECT_BODY_MAX = 65536 -- of a redirect's, so that its connection can be kept
local LONGEST = 10000 -- of a method or a path in the options

---@class dynsup.http.Headers
---@field [string] string by a header's name in any case; the values of a repeated one with ", " between
---@field [integer] { name: string, value: string } each as it came

---@class dynsup.http.Response
---@field status integer
---@field headers dynsup.http.Headers
---@field body string? unless on_chunk has taken it
---@field url string that was answered in the end

---@class dynsup.http.Options
---@field method? string "GET"
---@field headers? table<string, string|number|string[]>
---@field body? string
---@field timeout? number|"infinity" ms for all of it: 30000
---@field max_bytes? integer|"infinity" of the body: 16 MiB; without end when on_chunk takes it
---@field follow? integer redirects: 10
---@field on_chunk? fun(data: string, response: dynsup.http.Response)
---@field ca_file? string PEM certificates in place of the system's
---@field verify? boolean
---@field proxy? string URL; "" for none; that of the environment
---@field decode? boolean ask for compressed responses

-- ---- options ----

local NAME = "^[%w!#$%%&'*+%-.^_`|~]+$" -- a token of RFC 9110
local OWN_HEADERS = { ["content-length"] = true, ["transfer-encoding"] = true }

local function is_text(value)
  return type(value) == "string" and #value <= LONGEST and not value:find "%z"
end

local function is_whole(value)
  return math.type(value) == "integer" and value >= 0
end

-- Each option's check: true, or nil and what is expected.
local checks = {
  url = function(value)
    return type(value) == "string", "a string"
  end,
  method = function(value)
    return is_text(value) and value:match "^%u[%u_-]*$" and value ~= "CONNECT", "a method in capitals"
  end,
  headers = function(value)
    return type(value) == "table", "a table of names and values"
  end,
  body = function(value)
    return type(value) == "string", "a string"
  end,
  timeout = function(value)
    return value == "infinity" or type(value) == "number" and value >= 0, "milliseconds or \"infinity\""
  end,
  max_bytes = function(value)
    return value == "infinity" or is_whole(value), "a number of bytes or \"infinity\""
  end,
  follow = function(value)
    return is_whole(value), "a number of redirects"
  end,
  on_chunk = function(value)
    return type(value) == "function", "a function"
  end,
  ca_file = function(value)
    return is_text(value) and value ~= "", "a path"
  end,
  verify = function(value)
    return type(value) == "boolean", "a boolean"
  end,
  proxy = is_text,
  decode = function(value)
    return type(value) == "boolean", "a boolean"
  end,
}

local function check_option(name, value)
  local check = checks[name]
  if not check then
    return nil, "invalid_option", name
  end
  local ok, expected = check(value)
  if not ok then
    return nil, "invalid_option", ("%s: %s expected"):format(name, expected or "a URL")
  end
  return true
end

local function is_header_value(value)
  return (type(value) == "string" or type(value) == "number") and not tostring(value):find "[\r\n\0]"
end

-- Adds the lines of one header; with an empty value libcurl wants it written otherwise.
local function add_header(lines, name, values)
  if type(name) ~= "string" or not name:match(NAME) or OWN_HEADERS[name:lower()] then
    return nil, "invalid_option", "headers: not possible: " .. tostring(name)
  end
  for _, value in ipairs(type(values) == "table" and values or { values }) do
    if not is_header_value(value) then
      return nil, "invalid_option", "headers: not a value of " .. name
    end
    value = tostring(value)
    lines[#lines + 1] = value:match "^%s*$" and name .. ";" or name .. ": " .. value
  end
  lines[name:lower()] = true
  return true
end

-- What libcurl would add by itself; "Name:" leaves a header out.
local function add_defaults(lines)
  if not lines["user-agent"] then
    lines[#lines + 1] = "User-Agent: dynsup/" .. dynsup.version
  end
  for _, name in ipairs { "Expect", "Content-Type" } do
    if not lines[name:lower()] then
      lines[#lines + 1] = name .. ":"
    end
  end
end

local function read_headers(headers)
  local lines = {}
  for name, values in next, headers or {} do
    local ok, reason, detail = add_header(lines, name, values)
    if not ok then
      return nil, reason, detail
    end
  end
  add_defaults(lines)
  return lines
end

-- A copy of the options, checked, with the defaults; `fixed` are what the function itself sets.
local function read_options(options, fixed)
  local read = {}
  for name, value in next, options or {} do
    if fixed[name] ~= nil then
      return nil, "invalid_option", name
    end
    local ok, reason, detail = check_option(name, value)
    if not ok then
      return nil, reason, detail
    end
    read[name] = value
  end
  for name, value in next, fixed do
    read[name] = value
  end
  if read.method == "HEAD" and read.body then
    return nil, "invalid_option", "body: HEAD has none"
  end
  return read
end

local MAY_HAVE_BODY = { POST = true, PUT = true, PATCH = true }

-- The settings of the first exchange.
local function first_settings(read)
  local address, origin, detail = native.url(read.url or "")
  if not address then
    return nil, origin, detail
  end
  local lines, reason, why = read_headers(read.headers)
  if not lines then
    return nil, reason, why
  end
  local method = read.method or "GET"
  local max_bytes = read.max_bytes or (read.on_chunk and "infinity" or DEFAULT_MAX_BYTES)
  return {
    url = address,
    origin = origin,
    method = method,
    body = read.body or MAY_HAVE_BODY[method] and "" or nil,
    lines = lines,
    max_bytes = max_bytes,
    stream = read.on_chunk ~= nil,
    ca_file = read.ca_file,
    unverified = read.verify == false,
    proxy = read.proxy,
    decode = read.decode,
  }
end

-- ---- references ----

-- native.url(reference, base) as RFC 3986 has it: of "mailto:x" libcurl would make a path.
local function resolve(reference, base)
  local scheme = reference:match "^(%a[%w+.-]*):"
  if scheme and scheme:lower() ~= "http" and scheme:lower() ~= "https" then
    return nil, "unsupported_protocol", scheme
  elseif reference == "" or reference:match "^#" then
    return native.url(base)
  end
  return native.url(reference, base)
end

-- ---- responses ----

local headers_meta = {
  __index = function(headers, name)
    return type(name) == "string" and rawget(headers, name:lower()) or nil
  end,
}

-- The name and the value of a header, or nil. Takes linear time, whatever the server has sent.
local function parse_line(line)
  local name, after = line:match "^([^:%s]+)%s*:()"
  local first = name and line:find("%S", after)
  return name, first and line:match(".*%S", first) or ""
end

-- The headers of a head. A line that begins with a space goes on with the one before.
local function parse_head(text)
  local headers = {}
  for line in text:gsub("\r?\n[ \t]+", " "):gmatch "[^\n]+" do
    local name, value = parse_line(line)
    if name and not line:match "^HTTP/" then
      headers[#headers + 1] = { name = name, value = value }
      local key = name:lower()
      headers[key] = headers[key] and headers[key] .. ", " .. value or value
    end
  end
  return setmetatable(headers, headers_meta)
end

-- What the request is answered with; nil when it has ended before the end of the head.
local function new_response(request, settings)
  local status, head, has_ended = native.head(request)
  return has_ended and { status = status, headers = parse_head(head), url = settings.url } or nil
end

-- ---- redirects ----

local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local KEEPS_METHOD = { [307] = true, [308] = true }
local OF_ORIGIN = { ["authorization"] = true, ["cookie"] = true, ["proxy-authorization"] = true, ["host"] = true }
local OF_BODY = { ["content-type"] = true, ["content-encoding"] = true, ["content-language"] = true }

-- Where the response leads to: its first Location, as browsers have it, for all of them in one are no URL.
local function location_of(response)
  for _, header in ipairs(response.headers) do
    if header.name:lower() == "location" then
      return header.value
    end
  end
end

local function is_redirect(response, read)
  return read.follow ~= 0 and REDIRECTS[response.status] and location_of(response) ~= nil
end

local function without(lines, names)
  local kept = {}
  for _, line in ipairs(lines) do
    if not names[line:match "^[^:;]+":lower()] then
      kept[#kept + 1] = line
    end
  end
  return kept
end

-- As browsers do: after 303, and after 301 and 302 of a POST, the next request is a GET.
local function becomes_get(status, method)
  if status == 303 then
    return method ~= "HEAD"
  end
  return method == "POST" and not KEEPS_METHOD[status]
end

-- The settings of the exchange that the redirect asks for.
local function redirected(settings, response)
  local address, origin, detail = resolve(location_of(response), settings.url)
  if not address then
    return nil, "bad_response", "redirect: " .. detail
  end
  local after = {}
  for name, value in pairs(settings) do
    after[name] = value
  end
  after.url, after.origin = address, origin
  if origin ~= settings.origin then
    after.lines = without(after.lines, OF_ORIGIN)
  end
  if becomes_get(response.status, settings.method) then
    after.method, after.body = "GET", nil
    after.lines = without(after.lines, OF_BODY)
    after.lines[#after.lines + 1] = "Content-Type:"
  end
  return after
end

-- ---- exchanges ----

-- Reads the redirect's own body, which nobody wants, if it is small.
local function skip_body(request, first, deadline)
  local size = #first
  while size <= REDIRECT_BODY_MAX do
    local event, data = native.next(request, deadline - dynsup.now())
    if event ~= "data" then
      return
    end
    size = size + #data
  end
end

-- Hands on what comes until the end.
local function stream(request, response, data, read, deadline)
  repeat
    read.on_chunk(data, response)
    local event, more, detail = native.next(request, deadline - dynsup.now())
    if not event then
      return nil, more, detail
    end
    data = more
  until event == "end"
  if data ~= "" then
    read.on_chunk(data, response)
  end
  return response
end

-- One exchange: the response; true and a redirect; or nil, reason, detail. A redirect whose own body
-- is larger than what is asked for may be is one all the same: that body is left.
local function exchange(settings, read, deadline)
  local request <close> = native.start(settings)
  local event, data, detail = native.next(request, deadline - dynsup.now())
  local response = (event or data == "too_large") and new_response(request, settings)
  local redirects = response and is_redirect(response, read)
  if not event and not redirects then
    return nil, data, detail
  end
  if redirects then
    if event == "data" then
      skip_body(request, data, deadline)
    end
  elseif event == "data" then
    return stream(request, response, data, read, deadline)
  elseif not read.on_chunk then
    response.body = data
  end
  return response, redirects
end

local function perform(read)
  local timeout = read.timeout or DEFAULT_TIMEOUT
  local deadline = timeout == "infinity" and math.huge or dynsup.now() + timeout
  local settings, reason, detail = first_settings(read)
  for _ = 0, read.follow or DEFAULT_FOLLOW do
    if not settings then
      return nil, reason, detail
    end
    local response, redirects, why = exchange(settings, read, deadline)
    if not response then
      return nil, redirects, why
    elseif not redirects then
      return response
    end
    settings, reason, detail = redirected(settings, response)
  end
  return nil, "too_many_redirects", settings and settings.url
end

-- ---- the functions ----

local function check(condition, position, name, expected, value)
  if not condition then
    local message = "bad argument #%d to '%s' (%s expected, got %s)"
    error(message:format(position, name, expected, type(value)), 3)
  end
end

local function check_no_more(count, most, name)
  if count > 0 then
    error(("bad argument #%d to '%s' (no further argument expected)"):format(most + 1, name), 3)
  end
end

local function is_options(value)
  return value == nil or type(value) == "table"
end

-- `fixed` are the options that the function's arguments are.
local function send(options, fixed)
  local read, reason, detail = read_options(options, fixed)
  if not read then
    return nil, reason, detail
  end
  return perform(read)
end

--- Sends a GET and waits for the response.
---@async
---@param url string
---@param options? dynsup.http.Options
---@return dynsup.http.Response? response
---@return string? reason
---@return string? detail
function http.get(url, options, ...)
  check(type(url) == "string", 1, "get", "string", url)
  check(is_options(options), 2, "get", "table", options)
  check_no_more(select("#", ...), 2, "get")
  return send(options, { url = url, method = "GET" })
end

--- Sends a POST with this body and waits for the response.
---@async
---@param url string
---@param body string
---@param options? dynsup.http.Options
---@return dynsup.http.Response? response
---@return string? reason
---@return string? detail
function http.post(url, body, options, ...)
  check(type(url) == "string", 1, "post", "string", url)
  check(type(body) == "string", 2, "post", "string", body)
  check(is_options(options), 3, "post", "table", options)
  check_no_more(select("#", ...), 3, "post")
  return send(options, { url = url, body = body, method = "POST" })
end

--- Sends a request that is told by options alone, `url` among them, and waits for the response.
---@async
---@param options dynsup.http.Options
---@return dynsup.http.Response? response
---@return string? reason
---@return string? detail
function http.request(options, ...)
  check(type(options) == "table", 1, "request", "table", options)
  check_no_more(select("#", ...), 1, "request")
  return send(options, {})
end

--- The absolute URL that a reference (a link, a Location) in a page means, without its fragment.
---@param base string URL of the page
---@param reference string
---@return string? url
---@return string? reason
---@return string? detail
function http.resolve(base, reference, ...)
  check(type(base) == "string", 1, "resolve", "string", base)
  check(type(reference) == "string", 2, "resolve", "string", reference)
  check_no_more(select("#", ...), 2, "resolve")
  local url, reason, detail = resolve(reference, base)
  if url then
    return url
  end
  return nil, reason, detail
end

return http
