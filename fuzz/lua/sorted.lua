--- The names of a table's fields, sorted: lots that are drawn among them are the same in each run.
---@param fields table
---@return string[]
return function(fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end
