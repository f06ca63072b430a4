-- What the benchmarks share: the sizes a program is called with. Numbers in the command line replace
-- the usual sizes; --smoke stands for sizes so small that only the way through is tested.

local USAGE = "usage: dynsup run %s [--smoke | SIZE...]"

---@param usual integer[]
---@param smoke integer[]
---@return integer[]
return function(usual, smoke)
  local sizes = {}
  for i = 1, #arg do
    local size = math.tointeger(tonumber(arg[i]))
    if arg[i] == "--smoke" then
      return smoke
    elseif not size or size < 1 then
      error(USAGE:format(arg[0]), 0)
    end
    sizes[#sizes + 1] = size
  end
  return #sizes > 0 and sizes or usual
end
