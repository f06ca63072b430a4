--- URLs of pages, and the hosts that they are on.
local http = require "dynsup.http"

local urls = {}

local DEFAULT_PORTS = { http = ":80$", https = ":443$" }

--- The host of an absolute URL, with its port unless that is the usual one.
---@param url string
---@return string
function urls.host(url)
  local scheme, authority = url:match "^(%a+)://([^/?#]*)"
  local host = authority:gsub("^.*@", ""):lower():gsub(DEFAULT_PORTS[scheme], "")
  return host
end

--- The absolute URL of a page that a link leads to; nil when it leads to something else.
---@param base string URL of the page with the link
---@param link string
---@return string? url
function urls.follow(base, link)
  return (http.resolve(base, link))
end

--- Checks URLs and writes them all in the same way.
---@param texts string[]
---@return string[]? urls
---@return string? text that is not a URL
---@return string? reason
function urls.read(texts)
  local read = {}
  for i, text in ipairs(texts) do
    local url, reason, detail = http.resolve(text, "")
    if not url then
      return nil, text, detail or reason
    end
    read[i] = url
  end
  return read
end

return urls
