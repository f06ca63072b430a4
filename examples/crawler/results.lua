--- What is known about the pages.

---@class Page
---@field url string
---@field depth integer how many links lead there from a start
---@field tries integer
---@field found_on string[] URLs of pages that lead there, the first few
---@field found_count integer of all
---@field links string[]? URLs that it leads to, once it was fetched
---@field status integer? of the answer
---@field reason string? why there was none

---@class Results
---@field complete boolean whether all pages were read
---@field left integer pages that were known but not read
---@field fetched integer
---@field bytes integer
---@field broken_count integer
---@field private pages table<string, Page>
local Results = {}
Results.__index = Results

local FOUND_ON_MAX = 5

---@return Results
function Results.new()
  return setmetatable({ complete = false, left = 0, fetched = 0, bytes = 0, broken_count = 0, pages = {} }, Results)
end

---@param url string
---@return Page?
function Results:find(url)
  return self.pages[url]
end

---@param url string
---@param depth integer
---@return Page
function Results:new_page(url, depth)
  local page = { url = url, depth = depth, tries = 0, found_on = {}, found_count = 0 }
  self.pages[url] = page
  return page
end

---@param page Page
---@param url string of the page with the link
function Results.add_link(page, url)
  page.found_count = page.found_count + 1
  if #page.found_on < FOUND_ON_MAX then
    table.insert(page.found_on, url)
  end
end

local function is_broken(page)
  return page.reason ~= nil or page.status ~= nil and page.status >= 400
end

--- Notes how it went with a page in the end.
---@param page Page
---@param fetched Fetched
function Results:add(page, fetched)
  page.status, page.reason = fetched.status, fetched.reason
  self.fetched = self.fetched + 1
  self.bytes = self.bytes + fetched.bytes
  self.broken_count = self.broken_count + (is_broken(page) and 1 or 0)
end

--- The pages that could not be had, by their URLs.
---@return Page[]
function Results:broken()
  local list = {}
  for _, page in pairs(self.pages) do
    if is_broken(page) then
      list[#list + 1] = page
    end
  end
  table.sort(list, function(a, b) return a.url < b.url end)
  return list
end

return Results
