--- A session: lines of Lua that one process runs, each in a coroutine of its own.

local native = ...
local dynsup = require "dynsup"
local read = require "dynsup.repl.read"
local show = require "dynsup.repl.show"

local CHUNK = "=stdin"

local session = {}
session.__index = session
session.__name = "dynsup.repl.session"

---@class dynsup.repl.session
---@field failed boolean a line has failed
---@field halted boolean nothing more is to be read
---@field process userdata the process that runs the lines: the one that has made the session
---@field text? string what an incomplete line has begun
---@field width fun(): integer columns that values may take

---@param width fun(): integer
---@return dynsup.repl.session
function session.new(width)
  local self = { failed = false, halted = false, process = dynsup.self(), text = nil, width = width }
  return setmetatable(self, session)
end

for name, f in next, native do
  session[name] = f -- attempt, interrupt, halt, names and so on: see bindings/line.c
end

-- ---- what is told ----

local function tell_error(text)
  io.stdout:flush()
  io.stderr:write(text, "\n")
  io.stderr:flush()
end

-- What was thrown, as text: of a table without a text of its own what it holds.
local function error_text(value)
  if type(value) == "string" then
    return value
  end
  return show.value(value)
end

local tellers = {}

function tellers.failed(value, traceback)
  tell_error(error_text(value) .. "\n" .. traceback)
end

function tellers.interrupted(traceback)
  tell_error("interrupted\n" .. traceback)
end

function tellers.exited(reason)
  tell_error("exited with the reason " .. error_text(reason))
end

function tellers.halted() end

-- ---- running ----

local function pack_outcome(outcome, ...)
  return outcome, table.pack(...)
end

-- Runs a function as a line; what it returned as a packed table, or nil after telling why not.
function session:run(f, ...)
  local outcome, results = pack_outcome(native.attempt(f, ...))
  if outcome == "returned" then
    return results
  end
  if outcome == "interrupted" and native.halting() then
    outcome = "halted"
  end
  self.failed = self.failed or outcome ~= "halted"
  self.halted = self.halted or outcome == "halted"
  local told = pack_outcome(native.attempt(tellers[outcome], table.unpack(results, 1, results.n)))
  if told ~= "returned" then
    tell_error(outcome .. ", and the reason cannot be told")
  end
end

local function print_values(values, width)
  io.stdout:write(show.values(values, { width = width }), "\n")
end

function session:show(results)
  if results.n > 0 then
    rawset(_G, "_", results[1])
    self:run(print_values, results, self.width())
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
  local chunk, problem, message = read.compile(text, CHUNK)
  if problem == "incomplete" then
    self.text = text
  elseif chunk then
    self:finish(self:run(chunk))
  else
    self:refuse(message)
  end
end

function session:finish(results)
  if results then
    self:show(results)
  end
  io.stdout:flush()
end

function session:refuse(message)
  self.failed = true
  tell_error(message)
end

--- Is a line begun that goes on?
---@return boolean
function session:is_incomplete()
  return self.text ~= nil
end

--- Forgets what an incomplete line has begun.
function session:drop()
  self.text = nil
end

--- There is no further line: what is incomplete now remains so.
function session:close()
  local text = self.text
  self.text = nil
  if text then
    self:refuse((select(2, load(text, CHUNK))))
  end
end

--- Runs a file as the first line.
---@param chunk function|false the file, compiled; false: it could not be, and that was told
---@param ... any its arguments
function session:open(chunk, ...)
  if chunk then
    self:run(chunk, ...)
  else
    self.failed = true
  end
  io.stdout:flush()
end

-- ---- what a reader asks for besides ----

local function prompt_of(name, otherwise)
  local prompt = rawget(_G, name)
  return prompt ~= nil and tostring(prompt) or otherwise
end

--- What the next line is asked for with. Lua's own names change it.
---@return string
function session:prompt()
  if self.text then
    return prompt_of("_PROMPT2", ">> ")
  end
  return prompt_of("_PROMPT", "> ")
end

--- Completes what is typed.
---@param before string the line up to the cursor
---@param callback fun(insertion: string, candidates: string[]) called once, from the
--- loop or at once
function session:complete(before, callback) -- luacheck: no self
  local complete = require "dynsup.repl.complete"
  callback(complete.line(before))
end

--- Unwinds the line that runs, if there is one. To be called from the loop.
function session:unwind()
  native.interrupt(self.process)
end

return session
