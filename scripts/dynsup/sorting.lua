--- Sorting in Lua: a process cannot be preempted within table.sort, which calls its comparison from C.

local sorting = {}

-- Two sorted runs of a list, from..middle - 1 and middle..last, as one in another list.
local function merge(list, from, middle, last, into, is_before)
  local a, b = from, middle
  for at = from, last do
    if b > last or a < middle and not is_before(list[b], list[a]) then
      into[at], a = list[a], a + 1
    else
      into[at], b = list[b], b + 1
    end
  end
end

--- Sorts a list; equal items stay in order. The result may be the list or another table, and the list must
--- not be used any more.
---@param list any[]
---@param is_before fun(a: any, b: any): boolean
---@return any[]
function sorting.sort(list, is_before)
  local count, size, other = #list, 1, {}
  while size < count do
    for from = 1, count, 2 * size do
      local middle, last = math.min(from + size, count + 1), math.min(from + 2 * size - 1, count)
      merge(list, from, middle, last, other, is_before)
    end
    list, other, size = other, list, 2 * size
  end
  return list
end

return sorting
