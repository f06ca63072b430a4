-- Programs of dynsup.net; the real clock.
local dynsup = require "dynsup"
local net = require "dynsup.net"

local function listen(options)
  local listener = assert(net.listen("127.0.0.1", 0, options))
  local _, port = assert(listener:sockname())
  return listener, port
end

-- A server of one connection, which it sends back what it gets.
local function serve(listener)
  local server = dynsup.spawn_link(function()
    local socket <close> = assert(listener:accept(100))
    for line in socket:lines(100) do
      assert(socket:write(line, "\n"))
    end
  end)
  assert(listener:give(server))
end

return {
  { "lines that are sent there and back", function()
    local listener, port = listen { nodelay = true, keepalive = 1 }
    serve(listener)
    local socket = assert(net.connect("127.0.0.1", port, 100))
    for i = 1, 3 do
      assert(socket:write("line ", i, "\n"))
      assert(socket:read("line", 100))
    end
    socket:peername()
    socket:set { nodelay = false, send_timeout = 5 }
    socket:shutdown()
    socket:read("all", 100)
    socket:close()
  end },

  { "much that is sent to who does not read", function()
    local listener, port = listen()
    local socket = assert(net.connect("127.0.0.1", port, 100))
    local other = assert(listener:accept(100))
    socket:set { send_timeout = 2 }
    socket:write(("x"):rep(1 << 20))
    socket:write(("x"):rep(1 << 23))
    other:read(10, 5)
    other:read("some", 5)
  end },

  { "waiting for what never comes", function()
    local listener, port = listen()
    listener:accept(1)
    local socket = assert(net.connect("127.0.0.1", port, 100))
    socket:read("some", 1)
    socket:read(5, 1)
    local other = assert(listener:accept(100))
    other:close()
    socket:read("line", 100)
    net.connect("127.0.0.1", 1, 100)
    net.connect("localhost", port, 100)
  end },

  { "a socket with a path", function()
    local path = "./faults.socket"
    os.remove(path)
    local listener <close> = assert(net.listen(path))
    serve(listener)
    local socket <close> = assert(net.connect(path, 100))
    socket:credentials()
    socket:peername()
    socket:sockname()
    socket:write "hello\n"
    socket:read("line", 100)
    os.remove(path)
  end },

  { "a server with a worker for each connection", function()
    local listener, port = listen()
    local sup = assert(dynsup.start_link())
    local server = dynsup.spawn_link(net.serve, listener, sup, function(socket)
      socket:write(socket:read("line", 100) or "", "\n")
    end)
    assert(listener:give(server))
    for _ = 1, 2 do
      local socket <close> = assert(net.connect("127.0.0.1", port, 100))
      socket:write "hello\n"
      socket:read("line", 100)
    end
  end },
}
