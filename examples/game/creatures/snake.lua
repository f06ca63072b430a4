--- The snake: creeps in curves. Edit this file while the game runs, and save it: the snake gets the new code
--- where it is. A mistake in it is reported, and the snake goes on as before.
local Creature = require "creatures.creature"

local SPEED = 1.2
local CURVE = 0.09 -- how sharply it turns
local SAYS = nil -- "hello"

local snake = {}

function snake.run()
  local self = Creature.new("snake", 110, 70)
  local direction = 0
  self.text = SAYS
  for step = 1, math.huge do
    direction = direction + math.sin(step / 40) * CURVE + 0.01
    self:move(math.cos(direction) * SPEED, math.sin(direction) * SPEED)
    self:keep_place()
    self:rest(30)
  end
end

return snake
