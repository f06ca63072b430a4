--- A client of a host that listens: finds the host, connects, and exchanges messages.

local dynsup = require "dynsup"
local net = require "dynsup.net"
local place = require "dynsup.attach.place"
local uv = require "luv"
local wire = require "dynsup.attach.wire"

local CONNECT_MS = 5000
local HELLO_MS = 10000    -- for the host to say who it is
local LINE_MAX = 1048576  -- bytes of a message of the host's

---@class dynsup.attach.client
---@field socket userdata
---@field hello table what the host has said first
local client = {}
client.__index = client
client.__name = "dynsup.attach.client"

-- ---- which host ----

-- The words that a process was started with; as far as they are to be seen.
local function command_of(pid)
  local file <close> = pid and io.open(("/proc/%d/cmdline"):format(pid), "rb")
  local words = file and file:read "a" or ""
  return (words:gsub("%z$", ""):gsub("%z", " "):gsub("%c", "?"))
end

local function tell_several(hosts)
  local rows = { "several hosts listen: say which one by its socket" }
  for _, host in ipairs(hosts) do
    rows[#rows + 1] = ("  %s  (%s)"):format(host.path, command_of(host.pid))
  end
  return table.concat(rows, "\n")
end

-- A path; or a pid, of a host in the user's own directory, unless a file has that name.
local function read_given(given)
  local here = given:find("/", 1, true) and given or "./" .. given
  if not given:find "^%d+$" then
    return here
  end
  local path = ("%s/%s.sock"):format(place.directory(), given)
  if place.look(path) ~= "none" then
    return path
  elseif place.look(here) ~= "none" then
    return here
  end
  return nil, ("no host with the pid %s listens in %s, and no socket has that name"):format(given, place.directory())
end

--- The socket that is meant: the given one, or that of the only host of the user's.
---@async
---@param given? string a path, or the pid of a host that listens in the user's own directory
---@return string? path
---@return string? problem
function client.choose(given)
  if given then
    return read_given(given)
  end
  local hosts, problem = place.live()
  if not hosts then
    return nil, problem
  elseif #hosts == 0 then
    return nil, ("no host of yours listens in %s: 'dynsup run --listen FILE' starts one"):format(place.directory())
  elseif #hosts > 1 then
    return nil, tell_several(hosts)
  end
  return hosts[1].path
end

-- ---- connecting ----

local problems = {
  enoent = "there is no socket at %s: 'dynsup run --listen SOCKET FILE' starts a host there",
  file = "%s is no socket",
  econnrefused = "nobody listens at %s any more",
  eacces = "%s is not yours to open",
  timeout = "the host at %s does not answer",
  closed = "the host at %s has closed the connection",
}

local function problem_of(reason, path)
  return (problems[reason] or "cannot connect to %s: " .. place.told(tostring(reason))):format(path)
end

-- Somebody else's program could run what is typed as its own user only, but could show anything.
local function check_owner(socket, path)
  local peer = socket:credentials()
  local me = uv.getuid()
  if not peer or (peer.uid ~= me and me ~= 0) then
    return ("the host at %s belongs to somebody else"):format(path)
  end
end

local function check_hello(hello, path)
  if hello.error then
    return ("the host at %s: %s"):format(path, hello.error)
  elseif hello.hello ~= "dynsup" then
    return ("no host is at %s but another program"):format(path)
  elseif hello.protocol ~= wire.PROTOCOL then
    return ("the host at %s speaks protocol %s, this program %d: use the dynsup that it runs with, %s"):format(path,
      tostring(hello.protocol), wire.PROTOCOL, tostring(hello.version))
  end
end

-- Reads the hello of a host that was connected to; why not, or nil.
local function greet(self, path)
  local problem = check_owner(self.socket, path)
  if problem then
    return problem
  end
  local hello, reason = self:receive(HELLO_MS)
  if not hello then
    return client.given_up(reason) and check_hello({}, path) or problem_of(reason, path)
  end
  self.hello = hello
  return check_hello(hello, path)
end

--- Connects to the host at a path.
---@async
---@param path string
---@return dynsup.attach.client?
---@return string? problem
function client.connect(path)
  local socket, reason = net.connect(path, CONNECT_MS)
  if not socket then
    return nil, problem_of(place.look(path) == "file" and "file" or reason, path)
  end
  local self = setmetatable({ socket = socket, path = path }, client)
  local problem = greet(self, path)
  if problem then
    socket:close()
    return nil, problem
  end
  return self
end

-- ---- messages ----

--- Sends a request. What is too long for the host is refused here.
---@async
---@param message table
---@return boolean? done
---@return string? reason of socket:write, or "too_long"
function client:send(message)
  local is_long = message.text and #message.text > wire.TEXT_MAX or message.args and #message.args > wire.ARGS_MAX
  local line = is_long and "" or wire.encode(message)
  if is_long or #line > wire.REQUEST_MAX + 1 then
    return nil, "too_long"
  end
  return self.socket:write(line)
end

--- The host's next message.
---@async
---@param ms? number
---@return table? message
---@return string? reason of socket:read, or "no_message"
function client:receive(ms)
  local line, reason = self.socket:read("line", ms, LINE_MAX)
  if not line then
    return nil, reason
  end
  local message = wire.decode(line)
  if not message then
    return nil, "no_message"
  end
  return message
end

function client:close()
  self.socket:close()
end

--- What is said when the host has sent what is none of its messages; nil: nothing has come for another reason.
---@param reason string of client:receive
---@return string?
function client.given_up(reason)
  local is_wrong = reason == "no_message" or reason == "too_long"
  return is_wrong and "the connection is given up: the host has sent what is no message" or nil
end

--- What is said when messages of the host were left out.
---@param count any
---@return string
function client.left_out(count)
  return ("%s messages of the host are left out: they came faster than they were taken"):format(count)
end

--- The client's process ends with this code, what was printed before is written.
---@param code integer
---@param problem? string
function client.exit(code, problem)
  if problem then
    io.stderr:write("dynsup: ", problem, "\n")
  end
  io.stdout:flush()
  dynsup.halt(code)
end

return client
