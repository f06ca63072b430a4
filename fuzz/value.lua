--- Lua values made of an input's bytes, for targets that want more than strings.

local dynsup = require "dynsup"

local value = {}

---@class fuzz.reader
---@field text string
---@field at integer
---@field made table values that were made, to be used again
local reader = {}
reader.__index = reader

--- A reader of the bytes; after their end all are 0.
---@param text string
---@return fuzz.reader
function value.reader(text)
  return setmetatable({ text = text, at = 1, made = {} }, reader)
end

function reader:is_over()
  return self.at > #self.text
end

function reader:byte()
  local byte = self.text:byte(self.at) or 0
  self.at = self.at + 1
  return byte
end

--- A whole number from 0 to count - 1.
function reader:below(count)
  return self:byte() % count
end

function reader:pick(list)
  return list[self:below(#list) + 1]
end

function reader:string()
  local size = self:byte()
  if size > 250 then
    size = size * 100
  end
  local text = self.text:sub(self.at, self.at + size - 1)
  self.at = self.at + size
  return text
end

function reader:rest()
  local text = self.text:sub(self.at)
  self.at = #self.text + 1
  return text
end

function reader:float()
  local bytes = self.text:sub(self.at, self.at + 7)
  self.at = self.at + 8
  return (string.unpack("<d", bytes .. ("\0"):rep(8 - #bytes)))
end

local numbers = {
  0, 1, -1, 2, 3, 10, 100, 1000, 0.5, -0.0, 1e-300, 1e300, math.huge, -math.huge, 0 / 0, math.maxinteger,
  math.mininteger, 1 << 31, 1 << 32, -1 << 31, 255, 256, 127, 128, -128, -129, 65535, 1e15, 2 ^ 53,
}

local function keep(self, made)
  self.made[#self.made + 1] = made
  return made
end

local function make_table(self, depth)
  local made = keep(self, {})
  for i = 1, self:below(6) do
    made[i] = self:value(depth - 1)
  end
  for _ = 1, self:below(5) do
    local key = self:value(depth - 1)
    if key ~= nil and key == key then
      made[key] = self:value(depth - 1)
    end
  end
  return made
end

-- What cannot travel, or does so by its metatable.
local function make_odd(self, depth)
  local made = make_table(self, depth)
  local packs = {
    nil, true, false, "fuzz.named", "fuzz.made", "fuzz.unknown", 7,
    function(v) return "fuzz.made", rawget(v, 1) end,
    function() return "fuzz.named", {} end,
    function(v) return "fuzz.made", { v } end,
    function() return made end,
  }
  return setmetatable(made, { __pack = packs[self:below(12)], __name = self:below(2) == 1 and self:string() or nil })
end

local makers = {
  function() return nil end,
  function(self) return self:below(2) == 1 end,
  function(self) return self:pick(numbers) end,
  function(self) return self:byte() - 128 end,
  function(self) return self:float() end,
  function(self) return math.tointeger(self:float()) or self:byte() << 24 end,
  function(self) return self:string() end,
  function(self) return ("x"):rep(self:byte()) end,
  make_table,
  make_table,
  function(self) return self.made[self:below(8) + 1] end,
  make_odd,
  function() return print end,
  function() return function() end end,
  function() return coroutine.create(print) end,
  function() return io.stderr end,
  function(self) return self.dynsup and dynsup.self() or "self" end,
}

--- Any value; tables no deeper than that.
---@param depth? integer
---@return any
function reader:value(depth)
  depth = depth or 4
  local made = makers[self:below(#makers) + 1](self, depth)
  if depth <= 0 and type(made) == "table" then
    return "deep"
  end
  return made
end

return value
