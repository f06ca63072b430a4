-- Random numbers that are the same in each run, also in another heap.

--- A function that returns the next number from 1 to n.
---@param seed integer
---@return fun(n: integer): integer
return function(seed)
  local state = seed
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
end
