-- Plays scenarios on dynsup and prints what was seen: interpret.lua FILE
--
-- The counterpart of interpret.exs, which says how a scenario is played. Each scenario has a host of
-- its own with a virtual clock.

local children = require "fuzz.elixir.children"
local dynsup = require "dynsup"
local Player = require "fuzz.elixir.player"

-- ---- operations ----

local operations = {}

-- What runs a child of the kind; others have a start function.
local starters = { body = children.body, ready = children.ready_body }

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
      -- the spec comes first, and that of a supervisor that is gone is taken for a dynamic one's
      local gone = { noproc = "gone", invalid_significant = "gone", ignore = "ignore" }
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

-- A supervisor that an owner starts.
function Player:top(op, start)
  local owner, ref = self.current[op[3]], {}
  if not owner then return self:result(op, "skipped") end
  dynsup.send(owner, "call", dynsup.self(), ref, start)
  local _, _, pid, _, failure = dynsup.receive_match(function(what, its) return what == "called" and its == ref end)
  self.is_sup[op[2]] = true
  if not pid then return self:result(op, ("failed %s %s"):format(failure.id, children.text_of(failure.reason))) end
  self:appear(pid, op[2], true)
  self:result(op, "ok")
end

function operations.sup(self, op)
  local options = children.limits("sup", table.unpack(op, 4))
  self:top(op, function() return dynsup.start_link(options) end)
end

function operations.static(self, op)
  local options, specs = children.limits("static", table.unpack(op, 4)), self.inits[op[2]] or {}
  self.is_static[op[2]] = true
  self:top(op, function() return dynsup.supervisor.start_link(specs, options) end)
end

-- Keeps the record of a child, and makes its spec.
function Player:spec(name, kind, restart, shutdown, trap, plan, ...)
  local child = { scene = self.scene, name = name, kind = kind, trap = trap, plan = children.words(plan, "[^,]+"),
    limits = children.limits(kind, ...), inits = self.inits[name] or {}, calls = 0, starts = 0 }
  -- the n-th start of a body is counted with this supervisor, not with the one before
  child.numbered = not (self.ordered and kind == "body")
  local is_sup = kind == "sup" or kind == "static"
  local spec = { id = name, restart = restart:match "%a+", shutdown = children.shutdown(shutdown), args = { child },
    significant = restart:find("!", 1, true) and true, type = is_sup and "supervisor" or "worker" }
  spec[(kind == "body" or kind == "ready") and "body" or "start"] = starters[kind] or children.start
  spec.ready = kind == "ready" or nil
  self.children[name], self.specs[name] = child, spec
  self.names[#self.names + 1] = name
  self.is_sup[name], self.is_static[name] = is_sup, kind == "static"
  if is_sup then self.sups[#self.sups + 1] = name end
  return spec
end

function operations.init(self, op)
  local specs = self.inits[op[2]] or {}
  self.inits[op[2]] = specs
  specs[#specs + 1] = self:spec(table.unpack(op, 3))
  return true
end

function operations.child(self, op)
  local spec = self:spec(table.unpack(op, 3))
  self:ask(op, op[2], function(pid) return dynsup.start_child(pid, spec) end)
end

-- The spec that a child of a static supervisor has or had.
function operations.again(self, op)
  local spec = self.specs[op[3]]
  if not spec then return self:result(op, "skipped") end
  self:ask(op, op[2], function(pid) return dynsup.start_child(pid, spec) end)
end

function operations.restart(self, op)
  self:ask(op, op[2], function(pid) return dynsup.supervisor.restart_child(pid, op[3]) end)
end

function operations.delete(self, op)
  self:ask(op, op[2], function(pid) return dynsup.supervisor.delete_child(pid, op[3]) end)
end

function operations.terminate(self, op)
  if self.is_static[op[2]] then
    return self:ask(op, op[2], function(pid) return dynsup.supervisor.terminate_child(pid, op[3]) end)
  end
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
    watched = {}, order = {}, current = {}, sups = {}, is_sup = {}, is_static = {}, children = {}, names = {},
    inits = {}, specs = {}, sequence = {}, events = {}, fresh = {}, pending = {} }, Player)
  for _, line in ipairs(lines) do
    local op = children.words(line)
    self.ordered = self.ordered or op[1] == "static"
    scene.ordered = self.ordered
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
    local is_silent = operations[op[1]](self, op)
    if not self.in_batch and not is_silent then
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
