--- Lines from a terminal, edited while the host goes on; Ctrl-C and the other signals.
--
-- It knows nothing of the session but the methods that session.lua has for readers, so the lines may
-- as well run elsewhere.
-- The session's process waits in `read` while a line is edited. What happens meanwhile comes from
-- the loop: keys, signals, and each turn, in which what was printed is drawn. When the line is over
-- one way or another, the process is woken with the outcome.

local dynsup = require "dynsup"
local history = require "dynsup.repl.history"
local keys = require "dynsup.repl.keys"
local search = require "dynsup.repl.search"
local session = require "dynsup.repl.session"
local uv = require "luv"

local INDENT = "  "

local console = {}
console.__index = console
console.__name = "dynsup.repl.console"

-- ---- the line ----

-- The line is over: the process goes on.
function console:wake(outcome, text)
  local resume = self.resume
  self.resume, self.searching, self.asked = nil, nil, nil
  self.poll:stop()
  if resume then
    resume(outcome, text)
  end
end

function console:accept()
  local text = self.terminal.text()
  self.terminal.finish()
  self.history:add(text)
  self:wake("line", text)
end

function console:finish_input()
  self.terminal.finish()
  self:wake "over"
end

-- Inserts the completion of the word at the cursor.
function console:insert(text, cursor, insertion)
  local before, behind = text:sub(1, cursor), text:sub(cursor + 1)
  self.terminal.change(self.prompt, before .. insertion .. behind)
  for _ = 1, utf8.len(behind) or #behind do
    self.terminal.feed "\2"
  end
end

function console:show_candidates(candidates)
  local complete = require "dynsup.repl.complete"
  io.stdout:write(complete.table(candidates, self.terminal.columns()), "\n")
  io.stdout:flush()
end

function console:is_unchanged(text, cursor)
  local text_now, cursor_now = self.terminal.text()
  return not self.searching and text_now == text and cursor_now == cursor
end

function console:apply(text, cursor, insertion, candidates)
  if insertion ~= "" then
    self:insert(text, cursor, insertion)
  elseif #candidates > 1 then
    self:show_candidates(candidates)
  end
end

-- The answer counts if nothing was typed meanwhile.
function console:complete()
  local text, cursor = self.terminal.text()
  if self.session:is_incomplete() and not text:find "%S" then
    self:insert(text, cursor, INDENT)
    return
  end
  local asked = {}
  self.asked = asked
  self.session:complete(text:sub(1, cursor), function(...)
    if self.asked == asked and self:is_unchanged(text, cursor) then
      self:apply(text, cursor, ...)
    end
  end)
end

local commands = {
  ["\r"] = console.accept,
  ["\n"] = console.accept,
  ["\t"] = console.complete,
}

commands["\4"] = function(self)
  if self.terminal.text() == "" then
    self:finish_input()
  else
    self.terminal.feed "\4"
  end
end

commands["\18"] = function(self)
  self.searching = search.new(self.history.lines, self.terminal.text())
  self:show_search()
end

function console:show_search()
  self.terminal.change(self.searching:prompt(), self.searching:text())
end

-- A key while the history is searched: the search takes it, or is over before it counts.
function console:search_key(key)
  local found = self.searching:key(key)
  if found == nil then
    self:show_search()
    return
  end
  self.searching = nil
  self.terminal.change(self.prompt, found)
  if key ~= "\7" and key ~= "\27" then
    self:key(key)
  end
end

-- Text between these two is pasted: a tab in it asks for nothing.
local PASTE, PASTED = "\27[200~", "\27[201~"

function console:key(key)
  if key == PASTE or key == PASTED then
    self.pasting = key == PASTE
  elseif self.searching then
    self:search_key(key)
  elseif self.pasting and key == "\t" then
    self.terminal.feed "\22\t"
  elseif commands[key] then
    commands[key](self)
  elseif keys.is_known(key) then
    self.terminal.feed(key)
  end
end

-- Handles the available keys, as long as the line goes on.
function console:take_keys()
  local bytes, at = self.terminal.peek(), 1
  while self.resume and at <= #bytes do
    local length = keys.length(bytes, at)
    if not length then
      return
    end
    self.terminal.drop(length)
    self:key(bytes:sub(at, at + length - 1))
    at = at + length
  end
end

function console:on_readable()
  if not self.terminal.fill() then
    self:finish_input()
    return
  end
  self:take_keys()
end

-- ---- signals ----

function console:on_interrupt()
  self.terminal.seen()
  self.pasting = nil -- its end may be gone, with all that was not read yet
  if self.resume then
    self.terminal.finish "^C"
    self:wake "dropped"
  elseif session.halting() then
    self.terminal.quit()
  else
    self.session:unwind()
  end
end

-- The host is halted, also because the session's process was killed: the terminal is given back. The process,
-- which traps exits, must wait for nothing any more; once it has read all lines, it may already be ending by
-- itself.
function console:leave()
  self.left = true
  self.terminal.leave()
  self.poll:stop()
  if self.is_over then
    return
  elseif not session.alive(self.process) then
    io.stderr:write "dynsup: the session was killed\n"
    session.halt(1)
  elseif self.resume then
    self:wake "over"
  else
    self.session:unwind()
  end
end

-- What was printed is drawn.
function console:on_turn()
  if self.left then
    return
  elseif session.halting() or not session.alive(self.process) then
    self:leave()
  else
    self.terminal.draw()
  end
end

local function on_signal(name, f)
  local signal = uv.new_signal()
  signal:start(name, f)
  signal:unref()
end

function console:watch()
  on_signal("sigint", function() self:on_interrupt() end)
  self.terminal.watch()
  on_signal("sigterm", function() session.halt(0) end)
  on_signal("sighup", function()
    session.heard_hangup()
    session.halt(0)
  end)
  session.watch_hangup()
  on_signal("sigwinch", function() self.terminal.resize() end)
  on_signal("sigtstp", function() self.terminal.stop() end)
  on_signal("sigcont", function() self.terminal.continued() end)
  local turn = uv.new_prepare()
  turn:start(function() self:on_turn() end)
  turn:unref()
end

-- ---- others on the terminal ----

-- A program that is started has the terminal for itself meanwhile.
function console:lend_to_programs()
  local execute, terminal = os.execute, self.terminal
  os.execute = function(command) -- luacheck: ignore
    if command == nil then
      return execute()
    end
    terminal.lend(true)
    local results = table.pack(pcall(execute, command))
    terminal.lend(false)
    if not results[1] then
      error(results[2], 0)
    end
    return table.unpack(results, 2, results.n)
  end
end

-- ---- the reader ----

-- A line, or how its editing came to its end.
function console:read(prompt)
  self.prompt = prompt
  self.terminal.begin(prompt)
  return dynsup.await(function(resume)
    self.resume = resume
    self.poll:start("r", function() self:on_readable() end)
    self:take_keys()
  end)
end

---@param terminal table the program's
---@param current table the session
---@param greeting string what is printed first
---@return table reader
function console.new(terminal, current, greeting)
  local self = setmetatable({
    terminal = terminal,
    session = current,
    process = dynsup.self(),
    poll = uv.new_poll(0),
    history = history.open(),
    code = 0,
  }, console)
  terminal.settle()
  for _, line in ipairs(self.history.lines) do
    terminal.remember(line)
  end
  self.history.remember = terminal.remember
  self.lines = function() return self.next, self end
  self:watch()
  self:lend_to_programs()
  print(greeting)
  return self
end

-- The next line; nil when there is none any more.
function console:next()
  while not self.left do
    local outcome, text = self:read(self.session:prompt())
    if outcome == "line" then
      return text
    elseif outcome == "over" then
      self.is_over = true
      return nil
    end
    self.session:drop()
  end
end

return console
