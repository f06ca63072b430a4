--- A session whose lines run in another program's host. Readers of the prompt use it as they use the
-- one of session.lua, which says what its methods do.
--
-- Two processes of its own are at the socket. One writes the requests, so that nobody waits for a
-- host that does not read. One takes what the host sends, and prints it in the order in which it
-- comes, so all that a line prints is there before its answer.

local client = require "dynsup.attach.client"
local dynsup = require "dynsup"
local host = require "dynsup.repl.session"
local uv = require "luv"

local HASTE = 300e6 -- ns: the next Ctrl-C within this time counts as the same

local remote = {}
remote.__index = remote
remote.__name = "dynsup.attach.remote"

---@class dynsup.attach.remote
---@field failed boolean a line has failed
---@field width fun(): integer columns that values may take
---@field is_strict boolean the program's exit code tells whether a line has failed

-- ---- what is told ----

--- A text without characters that would steer a terminal: they are shown as numbers.
---@param text any
---@return string
function remote.plain(text)
  text = tostring(text):gsub("[%z\1-\8\11-\31\127]", function(char)
    return ("\\x%02x"):format(char:byte())
  end)
  return (text:gsub("\xc2[\x80-\x9f]", function(char)
    return ("\\u{%x}"):format(utf8.codepoint(char))
  end))
end

local plain = remote.plain

local function print_to(stream, text)
  if stream == io.stderr then
    io.stdout:flush()
  end
  stream:write(text)
  stream:flush()
end

--- Tells what is not the host's word.
---@param text string
function remote.tell(text)
  print_to(io.stderr, "dynsup: " .. text .. "\n")
end

-- There is no host any more, or none that answers: the program ends.
function remote:leave(text, code)
  if not self.left then
    self.left = true
    self.tell(text)
    host.halt(code)
  end
end

-- ---- asking ----

function remote:next_id()
  self.last_id = self.last_id + 1
  return self.last_id
end

-- Waits for nothing.
function remote:send(request)
  dynsup.send(self.writer, request)
end

local function write_all(self)
  repeat
    local request = dynsup.receive()
    local done, reason = self.connection:send(request)
    if reason == "too_long" and request.id == self.line_id then
      self:answer { ok = false, problem = "the line is too long: a host takes up to 64 KiB" }
    end
  until not done and reason ~= "too_long" -- the connection is lost: the other process tells that
end

-- The answer to a line; nil when there will be none.
function remote:ask(text)
  local request = { ["do"] = "line", text = text, width = self.width(), id = self:next_id() }
  return dynsup.await(function(resume)
    self.line_id, self.resume, self.unwinds = request.id, resume, 0
    self:send(request)
  end)
end

function remote:answer(message)
  local resume = self.resume
  self.resume, self.line_id = nil, nil
  if resume then
    resume(message)
  end
end

function remote:feed(line)
  local text = self.text and self.text .. "\n" .. line or line
  local message = self:ask(line)
  if not message then
    return
  end
  self.failed = self.failed or not message.ok
  self.text = message.incomplete and text or nil
  self:note_prompt(message.prompt)
  if message.problem then
    self.tell(message.problem)
  end
end

function remote:note_prompt(text)
  self.prompt_text = type(text) == "string" and plain(text) or self.first_prompt
  if not self.text then
    self.first_prompt = self.prompt_text
  end
end

function remote:is_incomplete()
  return self.text ~= nil
end

function remote:prompt()
  return self.prompt_text
end

-- The host's answer with the prompt comes too late for the next line.
function remote:drop()
  if self.text then
    self.text, self.prompt_text = nil, self.first_prompt
    self:send { ["do"] = "drop" }
  end
end

function remote:close()
  local text = self.text
  if text then
    self:drop()
    self.failed = true
    print_to(io.stderr, select(2, load(text, "=stdin")) .. "\n")
  end
end

-- The latest question counts.
function remote:complete(before, callback)
  local id = self:next_id()
  self.question = { id = id, callback = callback }
  self:send { ["do"] = "complete", text = before, id = id }
end

--- Asks for the lines of the host's log.
---@param level string from this one on; "off": none
function remote:watch(level)
  if level ~= "off" then
    self:send { ["do"] = "watch", level = level }
  end
end

-- ---- Ctrl-C ----

-- What is done at the first, second and third time while nothing comes from the host. The first one may
-- have come before the line was there.
local attempts = {
  function(self)
    self:send { ["do"] = "interrupt" }
  end,
  function(self)
    self:send { ["do"] = "interrupt" }
    self.tell "the host does not answer; Ctrl-C once more detaches"
  end,
  function(self)
    self:leave("detached: the host does not answer", 1)
  end,
}

function remote:unwind()
  if host.halting() then
    self:answer(nil)
  elseif self.resume and (self.unwinds == 0 or uv.hrtime() - self.unwound_at >= HASTE) then
    self.unwinds, self.unwound_at = self.unwinds + 1, uv.hrtime()
    attempts[math.min(self.unwinds, #attempts)](self)
  end
end

-- ---- what the host sends ----

local takers = {}

function takers.out(_, text)
  print_to(io.stdout, tostring(text))
end

function takers.err(_, text)
  print_to(io.stderr, tostring(text))
end

-- The input of the program writes the levels that it knows in their colours.
function takers.log(self, text, message)
  local level = plain(message.level)
  io.stdout:flush()
  if not self.input.log(level, plain(text)) then
    print_to(io.stderr, ("[%s] %s\n"):format(level, plain(text)))
  end
end

function takers.lost(self, count)
  self.tell(client.left_out(plain(count)))
end

function takers.bye(self, why, message)
  if why ~= "halted" then
    self:leave("the host has closed the session: " .. plain(why), 1)
    return
  end
  local code = math.tointeger(message.code)
  local text = code and "the host has ended with code " .. code or "the host has ended"
  self:leave(text, self.is_strict and self.failed and 1 or 0)
end

function takers.error(self, text, message)
  local problem = "the host says: " .. plain(text)
  if message.id and message.id == self.line_id then
    self:answer { ok = false, problem = problem }
  else
    self.tell(problem)
  end
end

-- In the loop, where nobody else touches the line that is edited.
local function later(f, ...)
  local timer, args = uv.new_timer(), table.pack(...)
  timer:start(0, 0, function()
    timer:close()
    f(table.unpack(args, 1, args.n))
  end)
end

local function read_candidates(list)
  local candidates = {}
  for i, candidate in ipairs(type(list) == "table" and list or candidates) do
    candidates[i] = plain(candidate)
  end
  return candidates
end

function takers.done(self, what, message)
  local question = self.question
  if what == "line" and message.id == self.line_id then
    self:answer(message)
  elseif what == "complete" and question and message.id == question.id then
    later(question.callback, plain(message.insertion), read_candidates(message.candidates))
  end
end

local order = { "out", "err", "done", "log", "lost", "error", "bye" }

function remote:take(message)
  self.unwinds = 0
  for _, name in ipairs(order) do
    if message[name] ~= nil then
      takers[name](self, message[name], message)
      return
    end
  end
end

-- How the end of a process looks to its peer: it depends on what was still to be read.
local gone = { closed = true, econnreset = true, epipe = true }

local function problem_of(reason)
  return client.given_up(reason) or "the connection is lost: " .. (gone[reason] and "the host has gone" or reason)
end

local function take_all(self)
  local message, reason = self.connection:receive()
  while message do
    self:take(message)
    message, reason = self.connection:receive()
  end
  self:leave(problem_of(reason), 1)
end

---@param connection dynsup.attach.client
---@param input table the program's
---@param width fun(): integer
---@return dynsup.attach.remote
function remote.new(connection, input, width)
  local prompt = plain(connection.hello.prompt)
  local self = setmetatable({
    connection = connection,
    input = input,
    width = width,
    failed = false,
    is_strict = false,
    first_prompt = prompt,
    prompt_text = prompt,
    last_id = 0,
    unwinds = 0,
  }, remote)
  self.writer = dynsup.spawn_link(write_all, self)
  dynsup.spawn_link(take_all, self)
  return self
end

return remote
