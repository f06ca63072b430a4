--- The search through earlier lines, the latest first: Ctrl-R.

local keys = require "dynsup.repl.keys"

local search = {}
search.__index = search
search.__name = "dynsup.repl.search"

---@param lines string[] the latest last
---@param text string what was typed so far: it comes back when the search is given up
function search.new(lines, text)
  return setmetatable({ lines = lines, before = text, pattern = "", at = #lines + 1, failed = false }, search)
end

-- The next older line, from `from` on, that has the pattern in it and is another one than now.
function search:find(from)
  local now = self.lines[self.at]
  for i = from, 1, -1 do
    if self.lines[i]:find(self.pattern, 1, true) and (i == self.at or self.lines[i] ~= now) then
      self.at, self.failed = i, false
      return
    end
  end
  self.failed = true
end

---@return string # what is shown in the line
function search:text()
  return self.lines[self.at] or self.before
end

---@return string
function search:prompt()
  return ("(%ssearch '%s') "):format(self.failed and "failed " or "", self.pattern)
end

local actions = {}

-- Ctrl-R again: an older one.
actions["\18"] = function(self)
  if self.pattern ~= "" then
    self:find(self.at - 1)
  end
end

-- Backspace: the search begins again with a shorter pattern.
actions["\127"] = function(self)
  local last = utf8.offset(self.pattern, -1)
  self.pattern = last and self.pattern:sub(1, last - 1) or ""
  self.at = #self.lines + 1
  if self.pattern ~= "" then
    self:find(#self.lines)
  end
end
actions["\8"] = actions["\127"]

--- Takes a key. Returns the text of the line if the key ends the search. Ctrl-G and Escape cancel the search;
--- any other key that is not text ends it.
---@param key string
---@return string?
function search:key(key)
  if actions[key] then
    actions[key](self)
  elseif key == "\7" or key == "\27" then
    return self.before
  elseif keys.is_text(key) then
    self.pattern = self.pattern .. key
    self:find(math.min(self.at, #self.lines))
  else
    return self:text()
  end
end

return search
