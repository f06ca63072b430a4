-- The processes of a scenario, their start functions and bodies, and how its words are read.

local dynsup = require "dynsup"

local children = {}

-- ---- reasons ----

function children.parse(text)
  local x = text:match "^shutdown%+(.*)"
  return x and { "shutdown", x } or text
end

function children.text_of(reason)
  if type(reason) ~= "table" then return tostring(reason) end
  if reason.traceback then return "crash" end
  return tostring(reason[1]) .. "+" .. tostring(reason[2])
end

-- "exit:boom" as "exit", "boom"
function children.pair(text)
  return text:match "^([^:]*):?(.*)$"
end

function children.words(line, pattern)
  local list = {}
  for word in line:gmatch(pattern or "%S+") do list[#list + 1] = word end
  return list
end

-- ---- processes of a scenario ----

local function act(what)
  local how, reason = children.pair(what)
  if how == "raise" then error "raised" end
  if how == "exit" then dynsup.exit(children.parse(reason)) end
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
  local how, mine = children.pair(self.trap)
  if how == "late" then dynsup.sleep(10) end
  if how ~= "ignore" then dynsup.exit(children.parse(mine)) end
end

-- trap: "none", "ignore", "exit:REASON" or "late:REASON": what an exit signal does to it
function children.run_worker(player, trap)
  local self = { player = player, trap = trap }
  local function handle(what, ...)
    worker[what](self, ...)
  end
  dynsup.flag("trap_exit", trap ~= "none")
  while true do handle(dynsup.receive()) end
end

-- Waits until the process has followed its earlier orders, or is gone.
function children.ping(pid)
  local ref = dynsup.monitor(pid)
  dynsup.send(pid, "ping", dynsup.self(), ref)
  local what = dynsup.receive_match(function(what, its)
    return (what == "pong" or what == "DOWN") and its == ref
  end)
  if what == "pong" then dynsup.demonitor(ref) end
end

-- Start functions that are slow wait here while the gate is shut.
function children.run_gate()
  local open, waiting = true, {}
  while true do
    local what, pid = dynsup.receive()
    if what == "wait" then waiting[#waiting + 1] = pid else open = what == "open" end
    while open and waiting[1] do dynsup.send(table.remove(waiting, 1), "go") end
  end
end

-- ---- starts ----

local steps = {}

function children.planned(child, n)
  return child.plan[math.min(n, #child.plan)]
end

local function born(child, pid, lasts)
  child.starts = child.starts + 1
  local label = child.name .. "." .. child.starts
  dynsup.send(child.scene.player, "born", pid, label, child.name, lasts)
  return pid
end

-- One that traps exits does so before it is up.
local function spawn_worker(child)
  local player, trap, starter = child.scene.player, child.trap, dynsup.self()
  if trap == "none" then return dynsup.spawn_link(children.run_worker, player, trap) end
  local pid = dynsup.spawn_link(function()
    dynsup.flag("trap_exit", true)
    dynsup.send(starter, "traps", dynsup.self())
    children.run_worker(player, trap)
  end)
  dynsup.receive_match(function(what, who) return what == "traps" and who == pid end)
  return pid
end

function steps.ignore() return "ignore" end
function steps.error() return nil, "refused" end
function steps.value() return "strange" end
function steps.raise() error "raised" end
function steps.fail(_, reason) dynsup.exit(children.parse(reason)) end

local function static_up(child)
  local pid, reason, detail = dynsup.supervisor.start_link(child.inits, child.limits)
  if not pid then return nil, reason, detail end
  return born(child, pid, true)
end

function steps.up(child)
  if child.kind == "sup" then return born(child, dynsup.start_link(child.limits), true) end
  if child.kind == "static" then return static_up(child) end
  return born(child, spawn_worker(child), true)
end

function steps.info(child) return steps.up(child), "info" end
function steps.now(child, what) return born(child, dynsup.spawn_link(act, what), false) end

function steps.dead(child, reason)
  local pid = dynsup.spawn_link(function()
    dynsup.receive()
    dynsup.exit(children.parse(reason))
  end)
  local ref = dynsup.monitor(pid)
  dynsup.send(pid, "end")
  dynsup.receive_match(function(tag, down_ref) return tag == "DOWN" and down_ref == ref end)
  return born(child, pid, false)
end

function steps.leftover(child)
  local pid = dynsup.spawn_link(children.run_worker, child.scene.player, "none")
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

-- What this start of the child does.
local function next_step(child)
  child.calls = child.calls + 1
  local step = children.planned(child, child.calls)
  if child.scene.ordered then dynsup.send(child.scene.player, "step", child.name, step) end
  return children.pair(step)
end

function children.start(child)
  local step, argument = next_step(child)
  return steps[step](child, argument)
end

-- The body of a child that calls ready.
function children.ready_body(child)
  local step, reason = next_step(child)
  if step == "fail" then dynsup.exit(children.parse(reason)) end
  born(child, dynsup.self(), true)
  dynsup.ready()
  children.run_worker(child.scene.player, child.trap)
end

-- What a child's body does depends on which incarnation it is.
function children.body(child)
  local how, what = children.pair(children.planned(child, dynsup.info(dynsup.self()).incarnation))
  if how == "now" then return act(what) end
  children.run_worker(child.scene.player, child.trap)
end

local function static_limits(strategy, restarts, seconds, auto_shutdown)
  return { strategy = strategy, max_restarts = tonumber(restarts), max_seconds = tonumber(seconds),
    auto_shutdown = auto_shutdown }
end

function children.limits(kind, ...)
  if kind == "static" then return static_limits(...) end
  local restarts, seconds, max_children = ...
  if not restarts then return nil end
  return { max_restarts = tonumber(restarts), max_seconds = tonumber(seconds),
    max_children = tonumber(max_children) or max_children }
end

function children.shutdown(text)
  return text == "brutal" and "brutal_kill" or tonumber(text) or text
end

return children
