-- What both makers of scenarios are made of: chance that a seed decides, and the lines.

local maker = {}

--- What all scenarios do to processes, and how those end by themselves.
maker.reasons = { "normal", "shutdown", "shutdown+x", "kill", "boom", "oops" }
maker.own_ends = { "return", "raise", "exit:normal", "exit:shutdown", "exit:shutdown+x", "exit:boom", "exit:kill" }
maker.traps = { "ignore", "exit:shutdown", "exit:normal", "exit:boom", "exit:shutdown+x", "late:shutdown",
  "late:boom", "late:normal", "late:killed" }

local Maker = {}
Maker.__index = Maker

--- A class of makers: its functions are added to it.
---@return table
function maker.class()
  local class = setmetatable({}, Maker)
  class.__index = class
  return class
end

--- A maker with a sequence of its own, since math.random's is shared with all others.
---@param class table
---@param seed integer
---@param number integer of the scenario
---@param fields table
---@return table
function maker.new(class, seed, number, fields)
  fields.state = (seed * 0x9E3779B97F4A7C15 ~ number * 0xBF58476D1CE4E5B9) | 1
  fields.lines = {}
  return setmetatable(fields, class)
end

-- xorshift64*: a number from 1 to n.
function Maker:number(n)
  local x = self.state
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  self.state = x
  return ((x * 0x2545F4914F6CDD1D) >> 33) % n + 1
end

function Maker:chance(percent)
  return self:number(100) <= percent
end

function Maker:one(list)
  return list[self:number(#list)]
end

function Maker:line(...)
  self.lines[#self.lines + 1] = table.concat({ ... }, " ")
end

-- What an exit signal does to a worker.
function Maker:trap(percent)
  return self:chance(percent) and self:one(maker.traps) or "none"
end

-- A child that never ends by itself must be killed in the end.
function Maker:shutdown(trap)
  if trap == "ignore" then return self:one { "brutal", "100" } end
  return self:one { "brutal", "100", "100", "infinity" }
end

-- The n-th step is what the n-th start does; the last one is repeated.
function Maker:plan(step, ...)
  local steps = {}
  if self:chance(60) then steps[1] = "up" end
  for i = #steps + 1, self:number(4) do steps[i] = step(self, ...) end
  return table.concat(#steps > 0 and steps or { "up" }, ",")
end

return maker
