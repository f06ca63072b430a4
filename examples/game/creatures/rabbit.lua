--- A rabbit: hops about, shies away from the lamp, and smells of rabbit, which the fox notices.
local dynsup = require "dynsup"

local Creature = require "creatures.creature"

local HOPS, HOP = 5, 4 -- moves of a hop, and their length
local SHY = 45

local rabbit = {}

local function hop(self)
  local direction = math.random() * 2 * math.pi
  local dx, dy = math.cos(direction) * HOP, math.sin(direction) * HOP
  for i = 1, HOPS do
    if self:far_from(self.lamp) < SHY then
      self:step(self.lamp, -HOP)
    else
      self:move(dx, dy)
    end
    self.y = self.y + (i <= HOPS // 2 and -2 or i == HOPS and 2 * (HOPS // 2) or 0) -- up, and down again
    self:rest(30)
  end
end

function rabbit.run()
  local self = Creature.new("rabbit", Creature.anywhere())
  self:watch_lamp()
  while true do
    hop(self)
    dynsup.send("fox", "smell", dynsup.self(), self.x, self.y)
    self:rest(math.random(150, 900))
  end
end

return rabbit
