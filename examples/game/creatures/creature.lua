--- What all creatures have in common: a place on the meadow, which a reload or a crash does not
--- change, a way to walk, and a picture on the stage.
local dynsup = require "dynsup"

local WIDTH, HEIGHT, EDGE = 254, 246, 14 -- what overlay and news leave

---@class Creature
---@field kind string the picture's name
---@field x number
---@field y number
---@field looks_left boolean
---@field lamp { x: number, y: number }? where the lamp is; for creatures that watch it
---@field text string? what it says
local Creature = {}
Creature.__index = Creature

local function clamp(value, max)
  return math.min(math.max(value, EDGE), max - EDGE)
end

--- At the place, or where the last incarnation has saved that it was.
---@return Creature
function Creature.new(kind, x, y)
  local previous = dynsup.previous()
  local place = previous and previous.state or { x = x, y = y }
  return setmetatable({ kind = kind, x = place.x, y = place.y, looks_left = false }, Creature)
end

--- A place by chance.
function Creature.anywhere()
  return math.random(EDGE, WIDTH - EDGE), math.random(EDGE, HEIGHT - EDGE)
end

--- From now on it gets messages with the lamp's position.
function Creature:watch_lamp()
  dynsup.send("stage", "watch", dynsup.self())
  self.lamp = { x = WIDTH / 2, y = HEIGHT / 2 }
end

--- The next incarnation is to be where this one is now.
function Creature:keep_place()
  dynsup.save_state { x = self.x, y = self.y }
end

function Creature:show()
  dynsup.send("stage", "show", dynsup.self(), self.kind, self.x, self.y, self.looks_left, self.text)
end

function Creature:move(dx, dy)
  self.x, self.y = clamp(self.x + dx, WIDTH), clamp(self.y + dy, HEIGHT)
  if math.abs(dx) > 0.1 then self.looks_left = dx < 0 end
end

---@return number distance
function Creature:far_from(place)
  return math.sqrt((place.x - self.x) ^ 2 + (place.y - self.y) ^ 2)
end

--- One step towards a place, or away from it with a negative length.
function Creature:step(place, length)
  local far = self:far_from(place)
  if far > 0 then self:move((place.x - self.x) / far * length, (place.y - self.y) / far * length) end
end

--- Shows itself and waits. Messages that arrive meanwhile go to the function, except the lamp's.
---@param ms number
---@param on_message fun(what, ...)?
function Creature:rest(ms, on_message)
  self:show()
  local wake = dynsup.now() + ms
  local function take(what, ...)
    if what == "lamp" then
      self.lamp.x, self.lamp.y = ...
    elseif what and on_message then
      on_message(what, ...)
    end
  end
  repeat
    take(dynsup.receive(math.max(wake - dynsup.now(), 0)))
  until dynsup.now() >= wake
end

return Creature
