--- A session: lines of Lua that one process runs, each in a coroutine of its own.

local native = ...
local dynsup = require "dynsup"
local read = require "dynsup.repl.read"
local show = require "dynsup.repl.show"

local CHUNK = "=stdin"
local PROMPT_MAX = 1000 -- bytes: it is sent to an attached client with each line

local session = {}
session.__index = session
session.__name = "dynsup.repl.session"

---@class dynsup.repl.session
---@field failed boolean a line has failed
---@field halted boolean nothing more is to be read
---@field text? string what an incomplete line has begun
---@field process any the one that runs the lines
---@field width fun(): integer columns that values may take
---@field globals table of the lines
---@field streams table stdout and stderr, as the fields of io

--- A session of the calling process.
---@param width fun(): integer
---@param globals? table without one those of everybody
---@param streams? table without one io
---@return dynsup.repl.session
function session.new(width, globals, streams)
  return setmetatable({
    failed = false,
    halted = false,
    process = dynsup.self(),
    width = width,
    globals = globals or _G,
    streams = streams or io,
  }, session)
end

for name, f in next, native do
  session[name] = f -- attempt, interrupt, halt and so on: see bindings/line.c
end

--- The names of processes that begin with the prefix, in no order.
---@param prefix string
---@param limit integer at most so many
---@return string[]
function session.names(prefix, limit)
  local list, cursor = {}, 0
  repeat
    cursor = native.names_page(prefix, cursor, list, limit)
  until cursor == 0 or #list >= limit
  return list
end

-- ---- errors ----

-- An error value as text: for a table without a __tostring its contents.
local function error_text(value)
  if type(value) == "string" then
    return value
  end
  return show.value(value)
end

local writers = {}

function writers.failed(value, traceback)
  return error_text(value) .. "\n" .. traceback
end

function writers.interrupted(traceback)
  return "interrupted\n" .. (traceback or "")
end

function writers.exited(reason)
  return "exited with the reason " .. error_text(reason)
end

local function pack_outcome(outcome, ...)
  return outcome, table.pack(...)
end

-- Why a line has failed, as text. It is made as another line, for __tostring may do anything.
local function failure_text(outcome, results)
  local made, text = pack_outcome(native.attempt(writers[outcome], table.unpack(results, 1, results.n)))
  return made == "returned" and text[1] or outcome .. ", and the reason cannot be told"
end

function session:tell_error(text)
  self.streams.stdout:flush()
  self.streams.stderr:write(text, "\n")
  self.streams.stderr:flush()
end

-- ---- running ----

--- Runs a function as a line.
---@param f function
---@param ... any its arguments
---@return table? results packed; nil when it did not reach its end
---@return string? why nil when the host is halted
function session:try(f, ...)
  local outcome, results = "interrupted", { n = 0 }
  if not self.is_unwanted then
    outcome, results = pack_outcome(native.attempt(f, ...))
    self.is_unwanted = false -- what came meanwhile was for it, or for a run inside it
  end
  self.is_unwanted = false -- whatever was asked for was meant for this one
  if outcome == "returned" then
    return results
  end
  if outcome == "halted" or outcome == "interrupted" and native.halting() then
    self.halted = true
    return nil
  end
  self.failed = true
  return nil, failure_text(outcome, results)
end

-- The same, and reports why not.
function session:run(f, ...)
  local results, why = self:try(f, ...)
  if why then
    self:tell_error(why)
  end
  return results
end

local function print_values(streams, values, width)
  streams.stdout:write(show.values(values, { width = width }), "\n")
end

function session:show(results)
  if results.n > 0 then
    rawset(self.globals, "_", results[1])
    self:run(print_values, self.streams, results, self.width())
  end
end

-- ---- lines ----

--- Takes a line. When it completes what was begun, that is run and its values are printed.
---@param line string
function session:feed(line)
  local text = self.text and self.text .. "\n" .. line or line
  self.text = nil
  if read.is_empty(text) then
    return
  end
  self.is_unwanted, self.is_busy = false, true
  local chunk, problem, message = read.compile(text, CHUNK, self.globals)
  if problem == "incomplete" then
    self.text = text
  elseif chunk then
    self:finish(self:run(chunk))
  else
    self:refuse(message)
  end
  self.is_busy = false
end

function session:finish(results)
  if results then
    self:show(results)
  end
  self.streams.stdout:flush()
end

function session:refuse(message)
  self.failed = true
  self:tell_error(message)
end

--- Forgets what an incomplete line has begun.
function session:drop()
  self.text = nil
end

--- Unwinds the line that runs, if there is one. For other processes and the loop.
---@return boolean found
function session:unwind()
  self.is_unwanted = self.is_busy
  return native.interrupt(self.process)
end

--- What Tab inserts after this text, and the choices.
---@param text string the line up to the cursor
---@param done fun(insertion: string, candidates: string[]) called before this returns
function session:complete(text, done)
  done(require "dynsup.repl.complete".line(text, self.globals, session.names))
end

--- Is a line begun that goes on?
---@return boolean
function session:is_incomplete()
  return self.text ~= nil
end

--- There is no further line: an incomplete one remains so.
function session:close()
  local text = self.text
  self.text = nil
  if text then
    self:refuse((select(2, load(text, CHUNK))))
  end
end

--- Runs a file as the first line.
---@param chunk function|false the file, compiled; false: it could not be, and that was reported
---@param ... any its arguments
function session:open(chunk, ...)
  self.is_busy = true
  if chunk then
    self:run(chunk, ...)
  else
    self.failed = true
  end
  self.streams.stdout:flush()
  self.is_busy = false
end

-- ---- what a reader asks for besides ----

-- A string of a sensible length or a number: to make a text of anything else could run what no Ctrl-C would
-- end, for this is outside of any line.
local function prompt_of(name, otherwise)
  local prompt = rawget(_G, name)
  local is_text = type(prompt) == "string" and #prompt <= PROMPT_MAX or type(prompt) == "number"
  return is_text and tostring(prompt) or otherwise
end

--- What the next line is asked for with. Lua's own names change it.
---@return string
function session:prompt()
  if self.text then
    return prompt_of("_PROMPT2", ">> ")
  end
  return prompt_of("_PROMPT", "> ")
end

return session
