--- Walks directory trees. One directory is open at a time, so that depth costs no more than the
--- names of the directories still to be read.
local fs = require "dynsup.fs"

local reason = require "reason"

local BATCH = 128

---@class Walker callbacks of a walk
---@field files fun(paths: string[], sizes: integer[]) a batch of regular files
---@field skip fun(path: string, reason: string) a file or directory that cannot be read

---@class Root
---@field path string as it was given, tidied up
---@field real string its absolute path without symbolic links

local walker = {}

--- One way to write a path: "a//b/./c/" -> "a/b/c"
---@param path string
---@return string
function walker.tidy(path)
  path = path:gsub("/+", "/")
  path = path:gsub("/%./", "/"):gsub("/%./", "/") -- twice: they share a slash in "/././"
  path = path:gsub("/%.$", "/"):gsub("(.)/$", "%1")
  return path
end

--- The directories to begin with, each once.
---@async
---@param paths string[]
---@return Root[]? roots
---@return string? path which is no directory that can be found
---@return string? reason
function walker.roots(paths)
  local roots, seen = {}, {}
  for _, path in ipairs(paths) do
    local real, _, detail = fs.realpath(path)
    local stat = real and fs.stat(real)
    if not stat then
      return nil, path, detail and reason.without_path(detail, path) or "it vanished"
    elseif stat.type ~= "directory" then
      return nil, path, "not a directory"
    elseif not seen[real] then
      seen[real] = true
      roots[#roots + 1] = { path = walker.tidy(path), real = real }
    end
  end
  return roots
end

local function join(directory, name)
  return (directory == "/" and "" or directory) .. "/" .. name
end

-- Collects regular files and reports them in batches.
local function new_batch(told)
  local paths, sizes = {}, {}
  local batch = {}
  function batch.tell()
    if #paths > 0 then
      told.files(paths, sizes)
      paths, sizes = {}, {}
    end
  end
  function batch.add(path, size)
    paths[#paths + 1], sizes[#sizes + 1] = path, size
    if #paths == BATCH then
      batch.tell()
    end
  end
  return batch
end

-- Reads one directory; calls `push` for each directory in it.
local function read_directory(path, push, told)
  local entries, _, detail = fs.scandir(path, { stat = true })
  if not entries then
    return told.skip(path, reason.without_path(detail, path))
  end
  local batch = new_batch(told)
  for name, kind, stat, _, why in entries do
    local inner = join(path, name)
    if kind == "directory" then
      push(inner)
    elseif kind == "file" and stat then
      batch.add(inner, stat.size)
    elseif kind == "file" or kind == "unknown" then
      told.skip(inner, reason.without_path(why, name))
    end
  end
  batch.tell()
end

local function walk_root(root, is_root, told)
  local stack = { root.path }
  local function push(path)
    local real = join(root.real, path:sub(#join(root.path, "") + 1))
    if not is_root[real] then -- else it has its own turn
      stack[#stack + 1] = path
    end
  end
  while #stack > 0 do
    read_directory(table.remove(stack), push, told)
  end
end

--- Reports each regular file below the roots, once. Does not follow symbolic links.
---@async
---@param roots Root[]
---@param told Walker
function walker.walk(roots, told)
  local is_root = {}
  for _, root in ipairs(roots) do
    is_root[root.real] = true
  end
  for _, root in ipairs(roots) do
    walk_root(root, is_root, told)
  end
end

return walker
