--- What the user at the terminal sees meanwhile: a line that is redrawn ten times a second, and a line for
--- each file that is skipped.
local dynsup = require "dynsup"

local output = require "output"

local INTERVAL_MS = 100

---@class Progress
---@field private enabled boolean
---@field private drawn_at number when the line was drawn last
---@field private visible boolean
local Progress = {}
Progress.__index = Progress

---@param enabled boolean whether to draw a line at all
---@return Progress
function Progress.new(enabled)
  return setmetatable({ enabled = enabled, drawn_at = -INTERVAL_MS, visible = false }, Progress)
end

---@param results Results
function Progress:show(results)
  local now = dynsup.now()
  if self.enabled and now - self.drawn_at >= INTERVAL_MS then
    local line = "%d files found, %d hashed, %d skipped"
    io.stderr:write("\r\27[K", line:format(results.found, results.hashed, #results.skipped))
    self.drawn_at, self.visible = now, true
  end
end

function Progress:clear()
  if self.visible then
    io.stderr:write("\r\27[K")
    self.visible = false
  end
end

---@param path string
---@param reason string
function Progress:report(path, reason)
  self:clear()
  self.drawn_at = -INTERVAL_MS
  io.stderr:write(("duper: skipped '%s': %s\n"):format(output.printable(path), reason))
end

return Progress
