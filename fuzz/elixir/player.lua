-- Who plays a scenario on dynsup: what it sees of the processes, under the names that the scenario has
-- for them, and what it writes down.
--
-- Of static supervisors the calls of start functions and the signals that were trapped are written in
-- their order: they start and stop one child after the other.

local children = require "fuzz.elixir.children"
local dynsup = require "dynsup"

local ROUNDS = 200

local Player = {}
Player.__index = Player

function Player:note(line)
  self.log[#self.log + 1] = line
end

function Player:event(text)
  self.events[#self.events + 1] = text
end

-- The order of children of several dynamic supervisors is not known.
function Player:in_order(text)
  if not self.ordered then return self:event(text) end
  self.sequence[#self.sequence + 1] = text
end

function Player:label(pid)
  if pid == self.scene.player then return "player" end
  return self.labels[pid] or "somebody"
end

function Player:watch(pid, is_sup)
  if self.watched[pid] then return end
  self.watched[pid] = is_sup and "sup" or "alive"
  self.order[#self.order + 1] = pid
  dynsup.monitor(pid)
end

-- A process with a label.
function Player:appear(pid, name, is_sup)
  self:name(pid, name)
  self.current[name] = pid
  if is_sup then self.sups[#self.sups + 1] = name end
  self.fresh[pid] = is_sup and self.ordered -- it may be gone before it can be watched
  self:watch(pid, is_sup)
end

function Player:name(pid, label)
  self.labels[pid] = label
  self.texts[tostring(pid)] = label
end

-- A child with a body is known by its record at the supervisor, which says whose and which it is.
function Player:know(pid, name, incarnation)
  if self.labels[pid] then return end
  local child = self.children[name]
  self:name(pid, child.numbered and name .. "." .. incarnation or name)
  self.born[pid] = { name = name, lasts = children.pair(children.planned(child, incarnation)) ~= "now" }
end

-- A child that was named by its supervisor. One that lasts is watched.
function Player:follow(pid)
  local birth = self.born[pid]
  if not birth or not birth.lasts then return end
  self.current[birth.name] = pid
  -- how long those that a static supervisor soon stops again are there to be seen is chance
  if self.ordered and not self.watched[pid] then self.fresh[pid] = true end
  self:watch(pid, self.is_sup[birth.name])
end

local messages = {}

function messages.born(self, pid, label, name, lasts)
  self:name(pid, label)
  self.born[pid] = { name = name, lasts = lasts }
end

function messages.left(self, pid, label)
  self:name(pid, label)
  self.fresh[pid] = true
  self:watch(pid, false)
end

function messages.trapped(self, pid, from, reason)
  local text = ("%s trapped %s from %s"):format(self:label(pid), children.text_of(reason), self:label(from))
  local is_sequel = from ~= self.scene.player and reason ~= "killed"
  if is_sequel then self:in_order(text) else self:event(text) end
end

function messages.step(self, name, step)
  self:in_order(("call %s %s"):format(name, step))
end

function messages.DOWN(self, _, pid, reason)
  self.watched[pid] = "down"
  if self.ordered and self.fresh[pid] then return end
  self:event(("%s down %s"):format(self:label(pid), self.fresh[pid] and "early" or children.text_of(reason)))
end

-- Takes what has come from processes.
function Player:take()
  local function handle(what, ...)
    if messages[what] then messages[what](self, ...) end
    return what
  end
  while handle(dynsup.receive_match(function(what) return messages[what] ~= nil end, 0)) do end
  self:take_reports()
end

-- OTP calls it an error when a child had shut down by itself just before it was to be stopped.
local function is_comparable(context, reason)
  return context ~= "shutdown_error" or not reason:find "^shutdown"
end

function Player:take_report(report)
  local pid = report:match "offender: (<[%d.]+>)"
  local id, incarnation = report:match "id (%w+), incarnation (%d+)"
  local context = report:match "%((%l+_?%l*)%)\n"
  local reason = report:match "reason: ([^\n]*)":gsub("^{ (%w+), (%w+) }$", "%1+%2")
  local above = report:gsub("\n    detail: .*", "")
  if above:find("stack traceback", 1, true) then reason = "crash" end
  if is_comparable(context, reason) then
    local whose = self.ordered and id or self.texts[pid] or id .. "." .. incarnation
    self:event(("report %s %s %s"):format(context, whose, reason))
  end
end

function Player:take_reports()
  for i, report in ipairs(self.sink.reports) do
    self:take_report(report)
    self.sink.reports[i] = nil
  end
end

local function await_down(pid)
  local ref = dynsup.monitor(pid)
  dynsup.receive_match(function(what, its) return what == "DOWN" and its == ref end)
end

-- ---- coming to rest ----

-- Follows a child that its supervisor lists.
function Player:meet(child)
  if not dynsup.is_pid(child.pid) then return end
  local info = dynsup.info(child.pid)
  if info then self:know(child.pid, child.id, info.incarnation) end
  self:follow(child.pid)
end

function Player:shown(child, with_id)
  local process = dynsup.is_pid(child.pid) and self:label(child.pid) or child.pid or "undefined"
  return (with_id and child.id .. "=" or "") .. process .. "/" .. child.type
end

function Player:look(name, lines)
  local pid = self.current[name]
  local counts = pid and dynsup.count_children(pid)
  local listed = counts and dynsup.which_children(pid)
  if not listed then
    if pid then await_down(pid) end
    self:take()
    return true
  end
  self:take()
  local seen, calm = {}, true
  for i, child in ipairs(listed) do
    self:meet(child)
    seen[i] = self:shown(child, self.is_static[name])
    calm = calm and child.pid ~= "restarting"
  end
  if not self.is_static[name] then table.sort(seen) end
  lines[#lines + 1] = table.concat({ "  " .. name .. ":", counts.specs, counts.active, counts.supervisors,
    counts.workers, table.unpack(seen) }, " ")
  return calm
end

-- The supervisors' children as text; calm: nobody is restarting.
function Player:picture()
  local lines, calm, calls = {}, true, {}
  for _, name in ipairs(self.sups) do calm = self:look(name, lines) and calm end
  for _, name in ipairs(self.names) do
    local child = self.children[name]
    if child.kind ~= "body" then calls[#calls + 1] = name .. "=" .. child.calls end
  end
  lines[#lines + 1] = "  calls " .. table.concat(calls, " ")
  return lines, calm
end

-- Under static supervisors those that are down have no names any more.
function Player:forget_gone()
  if not self.ordered then return end
  for name, pid in pairs(self.current) do
    if self.watched[pid] == "down" then self.current[name] = nil end
  end
end

function Player:rest(lines)
  table.sort(self.events)
  for _, event in ipairs(self.sequence) do self:note("  " .. event) end
  for _, event in ipairs(self.events) do self:note("  " .. event) end
  for _, line in ipairs(lines) do self:note(line) end
  self.sequence, self.events, self.fresh = {}, {}, {}
  self:forget_gone()
end

function Player:settle()
  local before
  for _ = 1, ROUNDS do
    for i = 1, #self.order do
      if self.watched[self.order[i]] == "alive" then children.ping(self.order[i]) end
    end
    dynsup.sleep(0.001) -- the log is written when no process is ready
    self:take()
    local lines, calm = self:picture()
    local now = table.concat(lines, "\n") .. #self.events .. " " .. #self.sequence
    if calm and now == before then return self:rest(lines) end
    before = now
  end
  self:note "  never at rest"
end

return Player
