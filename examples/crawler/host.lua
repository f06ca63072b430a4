--- A host: its pages that are to be fetched, and whether it may be asked now. One that fails is left
--- alone for a while, which doubles each time.
local dynsup = require "dynsup"

local REST_MIN, REST_MAX = 250, 4000 -- ms

---@class Host
---@field name string
---@field resting boolean
---@field private rest number ms of the next rest
---@field private pages Page[] a queue
---@field private head integer
---@field private tail integer
local Host = {}
Host.__index = Host

---@param name string
---@return Host
function Host.new(name)
  return setmetatable({ name = name, resting = false, rest = REST_MIN, pages = {}, head = 1, tail = 0 }, Host)
end

---@param page Page
function Host:push(page)
  self.tail = self.tail + 1
  self.pages[self.tail] = page
end

--- A page that is to be tried again comes before all others, which were found later.
---@param page Page
function Host:push_first(page)
  self.head = self.head - 1
  self.pages[self.head] = page
end

---@return Page? page that is next
function Host:next()
  return self.pages[self.head]
end

function Host:pop()
  self.pages[self.head] = nil
  self.head = self.head + 1
end

---@return integer
function Host:count()
  return self.tail - self.head + 1
end

--- It did not answer as it should: the caller will receive "rested", host. Several fetchers may find
--- that out at the same time.
function Host:failed()
  if not self.resting then
    self.resting = true
    dynsup.send_after(self.rest, dynsup.self(), "rested", self)
    self.rest = math.min(2 * self.rest, REST_MAX)
  end
end

function Host:answered()
  self.rest = REST_MIN
end

return Host
