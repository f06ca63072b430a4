--- `dynsup attach`: the prompt of a host that runs in another program. See docs/attach.md.

local client = require "dynsup.attach.client"
local dynsup = require "dynsup"
local host = require "dynsup.repl.session"
local remote = require "dynsup.attach.remote"
local repl = require "dynsup.repl"

local GREETING = "attached to %s: help() tells what there is, Ctrl-D detaches"
local MISUSED = 2

local prompt = {}

local function name_of(hello)
  local script, pid = remote.plain(hello.script), math.tointeger(hello.pid)
  return pid and ("%s (pid %d)"):format(script, pid) or script
end

local function connect(given)
  local connection
  local path, problem = client.choose(given)
  if path then
    connection, problem = client.connect(path)
  end
  if not connection then
    client.exit(MISUSED, remote.plain(problem))
  end
  return connection
end

-- The process traps exits at a terminal: the console wakes it when the program is to end.
local function finish(current, name, is_console, code)
  current:close()
  if host.halting() then
    dynsup.exit "normal"
  elseif is_console then
    remote.tell(("detached: %s goes on"):format(name))
  end
  dynsup.halt(code or current.is_strict and current.failed and 1 or 0)
end

--- Reads lines until there are no more, and has them run by a host; then ends the program.
---@param input table what the program reads from
---@param path? string the host's socket
---@param level? string from which on the lines of the host's log are shown
function prompt.main(input, path, level)
  local connection = connect(path)
  local is_console, name = input.kind == "console", name_of(connection.hello)
  local current = remote.new(connection, input, repl.width(input))
  current.is_strict = not is_console
  dynsup.flag("trap_exit", is_console)
  local reader = require("dynsup.repl." .. input.kind).new(input, current, GREETING:format(name))
  current:watch(level or is_console and "warning" or "off")
  for line in reader.lines() do
    current:feed(line)
  end
  finish(current, name, is_console, reader.code)
end

return prompt
