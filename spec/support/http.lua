-- What the specs of dynsup.http share: servers that end with the tests, and runs on the real clock.

local busted = require "busted"
local dynsup = require "dynsup"
local example = require "spec.support.example"
local host = require "spec.support.host"
local http = require "dynsup.http"

local support = {}

local servers = {}

--- Starts a server by a shell command that prints a line with its port.
---@param command string
---@param pattern string? of the port in the line
---@return string port
function support.serve(command, pattern)
  local pipe = example.open_shell("echo $$; exec " .. command .. " 2>/dev/null </dev/null")
  servers[#servers + 1] = { pipe = pipe, pid = pipe:read "l" }
  for line in pipe:lines() do
    local port = line:match(pattern or "^(%d+)$")
    if port then
      return port
    end
  end
  error("the server does not start: " .. command)
end

--- Ends all servers.
function support.end_servers()
  for _, server in ipairs(servers) do
    example.shell("kill " .. server.pid)
    server.pipe:close()
  end
  servers = {}
end

--- Starts the server of the specs; with a certificate and its key it speaks TLS.
---@param ... string
---@return string port
function support.serve_hostile(...)
  return support.serve(example.command_line { "python3", "spec/support/http_server.py", ... })
end

--- The address of a path at the server of this test file.
---@param path string
---@return string
function support.url(path)
  return ("http://127.0.0.1:%s/%s"):format(support.port, path)
end

--- Options that keep requests from a proxy of the environment.
---@param options table?
---@return table
function support.direct(options)
  local merged = { proxy = "" }
  for name, value in pairs(options or {}) do
    merged[name] = value
  end
  return merged
end

---@async
---@param path string
---@param options table?
---@return table? response
---@return string? reason
---@return string? detail
function support.get(path, options)
  return http.get(support.url(path), support.direct(options))
end

--- The number that the server answers with.
---@async
---@param path string
---@return number
function support.number(path)
  return tonumber(assert(support.get(path)).body)
end

--- Waits until nobody but the one who asks is connected to the server.
---@async
function support.await_closed()
  for _ = 1, 1000 do
    if support.number "open" == 0 then
      return
    end
    dynsup.sleep(5)
  end
  error "a connection stays open"
end

--- A test body that runs f on the real clock.
---@param f function
---@return function
function support.main(f)
  return host.main(f, { clock = "real" })
end

--- A group of tests with a server.
---@param name string
---@param tests function
function support.describe(name, tests)
  busted.describe(name, function()
    busted.setup(function()
      support.port = support.serve_hostile()
    end)

    busted.teardown(support.end_servers)

    tests()
  end)
end

return support
