--- Walks directory trees. One directory is open at a time, and it is read in batches, so that
--- neither depth nor width costs more than the names of the directories still to be read.
local uv = require "luv"

local async = require "async"

local BATCH = 128

---@class Walker what a walk tells
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
---@param paths string[]
---@return Root[]? roots
---@return string? path which is no directory that can be found
---@return string? reason
function walker.roots(paths)
  local roots, seen = {}, {}
  for _, path in ipairs(paths) do
    local real, message = uv.fs_realpath(path)
    local stat = real and uv.fs_stat(real)
    if not stat then
      return nil, path, async.reason_of(message or "it vanished")
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

-- Sorts the entries of a directory into paths of directories and of what may be a file.
local function sort_entries(directory, entries)
  local directories, others = {}, {}
  for _, entry in ipairs(entries) do
    local path = join(directory, entry.name)
    if entry.type == "directory" then
      directories[#directories + 1] = path
    elseif entry.type == "file" or entry.type == "unknown" then
      others[#others + 1] = path
    end
  end
  return directories, others
end

-- Tells of the regular files among the paths; adds what turns out to be a directory.
local function look_at(paths, directories, told)
  local stats, reasons = async.call_each(uv.fs_lstat, paths)
  local files, sizes = {}, {}
  for i, path in ipairs(paths) do
    local stat = stats[i]
    if not stat then
      told.skip(path, reasons[i])
    elseif stat.type == "directory" then
      directories[#directories + 1] = path
    elseif stat.type == "file" then
      files[#files + 1], sizes[#sizes + 1] = path, stat.size
    end
  end
  told.files(files, sizes)
end

local function open_directory(path, callback)
  uv.fs_opendir(path, callback, BATCH)
end

-- Reads one directory; calls `push` for each directory in it.
local function read_directory(path, push, told)
  local directory <close> = async.resource(uv.fs_closedir)
  local ok, reason = directory:open(open_directory, path)
  local entries
  while ok do
    entries, reason = directory:call(uv.fs_readdir)
    if not entries then
      break
    end
    local directories, others = sort_entries(path, entries)
    look_at(others, directories, told)
    for _, inner in ipairs(directories) do
      push(inner)
    end
  end
  if reason then
    told.skip(path, reason)
  end
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

--- Tells of each regular file below the roots, once. Does not follow symbolic links.
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
