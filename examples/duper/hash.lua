--- The SHA-256 of a file's content, read in pieces.
local digest = require "openssl.digest"
local uv = require "luv"

local async = require "async"

local PIECE = 128 * 1024
local CHANGED = "it changed meanwhile"

-- A pipe that took the file's place must not keep us waiting for its writer.
local FLAGS = uv.constants.O_RDONLY | uv.constants.O_NONBLOCK

local hash = {}

local function is_same(before, after)
  return after.size == before.size
    and after.mtime.sec == before.mtime.sec
    and after.mtime.nsec == before.mtime.nsec
end

local function read_all(fd, size)
  local sum, offset = digest.new("sha256"), 0
  while offset < size do
    local piece, reason = async.call(uv.fs_read, fd, math.min(PIECE, size - offset), offset)
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

---@async
---@param path string
---@param size integer the size it is known to have
---@return string? sum 32 bytes
---@return string? reason
function hash.file(path, size)
  local file <close> = async.resource(uv.fs_close)
  local ok, reason = file:open(function(callback) uv.fs_open(path, FLAGS, 0, callback) end)
  if not ok then
    return nil, reason
  end
  local before, sum, after
  before, reason = async.call(uv.fs_fstat, file.handle)
  if not before then
    return nil, reason
  elseif before.type ~= "file" or before.size ~= size then
    return nil, CHANGED
  end
  sum, reason = read_all(file.handle, size)
  if not sum then
    return nil, reason
  end
  after, reason = async.call(uv.fs_fstat, file.handle)
  if after and not is_same(before, after) then
    return nil, CHANGED
  end
  return after and sum, reason
end

return hash
