-- A tree of workers, and storms over it: each does a number of things that break workers or use the
-- library, at random. A supervisor that is stormed beyond its limit gives up and is replaced.
local dynsup = require "dynsup"
local sorted = require "fuzz.lua.sorted"
local registry, server, task = dynsup.registry, dynsup.server, dynsup.task

local ENDLESS = { max_restarts = 1000000000, max_seconds = 1 }
local REASONS = { "kill", "kill", "oops", "shutdown", "normal" }

local storm = {}

-- ---- the tree ----

local function worker()
  local what, reason = dynsup.receive()
  if what == "error" then
    error "as it was told"
  elseif what == "exit" then
    dynsup.exit(reason)
  end
end

local function stubborn()
  dynsup.flag("trap_exit", true)
  dynsup.receive_match "EXIT"
  dynsup.sleep(5)
end

local function slow_to_start()
  dynsup.sleep(2)
  dynsup.ready()
  worker()
end

local calculator = {}

function calculator.init()
  return "ok", 0
end

function calculator.handle_call(request, _, sum)
  if request == "crash" then
    error "as it was told"
  end
  return "reply", sum + request, sum + request
end

local function start_calculator()
  return server.start_link(calculator, nil, { name = "calculator" })
end

local function sup_spec(name)
  return { dynsup, { name = name, max_restarts = ENDLESS.max_restarts, max_seconds = ENDLESS.max_seconds } }
end

-- What the workers of "sturdy" are, in turn.
local kinds = {
  function() return { body = worker } end,
  function(i) return { body = worker, name = "worker " .. i } end,
  function(i) return { body = worker, name = { "names", i } } end,
  function() return { body = worker, backoff = { min = 10, max = 500 } } end,
  function() return { body = stubborn, shutdown = 20 } end,
  function() return { body = slow_to_start, ready = true, start_timeout = 1000 } end,
  function() return { start = function() return dynsup.spawn_link(worker) end } end,
}

-- Starts workers until there are as many as there have to be, each with a number that none had before.
local function fill_sturdy(tree)
  local counts = assert(dynsup.count_children "sturdy")
  for _ = counts.specs + 1, tree.workers do
    tree.planted = tree.planted + 1
    assert(dynsup.start_child("sturdy", kinds[1 + tree.planted % #kinds](tree.planted)))
  end
end

-- Starts everything below one supervisor: the workers, and a fragile supervisor for each 50.
function storm.plant(workers)
  local tree = { workers = workers, planted = 0, done = {}, lost = 0 }
  tree.root = assert(dynsup.supervisor.start_link({
    { registry, { keys = "unique", name = "names" } },
    sup_spec "sturdy",
    sup_spec "fragile",
    sup_spec "tasks",
    { id = "calculator", start = start_calculator },
  }, ENDLESS))
  fill_sturdy(tree)
  for i = 1, math.max(1, workers // 50) do
    assert(dynsup.start_child("fragile", { id = i, type = "supervisor", start = dynsup.start_link }))
  end
  return tree
end

-- ---- what a storm does ----

-- The processes of its children; none of a supervisor that is about to end.
local function pids(sup)
  local list = {}
  if not dynsup.count_children(sup) then
    return list
  end
  for child in dynsup.children(sup) do
    list[#list + 1] = dynsup.is_pid(child.pid) and child.pid or nil
  end
  return list
end

local function one(list)
  return list[math.random(#list)]
end

local acts = {}

-- Ends a worker by a signal; its DOWN arrives once, with what it was ended with.
function acts.signal(tree)
  local pid, reason = one(tree.sturdy), one(REASONS)
  if pid then
    local ref = dynsup.monitor(pid)
    dynsup.exit(pid, reason)
    tree.refs[#tree.refs + 1] = reason ~= "normal" and ref or nil
  end
end

function acts.message(tree)
  local pid = one(tree.sturdy)
  if pid then
    dynsup.send(pid, one { "error", "exit", "nothing" }, one(REASONS))
  end
end

function acts.later(tree)
  local pid = one(tree.sturdy)
  local timer = pid and dynsup.send_after(math.random(50), pid, "error")
  if timer and math.random(2) == 1 then
    dynsup.cancel_timer(timer)
  end
end

function acts.terminate(tree)
  local pid = one(tree.sturdy)
  if pid then
    dynsup.terminate_child("sturdy", pid)
  end
end

function acts.task()
  local wanted = math.random(100)
  local t = task.async_nolink("tasks", function()
    dynsup.sleep(math.random(3))
    return wanted
  end)
  if t then
    assert(task.await(t) == wanted)
  end
end

function acts.failing_task()
  local t = task.async_nolink("tasks", error, "as it was told")
  assert(not t or task.await(t) == nil)
end

function acts.call()
  local request = math.random(20) == 1 and "crash" or 1
  server.call("calculator", request, 1000)
end

-- More of its workers than the limit allows: it gives up.
function acts.give_up()
  local sup = one(pids "fragile")
  local broken = sup and pids(sup) or {}
  for i = 1, math.min(#broken, 6) do
    dynsup.exit(broken[i], "kill")
  end
end

local function fill_fragile()
  for _, sup in ipairs(pids "fragile") do
    local counts = dynsup.count_children(sup)
    for _ = counts and counts.specs or 8, 7 do
      dynsup.start_child(sup, { body = worker })
    end
  end
end

-- Each DOWN of a process that was ended by a signal has arrived.
local function collect_downs(tree)
  for _, ref in ipairs(tree.refs) do
    local tag = dynsup.receive_match(function(tag, down)
      return tag == "DOWN" and down == ref
    end, 10000)
    tree.lost = tree.lost + (tag and 0 or 1)
  end
  while dynsup.receive(0) do -- those of "normal"
  end
end

local names = sorted(acts)

-- One storm of a number of acts; acts are counted in tree.done. Returns when everything is up again.
function storm.blow(tree, count)
  tree.sturdy, tree.refs = pids "sturdy", {}
  for _ = 1, count do
    local name = math.random(3) > 1 and "signal" or one(names)
    acts[name](tree)
    tree.done[name] = (tree.done[name] or 0) + 1
  end
  collect_downs(tree)
  fill_fragile()
  fill_sturdy(tree)
end

return storm
