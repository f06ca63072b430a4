-- How long the collector stops the program at most, in incremental mode.

local CYCLES = 3

local function longest_step(now)
  local longest, done = 0, false
  while not done do
    local begun = now()
    done = collectgarbage("step", 0)
    longest = math.max(longest, now() - begun)
  end
  return longest
end

--- The ms of the longest step of a cycle; of three cycles that with the shortest.
---@param now fun(): number  ms
---@return number
return function(now)
  longest_step(now)
  local shortest = math.huge
  for _ = 1, CYCLES do
    shortest = math.min(shortest, longest_step(now))
  end
  return shortest
end
