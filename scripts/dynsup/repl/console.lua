--- Lines from a terminal, edited while the host goes on; Ctrl-C and the other signals.
--
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

-- ---- prompts ----

-- Lua's own names for them.
local function prompt_of(name, otherwise)
  local prompt = rawget(_G, name)
  return prompt ~= nil and tostring(prompt) or otherwise
end

local function prompt_text(current)
  if current.text then
    return prompt_of("_PROMPT2", ">> ")
  end
  return prompt_of("_PROMPT", "> ")
end

-- ---- the line ----

-- The line is over: the process goes on.
function console:wake(outcome, text)
  local resume = self.resume
  self.resume, self.searching = nil, nil
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

function console:complete()
  local complete = require "dynsup.repl.complete"
  local text, cursor = self.terminal.text()
  local insertion, candidates = complete.line(text:sub(1, cursor))
  if self.continues and not text:find "%S" then
    insertion = INDENT
  end
  if insertion ~= "" then
    local before, behind = text:sub(1, cursor), text:sub(cursor + 1)
    self.terminal.change(self.prompt, before .. insertion .. behind)
    for _ = 1, utf8.len(behind) or #behind do
      self.terminal.feed "\2"
    end
  elseif #candidates > 1 then
    io.stdout:write(complete.table(candidates, self.terminal.columns()), "\n")
    io.stdout:flush()
  end
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

-- The keys that are there, as long as the line goes on.
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
  if self.resume then
    self.terminal.finish "^C"
    self:wake "dropped"
  elseif session.halting() then
    self.terminal.quit()
  else
    session.interrupt(self.process)
  end
end

-- The host is halted, by whomever, or the session's process was killed, and then it is halted: the
-- terminal is given back. The process, which traps exits, is to wait for nothing any more.
function console:leave()
  self.left = true
  self.terminal.leave()
  self.poll:stop()
  if not session.alive(self.process) then
    io.stderr:write "dynsup: the session was killed\n"
    session.halt(1)
  elseif self.resume then
    self:wake "over"
  else
    session.interrupt(self.process)
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
  on_signal("sighup", function() session.halt(0) end)
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
---@return table reader
function console.new(terminal)
  local self = setmetatable({
    terminal = terminal,
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
  self.width = terminal.columns
  self.lines = function(current) return function() return self:next(current) end end
  self:watch()
  self:lend_to_programs()
  print(("dynsup %s: help() tells what there is, Ctrl-D ends"):format(dynsup.version))
  return self
end

function console:next(current)
  while true do
    self.continues = current.text ~= nil
    local outcome, text = self:read(prompt_text(current))
    if outcome == "line" then
      return text
    elseif outcome == "over" then
      return nil
    end
    current.text = nil
  end
end

return console
