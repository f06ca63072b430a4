--- What waits to be written to an attached client.
--
-- Anybody may put messages in. The processes of the connection wait for room; others never do: what
-- finds none is left out and counted. One process writes. It waits by `await`, so that a message
-- wakes it wherever it comes from, but for a run inside the run (`dynsup.run` in a line): what is put
-- there is written when the line is over.

local native = ...
local dynsup = require "dynsup"
local wire = require "dynsup.attach.wire"

local LIMIT = 1048576 -- bytes that wait
local BATCH = 32768   -- bytes from which on no more messages are written at once
local LOOK_MS = 250   -- after which the writer, who waits for the client, looks whether all is over
local BUSY_MS = 50    -- until the kernel may have taken what is under way
local LAST_MS = 250   -- for the client to take the last messages

---@class dynsup.attach.outbox
---@field is_over boolean nobody will read what is put in
local outbox = {}
outbox.__index = outbox
outbox.__name = "dynsup.attach.outbox"

---@return dynsup.attach.outbox
function outbox.new()
  return setmetatable({
    run = (native.here()),
    patient = {}, -- pids that wait for room
    first = 1,
    last = 0,
    bytes = 0,
    lost = 0,
    waiting = {},
    is_over = false,
  }, outbox)
end

-- ---- putting ----

-- Is the caller in this run at all, and is it a process of the connection?
local function place_of(self)
  local ok, run, pid = pcall(native.here)
  local is_here = ok and run == self.run
  return is_here, is_here and pid ~= nil and self.patient[pid] == true
end

--- Is the caller one of the processes that wait for room?
---@return boolean
function outbox:is_patient()
  return select(2, place_of(self))
end

function outbox:append(line)
  self.last = self.last + 1
  self[self.last] = line
  self.bytes = self.bytes + #line
end

local function has_room(self, line)
  return self.bytes == 0 or self.bytes + #line <= LIMIT
end

local function tell_lost(self)
  if self.lost > 0 then
    self:append(wire.encode { lost = self.lost })
    self.lost = 0
  end
end

-- The writer goes on, if it waits.
function outbox:wake()
  local wake = self.wake_writer
  self.wake_writer = nil
  if wake then
    wake()
  end
end

--- Puts a message in. A process that the outbox knows as a patient one waits for room.
---@param message table
---@return boolean taken false when nobody will read it; one that found no room counts as taken
function outbox:put(message)
  local line = wire.encode(message)
  local is_here, is_patient = place_of(self)
  local waits = is_patient and coroutine.isyieldable()
  while waits and not self.is_over and not has_room(self, line) do
    dynsup.await(function(resume)
      self.waiting[#self.waiting + 1] = resume
    end)
  end
  if self.is_over then
    return false
  end
  if has_room(self, line) then
    tell_lost(self)
    self:append(line)
  else
    self.lost = self.lost + 1
  end
  if is_here then
    self:wake()
  end
  return true
end

local function let_in(self)
  local waiting = self.waiting
  self.waiting = {}
  for _, resume in ipairs(waiting) do
    resume()
  end
end

--- Puts the last message in; nothing is taken any more. Again: does nothing.
---@param message? table
function outbox:finish(message)
  if self.is_over then
    return
  end
  tell_lost(self)
  if message then
    self:append(wire.encode(message))
  end
  self.is_over, self.deadline = true, dynsup.now() + LAST_MS
  let_in(self)
  self:wake()
end

-- ---- writing ----

-- The next messages as one text; nil: there are none.
function outbox:take()
  local lines, size = {}, 0
  while self.first <= self.last and size < BATCH do
    local line = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    size = size + #line
    lines[#lines + 1] = line
  end
  self.bytes = self.bytes - size
  if self.first > self.last and self.lost > 0 then
    tell_lost(self)
  end
  let_in(self)
  return lines[1] and table.concat(lines)
end

local function is_late(self)
  return self.deadline ~= nil and dynsup.now() > self.deadline
end

-- Hands a text to the kernel, or to those who do that as soon as it can be. False: there is nobody
-- to read it, or it is too late.
local function send(self, socket, text)
  local ok, reason = socket:write(text)
  while reason == "busy" and not is_late(self) do
    dynsup.sleep(BUSY_MS)
    ok, reason = socket:write(text)
  end
  return ok or reason == "timeout" and not is_late(self)
end

local function write_all(self, socket)
  while true do
    local text = self:take()
    if text then
      if not send(self, socket, text) then
        return
      end
    elseif self.is_over then
      return
    else
      dynsup.await(function(resume)
        self.wake_writer = resume
      end)
    end
  end
end

--- The body of the process that writes to the socket, which it owns, until the last message.
---@async
---@param socket userdata
function outbox:serve(socket)
  dynsup.flag("trap_exit", true) -- the last messages are to be written when all are asked to end
  socket:set { send_timeout = LOOK_MS }
  write_all(self, socket)
  socket:close()
end

return outbox
