--- A store of keys and values for TCP clients, as the one that Elixir's guide builds.
---
---   dynsup run examples/kv/main.lua [--port N]
---
---   supervisor (static)
---     ├── buckets              the registry: a bucket's name -> its process
---     ├── bucket_supervisor    a dynamic supervisor
---     │     └── bucket, bucket ...
---     ├── connections          a dynamic supervisor
---     │     └── connection, connection ...
---     └── acceptor             listens
---
--- It answers lines, which end in LF or CR LF, by lines that end in CR LF:
---   CREATE bucket            OK
---   PUT bucket key value     OK
---   GET bucket key           the value (an empty line if there is none), then OK
---   DELETE bucket key        OK
--- NOT FOUND when there is no such bucket, UNKNOWN COMMAND to anything else.
---
--- --port N: where it listens at 127.0.0.1 (4040); 0: at any free port. It prints which.
--- SIGTERM and SIGINT end it. Exit code: 0; 1 when it cannot listen; 2 for misuse.
package.path = (debug.getinfo(1, "S").source:match "^@(.*)/" or ".") .. "/?.lua;" .. package.path

local dynsup = require "dynsup"

local server = require "server"

local DEFAULT_PORT = 4040

local function give_up(code, text)
  io.stderr:write("kv: ", text, "\n")
  dynsup.halt(code)
end

-- The port that the command line asks for; nil for misuse.
local function port_of(words)
  if #words == 0 then return DEFAULT_PORT end
  local port = words[1] == "--port" and #words == 2 and words[2]:match "^%d+$" and tonumber(words[2])
  return port and port <= 65535 and port or nil
end

local port = port_of(arg)
if not port then give_up(2, "usage: dynsup run examples/kv/main.lua [--port N]") end

dynsup.flag("trap_exit", true)
local supervisor, _, failure = dynsup.supervisor.start_link(server.children(port))
if not supervisor then
  local reason = failure.reason
  give_up(1, ("cannot listen at port %d: %s"):format(port, reason.error or reason))
end
dynsup.receive_match "EXIT" -- until a signal ends the program, or the supervisor gives up
dynsup.halt(1)
