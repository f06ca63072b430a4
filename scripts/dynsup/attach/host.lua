--- The host's side of `dynsup attach`: a process that listens at a Unix socket, in a run that begins
--- with `dynsup run --listen`.
--
-- The script must not notice it: sockets do not keep the run going, which would also keep runs inside
-- of it going, but a flag of the host does. The listener, the clients' readers, writers and sessions
-- are processes like any other, all of them in slices, and nothing that a client sends or leaves
-- unread costs more than its own processes' share.

local native = ...
local connection = require "dynsup.attach.connection"
local dynsup = require "dynsup"
local net = require "dynsup.net"
local place = require "dynsup.attach.place"
local uv = require "luv"
local wire = require "dynsup.attach.wire"

local CLIENTS = 32    -- at a time
local PAUSE_MS = 100  -- when the system has no file for another connection

local host = {}

-- ---- clients ----

local function turn_away(socket, problem)
  socket:write(wire.encode { error = problem })
  socket:close()
end

-- The mode of the socket keeps others out, as long as nobody has changed it.
local function is_own(socket)
  local peer = socket:credentials()
  return peer and (peer.uid == uv.getuid() or peer.uid == 0)
end

-- How many of the sockets are open still. They are closed at any time, by whoever owns them.
local function count_open(sockets)
  local count = 0
  for socket in next, sockets do
    if socket:is_closing() then
      sockets[socket] = nil
    else
      count = count + 1
    end
  end
  return count
end

local function admit(socket, settings)
  if not is_own(socket) then
    return turn_away(socket, "the host belongs to somebody else")
  elseif count_open(settings.clients) >= CLIENTS then
    return turn_away(socket, ("there are %d clients already"):format(CLIENTS))
  end
  settings.clients[socket] = true
  socket:give(dynsup.spawn(connection.serve, socket, settings))
end

local passing = { emfile = true, enfile = true, enobufs = true, enomem = true }

local function accept_all(listener, settings)
  while true do
    local socket, reason = listener:accept()
    if socket then
      admit(socket, settings)
    elseif passing[reason] then
      dynsup.sleep(PAUSE_MS)
    else
      return
    end
  end
end

-- ---- listening ----

-- The run goes on until this is closed.
local function stay()
  native.stay(true)
  return setmetatable({}, { __close = function() native.stay(false) end })
end

-- The body of the process that listens; tells whether it could.
local function listen(path, settings, tell)
  local listener, reason = net.listen(path, { mode = 384, background = true }) -- 0600
  settings.listener = listener
  tell(listener, reason)
  if listener and not settings.is_over then
    local _ <close> = stay()
    accept_all(listener, settings)
  end
end

-- The listener, or why there is none.
local function open(settings)
  return place.take(settings.listen, function(path)
    local listener, reason = dynsup.await(function(resume)
      dynsup.spawn(listen, path, settings, resume)
    end)
    if not listener then
      return nil, ("cannot listen at %s: %s"):format(path, place.told(reason))
    end
    dynsup.log.info("clients may attach", { socket = path })
    return listener
  end)
end

local function fail(problem)
  io.stderr:write("dynsup: ", problem, "\n")
  dynsup.halt(2)
end

-- A host whose main process has failed, here or in the script, goes on without it until nothing is left
-- to do, and no listener may keep it.
local function close_with_main(settings)
  dynsup.own(setmetatable({}, { __close = function()
    settings.is_over = true
    if settings.listener then
      settings.listener:close()
    end
  end }))
end

--- The main process of `dynsup run --listen`: listens, then goes on as the script.
---@param settings { listen?: string, script: string, pages: function }
---@param chunk function the script
---@param ... any its arguments
function host.main(settings, chunk, ...)
  settings.clients, settings.pid = {}, math.tointeger(uv.os_getpid())
  close_with_main(settings)
  local listener, problem = open(settings)
  if not listener then
    fail(problem)
  end
  return chunk(...)
end

return host
