--- A worker that fetches one page and reports to the frontier what it has found. It is temporary: the
--- frontier decides whether a page is tried again.
local dynsup = require "dynsup"
local http = require "dynsup.http"

local html = require "html"
local urls = require "urls"

local TIMEOUT = 30000
local HTML_MAX = 4 * 1024 * 1024 -- of a page that is searched for links

local Fetcher = {}

---@class Fetched
---@field status integer? of the answer; nil: there was none
---@field reason string? why there was none
---@field bytes integer
---@field links string[] absolute URLs

local function is_html(response)
  return (response.headers["content-type"] or ""):lower():match "^%s*text/html" ~= nil
end

-- Counts what comes, and keeps the beginning of a page.
local function reader()
  local kept, bytes = {}, 0
  local function on_chunk(data, response)
    if is_html(response) and bytes < HTML_MAX then
      kept[#kept + 1] = data
    end
    bytes = bytes + #data
  end
  return on_chunk, function()
    return table.concat(kept), bytes
  end
end

local function find_links(url, text)
  local links, base = html.links(text)
  base = base and urls.follow(url, base) or url
  local found = {}
  for _, link in ipairs(links) do
    found[#found + 1] = urls.follow(base, link) -- nothing for mail addresses and the like
  end
  return found
end

-- A redirect is a link: it is only followed if it stays on our hosts.
local function fetch(url)
  local on_chunk, taken = reader()
  local response, reason = http.get(url, { on_chunk = on_chunk, follow = 0, timeout = TIMEOUT, decode = true })
  local text, bytes = taken()
  if not response then
    return { reason = reason, bytes = bytes, links = {} }
  end
  local links = find_links(url, text)
  if response.status >= 300 and response.status < 400 and response.headers.location then
    links[#links + 1] = urls.follow(url, response.headers.location)
  end
  return { status = response.status, bytes = bytes, links = links }
end

local function run(frontier, url)
  dynsup.send(frontier, "fetched", url, fetch(url))
end

--- The frontier will receive "fetched", url, Fetched.
---@param arg { frontier: userdata, url: string }
---@return table spec
function Fetcher.child_spec(arg)
  return { id = arg.url, body = run, args = { arg.frontier, arg.url }, restart = "temporary" }
end

return Fetcher
