--- The owl: looks for an odd perfect number, and never waits. It is interrupted whenever others are
--- to have their turn, and when the frame's budget is spent; the game does not slow down.
local Creature = require "creatures.creature"

local owl = {}

-- The sum of the divisors that are less than the number.
local function sum_of_divisors(number)
  local sum = 1
  for divisor = 2, number // 2 do
    if number % divisor == 0 then sum = sum + divisor end
  end
  return sum
end

function owl.run()
  local self = Creature.new("owl", 40, 40)
  for number = 3, math.huge, 2 do
    if sum_of_divisors(number) == number then
      self.text = number .. "!"
    elseif number % 101 == 0 then
      self.text = number .. "?"
    end
    if number % 101 == 0 then self:show() end
  end
end

return owl
