--- What is known about the files: which of them are identical, which could not be compared.

---@class Group files with the same content
---@field size integer of each
---@field sum string SHA-256, 32 bytes
---@field paths string[] sorted

---@class Results
---@field complete boolean whether all files were compared
---@field found integer number of files seen
---@field hashed integer number of files hashed
---@field failures integer number of workers that crashed
---@field skipped { path: string, reason: string }[]
---@field private by_sum table<string, Group>
local Results = {}
Results.__index = Results

---@return Results
function Results.new()
  return setmetatable({
    complete = false,
    found = 0,
    hashed = 0,
    failures = 0,
    skipped = {},
    by_sum = {},
  }, Results)
end

---@param path string
---@param size integer
---@param sum string
function Results:add(path, size, sum)
  local group = self.by_sum[sum]
  if not group then
    group = { size = size, sum = sum, paths = {} }
    self.by_sum[sum] = group
  end
  table.insert(group.paths, path)
  self.hashed = self.hashed + 1
end

---@param path string
---@param reason string
function Results:skip(path, reason)
  table.insert(self.skipped, { path = path, reason = reason })
end

local function is_before(a, b)
  if a.size ~= b.size then
    return a.size > b.size
  end
  return a.paths[1] < b.paths[1]
end

--- The groups of two and more identical files, the largest files first.
---@return Group[]
function Results:groups()
  local groups = {}
  for _, group in pairs(self.by_sum) do
    if #group.paths > 1 then
      table.sort(group.paths)
      groups[#groups + 1] = group
    end
  end
  table.sort(groups, is_before)
  return groups
end

--- How many files the groups hold, and how many bytes could be freed by keeping one of each group.
---@param groups Group[]
---@return integer files
---@return integer bytes
function Results.totals(groups)
  local files, bytes = 0, 0
  for _, group in ipairs(groups) do
    files = files + #group.paths
    bytes = bytes + (#group.paths - 1) * group.size
  end
  return files, bytes
end

return Results
