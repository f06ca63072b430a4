-- Plays scenarios on dynsup and prints what was seen: interpret.lua FILE
--
-- The counterpart of interpret.exs, which says how a scenario is played. Each scenario has a host of
-- its own with a virtual clock.

local dynsup = require "dynsup"

local ROUNDS = 200

-- ---- reasons ----

local function parse(text)
  local x = text:match "^shutdown%+(.*)"
  return x and { "shutdown", x } or text
end

local function text_of(reason)
  if type(reason) ~= "table" then return tostring(reason) end
  if reason.traceback then return "crash" end
  return tostring(reason[1]) .. "+" .. tostring(reason[2])
end

-- "exit:boom" as "exit", "boom"
local function pair(text)
  return text:match "^([^:]*):?(.*)$"
end

local function words(line, pattern)
  local list = {}
  for word in line:gmatch(pattern or "%S+") do list[#list + 1] = word end
  return list
end

-- ---- processes of a scenario ----

local function act(what)
  local how, reason = pair(what)
  if how == "raise" then error "raised" end
  if how == "exit" then dynsup.exit(parse(reason)) end
end

local worker = {}

function worker.ping(_, from, ref) dynsup.send(from, "pong", ref) end
function worker.link(_, pid) dynsup.link(pid) end
function worker.signal(_, pid, reason) dynsup.exit(pid, reason) end
function worker.call(_, from, ref, call) dynsup.send(from, "called", ref, call()) end

function worker.act(_, what)
  if what == "return" then dynsup.exit "normal" end
  act(what)
end

function worker.EXIT(self, from, reason)
  dynsup.send(self.player, "trapped", dynsup.self(), from, reason)
  local how, mine = pair(self.trap)
  if how == "late" then dynsup.sleep(10) end
  if how ~= "ignore" then dynsup.exit(parse(mine)) end
end

-- trap: "none", "ignore", "exit:REASON" or "late:REASON": what an exit signal does to it
local function run_worker(player, trap)
  local self = { player = player, trap = trap }
  local function handle(what, ...)
    worker[what](self, ...)
  end
  dynsup.flag("trap_exit", trap ~= "none")
  while true do handle(dynsup.receive()) end
end

-- Start functions that are slow wait here while the gate is shut.
local function run_gate()
  local open, waiting = true, {}
  while true do
    local what, pid = dynsup.receive()
    if what == "wait" then waiting[#waiting + 1] = pid else open = what == "open" end
    while open and waiting[1] do dynsup.send(table.remove(waiting, 1), "go") end
  end
end

-- ---- starts ----

local steps = {}

local function planned(child, n)
  return child.plan[math.min(n, #child.plan)]
end

local function born(child, pid, lasts)
  child.starts = child.starts + 1
  local label = child.name .. "." .. child.starts
  dynsup.send(child.scene.player, "born", pid, label, child.name, lasts)
  return pid
end

local function spawn_worker(child)
  return dynsup.spawn_link(run_worker, child.scene.player, child.trap)
end

function steps.ignore() return "ignore" end
function steps.error() return nil, "refused" end
function steps.value() return "strange" end
function steps.raise() error "raised" end
function steps.fail(_, reason) dynsup.exit(parse(reason)) end

function steps.up(child)
  if child.kind == "sup" then return born(child, dynsup.start_link(child.limits), true) end
  return born(child, spawn_worker(child), true)
end

function steps.info(child) return steps.up(child), "info" end
function steps.now(child, what) return born(child, dynsup.spawn_link(act, what), false) end

function steps.dead(child, reason)
  local pid = dynsup.spawn_link(function()
    dynsup.receive()
    dynsup.exit(parse(reason))
  end)
  local ref = dynsup.monitor(pid)
  dynsup.send(pid, "end")
  dynsup.receive_match(function(tag, down_ref) return tag == "DOWN" and down_ref == ref end)
  return born(child, pid, false)
end

function steps.leftover(child)
  local pid = dynsup.spawn_link(run_worker, child.scene.player, "none")
  dynsup.send(child.scene.player, "left", pid, child.name .. ".left" .. child.calls)
  return nil, "refused"
end

function steps.shared(child, name)
  local pid = child.scene.thirds[name]
  if not pid then return nil, "refused" end
  dynsup.link(pid)
  return pid
end

function steps.slow(child)
  dynsup.send(child.scene.gate, "wait", dynsup.self())
  dynsup.receive_match "go"
  return steps.up(child)
end

local function start(child)
  child.calls = child.calls + 1
  local step, argument = planned(child, child.calls):match "^([^:]*):?(.*)$"
  return steps[step](child, argument)
end

-- What a child's body does depends on which incarnation it is.
local function body(child)
  local how, what = pair(planned(child, dynsup.info(dynsup.self()).incarnation))
  if how == "now" then return act(what) end
  run_worker(child.scene.player, child.trap)
end

local function limits(restarts, seconds, children)
  if not restarts then return nil end
  return { max_restarts = tonumber(restarts), max_seconds = tonumber(seconds),
    max_children = tonumber(children) or children }
end

local function shutdown(text)
  return text == "brutal" and "brutal_kill" or tonumber(text) or text
end

-- ---- the player ----

local Player = {}
Player.__index = Player

function Player:note(line)
  self.log[#self.log + 1] = line
end

function Player:event(text)
  self.events[#self.events + 1] = text
end

function Player:label(pid)
  if pid == self.scene.player then return "player" end
  return self.labels[pid] or tostring(pid)
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
  self:name(pid, name .. "." .. incarnation)
  self.born[pid] = { name = name, lasts = pair(planned(child, incarnation)) ~= "now" }
end

-- A child that was named by its supervisor. One that lasts is watched.
function Player:follow(pid)
  local birth = self.born[pid]
  if not birth or not birth.lasts then return end
  self.current[birth.name] = pid
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
  self:event(("%s trapped %s from %s"):format(self:label(pid), text_of(reason), self:label(from)))
end

function messages.DOWN(self, _, pid, reason)
  self.watched[pid] = "down"
  self:event(("%s down %s"):format(self:label(pid), self.fresh[pid] and "early" or text_of(reason)))
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
  if report:find("stack traceback", 1, true) then reason = "crash" end
  if is_comparable(context, reason) then
    self:event(("report %s %s %s"):format(context, self.texts[pid] or id .. "." .. incarnation, reason))
  end
end

function Player:take_reports()
  for i, report in ipairs(self.sink.reports) do
    self:take_report(report)
    self.sink.reports[i] = nil
  end
end

-- Waits until the process has done what it was told before, or is gone.
local function ping(pid)
  local ref = dynsup.monitor(pid)
  dynsup.send(pid, "ping", dynsup.self(), ref)
  local what = dynsup.receive_match(function(what, its)
    return (what == "pong" or what == "DOWN") and its == ref
  end)
  if what == "pong" then dynsup.demonitor(ref) end
end

local function await_down(pid)
  local ref = dynsup.monitor(pid)
  dynsup.receive_match(function(what, its) return what == "DOWN" and its == ref end)
end

-- ---- coming to rest ----

function Player:look(name, lines)
  local pid = self.current[name]
  local counts = pid and dynsup.count_children(pid)
  local children = counts and dynsup.which_children(pid)
  if not children then
    if pid then await_down(pid) end
    self:take()
    return true
  end
  self:take()
  local seen = {}
  for i, child in ipairs(children) do
    local is_up = child.pid ~= "restarting"
    if is_up then
      local info = dynsup.info(child.pid)
      if info then self:know(child.pid, child.id, info.incarnation) end
      self:follow(child.pid)
    end
    seen[i] = (is_up and self:label(child.pid) or "restarting") .. "/" .. child.type
  end
  table.sort(seen)
  lines[#lines + 1] = table.concat({ "  " .. name .. ":", counts.specs, counts.active, counts.supervisors,
    counts.workers, table.unpack(seen) }, " ")
  return counts.specs == counts.active
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

function Player:rest(lines)
  table.sort(self.events)
  for _, event in ipairs(self.events) do self:note("  " .. event) end
  for _, line in ipairs(lines) do self:note(line) end
  self.events, self.fresh = {}, {}
end

function Player:settle()
  local before
  for _ = 1, ROUNDS do
    for i = 1, #self.order do
      if self.watched[self.order[i]] == "alive" then ping(self.order[i]) end
    end
    dynsup.sleep(0.001) -- the log is written when no process is ready
    self:take()
    local lines, calm = self:picture()
    local now = table.concat(lines, "\n") .. #self.events
    if calm and now == before then return self:rest(lines) end
    before = now
  end
  self:note "  never at rest"
end

-- ---- operations ----

local operations = {}

function Player:result(op, result)
  self.pending[#self.pending + 1] = { op = op, result = result }
end

-- Asks in a process of its own, and goes on when the request has been sent.
function Player:ask(op, sup, ask)
  local pid, player = self.current[sup], dynsup.self()
  if not pid then return self:result(op, "skipped") end
  local asker = dynsup.spawn(function()
    dynsup.send(player, "answer", dynsup.self(), table.pack(ask(pid)))
  end)
  repeat
    dynsup.yield()
    local info = dynsup.info(asker)
  until not info or info.status == "waiting"
  self:result(op, asker)
end

function Player:direct(op, name, f)
  local pid = self.current[name]
  if not pid then return self:result(op, "skipped") end
  f(pid)
  if not self.is_sup[name] then ping(pid) end
  self:result(op, "ok")
end

-- Takes the result of an operation into the log.
function Player:finish(pending)
  local result, info = pending.result, ""
  if dynsup.is_pid(result) then
    local _, _, values = dynsup.receive_match(function(what, from) return what == "answer" and from == result end)
    self:take()
    result = values[1]
    if result == nil then
      local gone = { noproc = "gone", ignore = "ignore" }
      result = gone[values[2]] or (pending.other or "error ") .. text_of(values[2])
    elseif dynsup.is_pid(result) then
      info = values[2] and " " .. values[2] or ""
    end
  end
  if dynsup.is_pid(result) then
    local child = self.children[pending.op[3]]
    if child.kind == "body" then self:know(result, child.name, 1) end
    self.fresh[result] = not self.watched[result]
    self:follow(result)
    if self.born[result] then self.current[child.name] = result end
    result = "pid " .. self:label(result)
  end
  if result == true then result = "ok" end
  self:note(("%s -> %s%s"):format(table.concat(pending.op, " "), result, info))
end

function operations.third() end

function operations.owner(self, op)
  self:appear(dynsup.spawn(run_worker, self.scene.player, op[3]), op[2])
end

function operations.sup(self, op)
  if not self.current[op[3]] then return self:result(op, "skipped") end
  local ref, options = {}, limits(table.unpack(op, 4))
  dynsup.send(self.current[op[3]], "call", dynsup.self(), ref, function() return dynsup.start_link(options) end)
  local _, _, pid = dynsup.receive_match(function(what, its) return what == "called" and its == ref end)
  self.is_sup[op[2]] = true
  self:appear(pid, op[2], true)
  self:result(op, "ok")
end

function operations.child(self, op)
  local child = { scene = self.scene, name = op[3], kind = op[4], trap = op[7], plan = words(op[8], "[^,]+"),
    limits = limits(table.unpack(op, 9)), calls = 0, starts = 0 }
  local spec = { id = child.name, restart = op[5], shutdown = shutdown(op[6]), args = { child },
    type = child.kind == "sup" and "supervisor" or "worker" }
  if child.kind == "body" then spec.body = body else spec.start = start end
  self.children[child.name] = child
  self.names[#self.names + 1] = child.name
  if child.kind == "sup" then
    self.is_sup[child.name] = true
    self.sups[#self.sups + 1] = child.name
  end
  self:ask(op, op[2], function(pid) return dynsup.start_child(pid, spec) end)
end

function operations.terminate(self, op)
  local child = self.current[op[3]]
  if not child then return self:result(op, "skipped") end
  self:ask(op, op[2], function(pid) return dynsup.terminate_child(pid, child) end)
end

function operations.stop(self, op)
  self:ask(op, op[2], function(pid) return dynsup.stop(pid, parse(op[3])) end)
  self.pending[#self.pending].other = "other "
end

function operations.exit(self, op)
  self:direct(op, op[2], function(pid) dynsup.exit(pid, parse(op[3])) end)
end

function operations.tell(self, op)
  self:direct(op, op[2], function(pid) dynsup.send(pid, "act", op[3]) end)
end

function operations.link(self, op)
  local pid = self.current[op[3]]
  if not pid then return self:result(op, "skipped") end
  self:direct(op, op[2], function(third) dynsup.send(third, "link", pid) end)
end

function operations.signal(self, op)
  local pid = self.current[op[3]]
  if not pid then return self:result(op, "skipped") end
  self:direct(op, op[2], function(owner) dynsup.send(owner, "signal", pid, parse(op[4])) end)
end

function operations.wait(self, op)
  dynsup.sleep(tonumber(op[2]))
  self:result(op, "ok")
end

operations["{"] = function(self)
  dynsup.send(self.scene.gate, "shut")
  self.in_batch = true
end

operations["}"] = function(self)
  dynsup.send(self.scene.gate, "open")
  self.in_batch = false
end

local function new_player(lines, sink)
  local scene = { player = dynsup.self(), gate = dynsup.spawn(run_gate), thirds = {} }
  local self = setmetatable({ scene = scene, sink = sink, log = sink.log, labels = {}, texts = {}, born = {},
    watched = {}, order = {}, current = {}, sups = {}, is_sup = {}, children = {}, names = {}, events = {},
    fresh = {}, pending = {} }, Player)
  for _, line in ipairs(lines) do
    local op = words(line)
    if op[1] == "third" then
      scene.thirds[op[2]] = dynsup.spawn(run_worker, scene.player, op[3])
      self:appear(scene.thirds[op[2]], op[2])
    end
  end
  return self
end

local function play(lines, sink)
  local self = new_player(lines, sink)
  self:settle()
  for _, line in ipairs(lines) do
    local op = words(line)
    operations[op[1]](self, op)
    if not self.in_batch then
      for _, pending in ipairs(self.pending) do self:finish(pending) end
      self.pending = {}
      self:settle()
    end
  end
  dynsup.halt(0)
end

-- ---- the program ----

local function print_scenario(number, lines)
  local sink = { log = {}, reports = {} }
  local options = { clock = "virtual", seed = 1, log_level = "error", log = function(_, text)
    if text:find("offender:", 1, true) then sink.reports[#sink.reports + 1] = text end
  end }
  local ok, reason, detail = dynsup.run(options, play, lines, sink)
  print("scenario " .. number)
  for _, line in ipairs(sink.log) do print(line) end
  if not ok and reason ~= "halt" then print("the run ended with", ok, reason, detail) end
end

local function main(path)
  local number, lines
  for line in io.lines(path) do
    local next_number = line:match "^scenario (%d+)"
    if next_number then
      if number then print_scenario(number, lines) end
      number, lines = next_number, {}
    elseif line ~= "" then
      lines[#lines + 1] = line
    end
  end
  if number then print_scenario(number, lines) end
end

main(arg[1])
