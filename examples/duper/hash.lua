--- The SHA-256 of a file's content, read in pieces.
local digest = require "openssl.digest"
local uv = require "luv"

local async = require "async"

local PIECE = 128 * 1024
local CHANGED = "it changed meanwhile"

-- A pipe that took the file's place must not keep us waiting for its writer.
local FLAGS = uv.constants.O_RDONLY | uv.constants.O_NONBLOCK

local hash = {}

-- What the file is now, if that is a regular file of the size it is known to have.
local function look_at(file, size)
  local stat, reason = file:call(uv.fs_fstat)
  if stat and (stat.type ~= "file" or stat.size ~= size) then
    return nil, CHANGED
  end
  return stat, reason
end

local function is_same_time(a, b)
  return a.sec == b.sec and a.nsec == b.nsec
end

local function read_all(file, size)
  local sum, offset = digest.new("sha256"), 0
  while offset < size do
    local piece, reason = file:call(uv.fs_read, math.min(PIECE, size - offset), offset)
    if not piece then
      return nil, reason
    elseif piece == "" then
      return nil, CHANGED
    end
    sum:update(piece)
    offset = offset + #piece
  end
  return sum:final()
end

local function read_unchanged(file, size)
  local before, reason = look_at(file, size)
  if not before then
    return nil, reason
  end
  local sum, read_reason = read_all(file, size)
  if not sum then
    return nil, read_reason
  end
  local after, after_reason = look_at(file, size)
  if after and not is_same_time(before.mtime, after.mtime) then
    return nil, CHANGED
  end
  return after and sum, after_reason
end

---@async
---@param path string
---@param size integer the size it is known to have
---@return string? sum 32 bytes
---@return string? reason
function hash.file(path, size)
  local file <close> = async.resource(uv.fs_close)
  local opened, reason = file:open(uv.fs_open, path, FLAGS, 0)
  if not opened then
    return nil, reason
  end
  return read_unchanged(file, size)
end

return hash
