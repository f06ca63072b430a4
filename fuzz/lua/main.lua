-- Random programs on the library: main.lua GAME SEED COUNT [ACTORS STEPS], where GAME is "world" (one heap,
-- each program played twice) or "colony" (further heaps). It ends with 1 when an invariant does not hold, or
-- when the two runs of a seed are not the same, byte for byte.
local game = arg[1]
local world = require("fuzz.lua." .. game)

local first, count = math.tointeger(arg[2]), math.tointeger(arg[3])
local actors, steps = math.tointeger(arg[4] or world.actors), math.tointeger(arg[5] or world.steps)

local function first_difference(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return ("line %d: %s\n  and then: %s"):format(i, a[i], b[i])
    end
  end
end

-- What is wrong with the program of a seed, or nil; and how many lines and processes it had.
local function try(seed, limit, length)
  local log, wrong, spawned = world.run(seed, limit, length)
  if not world.is_exact then
    return wrong, #log, spawned
  end
  local again, wrong_again = world.run(seed, limit, length)
  local differs = first_difference(log, again)
  return wrong or wrong_again or (differs and "two runs differ in " .. differs), #log, spawned
end

-- Fewer actors, and fewer steps of each, as long as something is wrong.
local function shrink(seed, limit, length)
  for _, half in ipairs { 2, 2, 2, 1.5, 1.2 } do
    local less = math.floor(limit / half)
    limit = less < limit and try(seed, less, length) and less or limit
    less = math.floor(length / half)
    length = less < length and try(seed, limit, less) and less or length
  end
  return limit, length
end

world.run(first, actors, steps) -- what is loaded when it is first used has been loaded then

local lines, processes, wrongs = 0, 0, 0
for seed = first, first + count - 1 do
  local wrong, length, spawned = try(seed, actors, steps)
  lines, processes = lines + length, processes + spawned
  if wrong then
    local limit, least = shrink(seed, actors, steps)
    wrongs = wrongs + 1
    print(("seed %d: %s"):format(seed, wrong))
    local small = ("main.lua %s %d 1 %d %d"):format(game, seed, limit, least)
    print(("the smallest program: %s: %s"):format(small, try(seed, limit, least)))
  end
end
print(("campaign: %s, %d programs of up to %d actors, %d processes, %d lines of log, seeds %d to %d: %d wrong"):format(
  game, count, actors, processes, lines, first, first + count - 1, wrongs))
os.exit(wrongs == 0)
