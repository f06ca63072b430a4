--- The moth: circles the lamp in a narrowing spiral, until it burns its wings: it crashes. Its
--- supervisor has a new one come, later each time.
local Creature = require "creatures.creature"

local SPEED, TURN = 2.2, 1.2
local HOT = 9

local moth = {}

local function fly(self)
  local dx, dy = self.lamp.x - self.x, self.lamp.y - self.y
  local direction = math.atan(dy, dx) + TURN
  self:move(math.cos(direction) * SPEED + math.random() - 0.5, math.sin(direction) * SPEED + math.random() - 0.5)
end

function moth.run()
  local self = Creature.new("moth", Creature.anywhere())
  self:watch_lamp()
  while true do
    self:rest(30)
    fly(self)
    if self:far_from(self.lamp) < HOT then error "it has burnt its wings" end
  end
end

return moth
