-- The two plots of tools/bench: how many times better dynsup is than each peer, and how the cost of one
-- operation grows with the number of children. Both have logarithmic axes.
local figures = require("bench.suite.figures")
local suite = require("bench.suite.questions")
local svg = require("bench.suite.svg")

local plot = {}

local GRID, EQUAL = "#e0e0e0", "#888888"

-- Distinguishable also without colours: by the order of the legend, which is that of the peers.
local COLOURS = {
  elixir = "#6a3d9a", lua = "#1f78b4", luv = "#33a02c", limit = "#e31a1c",
}
local LINE_COLOURS = {
  "#1f78b4", "#e31a1c", "#33a02c", "#ff7f00", "#6a3d9a", "#b15928",
  "#17becf", "#e377c2", "#7f7f7f", "#bcbd22", "#000000", "#8c564b", "#9467bd", "#2ca02c",
}

-- A logarithmic axis from one value to another, between two places of the drawing.
local function axis(least, most, from, to)
  local low, high = math.log(least), math.log(most)
  return function(value)
    return from + (math.log(value) - low) / (high - low) * (to - from)
  end
end

-- The powers of ten around all values, at least one apart.
local function decades(values)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(values) do
    local power = math.log(value, 10)
    low, high = math.min(low, math.floor(power + 1e-9)), math.max(high, math.ceil(power - 1e-9))
  end
  return low, math.max(high, low + 1)
end

-- ---- ratios ----

local LEFT, RIGHT, TOP, ROW = 390, 30, 60, 20

-- The rows of the table that have a ratio to a peer: { title, ratios by peer }.
local function ratio_rows(ordered)
  local found, all = {}, {}
  for _, entry in ipairs(ordered) do
    local ratios, own = {}, figures.median(entry.row, "dynsup")
    for _, peer in ipairs(suite.peers) do
      local other = peer.name ~= "dynsup" and figures.median(entry.row, peer.name)
      if own and own > 0 and other and other > 0 then
        ratios[peer.name] = figures.beside(entry.row, peer.name)
        all[#all + 1] = ratios[peer.name]
      end
    end
    if next(ratios) then
      found[#found + 1] = { title = entry.title, ratios = ratios }
    end
  end
  return found, all
end

local function draw_legend(drawing)
  local x = LEFT
  for _, peer in ipairs(suite.peers) do
    if COLOURS[peer.name] then
      drawing:dot(x, 20, 5, COLOURS[peer.name], peer.title)
      drawing:text(x + 10, 24, peer.title)
      x = x + 90
    end
  end
end

local function draw_decades(drawing, place, low, high, bottom)
  for power = low, high do
    local x = place(10.0 ^ power)
    drawing:line({ { x, TOP - 10 }, { x, bottom } }, power == 0 and EQUAL or GRID, power == 0 and 2 or 1)
    drawing:text(x, TOP - 16, ("%g x"):format(10.0 ^ power), "middle")
  end
end

local function draw_ratios(drawing, place, entry, y)
  drawing:text(LEFT - 10, y + 4, entry.title, "end")
  for _, peer in ipairs(suite.peers) do
    local ratio = entry.ratios[peer.name]
    if ratio then
      local text = ("%s: %.3g times better than %s"):format(entry.title, ratio, peer.title)
      drawing:dot(place(ratio), y, 5, COLOURS[peer.name], text)
    end
  end
end

--- A row for each figure with a dot for each peer: at the right of 1 x dynsup is better.
---@param ordered { title: string, row: bench.row }[]
---@return string?
function plot.ratios(ordered)
  local rows, all = ratio_rows(ordered)
  if #rows == 0 then
    return nil
  end
  all[#all + 1] = 1
  local low, high = decades(all)
  local bottom = TOP + #rows * ROW
  local drawing = svg.new(920, bottom + 10)
  local place = axis(10.0 ^ low, 10.0 ^ high, LEFT + 20, drawing.width - RIGHT)
  draw_legend(drawing)
  draw_decades(drawing, place, low, high, bottom)
  for i, entry in ipairs(rows) do
    if i % 2 == 0 then
      drawing:line({ { 0, TOP + i * ROW - ROW / 2 }, { drawing.width, TOP + i * ROW - ROW / 2 } }, "#f4f4f4", 1)
    end
    draw_ratios(drawing, place, entry, TOP + (i - 1) * ROW)
  end
  return drawing:render()
end

-- ---- growth ----

local WIDTH, HEIGHT = 920, 460
local INNER = { left = 80, right = 250, top = 30, bottom = 50 }

local function by_cost(a, b)
  return a.points[#a.points][2] > b.points[#b.points][2]
end

local function by_size(a, b)
  return a[1] < b[1]
end

-- The lines of dynsup and of the limit: { title, points = { { size, value }... } }, those that cost most
-- at the end first.
local function growth_lines(rows)
  local by_title, lines, values, sizes = {}, {}, {}, {}
  local function add(row, peer, suffix)
    local value = figures.median(row, peer)
    if not value or value <= 0 then
      return
    end
    local title = (suite.growth.titles[row.kind] or row.kind) .. suffix
    if not by_title[title] then
      by_title[title] = { title = title, points = {} }
      lines[#lines + 1] = by_title[title]
    end
    table.insert(by_title[title].points, { row.size, value })
    values[#values + 1], sizes[#sizes + 1] = value, row.size
  end
  for _, row in pairs(rows) do
    if row.question == "growth" then
      add(row, "dynsup", "")
      add(row, "limit", ": limit")
    end
  end
  for _, line in ipairs(lines) do
    table.sort(line.points, by_size)
  end
  table.sort(lines, by_cost)
  return lines, values, sizes
end

local function draw_grid(drawing, across, up, sizes, low, high)
  local right, bottom = WIDTH - INNER.right, HEIGHT - INNER.bottom
  for power = low, high do
    local y = up(10.0 ^ power)
    drawing:line({ { INNER.left, y }, { right, y } }, GRID, 1)
    drawing:text(INNER.left - 8, y + 4, ("%g ns"):format(10.0 ^ power), "end")
  end
  for power = sizes[1], sizes[2] do
    local x = across(10.0 ^ power)
    drawing:line({ { x, INNER.top }, { x, bottom } }, GRID, 1)
    drawing:text(x, bottom + 18, figures.short(10.0 ^ power), "middle")
  end
  drawing:text((INNER.left + right) / 2, HEIGHT - 10, "children", "middle")
  drawing:text(INNER.left, 18, "ns of one operation")
end

-- Titles stand after the ends of their lines, or below the previous one.
local function draw_line(drawing, across, up, line, colour, above)
  local points = {}
  for i, point in ipairs(line.points) do
    points[i] = { across(point[1]), up(point[2]) }
    local text = ("%s at %d: %s ns"):format(line.title, point[1], figures.short(point[2]))
    drawing:dot(points[i][1], points[i][2], 3, colour, text)
  end
  drawing:line(points, colour, 2)
  local last = points[#points]
  local y = math.max(last[2] + 4, above + 14)
  drawing:text(last[1] + 10, y, line.title, "start", colour)
  return y
end

--- A line for each kind of operation, from the fewest children to the most.
---@param rows table<string, bench.row>
---@return string?
function plot.growth(rows)
  local lines, values, sizes = growth_lines(rows)
  if #lines == 0 then
    return nil
  end
  local low, high = decades(values)
  local fewest, most = decades(sizes)
  local drawing = svg.new(WIDTH, HEIGHT)
  local across = axis(10.0 ^ fewest, 10.0 ^ most, INNER.left, WIDTH - INNER.right)
  local up = axis(10.0 ^ low, 10.0 ^ high, HEIGHT - INNER.bottom, INNER.top)
  draw_grid(drawing, across, up, { fewest, most }, low, high)
  local above = 0
  for i, line in ipairs(lines) do
    above = draw_line(drawing, across, up, line, LINE_COLOURS[(i - 1) % #LINE_COLOURS + 1], above)
  end
  return drawing:render()
end

return plot
