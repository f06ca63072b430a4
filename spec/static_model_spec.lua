-- Random operations on random trees of static supervisors, compared with a naive model after each:
-- in which order children start and stop, who runs then, and what requests answer. DYNSUP_SEED
-- chooses other sequences than the fixed ones.
--
-- The model does at once what a tree does when it comes to rest. Nothing in it takes time, so the
-- clock, which the restart intensity looks at, moves only in an operation of its own.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local tree = require "spec.support.static_tree"
local supervisor = dynsup.supervisor
local one, chance, random = tree.one, tree.chance, tree.random

local OPERATIONS = 1500 -- a run
local SIGNALS = { "kill", "oops", "shutdown", { "shutdown", "x" } }

-- ---- the model ----

local expected -- what should have happened
local starts -- how many workers have been started

local function note(text)
  expected[#expected + 1] = text
end

local function index_of(sup, child)
  for i, other in ipairs(sup.children) do
    if other == child then
      return i
    end
  end
end

-- state: "running", "ended" (its exit is not handled yet), "restarting", "down"
local function new_child(def, sup)
  return { def = def, sup = sup, state = "down" }
end

local start_sup, stop_all, handle

-- "up", "ignore", or anything else: it has failed.
local function start(child)
  local def = child.def
  local step
  if def.sup then
    local below = start_sup(def.sup, child)
    step = below and "up" or "fail"
    child.below = below
  else
    def.calls = (def.calls or 0) + 1
    step = def.plan[math.min(def.calls, #def.plan)]
    if step == "ignore" and def.ready then
      step = "fail"
    end
    if step == "up" then
      note("+" .. def.id)
    end
  end
  if step == "up" then
    starts = starts + 1
    child.state, child.started = "running", starts
  end
  return step
end

local function put_down(child)
  child.state, child.below = "down", nil
  if child.def.restart == "temporary" then
    table.remove(child.sup.children, index_of(child.sup, child))
  end
end

local function stop(child)
  if child.state == "running" then
    if child.below then
      stop_all(child.below)
    else
      note("-" .. child.def.id)
    end
  end
  put_down(child)
end

function stop_all(sup)
  for i = #sup.children, 1, -1 do
    stop(sup.children[i])
  end
  sup.gone = true
end

-- The supervisor; nil: it did not start.
function start_sup(def, as)
  local sup = { def = def, as = as, children = {}, restarts = {}, queue = {} }
  for i, child in ipairs(def.children) do
    sup.children[i] = new_child(child, sup)
  end
  local i = 1
  while i <= #sup.children do
    local child = sup.children[i]
    local step = start(child)
    if step == "ignore" and child.def.restart == "temporary" then
      table.remove(sup.children, i)
    elseif step ~= "up" and step ~= "ignore" then
      stop_all(sup)
      return nil
    else
      i = i + 1
    end
  end
  return sup
end

-- False: too many within the period.
local function count_restart(sup)
  local now = math.floor(dynsup.now())
  local kept = { now }
  for _, at in ipairs(sup.restarts) do
    if now - at <= sup.def.max_seconds * 1000 then
      kept[#kept + 1] = at
    end
  end
  sup.restarts = kept
  return #kept <= sup.def.max_restarts
end

-- It ends by itself, and its supervisor sees a child end.
local function shut_down(sup)
  stop_all(sup)
  if sup.as then
    sup.as.state = "ended"
    table.insert(sup.as.sup.queue, { sup.as, "shutdown" })
    handle(sup.as.sup)
  end
end

local function failed(child)
  child.state = "restarting"
  table.insert(child.sup.queue, { child })
end

local function restart_group(child)
  local sup = child.sup
  local first = sup.def.strategy == "one_for_all" and 1 or index_of(sup, child)
  for i = #sup.children, first, -1 do
    stop(sup.children[i])
  end
  for i = first, #sup.children do
    local step = start(sup.children[i])
    if step ~= "up" and step ~= "ignore" then
      return failed(sup.children[i])
    end
  end
end

local function restart(child)
  local sup = child.sup
  child.state = "restarting"
  if not count_restart(sup) then
    put_down(child)
    return shut_down(sup)
  elseif sup.def.strategy ~= "one_for_one" then
    return restart_group(child)
  end
  local step = start(child)
  if step == "ignore" then
    put_down(child)
  elseif step ~= "up" then
    failed(child)
  end
end

local function is_last_significant(sup)
  for _, child in ipairs(sup.children) do
    if child.def.significant and child.state ~= "down" then
      return false
    end
  end
  return true
end

local function is_orderly(reason)
  return reason == "normal" or reason == "shutdown" or type(reason) == "table"
end

local function exited(child, reason)
  local sup, def = child.sup, child.def
  if def.restart == "permanent" or (def.restart == "transient" and not is_orderly(reason)) then
    return restart(child)
  end
  put_down(child)
  local auto = sup.def.auto_shutdown
  if def.significant and (auto == "any_significant" or (auto == "all_significant" and is_last_significant(sup))) then
    shut_down(sup)
  end
end

-- Exits, and restarts that have failed, one after the other.
function handle(sup)
  while sup.queue[1] and not sup.gone do
    local child, reason = table.unpack(table.remove(sup.queue, 1))
    if reason and child.state == "ended" then
      exited(child, reason)
    elseif not reason and child.state == "restarting" then
      restart(child)
    end
  end
end

-- ---- the tree, really and in the model ----

local root

local function plant()
  repeat
    local def = tree.sup_def(2)
    local args = tree.start_args(def)
    root = start_sup(def)
    local pid, reason = supervisor.start_link(table.unpack(args))
    if root then
      assert.is_truthy(pid, reason)
      root.pid = pid
    else
      assert.equal("shutdown", reason)
    end
  until root
end

local function each_sup(sup, f)
  f(sup)
  for _, child in ipairs(sup.children) do
    if child.below then
      each_sup(child.below, f)
    end
  end
end

local function sups()
  local list = {}
  each_sup(root, function(sup)
    list[#list + 1] = sup
  end)
  return list
end

local function look(sup)
  local really = supervisor.which_children(sup.pid)
  local ids, wanted, active, supervisors = {}, {}, 0, 0
  for i, child in ipairs(really) do
    ids[i] = ("%s %s"):format(child.id, child.pid ~= nil)
  end
  for i, child in ipairs(sup.children) do
    wanted[#sup.children - i + 1] = ("%s %s"):format(child.def.id, child.state == "running")
    active = active + (child.state == "running" and 1 or 0)
    supervisors = supervisors + (child.def.sup and 1 or 0)
    child.pid = (really[#sup.children - i + 1] or {}).pid
    if child.below then
      child.below.pid = child.pid
    end
  end
  assert.same(wanted, ids)
  assert.same({
    specs = #sup.children,
    active = active,
    supervisors = supervisors,
    workers = #sup.children - supervisors,
  }, supervisor.count_children(sup.pid))
end

local function compare(what)
  dynsup.sleep(0.001)
  assert.equal(table.concat(expected, " "), table.concat(tree.seen, " "), what)
  expected, tree.seen = {}, {}
  if root.gone then
    assert.is_false(dynsup.is_alive(root.pid), what)
    plant()
    dynsup.sleep(0.001)
    assert.equal(table.concat(expected, " "), table.concat(tree.seen, " "), "a new tree")
    expected, tree.seen = {}, {}
  end
  each_sup(root, look)
end

-- ---- operations ----

local operations = {}

local function runners(sup)
  local list = {}
  for _, child in ipairs(sup.children) do
    if child.state == "running" and not child.below then
      list[#list + 1] = child
    end
  end
  return list
end

-- Some workers of a supervisor end, one right after the other.
function operations.ends()
  local sup = one(sups())
  local list = runners(sup)
  local count = math.min(#list, chance(70) and 1 or random(3))
  local texts = {}
  for i = 1, count do
    local child = table.remove(list, random(#list))
    local reason = one(SIGNALS)
    if count == 1 and chance(30) then
      reason = "normal"
      dynsup.send(child.pid, reason)
    else
      dynsup.exit(child.pid, reason)
    end
    texts[i] = ("%d: %s"):format(child.def.id, tostring(reason))
    note("-" .. child.def.id)
    child.state = "ended"
    table.insert(sup.queue, { child, reason == "kill" and "killed" or reason })
  end
  handle(sup)
  return table.concat(texts, ", ")
end

-- A supervisor of workers is killed: they die with it, those it has spawned itself first.
function operations.kill_supervisor()
  local list = {}
  for _, sup in ipairs(sups()) do
    local is_leaf = sup.as ~= nil
    for _, child in ipairs(sup.children) do
      is_leaf = is_leaf and not child.below
    end
    list[#list + 1] = is_leaf and sup or nil
  end
  if not list[1] then
    return "nobody"
  end
  local sup = one(list)
  local dying = runners(sup)
  table.sort(dying, function(a, b)
    if a.def.ready ~= b.def.ready then
      return a.def.ready
    elseif a.def.ready then
      return index_of(sup, a) < index_of(sup, b)
    end
    return a.started > b.started
  end)
  dynsup.exit(sup.pid, "kill")
  for _, child in ipairs(dying) do
    note("-" .. child.def.id)
  end
  sup.gone = true
  sup.as.state, sup.as.below = "ended", nil
  table.insert(sup.as.sup.queue, { sup.as, "killed" })
  handle(sup.as.sup)
  return tostring(sup.as.def.id)
end

-- A child of any supervisor, or an id that nobody has.
local function pick()
  local sup = one(sups())
  local child = sup.children[1] and chance(95) and one(sup.children) or nil
  return sup, child, child and child.def.id or -1
end

function operations.terminate()
  local sup, child, id = pick()
  local ok, reason = supervisor.terminate_child(sup.pid, id)
  if child then
    assert.is_true(ok)
    if child.state ~= "down" then
      stop(child)
    end
  else
    assert.equal("not_found", reason)
  end
  return tostring(id)
end

function operations.restart()
  local sup, child, id = pick()
  local state = child and child.state
  local pid, reason = supervisor.restart_child(sup.pid, id)
  if state ~= "down" then
    assert.equal(state or "not_found", reason)
    return tostring(id)
  end
  local step = start(child)
  assert.equal(step == "up", dynsup.is_pid(pid))
  if step == "ignore" then
    assert.equal("ignore", reason)
  end
  return tostring(id)
end

function operations.delete()
  local sup, child, id = pick()
  local ok, reason = supervisor.delete_child(sup.pid, id)
  if not child then
    assert.equal("not_found", reason)
  elseif child.state == "down" then
    assert.is_true(ok)
    table.remove(sup.children, index_of(sup, child))
  else
    assert.equal("running", reason)
  end
  return tostring(id)
end

function operations.add()
  local sup = one(sups())
  local def = tree.child_def(sup.def, #sups() < 8 and 1 or 0)
  local pid, reason = supervisor.start_child(sup.pid, tree.to_spec(def))
  local child = new_child(def, sup)
  sup.children[#sup.children + 1] = child
  local step = start(child)
  assert.equal(step == "up", dynsup.is_pid(pid), tostring(reason))
  if step ~= "up" and (step ~= "ignore" or def.restart == "temporary") then
    table.remove(sup.children)
  end
  return tostring(def.id)
end

function operations.again()
  local sup, child, id = pick()
  if not child then
    return "nobody"
  end
  local _, reason, pid = supervisor.start_child(sup.pid, { id = id, body = dynsup.receive })
  assert.equal(child.state == "running" and "already_started" or "already_present", reason)
  assert.equal(child.pid, pid)
  return tostring(id)
end

function operations.time()
  local ms = random(2500)
  dynsup.sleep(ms)
  return tostring(ms)
end

local CHOICE = {
  "ends", "ends", "ends", "ends", "ends", "kill_supervisor", "terminate", "restart", "restart",
  "delete", "add", "again", "time", "time",
}

local function play(seed)
  tree.begin(seed)
  starts, expected = 0, {}
  dynsup.flag("trap_exit", true)
  plant()
  compare "the first tree"
  for i = 1, OPERATIONS do
    local name = one(CHOICE)
    local detail = operations[name]()
    compare(("seed %d, operation %d: %s %s"):format(seed, i, name, detail))
  end
  return starts
end

describe("random trees of static supervisors", function()
  local seeds = { 1, 2, 3 }
  if os.getenv "DYNSUP_SEED" then
    seeds = { tonumber(os.getenv "DYNSUP_SEED") }
  end
  for _, seed in ipairs(seeds) do
    it("do what the model says, seed " .. seed, function()
      local started = host.run(function()
        return play(seed)
      end, { log_level = "off" })
      assert.is_true(started > OPERATIONS / 4)
    end)
  end
end)
