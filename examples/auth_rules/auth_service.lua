--- An authorization service to try the program with: it answers each request with three rules. It
--- listens at a port of this machine that happens to be free.
local dynsup = require "dynsup"
local net = require "dynsup.net"

local NAME = "my_service.auth_service"
local PATIENCE = 5000 -- ms for a line
local BODY = '["rule_1", "rule_2", "rule_3"]'
local RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
  .. "Connection: close\r\n\r\n%s"

local AuthService = {}

-- Reads the head of a request, which ends with an empty line, and answers.
local function serve(socket)
  for line in socket:lines(PATIENCE) do
    if line == "" then
      socket:write(RESPONSE:format(#BODY, BODY))
      return
    end
  end
end

local function run()
  local listener = assert(net.listen("127.0.0.1", 0))
  local connections = assert(dynsup.start_link())
  dynsup.spawn_link(net.serve, listener, connections, serve)
  local _, port = assert(listener:sockname())
  local url = ("http://127.0.0.1:%d/rules"):format(port)
  dynsup.ready()
  while true do
    local _, from = dynsup.receive_match "url"
    dynsup.send(from, "url", url)
  end
end

--- The URL of its rules.
---@async
---@return string
function AuthService.url()
  assert(dynsup.send(NAME, "url", dynsup.self()))
  local _, url = assert(dynsup.receive_match("url", 1000))
  return url
end

---@return table spec
function AuthService.child_spec()
  return { id = "auth_service", body = run, name = NAME, ready = true }
end

return AuthService
