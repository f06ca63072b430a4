-- Which targets the figures reach. Machines differ: so a target is judged by comparison with a peer of the
-- same run, if there is one, and the absolute figure is shown as well.
local figures = require("bench.suite.figures")

local judge = {}

---@class bench.verdict
---@field named number?  which part of the named figure is reached
---@field beside table<string, number>  which part of the ratio to a peer is reached
---@field needed table<string, number>  that ratio
---@field met boolean?  nil: unknown

local function named_figure(target)
  return target.least or target.most
end

--- By how much dynsup is to be better than which peers.
---@param target table
---@param unit string
---@return table<string, number>
function judge.needed(target, unit)
  if target.times then
    return target.times
  end
  local named = named_figure(target)
  local peer = target.was.elixir and "elixir" or target.was.limit and "limit"
  return named and peer and { [peer] = figures.ratio(unit, named, target.was[peer]) } or {}
end

-- All that is known is reached; nil when nothing is.
local function all_reached(parts)
  local known = false
  for _, part in pairs(parts) do
    known = true
    if part < 1 then
      return false
    end
  end
  return known or nil
end

--- What dynsup's figure of a row is beside its target.
---@param row bench.row
---@param target table
---@return bench.verdict?
function judge.row(row, target)
  local own, named = figures.median(row, "dynsup"), named_figure(target)
  if not own then
    return nil
  end
  local verdict = { beside = {}, needed = judge.needed(target, row.unit) }
  verdict.named = named and figures.ratio(row.unit, own, named)
  for peer, needed in pairs(verdict.needed) do
    local times = figures.beside(row, peer)
    verdict.beside[peer] = times and times / needed
  end
  verdict.met = all_reached(verdict.beside)
  if verdict.met == nil then
    verdict.met = all_reached({ verdict.named })
  end
  return verdict
end

--- How many times the cost of an operation grows between the sizes of its kind; nil without two.
---@param rows table<string, bench.row>
---@param kind string
---@param peer string?  whose; dynsup's without it
---@return number?
function judge.growth(rows, kind, peer)
  local least, most, count = math.huge, 0, 0
  for _, row in pairs(rows) do
    local value = row.key == "growth." .. kind and figures.median(row, peer or "dynsup")
    if value then
      least, most, count = math.min(least, value), math.max(most, value), count + 1
    end
  end
  return count > 1 and most / least or nil
end

return judge
