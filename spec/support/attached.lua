-- Hosts for clients in specs: real ones, and scripts that say at a socket whatever a test wants.

local cli = require "spec.support.cli"
local program = require "spec.support.program"

local attached = {}

-- Starts the command in the background, waits for the file `ready`, runs the client, and ends the
-- host if it is still there.
local script = [[
export XDG_RUNTIME_DIR="$PWD"
rm -f ready
%s >host.out 2>host.err & host=$!
until test -e ready || ! kill -0 $host 2>/dev/null; do sleep 0.01; done
test -e ready || cat host.err >&2
%s
code=$?
kill $host 2>/dev/null
wait $host 2>/dev/null
exit $code
]]

local stub = [[
local dynsup = require "dynsup"
local function serve()
  local socket = dynsup.receive()
  local function say(text) socket:write(text, "\n") end
  local function hello()
    say '{"hello":"dynsup","version":"0.1.0","protocol":1,"pid":77,"script":"stub.lua","prompt":"> "}'
  end
  %s
  dynsup.sleep()
end
local listener = assert(dynsup.net.listen "./socket")
assert(io.open("ready", "w")):close()
while true do
  local socket, pid = listener:accept(), dynsup.spawn(serve)
  socket:give(pid)
  dynsup.send(pid, socket)
end
]]

--- Runs a shell command while a script listens at the socket `socket`, for each connection of which
--- it runs this code: `socket` is the connection, `say` writes a line to it, `hello` says a proper
--- hello. Then the connection stays open, unless the code closes it.
---@param code string
---@param command string
---@return table
function attached.with_stub(code, command)
  cli.write("stub.lua", stub:format(code))
  return cli.shell(script:format("\"$DYNSUP\" run stub.lua", command))
end

--- Runs a shell command while a host that has run this script listens at the socket `socket`.
---@param text string
---@param command string
---@return table
function attached.with_host(text, command)
  cli.write("host.lua", text .. "\nassert(io.open('ready', 'w')):close()")
  return cli.shell(script:format("\"$DYNSUP\" run --listen=./socket host.lua", command))
end

-- ---- beside a terminal ----

local dynsup = program.quote(program.path)

--- Starts a host in the folder of a test's terminal that listens at `socket`, and waits for its
--- script to be over.
---@param terminal table
---@param text? string the script
function attached.start(terminal, text)
  terminal.shell "rm -f ready socket"
  terminal.write("host.lua", "local dynsup = require 'dynsup' " .. (text or "")
    .. "\nassert(io.open('ready', 'w')):close()")
  terminal.shell(([[
LC_ALL=C.UTF-8 %s run --listen=./socket host.lua >host.out 2>host.err </dev/null &
echo $! >host.pid
until test -e ready || ! kill -0 $!; do sleep 0.01; done]]):format(dynsup))
end

--- Kills the host, if there is one, and waits for its end.
function attached.kill(terminal)
  terminal.shell [[
exec 2>/dev/null
read host <host.pid || exit
kill -9 $host; while kill -0 $host; do sleep 0.01; done]]
end

--- Runs a line in the host, by another client.
---@return string
function attached.run(terminal, line)
  terminal.write("lines", line .. "\n")
  return terminal.shell(dynsup .. " attach socket <lines")
end

return attached
