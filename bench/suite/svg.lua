-- Drawings as SVG text: lines, texts and dots on a white ground.
local svg = {}
svg.__index = svg

local PAGE = [[
<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d"
  font-family="sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="#ffffff"/>
%s
</svg>
]]

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
  return (text:gsub('[&<>"]', ESCAPES))
end

--- An empty drawing of that size in pixels.
---@param width integer
---@param height integer
function svg.new(width, height)
  return setmetatable({ width = width, height = height, parts = {} }, svg)
end

function svg:add(form, ...)
  self.parts[#self.parts + 1] = form:format(...)
end

--- A line through points { x, y }.
---@param points number[][]
---@param colour string
---@param width number
function svg:line(points, colour, width)
  local places = {}
  for i, point in ipairs(points) do
    places[i] = ("%.1f,%.1f"):format(point[1], point[2])
  end
  local form = '<polyline points="%s" fill="none" stroke="%s" stroke-width="%.1f"/>'
  self:add(form, table.concat(places, " "), colour, width)
end

--- A text at a point: anchor is start, middle or end.
---@param x number
---@param y number
---@param text string
---@param anchor string?
---@param colour string?
function svg:text(x, y, text, anchor, colour)
  local form = '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>'
  self:add(form, x, y, anchor or "start", colour or "#222222", escape(text))
end

--- A dot, which shows the text when it is pointed at.
---@param x number
---@param y number
---@param radius number
---@param colour string
---@param text string
function svg:dot(x, y, radius, colour, text)
  local form = '<g><title>%s</title><circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/></g>'
  self:add(form, escape(text), x, y, radius, colour)
end

--- The file's text.
---@return string
function svg:render()
  local width, height = self.width, self.height
  return PAGE:format(width, height, width, height, table.concat(self.parts, "\n"))
end

return svg
