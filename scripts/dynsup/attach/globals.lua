--- What the lines of an attached client find besides the globals of the host: its own output, no
--- input, `_`, help and the observer's functions. A line that sets another global sets it for everybody.

local dynsup = require "dynsup"
local wire = require "dynsup.attach.wire"

local globals = {}

-- ---- streams ----

local stream = {}
stream.__index = stream
stream.__name = "dynsup.attach.stream"

-- A stream that goes to the client as messages with this field. When the client is gone, what others
-- than its own session still write goes to the host's stream.
local function new_stream(outbox, field, own)
  return setmetatable({ outbox = outbox, field = field, own = own }, stream)
end

function stream:print(text)
  for piece in wire.pieces(text) do
    if not self.outbox:put { [self.field] = piece } and not self.outbox:is_patient() then
      self.own():write(piece)
    end
  end
end

function stream:write(...)
  local texts = { ... }
  for i = 1, select("#", ...) do
    local kind = type(texts[i])
    if kind ~= "string" and kind ~= "number" then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, kind), 2)
    end
  end
  self:print(table.concat(texts))
  return self
end

function stream:flush()
  if self.outbox.is_over then
    self.own():flush()
  end
  return self
end

function stream.setvbuf()
  return true
end

local NO_INPUT = "an attached session has no standard input"

local function no_input()
  return nil, NO_INPUT
end

stream.read, stream.seek = no_input, no_input

function stream.close()
  return nil, "cannot close standard file"
end

function stream.lines()
  error(NO_INPUT, 2)
end

function stream.__tostring(self)
  return "attached " .. self.field
end

-- ---- io ----

-- io.input of the session, likewise.
local function set_input(state, file)
  if type(file) == "string" then
    state.input = assert(io.open(file))
  elseif file ~= nil then
    state.input = file
  end
  return state.input
end

local function lines_of(state, name, ...)
  if name ~= nil then
    return io.lines(name, ...)
  end
  return state.input:lines(...)
end

-- io.output of the session: a file, or one that is opened by its name.
local function set_output(state, file)
  if type(file) == "string" then
    state.output = assert(io.open(file, "w"))
  elseif file ~= nil then
    state.output = file
  end
  return state.output
end

-- io.close of the session: without a file, of its own output.
local function close(state, ...)
  local file = ...
  if select("#", ...) == 0 then
    file = state.output
  end
  if getmetatable(file) == stream then
    return file:close()
  end
  if not io.type(file) then
    error(("bad argument #1 to 'close' (FILE* expected, got %s)"):format(type(file)), 2)
  end
  return io.close(file)
end

local function new_io(outbox)
  local state = {
    stdout = new_stream(outbox, "out", function() return io.stdout end),
    stderr = new_stream(outbox, "err", function() return io.stderr end),
    stdin = new_stream(outbox, "in", function() return io.stdin end),
  }
  state.input, state.output = state.stdin, state.stdout
  local own = { stdout = state.stdout, stderr = state.stderr, stdin = state.stdin }
  function own.write(...) return state.output:write(...) end
  function own.close(...) return close(state, ...) end
  function own.output(file) return set_output(state, file) end
  function own.input(file) return set_input(state, file) end
  function own.read(...) return state.input:read(...) end
  function own.lines(...) return lines_of(state, ...) end
  function own.type(file)
    return getmetatable(file) == stream and "file" or io.type(file)
  end
  return setmetatable(own, { __index = io })
end

-- dofile and loadfile, which read the host's own standard input when no file is named.
local function of_a_file(load)
  return function(name, ...)
    if name == nil then
      error(NO_INPUT, 2)
    end
    return load(name, ...)
  end
end

-- ---- all ----

local function new_print(streams)
  return function(...)
    local texts = table.pack(...)
    for i = 1, texts.n do
      texts[i] = tostring(texts[i])
    end
    streams.stdout:write(table.concat(texts, "\t"), "\n")
  end
end

--- The globals of a session, and its streams.
---@param outbox dynsup.attach.outbox
---@param pages fun(): table<string, string> the reference
---@param width fun(): integer
---@return table env
---@return table streams
function globals.new(outbox, pages, width)
  local streams = new_io(outbox)
  local env = {
    dynsup = dynsup,
    io = streams,
    print = new_print(streams),
    dofile = of_a_file(dofile),
    loadfile = of_a_file(loadfile),
    flush = require "dynsup.repl.mailbox"(streams),
    help = require "dynsup.repl.help".new(pages, width, streams),
  }
  for name, value in next, dynsup.observer do
    env[name] = value
  end
  return setmetatable(env, { __index = _G, __newindex = _G }), streams
end

return globals
