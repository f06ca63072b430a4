--- An authorization service to try the program with: it answers each request with three rules. It
--- listens at a port of this machine that happens to be free.
local dynsup = require "dynsup"
local uv = require "luv"

local HEAD_MAX, PATIENCE = 8192, 5000
local BODY = '["rule_1", "rule_2", "rule_3"]'
local RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
  .. "Connection: close\r\n\r\n%s"

local auth_service = {}

-- Waits for the head of a request.
local function await_head(client)
  local head = ""
  dynsup.await(function(resume)
    client:read_start(function(err, data)
      head = head .. (data or "")
      if err or not data or #head > HEAD_MAX or head:find("\r\n\r\n", 1, true) then
        resume()
      end
    end)
  end, PATIENCE)
end

local function serve(client)
  dynsup.own(client) -- it is closed with us
  await_head(client)
  dynsup.await(function(resume)
    client:write(RESPONSE:format(#BODY, BODY), resume)
  end, PATIENCE)
end

local function listen(server)
  local pid = dynsup.self()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(128, function()
    dynsup.send(pid, "client")
  end))
  return ("http://127.0.0.1:%d/rules"):format(server:getsockname().port)
end

local function run()
  local server = dynsup.own(uv.new_tcp())
  dynsup.ready(listen(server))
  while true do
    dynsup.receive()
    local client = uv.new_tcp()
    if server:accept(client) then
      dynsup.spawn(serve, client)
    else
      client:close()
    end
  end
end

--- Its info, which start_child returns, is the URL of the rules.
---@return table spec
function auth_service.child_spec()
  return { id = "auth_service", body = run, ready = true }
end

return auth_service
