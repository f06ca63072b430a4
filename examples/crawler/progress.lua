--- What the user at the terminal sees meanwhile: a line that is redrawn ten times a second.
local dynsup = require "dynsup"

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
---@param left integer pages that are known and not fetched yet
function Progress:show(results, left)
  local now = dynsup.now()
  if self.enabled and now - self.drawn_at >= INTERVAL_MS then
    local line = "%d pages fetched, %d to come, %d broken links"
    io.stderr:write("\r\27[K", line:format(results.fetched, left, results.broken_count))
    self.drawn_at, self.visible = now, true
  end
end

function Progress:clear()
  if self.visible then
    io.stderr:write("\r\27[K")
    self.visible = false
  end
end

return Progress
