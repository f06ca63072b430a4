--- The prompt: `dynsup repl`. It runs in the main process of a host, with what the program gives it
-- to read from (`input`); see docs/repl.md for what it does.

local help = require "dynsup.repl.help"
local session = require "dynsup.repl.session"
local dynsup = require "dynsup"

local WIDTH = 80 -- where there is no terminal
local GREETING = "dynsup %s: help() tells what there is, Ctrl-D ends"

local repl = {}

local function define(globals)
  for name, value in next, globals do
    rawset(_G, name, value)
  end
end

-- What a session has besides Lua's globals. A script may set its own in place of these.
local function define_globals(input, width)
  define(dynsup.observer)
  define {
    dynsup = dynsup,
    flush = require "dynsup.repl.mailbox"(io),
    help = help.new(input.pages, width),
  }
end

-- When somebody else has halted the host, the process, which traps exits, was perhaps asked to end
-- already. It goes on as a parent as long as it is one.
local function follow()
  local me = dynsup.self()
  while #dynsup.info(me).links > 0 do
    dynsup.receive()
  end
  dynsup.exit "normal"
end

-- What is ready when the last line is read has its turn before the end.
local function finish(current, code)
  if session.halting() then
    follow()
  end
  current:close()
  if not current.halted then
    dynsup.yield()
  end
  dynsup.halt(code or (current.failed and 1 or 0))
end

--- The columns that values may take: a function, for a terminal may change its size.
---@param input table what the program reads from
---@return fun(): integer
function repl.width(input)
  return input.columns or function() return WIDTH end
end

--- Reads and runs lines until there are no more; then halts the host.
---@param input table what the program reads from
---@param chunk? function|false a file that is run first; false: it has a mistake
---@param ... any its arguments
function repl.main(input, chunk, ...)
  local current = session.new(repl.width(input))
  local greeting = GREETING:format(dynsup.version)
  local reader = require("dynsup.repl." .. input.kind).new(input, current, greeting)
  dynsup.flag("trap_exit", true)
  define_globals(input, current.width)
  if chunk ~= nil then
    current:open(chunk, ...)
  end
  for line in reader.lines() do
    current:feed(line)
  end
  finish(current, reader.code)
end

return repl
