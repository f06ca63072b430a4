--- Where the sockets of hosts are: the user's own directory, and what may be there.

local native = ...
local dynsup = require "dynsup"
local net = require "dynsup.net"
local uv = require "luv"

local place = {}

local OTHERS = 63 -- 0077: the permissions of others, in a mode
local KIND, SOCKET, DIRECTORY = 61440, 49152, 16384 -- 0170000, 0140000, 0040000
local PATH_MAX = 107 -- bytes of a socket's path
local PATIENCE_MS, LOOK_MS = 10000, 5 -- for a lock, and between two looks

local function kind_of(stat)
  return stat.mode & KIND
end

-- A message of libuv's without its code and the path, which is told anyway: "permission denied".
local function plain(message, path)
  local text = message:gsub("^%u%w*: ", "")
  return text:sub(-#path - 2) == ": " .. path and text:sub(1, -#path - 3) or text
end

local reasons = {
  eacces = "you may not write there",
  eaddrinuse = "somebody else listens there",
  enametoolong = ("the path of a socket has at most %d bytes"):format(PATH_MAX),
  enoent = "there is no such directory",
  enotdir = "what should be its directory is none",
  erofs = "nothing can be written there",
}

--- Why a socket cannot be used, as people say it.
---@param reason string of dynsup.net
---@return string
function place.told(reason)
  return reasons[reason] or reason
end

--- The user's own directory for sockets.
---@return string
function place.directory()
  local runtime = os.getenv "XDG_RUNTIME_DIR"
  if runtime and runtime:sub(1, 1) == "/" then
    return runtime .. "/dynsup"
  end
  return ("/tmp/dynsup-%d"):format(uv.getuid())
end

-- Why a directory is not to be trusted; nil: it is.
local function mistrust(path)
  local stat, message = uv.fs_lstat(path)
  if not stat then
    return ("cannot look at %s: %s"):format(path, plain(message, path))
  elseif kind_of(stat) ~= DIRECTORY then
    return path .. " is no directory"
  elseif stat.uid ~= uv.getuid() then
    return path .. " belongs to somebody else"
  elseif stat.mode & OTHERS ~= 0 then
    return path .. " is open to others: its mode must be 0700"
  end
end

-- Makes a directory for its owner alone, unless it is there.
local function make_directory(path)
  local made, message, code = uv.fs_mkdir(path, 448) -- 0700
  if not made and code ~= "EEXIST" then
    return ("cannot make the directory %s: %s"):format(path, plain(message, path))
  end
end

-- The path from the root, where it fits and there is one; so the socket is found again after a change of directory.
local function absolute(path)
  if path:sub(1, 1) == "/" then
    return path
  end
  local here = uv.cwd() -- nil where it was removed
  local whole = here and here .. "/" .. path
  return whole and #whole <= PATH_MAX and whole or "./" .. path
end

--- What is at a path: "live", a host or another program listens there; "stale", nobody does any
--- more; "none"; or "file", no socket. Another reason: it cannot be told, for this.
---@async
---@param path string
---@return string state
---@return integer? pid of who listens
function place.look(path)
  local stat, _, code = uv.fs_lstat(path)
  if not stat then
    return code == "ENOENT" and "none" or code:lower()
  elseif kind_of(stat) ~= SOCKET then
    return "file"
  end
  local socket, reason = net.connect(path, 1000)
  if socket then
    local peer = socket:credentials()
    socket:close()
    return "live", peer and peer.pid
  end
  return reason == "econnrefused" and "stale" or reason == "enoent" and "none" or reason
end

local refusals = {
  live = "there is a host already at %s",
  file = "%s is no socket: it stays as it is",
}

-- Why there is no lock. Of a file that cannot be made the user knows nothing: so it is told of the socket.
local function lock_problem(path, name, reason)
  if reason == "eagain" then
    return ("cannot lock %s: somebody else has it"):format(name)
  elseif reasons[reason] and not uv.fs_lstat(name) then
    return ("cannot listen at %s: %s"):format(path, reasons[reason])
  end
  return ("cannot lock %s: %s"):format(name, place.told(reason))
end

-- Keeps other hosts from making ready at the path: what one has found stale, another one could have
-- replaced meanwhile.
local function take_lock(path)
  local name, last = path .. ".lock", dynsup.now() + PATIENCE_MS
  local lock, reason = native.lock(name)
  while reason == "eagain" and dynsup.now() < last do
    dynsup.sleep(LOOK_MS)
    lock, reason = native.lock(name)
  end
  return lock, not lock and lock_problem(path, name, reason) or nil
end

-- Removes what a host has left behind at the path; why nobody can listen there, or nil.
local function clear(path)
  local state = place.look(path)
  if state == "stale" then
    local done, message, code = uv.fs_unlink(path)
    local failed = not done and code ~= "ENOENT"
    return failed and ("cannot remove the stale socket %s: %s"):format(path, plain(message, path)) or nil
  elseif state ~= "none" then
    return (refusals[state] or "cannot use the socket %s: " .. place.told(state)):format(path)
  end
end

local function own_place()
  local directory = place.directory()
  local path = ("%s/%d.sock"):format(directory, uv.os_getpid())
  return path, make_directory(directory) or mistrust(directory)
end

local function given_place(given)
  local path = absolute(given)
  local directory = path:match "^(.*)/[^/]*$"
  if not path:match "[^/]$" then
    return path, path .. " is no name of a socket"
  end
  return path, directory ~= "" and make_directory(directory) or nil
end

--- Takes a place for a host: f(path) listens there, while no other host does so, and its results are
--- those of take.
---@async
---@param given? string the path; without one a place of the user's own
---@param f fun(path: string): any, string?
---@return any
---@return string? problem
function place.take(given, f)
  local path, problem
  if given then
    path, problem = given_place(given)
  else
    path, problem = own_place()
  end
  if problem then
    return nil, problem
  end
  local lock <close>, why = take_lock(path)
  if not lock then -- as in a folder where only somebody else may write
    local refusal = refusals[place.look(path)]
    return nil, refusal and refusal:format(path) or why
  end
  problem = clear(path)
  if problem then
    return nil, problem
  end
  return f(path)
end

--- The sockets in the user's own directory at which somebody listens, by name.
---@async
---@return { path: string, pid: integer? }[]? hosts
---@return string? problem
function place.live()
  local directory, hosts = place.directory(), {}
  local scan, message, code = uv.fs_scandir(directory)
  if not scan then
    return code == "ENOENT" and hosts or nil, ("cannot look into %s: %s"):format(directory, plain(message, directory))
  end
  local problem = mistrust(directory)
  if problem then
    return nil, problem
  end
  for name in uv.fs_scandir_next, scan do
    local path = directory .. "/" .. name
    local state, pid = "none", nil
    if name:find "%.sock$" then
      state, pid = place.look(path)
    end
    if state == "live" then
      hosts[#hosts + 1] = { path = path, pid = pid }
    end
  end
  table.sort(hosts, function(a, b) return a.path < b.path end)
  return hosts
end

return place
