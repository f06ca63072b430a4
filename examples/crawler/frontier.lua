--- The process between the pages that are known and those that are not: it takes the pages breadth
--- first and has as many fetched at a time as the supervisor allows.
local dynsup = require "dynsup"

local FetcherSupervisor = require "fetcher_supervisor"
local Host = require "host"
local Results = require "results"
local urls = require "urls"

local TRIES = 3

local Frontier = {}

---@class FrontierState
---@field results Results
---@field progress Progress
---@field hosts Host[]
---@field by_name table<string, Host>
---@field turn integer whose host's turn it is
---@field active table<userdata, Page> by the refs of their fetchers' monitors
---@field fetched table<string, Fetched> by URL, until the fetcher has ended
---@field active_count integer
---@field left integer how many pages may still be read
---@field depth integer

local relax

-- The page of a URL if it is one of ours, and whether it is new; then it is queued.
local function discover(state, url, depth)
  local host = state.by_name[urls.host(url)]
  local page = state.results:find(url)
  if page then
    relax(state, page, depth)
    return page, false
  elseif host and depth <= state.depth then
    page = state.results:new_page(url, depth)
    host:push(page)
    return page, true
  end
end

-- A shorter way to a page was found later: what it leads to is nearer, too, and may not be too far
-- any more.
function relax(state, page, depth)
  if depth >= page.depth then
    return
  end
  page.depth = depth
  for _, url in ipairs(page.links or {}) do
    local target, is_new = discover(state, url, depth + 1)
    if is_new then
      Results.add_link(target, page.url)
    end
  end
end

-- May this page of a host be fetched? A page that was tried before does not count again.
local function is_wanted(state, page)
  return page ~= nil and (state.left > 0 or page.tries > 0)
end

-- The host that comes next in turn and has a page for us, and its number.
local function next_host(state)
  for i = 1, #state.hosts do
    local number = (state.turn + i - 1) % #state.hosts + 1
    local host = state.hosts[number]
    if not host.resting and is_wanted(state, host:next()) then
      return host, number
    end
  end
end

-- False when the supervisor has no room.
local function start_fetcher(state, host)
  local page = host:next()
  local pid, reason = FetcherSupervisor.fetch(page.url)
  if not pid then
    assert(reason == "max_children", reason)
    return false
  end
  host:pop()
  state.left = state.left - (page.tries == 0 and 1 or 0)
  page.tries = page.tries + 1
  state.active[dynsup.monitor(pid)] = page
  state.active_count = state.active_count + 1
  return true
end

local function start_fetchers(state)
  local host, number = next_host(state)
  while host and start_fetcher(state, host) do
    state.turn = number
    host, number = next_host(state)
  end
end

-- Says an answer, or none, that its host had better be left alone?
local function is_trouble(fetched)
  return fetched.reason ~= nil or fetched.status == 429 or fetched.status >= 500
end

local function add_links(state, page, links)
  page.links = links
  local seen = {}
  for _, url in ipairs(links) do
    local target = not seen[url] and discover(state, url, page.depth + 1)
    seen[url] = true
    if target then
      Results.add_link(target, page.url)
    end
  end
end

local function settle(state, page, fetched)
  local host = state.by_name[urls.host(page.url)]
  if not is_trouble(fetched) then
    host:answered()
  else
    host:failed()
    if page.tries < TRIES then
      return host:push_first(page)
    end
  end
  state.results:add(page, fetched)
  add_links(state, page, fetched.links)
end

local handlers = {}

function handlers.fetched(state, url, fetched)
  state.fetched[url] = fetched
end

-- The fetcher has ended, and its supervisor has room for another one.
function handlers.DOWN(state, ref)
  local page = state.active[ref]
  local fetched = state.fetched[page.url] or { reason = "its fetcher failed", bytes = 0, links = {} }
  state.active[ref], state.fetched[page.url] = nil, nil
  state.active_count = state.active_count - 1
  settle(state, page, fetched)
end

function handlers.rested(_, host)
  host.resting = false
end

local function handle(state, tag, ...)
  handlers[tag](state, ...)
end

local function count_queued(state)
  local count = 0
  for _, host in ipairs(state.hosts) do
    count = count + host:count()
  end
  return count
end

-- Is nothing under way, and nothing wanted from any host, be it at rest now?
local function is_done(state)
  if state.active_count > 0 then
    return false
  end
  for _, host in ipairs(state.hosts) do
    if is_wanted(state, host:next()) then
      return false
    end
  end
  return true
end

local function hand_over(dest, state)
  return setmetatable({}, {
    __close = function()
      state.results.left = count_queued(state)
      state.progress:clear()
      dynsup.send(dest, "results", state.results)
    end,
  })
end

local function run(owner, state, starts)
  local _ <close> = hand_over(owner, state)
  for _, url in ipairs(starts) do
    discover(state, url, 0)
  end
  while true do
    start_fetchers(state)
    if is_done(state) then
      break
    end
    state.progress:show(state.results, count_queued(state) + state.active_count)
    handle(state, dynsup.receive())
  end
  state.results.complete = true
end

local function new_state(starts, options, progress)
  local state = {
    results = Results.new(),
    progress = progress,
    hosts = {},
    by_name = {},
    turn = 0,
    active = {},
    fetched = {},
    active_count = 0,
    left = options.max_pages,
    depth = options.depth,
  }
  for _, url in ipairs(starts) do
    local name = urls.host(url)
    if not state.by_name[name] then
      state.by_name[name] = Host.new(name)
      table.insert(state.hosts, state.by_name[name])
    end
  end
  return state
end

--- The caller will receive "results", results.
---@param starts string[] URLs
---@param options Options
---@param progress Progress
---@return userdata pid
function Frontier.start_link(starts, options, progress)
  return dynsup.spawn_link(run, dynsup.self(), new_state(starts, options, progress), starts)
end

return Frontier
