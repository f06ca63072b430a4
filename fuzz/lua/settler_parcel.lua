-- What settlers send each other: tables of a shape that the receiver can check. Every message of one settler
-- to another has a number, for they arrive in order.
local codec = require "dynsup.codec"
local dynsup = require "dynsup"

local parcel = {}

local Point = { __pack = "fuzz.point" }
Point.__index = Point
codec.register("fuzz.point", Point)

local Sum = {}
Sum.__index = Sum
function Sum.__pack(sum)
  return "fuzz.sum", { sum.a, sum.b }
end
codec.register("fuzz.sum", function(pair)
  return setmetatable({ a = pair[1], b = pair[2] }, Sum)
end)

local sent = 0

-- A value whose parts refer to each other, of about `size` items.
function parcel.new(random, size)
  local numbers, total = {}, 0
  for i = 1, random(size) do
    numbers[i] = random(1000)
    total = total + numbers[i]
  end
  local value = {
    numbers = numbers,
    again = numbers,
    total = total,
    text = ("t"):rep(random(100)),
    [2.5] = random(2) == 1,
    from = dynsup.self(),
    point = setmetatable({ x = total }, Point),
    sum = setmetatable({ a = total, b = 1 }, Sum),
  }
  value.self = value
  value.chain = {}
  local link = value.chain
  for _ = 1, random(60) do
    link.next = {}
    link = link.next
  end
  link.last = value
  return value
end

-- One for where no __pack function is called, for nobody waits for it there: replies, entries of registries.
function parcel.without_sum(random, size)
  local value = parcel.new(random, size)
  value.sum = nil
  return value
end

-- The values of a message: the sender, the number of the message, and a value.
function parcel.message(value)
  sent = sent + 1
  return "parcel", dynsup.self(), sent, value
end

local function check_links(value)
  local link, steps = value.chain, 0
  while link.next do
    link, steps = link.next, steps + 1
  end
  if link.last ~= value then
    return "the end of a chain is not its beginning"
  end
end

-- What is wrong with a value that has arrived, or nil.
function parcel.check_value(value)
  local total = 0
  for _, n in ipairs(value.numbers) do
    total = total + n
  end
  if total ~= value.total then
    return "the numbers of a value have changed"
  elseif value.again ~= value.numbers or value.self ~= value then
    return "what was shared is not"
  elseif not dynsup.is_pid(value.from) then
    return "a pid has arrived as something else"
  elseif getmetatable(value.point) ~= Point or value.point.x ~= total then
    return "a point has arrived as something else"
  elseif value.sum and (getmetatable(value.sum) ~= Sum or value.sum.a ~= total) then
    return "a sum has arrived as something else"
  end
  return check_links(value)
end

-- The same for a message; heard_of has the last number by its sender.
function parcel.check(heard_of, from, number, value)
  local last = heard_of[from] or 0
  heard_of[from] = number
  if number <= last then
    return ("message %d of %s came after its message %d"):format(number, from, last)
  end
  return parcel.check_value(value)
end

return parcel
