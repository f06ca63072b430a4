-- Samples of figures over time, and whether they grow: the slope of the straight line that fits best.
local trend = {}

function trend.new()
  return setmetatable({ times = {}, figures = {} }, { __index = trend })
end

-- Adds a sample: the time in hours, and a number for each figure.
function trend:add(hours, figures)
  self.times[#self.times + 1] = hours
  for name, value in pairs(figures) do
    self.figures[name] = self.figures[name] or {}
    table.insert(self.figures[name], value)
  end
end

-- The slope an hour, and the mean, of the values from number `first` on.
local function fit(times, values, first)
  local n, sum_x, sum_y = #values - first + 1, 0, 0
  for i = first, #values do
    sum_x, sum_y = sum_x + times[i], sum_y + values[i]
  end
  local mean_x, mean_y, above, below = sum_x / n, sum_y / n, 0, 0
  for i = first, #values do
    local x = times[i] - mean_x
    above, below = above + x * (values[i] - mean_y), below + x * x
  end
  return below > 0 and above / below or 0, mean_y
end

-- For each figure, sorted by name: its name, slope an hour, mean, least, greatest, and by which part
-- of the mean it grew over the whole time. The first tenth, in which caches fill, is left out.
function trend:lines()
  local lines, first = {}, 1 + #self.times // 10
  for name, values in pairs(self.figures) do
    local slope, mean = fit(self.times, values, first)
    local least, greatest = math.huge, -math.huge
    for i = first, #values do
      least, greatest = math.min(least, values[i]), math.max(greatest, values[i])
    end
    lines[#lines + 1] = {
      name = name,
      slope = slope,
      mean = mean,
      least = least,
      greatest = greatest,
      growth = slope * (self.times[#self.times] - self.times[first]) / math.max(mean, 1),
    }
  end
  table.sort(lines, function(a, b)
    return a.name < b.name
  end)
  return lines
end

return trend
