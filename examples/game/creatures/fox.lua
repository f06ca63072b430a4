--- The fox: follows the rabbit that is nearest. One that it catches ends with the reason "caught";
--- its supervisor has another one come out of its burrow.
local dynsup = require "dynsup"

local Creature = require "creatures.creature"

local SPEED, SLOW = 1.5, 0.4
local CATCH = 9
local FORGET = 2000 -- ms

local fox = {}

-- Rabbits that it has smelled: a list, so that a game with a seed goes the same way each time.
local function smell(trails, pid, x, y)
  for i = #trails, 1, -1 do
    if trails[i].pid == pid then table.remove(trails, i) end
  end
  trails[#trails + 1] = { pid = pid, x = x, y = y, time = dynsup.now() }
end

local function nearest(self, trails)
  local best
  for i = #trails, 1, -1 do
    local trail = trails[i]
    if dynsup.now() - trail.time > FORGET then
      table.remove(trails, i)
    elseif not best or self:far_from(trail) < self:far_from(best) then
      best = trail
    end
  end
  return best
end

local function hunt(self, trails)
  local prey = nearest(self, trails)
  if prey and self:far_from(prey) < CATCH then
    dynsup.exit(prey.pid, "caught by the fox")
    prey.time = -FORGET
    self.text = "yum"
    self:rest(1500)
    self.text = nil
  elseif prey then
    self:step(prey, SPEED)
  else
    self:move(self.looks_left and -SLOW or SLOW, 0)
  end
end

function fox.run()
  local self = Creature.new("fox", 60, 220)
  local trails = {}
  while true do
    hunt(self, trails)
    self:keep_place()
    self:rest(30, function(_, pid, x, y)
      smell(trails, pid, x, y)
    end)
  end
end

return fox
