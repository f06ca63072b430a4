--- The dynamic supervisor of the fetchers: it limits how many run at a time.
local dynsup = require "dynsup"

local Fetcher = require "fetcher"

local NAME = "crawler.fetcher_supervisor"

local FetcherSupervisor = {}
dynsup.use(FetcherSupervisor)

---@param workers integer
---@return userdata? pid
---@return string? reason
function FetcherSupervisor.start_link(workers)
  return dynsup.start_link(FetcherSupervisor, workers, { name = NAME })
end

function FetcherSupervisor.init(workers)
  return dynsup.init { strategy = "one_for_one", max_children = workers }
end

--- Starts a fetcher that answers to the caller.
---@param url string
---@return userdata? pid
---@return string? reason "max_children"
function FetcherSupervisor.fetch(url)
  return dynsup.start_child(NAME, { Fetcher, { frontier = dynsup.self(), url = url } })
end

return FetcherSupervisor
