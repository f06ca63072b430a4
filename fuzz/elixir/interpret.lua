-- Plays scenarios on dynsup and prints what was seen: interpret.lua FILE
--
-- The counterpart of interpret.exs, which says how a scenario is played. Each scenario has a host of
-- its own with a virtual clock.

local children = require "fuzz.elixir.children"
local dynsup = require "dynsup"
local Player = require "fuzz.elixir.player"

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
  if not self.is_sup[name] then children.ping(pid) end
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
      result = gone[values[2]] or (pending.other or "error ") .. children.text_of(values[2])
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
  self:appear(dynsup.spawn(children.run_worker, self.scene.player, op[3]), op[2])
end

function operations.sup(self, op)
  if not self.current[op[3]] then return self:result(op, "skipped") end
  local ref, options = {}, children.limits(table.unpack(op, 4))
  dynsup.send(self.current[op[3]], "call", dynsup.self(), ref, function() return dynsup.start_link(options) end)
  local _, _, pid = dynsup.receive_match(function(what, its) return what == "called" and its == ref end)
  self.is_sup[op[2]] = true
  self:appear(pid, op[2], true)
  self:result(op, "ok")
end

function operations.child(self, op)
  local child = { scene = self.scene, name = op[3], kind = op[4], trap = op[7], plan = children.words(op[8], "[^,]+"),
    limits = children.limits(table.unpack(op, 9)), calls = 0, starts = 0 }
  local spec = { id = child.name, restart = op[5], shutdown = children.shutdown(op[6]), args = { child },
    type = child.kind == "sup" and "supervisor" or "worker" }
  if child.kind == "body" then spec.body = children.body else spec.start = children.start end
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
  self:ask(op, op[2], function(pid) return dynsup.stop(pid, children.parse(op[3])) end)
  self.pending[#self.pending].other = "other "
end

function operations.exit(self, op)
  self:direct(op, op[2], function(pid) dynsup.exit(pid, children.parse(op[3])) end)
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
  self:direct(op, op[2], function(owner) dynsup.send(owner, "signal", pid, children.parse(op[4])) end)
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
  local scene = { player = dynsup.self(), gate = dynsup.spawn(children.run_gate), thirds = {} }
  local self = setmetatable({ scene = scene, sink = sink, log = sink.log, labels = {}, texts = {}, born = {},
    watched = {}, order = {}, current = {}, sups = {}, is_sup = {}, children = {}, names = {}, events = {},
    fresh = {}, pending = {} }, Player)
  for _, line in ipairs(lines) do
    local op = children.words(line)
    if op[1] == "third" then
      scene.thirds[op[2]] = dynsup.spawn(children.run_worker, scene.player, op[3])
      self:appear(scene.thirds[op[2]], op[2])
    end
  end
  return self
end

local function play(lines, sink)
  local self = new_player(lines, sink)
  self:settle()
  for _, line in ipairs(lines) do
    local op = children.words(line)
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
