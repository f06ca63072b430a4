--- The desk: a server that takes lines from the door and passes them to plug-ins, one by one as they ask. A
--- plug-in that is slow, hangs or is being restarted keeps its place, so it misses only the line on which it
--- failed; the others are at most a fixed number of lines ahead.
local dynsup = require "dynsup"

local Entry = require "entry"
local Lines = require "lines"
local folder = require "folder"
local status = require "status"

local AHEAD = 1000 -- lines that the fastest plug-in may be ahead of the slowest
local LOOK = 200 -- ms, or the patience if that is less, from one look at the plug-ins to the next

local desk = dynsup.server.use {}

---@class Desk
---@field settings { plugins: string, patience: number, status: boolean }
---@field lines Lines
---@field entries table<string, Entry>
---@field ordered integer lines that the door has been asked for, and has not brought yet
---@field is_over boolean there are no further lines
---@field is_finished boolean

function desk.child_spec(settings)
  return { id = "desk", start = desk.start_link, args = { settings } }
end

function desk.start_link(settings)
  return dynsup.server.start_link(desk, settings, { name = "desk" })
end

-- ---- lines ----

-- Lines that somebody has not had yet hold the door up.
local function order(self)
  local slowest = self.lines.last + 1
  for _, entry in pairs(self.entries) do
    if entry.state == "runs" then slowest = math.min(slowest, entry.next) end
  end
  local room = self.lines:room(slowest) - self.ordered
  if room < AHEAD // 2 or self.is_over then return end
  self.ordered = self.ordered + room
  dynsup.send("door", "order", self.ordered)
end

-- Answers a plug-in that waits, if there is something for it.
local function serve(self, entry)
  local text = self.lines:get(entry.next)
  if entry.from and text then
    local number = entry.next
    dynsup.server.reply(entry:take(true), { text = text, number = number })
  elseif entry.from and self.is_over then
    dynsup.server.reply(entry:take(false), {})
  end
end

local function serve_all(self)
  for _, entry in pairs(self.entries) do
    serve(self, entry)
  end
end

-- ---- plug-ins ----

local function update(self, name, file)
  local entry = self.entries[name] or Entry.new(name, self.lines.last + 1)
  self.entries[name] = entry
  if entry.version == file.version and entry.state ~= "removed" then return end
  if entry.state == "runs" then entry:stop "runs" end -- it may be that it has no worker
  entry:start(file)
end

local function look(self)
  local files = folder.look(self.settings.plugins) or {}
  for name, file in pairs(files) do
    update(self, name, file)
  end
  for name, entry in pairs(self.entries) do
    if not files[name] and entry.state ~= "removed" then entry:stop "removed" end
    entry:hurry(self.settings.patience)
  end
end

-- The lines are over, and nobody is at work any more.
local function finish_if_over(self)
  for _, entry in pairs(self.entries) do
    if entry.state == "runs" then return end
  end
  if not self.is_over or self.is_finished then return end
  self.is_finished = true
  if self.settings.status then dynsup.send("door", "print", status.text(self.entries)) end
  dynsup.send("door", "finish")
end

-- The entry whose present worker this is.
local function entry_of(self, pid)
  for _, entry in pairs(self.entries) do
    if entry.pid == pid then return entry end
  end
end

-- ---- callbacks ----

function desk.init(settings)
  local self = {
    settings = settings, lines = Lines.new(AHEAD), entries = {}, ordered = 0, is_over = false, is_finished = false,
  }
  dynsup.send_after(0, dynsup.self(), "look") -- when the supervisor of plug-ins is up
  return "ok", self
end

local calls = {}

function calls.hello(_, entry, request)
  entry:greet(request.pid)
  return "reply", true
end

function calls.alert(_, entry, request)
  entry.alerts = entry.alerts + 1
  dynsup.send("door", "print", entry.name .. ": " .. request.text)
  return "reply", true
end

function calls.next(self, entry, _, from)
  entry:await(from)
  serve(self, entry)
  order(self)
  return "noreply"
end

-- A worker that has been replaced is being killed, and waits for its end.
function desk.handle_call(request, from, self)
  local entry = self.entries[request.name]
  if not entry or (request.what ~= "hello" and entry.pid ~= request.pid) then return "noreply", self end
  local kind, value = calls[request.what](self, entry, request, from)
  if kind == "reply" then return kind, value, self end
  return kind, self
end

local messages = {}

function messages.line(self, text)
  self.ordered = self.ordered - 1
  self.lines:add(text)
  serve_all(self)
  order(self)
end

messages["end"] = function(self)
  self.is_over = true
  serve_all(self)
end

function messages.look(self)
  look(self)
  order(self)
  dynsup.send_after(math.min(LOOK, self.settings.patience), dynsup.self(), "look")
end

function messages.DOWN(self, _, pid, reason)
  local entry = entry_of(self, pid)
  if entry then entry:ended(reason) end
  order(self)
end

function desk.handle_info(message, self)
  messages[message[1]](self, table.unpack(message, 2, message.n))
  finish_if_over(self)
  return "noreply", self
end

return desk
