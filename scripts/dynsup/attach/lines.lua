--- The session of an attached client: the process that runs its lines, as the prompt does.

local dynsup = require "dynsup"
local json_text = require "dynsup.attach.json_text"
local read = require "dynsup.repl.read"
local session = require "dynsup.repl.session"
local show = require "dynsup.repl.show"
local wire = require "dynsup.attach.wire"

local TEXT_MAX = wire.TEXT_MAX

local lines = {}

-- ---- lines ----

local actions = {}

function actions.line(connection, request)
  local current = connection.session
  local length = #request.text + (current.text and #current.text + 1 or 0)
  current.failed = false
  if length > TEXT_MAX then
    current:drop()
    current:refuse(("a line has at most %d bytes"):format(TEXT_MAX))
  else
    current:feed(request.text)
  end
  connection:answer(request, {
    ok = not current.failed,
    incomplete = current:is_incomplete(),
    prompt = current:prompt(),
  })
end

function actions.drop(connection, request)
  connection.session:drop()
  connection:answer(request, { prompt = connection.session:prompt() })
end

-- ---- eval ----

-- Sends pieces of a text as the n-th value, in messages of a sensible size.
local function new_sink(connection, request, n)
  local parts, size = {}, 0
  local function send()
    for piece in wire.pieces(table.concat(parts)) do
      connection.outbox:put { value = n, text = piece, id = request.id }
    end
    parts, size = {}, 0
  end
  local function emit(piece)
    parts[#parts + 1] = piece
    size = size + #piece
    if size >= wire.PIECE then
      send()
    end
  end
  return emit, send
end

local function write_text(value, emit, width)
  emit(type(value) == "string" and value or show.value(value, { width = width }))
end

-- Runs as another line, for __tostring may do anything.
local function send_values(connection, request, values)
  for i = 1, values.n do
    local emit, finish = new_sink(connection, request, i)
    if request.json then
      json_text.write(values[i], emit)
    else
      write_text(values[i], emit, request.width)
    end
    finish()
  end
end

local function compile(request, env)
  local chunk, problem, message = read.compile(request.text, "=eval", env)
  if problem == "incomplete" then
    message = select(2, load(request.text, "=eval", "t", env))
  end
  return chunk, message
end

-- Runs the code; why not, if it fails, and how many values it has.
local function evaluate(connection, request)
  local current = connection.session
  local chunk, message = compile(request, connection.env)
  if not chunk then
    return message
  end
  local args = request.args
  local values, why = current:try(chunk, table.unpack(args, 1, args.n or #args))
  if values then
    local sent
    sent, why = current:try(send_values, connection, request, values)
    if sent then
      return nil, values.n
    end
  end
  return why or "the host is halted"
end

function actions.eval(connection, request)
  local current = connection.session
  current.is_unwanted, current.is_busy = false, true
  local why, count = evaluate(connection, request)
  current.is_busy = false
  if why then
    current:tell_error(why)
  end
  connection:answer(request, { ok = not why, values = count })
end

-- ---- the end ----

-- Detaching leaves what lines have started: as long as there are links, somebody is their parent.
local function stay_as_parent(me)
  local links = #dynsup.info(me).links
  while links > 0 and not session.halting() do
    local tag = dynsup.receive()
    links = links - (tag == "EXIT" and 1 or 0)
    if links <= 0 then
      links = #dynsup.info(me).links
    end
  end
end

-- A request that was interrupted before it began.
local function skip(connection, request)
  local current, answer = connection.session, { ok = false }
  if request["do"] ~= "eval" then
    answer.incomplete, answer.prompt = current:is_incomplete(), current:prompt()
  end
  connection.streams.stderr:write "interrupted\n"
  connection:answer(request, answer)
end

--- The body of the session's process.
---@async
---@param connection dynsup.attach.connection
function lines.serve(connection)
  dynsup.flag("trap_exit", true)
  for request in connection.next, connection do
    connection.columns = request.width
    if request.is_unwanted then
      skip(connection, request)
    else
      actions[request["do"]](connection, request)
    end
  end
  stay_as_parent(dynsup.self())
end

return lines
