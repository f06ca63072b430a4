--- The commands that ask a running host: `dynsup eval`, `dynsup tree` and `dynsup top`. Each is an
--- eval; what its code prints, and its values, come out as they come in.

local client = require "dynsup.attach.client"
local read = require "dynsup.repl.read"
local uv = require "luv"
local wire = require "dynsup.attach.wire"

local command = {}

local FAILED, MISUSED = 1, 2
local VALUES_MAX = 1000000 -- more than the stack of Lua has room for

-- ---- what is asked ----

local TREE = [[
local roots, json = dynsup.observer.tree(), ...
if json and roots.more then -- beside a list that stays an array
  io.stderr:write(("dynsup: %d more supervisors are nobody's children, and not shown\n"):format(roots.more))
  roots.more = nil
end
return roots
]]

local TOP = [[
local by, limit = ...
return assert(dynsup.observer.top { by = by, limit = math.tointeger(tonumber(limit)) })
]]

local requests = {}

-- The code from the standard input, or so much of it that it is too long for a host, then with all
-- that it begins with.
local function read_code()
  local text, problem = io.stdin:read(2 * wire.TEXT_MAX)
  if problem then
    client.exit(MISUSED, "cannot read stdin: " .. problem)
  end
  text = text or ""
  return #text < 2 * wire.TEXT_MAX and read.beginning(text) or text
end

function requests.eval(settings)
  local code = settings.code
  return { text = code == "-" and read_code() or code, args = settings.args }
end

function requests.tree(settings)
  return { text = TREE, args = settings.json and { "json" } or nil }
end

function requests.top(settings)
  return { text = TOP, args = { settings.by, settings.limit } }
end

local function new_request(settings)
  local request = requests[settings.command](settings)
  request["do"] = "eval"
  request.json = settings.json
  request.width = settings.width
  return request
end

-- ---- what is answered ----

-- Prints values, each on lines of its own, as their pieces come. Once something cannot be written
-- (`dynsup eval ... | head` has its lines) is_broken is set.
local function new_printer()
  local printer = { is_broken = false, last = 0 }
  local function write(text)
    printer.is_broken = printer.is_broken or not io.stdout:write(text)
  end
  local function flush()
    printer.is_broken = printer.is_broken or not io.stdout:flush()
  end
  local function go_on_to(number)
    while printer.last < number do
      if printer.last > 0 then
        write "\n"
      end
      printer.last = printer.last + 1
    end
  end
  function printer.piece(number, text)
    go_on_to(number)
    write(text)
  end
  function printer.out(text)
    write(text)
    flush()
  end
  function printer.finish(count)
    go_on_to(count)
    if printer.last > 0 then
      write "\n"
    end
    flush()
  end
  return printer
end

local function is_text(field)
  return type(field) == "string"
end

local function is_count(field, least)
  return type(field) == "number" and math.tointeger(field) and field >= least and field <= VALUES_MAX
end

-- Do fields make sense? By their names; with the message, and the number of the value that was printed last.
local checks = {
  out = is_text,
  err = is_text,
  error = is_text,
  lost = function(count) return type(count) == "number" and math.tointeger(count) ~= nil end,
  value = function(number, message, last)
    return is_text(message.text) and is_count(number, math.max(last, 1))
  end,
  values = function(count, _, last) return is_count(count, last) end,
}

local function makes_sense(message, last)
  for name, check in next, checks do
    if message[name] ~= nil and not check(message[name], message, last) then
      return false
    end
  end
  return true
end

-- The next message; or nil, and why there is none.
local function receive(host, printer)
  local message, reason = host:receive()
  if message and not makes_sense(message, printer.last) then
    message, reason = nil, "no_message"
  end
  return message, not message and (client.given_up(reason) or "the host has closed the connection") or nil
end

-- What has ended an eval: the exit code, and why if that is not said yet.
local function end_of(message, problem)
  if not message then
    return FAILED, problem
  elseif message.error then
    return FAILED, message.error
  elseif message.bye then
    return FAILED, message.bye == "halted" and "the host has ended" or "the session was killed"
  end
  return message.ok and 0 or FAILED
end

local function take(printer, message)
  if message.value then
    printer.piece(message.value, message.text)
  elseif message.lost then
    printer.has_lost = true
    io.stderr:write("dynsup: ", client.left_out(message.lost), "\n")
  else
    printer.out(message.out or "")
    io.stderr:write(message.err or "")
  end
end

-- Prints what comes until the end of the eval, or until nobody takes it any more.
local function print_answer(host)
  local printer = new_printer()
  local message, problem = receive(host, printer)
  while message and not (message.done or message.error or message.bye) do
    take(printer, message)
    if printer.is_broken then
      break
    end
    message, problem = receive(host, printer)
  end
  printer.finish(message and message.values or 0)
  if printer.is_broken then
    host:close() -- the host unwinds what still runs
    return FAILED
  end
  local code, why = end_of(message, problem)
  return printer.has_lost and FAILED or code, why
end

local function too_long(request)
  if #request.text > wire.TEXT_MAX then
    return ("the code has more than %d bytes"):format(wire.TEXT_MAX)
  elseif request.args and #request.args > wire.ARGS_MAX then
    return ("the code has more than %d arguments"):format(wire.ARGS_MAX)
  end
  return ("the code and its arguments make a request of more than %d bytes"):format(wire.REQUEST_MAX)
end

local function ask(settings, request)
  local path, problem = client.choose(settings.socket)
  local host
  if path then
    host, problem = client.connect(path)
  end
  if not host then
    return MISUSED, problem
  end
  local sent, reason = host:send(request)
  if reason == "too_long" then
    return MISUSED, too_long(request)
  elseif not sent then
    return FAILED, "the host has closed the connection"
  end
  return print_answer(host)
end

-- A signal ends the program, and so the connection: then the host unwinds the code.
local function heed(name, number)
  local signal = uv.new_signal()
  signal:start(name, function()
    require "dynsup.repl.session".halt(128 + number)
  end)
  signal:unref()
end

--- The main process of these commands.
---@async
---@param settings table
function command.main(settings)
  local request = new_request(settings) -- while it is read from a terminal, Ctrl-C does what it does by default
  heed("sigint", 2)
  heed("sigterm", 15)
  heed("sighup", 1)
  client.exit(ask(settings, request))
end

return command
