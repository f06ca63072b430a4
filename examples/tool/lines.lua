--- The lines that a plug-in may still need: a number of the last ones, by their numbers.

---@class Lines
---@field last integer the number of the newest; 0: there was none
---@field private text table<integer, string>
---@field private capacity integer
local Lines = {}
Lines.__index = Lines

---@param capacity integer
---@return Lines
function Lines.new(capacity)
  return setmetatable({ last = 0, text = {}, capacity = capacity }, Lines)
end

---@param text string
function Lines:add(text)
  self.last = self.last + 1
  self.text[self.last] = text
  self.text[self.last - self.capacity] = nil
end

---@return string? text nil: it has not come yet
function Lines:get(number)
  return self.text[number]
end

--- How many more there is room for, when the next that somebody waits for is this one.
---@return integer
function Lines:room(slowest)
  return self.capacity - (self.last + 1 - slowest)
end

return Lines
