--- What the desk knows of a plug-in: how far it is, how it fares, and its worker.
local dynsup = require "dynsup"

local FAILURES = 5 -- in a row, and no further attempt is made until its file changes
local LOOKS = 2

---@class Entry
---@field name string
---@field version string? of its file; nil: it is to be started
---@field state "runs" | "done" | "given up" | "removed"
---@field next integer the number of the line that it gets next
---@field pid userdata? its worker
---@field from any? the call that waits for a line
---@field lines integer how many it has been given
---@field alerts integer
---@field failures integer
---@field reason string? why it failed last
---@field private since number? when it was given what it is working at
---@field private looks integer how often it was seen at that
---@field private in_a_row integer failures, without a line that went well
---@field private is_at_line boolean
---@field private was_killed boolean
local Entry = {}
Entry.__index = Entry

local function worker_name(name)
  return "plug-in " .. name
end

---@param name string
---@param next integer
---@return Entry
function Entry.new(name, next)
  return setmetatable({
    name = name, version = nil, state = "runs", next = next, pid = nil, from = nil,
    lines = 0, alerts = 0, failures = 0, reason = nil,
    since = nil, looks = 0, in_a_row = 0, is_at_line = false, was_killed = false,
  }, Entry)
end

-- What comes from the worker that there was is of no interest any more.
function Entry:forget_worker()
  self.pid, self.from, self.since = nil, nil, nil
  self.is_at_line, self.was_killed = false, false
end

--- Starts a worker with the file as it is now.
---@param file { path: string, version: string }
function Entry:start(file)
  local pid = dynsup.start_child("plugins", {
    name = worker_name(self.name),
    body = "plugin:run",
    args = { self.name, file.path },
    restart = "transient",
    shutdown = "brutal_kill",
    backoff = { min = 20, max = 500 },
  })
  self.state, self.in_a_row = "runs", 0
  self.version = pid and file.version -- without its supervisor: at the next look
end

---@param state "given up" | "removed" | "runs"
function Entry:stop(state)
  self:forget_worker()
  dynsup.terminate_child("plugins", worker_name(self.name))
  self.state = state
end

--- An incarnation of its worker is there.
function Entry:greet(pid)
  self:forget_worker()
  self.pid, self.since, self.looks = pid, dynsup.now(), 0
  dynsup.monitor(pid)
end

--- It waits for a line: what it was given before went well.
function Entry:await(from)
  if self.is_at_line then self.in_a_row = 0 end
  self.from, self.since, self.is_at_line = from, nil, false
end

--- It gets a line, or the message that there are no more.
---@param is_line boolean
---@return any from whom to answer
function Entry:take(is_line)
  local from = self.from
  self.from, self.since, self.looks, self.is_at_line = nil, dynsup.now(), 0, is_line
  if is_line then
    self.next, self.lines = self.next + 1, self.lines + 1
  end
  return from
end

--- Its worker has ended.
function Entry:ended(reason)
  local was_killed = self.was_killed
  self:forget_worker()
  if reason == "normal" then
    self.state = "done"
    return
  end
  self.failures, self.in_a_row = self.failures + 1, self.in_a_row + 1
  self.reason = was_killed and "it took too long" or tostring(reason):match "[^\n]*"
  if self.in_a_row >= FAILURES then self:stop "given up" end
end

--- Ends its worker when it has worked on a line for too long. It must have been found working on it several
--- times, with turns in between: if the whole program had no turn, that is not its fault.
---@param patience number ms
function Entry:hurry(patience)
  if not self.pid or not self.since then return end
  self.looks = self.looks + 1
  if self.looks <= LOOKS or dynsup.now() - self.since < patience then return end
  self.since, self.was_killed = nil, true
  dynsup.exit(self.pid, "kill")
end

return Entry
