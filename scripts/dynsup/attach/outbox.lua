--- What waits to be written to an attached client.
--
-- Anybody may put messages in. The processes of the connection wait for room; others never do: what
-- finds none is left out and counted. One process writes. Processes are preempted anywhere, so what
-- they share is changed in one piece (`undivided`), and who waits by `await` looks once more when it
-- can be woken. A run inside the run (`dynsup.run` in a line) cannot wake the writer: what is put in
-- there is written when the line is over.

local native = ...
local dynsup = require "dynsup"
local wire = require "dynsup.attach.wire"

local undivided = native.undivided

local LIMIT = 1048576 -- bytes that wait
local BATCH = 16384   -- bytes from which on no more messages are written at once
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

local function append(self, line)
  self.last = self.last + 1
  self[self.last] = line
  self.bytes = self.bytes + #line
end

local function tell_lost(self)
  if self.lost > 0 then
    append(self, wire.encode { lost = self.lost })
    self.lost = 0
  end
end

local function is_decided(self, line)
  return self.is_over or self.bytes == 0 or self.bytes + #line <= LIMIT
end

-- The writer goes on, if it waits.
local function wake(self)
  local resume = self.wake_writer
  self.wake_writer = nil
  if resume then
    resume()
  end
end

-- In one piece. True, or false when nobody will read it; nil when there is no room and the caller
-- will wait.
local function try(self, line, is_here, waits)
  if self.is_over then
    return false
  elseif is_decided(self, line) then
    tell_lost(self)
    append(self, line)
  elseif waits then
    return nil
  else
    self.lost = self.lost + 1
  end
  if is_here then
    wake(self)
  end
  return true
end

local function wait_for_room(self, line)
  dynsup.await(function(resume)
    table.insert(self.waiting, resume)
    if is_decided(self, line) then
      resume()
    end
  end)
end

--- Puts a message in. A process that the outbox knows as a patient one waits for room, and gives way
--- after each message: one that prints without end makes nobody else late.
---@param message table
---@return boolean taken false when nobody will read it; one that found no room counts as taken
function outbox:put(message)
  local line = wire.encode(message)
  local is_here, is_patient = place_of(self)
  local waits = is_patient and coroutine.isyieldable()
  while true do
    local taken = undivided(try, self, line, is_here, waits)
    if taken == nil then
      wait_for_room(self, line)
    else
      if waits then
        dynsup.yield()
      end
      return taken
    end
  end
end

-- In one piece. Those who wait for room go on.
local function let_in(self)
  local waiting = self.waiting
  self.waiting = {}
  for _, resume in ipairs(waiting) do
    resume()
  end
end

local function finish(self, message)
  tell_lost(self)
  if message then
    append(self, wire.encode(message))
  end
  self.is_over, self.deadline = true, dynsup.now() + LAST_MS
  let_in(self)
  wake(self)
end

--- Puts the last message in; nothing is taken any more. Again: does nothing.
---@param message? table
function outbox:finish(message)
  if not self.is_over then
    undivided(finish, self, message)
  end
end

-- ---- writing ----

-- In one piece. The next messages as a list of lines.
local function take(self)
  local lines, size = {}, 0
  while self.first <= self.last and size < BATCH do
    local line = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    size = size + #line
    lines[#lines + 1] = line
  end
  self.bytes = self.bytes - size
  if self.first > self.last then
    tell_lost(self)
  end
  let_in(self)
  return lines
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

local function wait_for_messages(self)
  dynsup.await(function(resume)
    self.wake_writer = resume
    if self.first <= self.last or self.is_over then
      resume()
    end
  end)
end

local function write_all(self, socket)
  while true do
    local was_over = self.is_over
    local lines = undivided(take, self)
    if #lines > 0 then
      if not send(self, socket, table.concat(lines)) then
        return
      end
      dynsup.yield()
    elseif was_over then
      return
    else
      wait_for_messages(self)
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
