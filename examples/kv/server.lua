--- The server: a listener, and a worker for each connection.
local server = {}

local command = require "command"
local dynsup = require "dynsup"

local ADDRESS = "127.0.0.1"
local LONGEST_LINE = 4096
local SEND_TIMEOUT = 30000 -- ms in which a client has to take its answer

-- Answers line by line until the client leaves. One that sends a line without an end is sent away:
-- no more of it is kept than of the longest line.
local function connection(socket)
  while true do
    local line, reason = socket:read("line", "infinity", LONGEST_LINE)
    if not line then
      if reason == "too_long" then socket:write(command.UNKNOWN) end
      return
    end
    if not socket:write(command.run(line)) then return end
  end
end

-- Accepts connections for ever. After a restart it is at the same port.
local function acceptor(options)
  local listener = assert(dynsup.net.listen(ADDRESS, options.port, { nodelay = true, send_timeout = SEND_TIMEOUT }))
  local _, port = listener:sockname()
  options.port = port
  print(("listening on %s:%d"):format(ADDRESS, port))
  io.stdout:flush()
  dynsup.ready()
  error(select(2, dynsup.net.serve(listener, "connections", connection)))
end

--- The children of the program's supervisor.
---@param port integer 0: any that is free
---@return table[]
function server.children(port)
  return {
    { dynsup.registry, { keys = "unique", name = "buckets" } },
    { id = "bucket_supervisor", start = dynsup.start_link, args = { { name = "bucket_supervisor" } },
      type = "supervisor" },
    { id = "connections", start = dynsup.start_link, args = { { name = "connections" } }, type = "supervisor" },
    { id = "acceptor", body = acceptor, args = { { port = port } }, ready = true },
  }
end

return server
