-- Random operations on supervisors, compared with a naive model after each. DYNSUP_SEED chooses other
-- sequences than the fixed ones.
--
-- The model does at once what a supervisor does when everybody comes to rest. All calls are made by
-- one process, and the clock moves only in operations that take time: waits, and ends of children
-- that trap exits and take their time.
local dynsup = require "dynsup"
local host = require "spec.support.host"

local OPERATIONS = 4000
local SETTLE_MS = 0.001
local NAMES = { "ann", "bob", "cleo" }
local REASONS = { "normal", "shutdown", { "shutdown", "x" }, "oops", "kill" }
local RESTARTS = { "permanent", "transient", "temporary" }
local STEPS = { "up", "up", "up", "ignore", "fail", "crash" }

-- ---- chance ----

local random -- of this run: random(n) is a number from 1 to n

local function one(list)
  return list[random(#list)]
end

local function chance(percent)
  return random(100) <= percent
end

local function generator(seed)
  local state = seed
  return function(n)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return (state >> 33) % n + 1
  end
end

-- ---- what children run ----

local function mortal()
  local reason = dynsup.receive()
  dynsup.exit(reason)
end

-- Ends `late` ms after the first signal, with its own reason.
local function trapper(late)
  dynsup.flag("trap_exit", true)
  dynsup.receive_match "EXIT"
  dynsup.sleep(late)
  dynsup.exit "late"
end

local steps = {}
function steps.up() return dynsup.spawn_link(mortal) end
function steps.ignore() return "ignore" end
function steps.fail() return nil, "refused" end
function steps.crash() error "boom" end

local function planned(plan)
  local calls = 0
  return function()
    calls = calls + 1
    return steps[plan[math.min(calls, #plan)]]()
  end
end

-- ---- the model ----

local Model = {}
Model.__index = Model

local function new_model()
  return setmetatable({ sups = {}, by_name = {}, expected = {}, ends = 0, slow_ms = 0 }, Model)
end

local function text(reason)
  return type(reason) == "table" and "shutdown+x" or reason
end

-- A process that was monitored ends with this reason.
function Model:expect(pid, reason)
  self.expected[pid] = reason
  self.ends = self.ends + 1
end

local function remove(child)
  local list = child.sup.children
  for i, other in ipairs(list) do
    if other == child then table.remove(list, i) end
  end
  child.gone = true
end

function Model:remove(child)
  remove(child)
  if child.name then self.by_name[child.name] = nil end
end

-- How long after its signal a child ends that is told to stop, and with which reason.
local function stopped(child)
  if child.shutdown == "brutal_kill" then return 0, "killed" end
  if not child.late then return 0, "shutdown" end
  if child.late < child.shutdown then return child.late, "late" end
  return child.shutdown, "killed"
end

function Model:stop_child(child)
  local ms = 0
  if child.state == "running" then
    local reason
    ms, reason = stopped(child)
    self:expect(child.pid, reason)
  end
  self:remove(child)
  return ms
end

-- Every child at once: the supervisor has gone when the last one has.
function Model:stop(sup, reason)
  local ms = 0
  while sup.children[1] do ms = math.max(ms, self:stop_child(sup.children[1])) end
  sup.gone = true
  self:expect(sup.pid, reason)
  return ms
end

-- False: too many within the period.
local function count_restart(sup, now)
  local kept = { math.floor(now) }
  for _, at in ipairs(sup.restarts) do
    if kept[1] - at <= sup.period_ms then kept[#kept + 1] = at end
  end
  sup.restarts = kept
  return #kept <= sup.max_restarts
end

-- What the next start of the child does.
local function next_step(child)
  if not child.plan then return "up" end
  child.calls = child.calls + 1
  return child.plan[math.min(child.calls, #child.plan)]
end

-- Attempts follow one another at once; each counts.
function Model:restart(child, now)
  child.state, child.last_pid, child.pid = "restarting", child.pid, nil
  while count_restart(child.sup, now) do
    local step = next_step(child)
    if step == "up" then
      child.state, child.started_at = "running", now
      return
    elseif step == "ignore" then
      return self:remove(child)
    end
  end
  self:remove(child)
  self.slow_ms = self:stop(child.sup, "shutdown")
end

local function delay(child, now)
  if now - child.started_at >= child.backoff.reset_after then child.delay_ms = nil end
  child.delay_ms = math.min(child.delay_ms and child.delay_ms * 2 or child.backoff.min, child.backoff.max)
  child.state, child.last_pid, child.pid = "restarting", child.pid, nil
  child.due_at = now + child.delay_ms
end

local function is_for_good(child, reason)
  local in_order = reason == "normal" or text(reason):find "^shutdown"
  return child.restart == "temporary" or (child.restart == "transient" and in_order)
end

function Model:ended(child, reason, now)
  self:expect(child.pid, reason)
  if is_for_good(child, reason) then
    self:remove(child)
  elseif child.backoff then
    delay(child, now)
  else
    self:restart(child, now)
  end
end

-- Delayed restarts up to now; false when one is so near that it may not have happened yet.
function Model:pass(now)
  local clear = true
  for _, sup in ipairs(self.sups) do
    for _, child in ipairs(sup.children) do
      if child.due_at and child.due_at <= now then
        child.state, child.started_at, child.due_at = "running", child.due_at, nil
        clear = false
      elseif child.due_at and child.due_at - now < 3 * SETTLE_MS then
        clear = false
      end
    end
  end
  return clear
end

-- ---- comparing ----

-- Like assert.equal, which is slow.
local function must_equal(expected, got)
  if expected ~= got then assert.equal(expected, got) end
end

local function settle(model)
  repeat dynsup.sleep(SETTLE_MS) until model:pass(dynsup.now())
end

local function take_downs(model)
  for _, message in ipairs(host.drain()) do
    if message[1] == "EXIT" then goto continue end -- a supervisor's, beside its DOWN
    local pid, reason = message[3], message[4]
    must_equal(text(model.expected[pid]), text(reason))
    model.expected[pid] = nil
    model.ends = model.ends - 1
    ::continue::
  end
  must_equal(0, model.ends)
end

-- A new incarnation of the child is known from here on.
local function meet(child, pid)
  child.pid = pid
  dynsup.monitor(pid)
end

local function compare_child(child, entry)
  must_equal(child.id, entry.id)
  must_equal(child.name, entry.name)
  if child.state == "restarting" then
    must_equal("restarting", entry.pid)
    must_equal(child.last_pid, entry.last_pid)
    return
  end
  if not child.pid then meet(child, entry.pid) end
  must_equal(child.pid, entry.pid)
  must_equal(true, dynsup.is_alive(child.pid))
end

local function compare_sup(sup)
  local entries, active = dynsup.which_children(sup.pid), 0
  must_equal(#sup.children, #entries)
  for i, child in ipairs(sup.children) do
    compare_child(child, entries[i])
    if child.state == "running" then active = active + 1 end
  end
  local counts = dynsup.count_children(sup.pid)
  must_equal(#entries, counts.specs)
  must_equal(#entries, counts.workers)
  must_equal(active, counts.active)
  must_equal(0, counts.supervisors)
end

local function compare(model)
  dynsup.sleep(model.slow_ms)
  model.slow_ms = 0
  settle(model)
  take_downs(model)
  for i = #model.sups, 1, -1 do
    local sup = model.sups[i]
    if sup.gone then
      assert.is_false(dynsup.is_alive(sup.pid))
      assert.same({ nil, "noproc" }, { dynsup.count_children(sup.pid) })
      table.remove(model.sups, i)
    else
      compare_sup(sup)
    end
  end
  for _, name in ipairs(NAMES) do
    local child = model.by_name[name]
    must_equal(child and child.pid, dynsup.whereis(name))
  end
end

-- ---- operations ----

local operations = {}

function operations.start_link(model)
  if #model.sups >= 3 then return end
  local sup = { children = {}, restarts = {}, max_restarts = random(5) - 1, period_ms = random(40),
    max_children = chance(30) and random(5) - 1 or "infinity" }
  sup.pid = dynsup.start_link { max_restarts = sup.max_restarts, max_seconds = sup.period_ms / 1000,
    max_children = sup.max_children }
  dynsup.monitor(sup.pid)
  model.sups[#model.sups + 1] = sup
end

local function random_child(sup)
  local child = { sup = sup, id = random(1000), restart = one(RESTARTS), shutdown = one { "brutal_kill", 5, 20 },
    state = "running", calls = 0, started_at = dynsup.now() }
  if chance(30) then
    child.plan = {}
    for i = 1, random(4) do child.plan[i] = one(STEPS) end
    return child
  end
  child.late = chance(15) and one { 2, 10, 30 } or nil
  child.name = chance(30) and one(NAMES) or nil
  child.backoff = chance(25) and { min = 3, max = 20, factor = 2, jitter = 0, reset_after = 25 } or nil
  return child
end

local function spec_of(child)
  local body
  if not child.plan then body = child.late and trapper or mortal end
  return { id = child.id, restart = child.restart, shutdown = child.shutdown, name = child.name,
    backoff = child.backoff, start = child.plan and planned(child.plan), body = body,
    args = child.late and { child.late } }
end

local function is_full(sup)
  return sup.max_children ~= "infinity" and #sup.children >= sup.max_children
end

-- The child's start was accepted, or why it was not.
local function first_start(model, child)
  if is_full(child.sup) then return "max_children" end
  local taken = model.by_name[child.name]
  if taken then return "already_started", taken.pid or "restarting" end
  local step = next_step(child)
  if step ~= "up" then return ({ ignore = "ignore", fail = "refused", crash = "crash" })[step] end
  table.insert(child.sup.children, child)
  if child.name then model.by_name[child.name] = child end
end

local function assert_started(child, expected, detail, pid, reason, got_detail)
  if expected then
    assert.is_nil(pid)
    assert.equal(expected, type(reason) == "table" and reason.traceback and "crash" or reason)
    assert.equal(detail, got_detail)
  else
    assert.is_true(dynsup.is_pid(pid))
    meet(child, pid)
  end
end

function operations.start_child(model)
  local child = random_child(one(model.sups))
  local expected, detail = first_start(model, child)
  assert_started(child, expected, detail, dynsup.start_child(child.sup.pid, spec_of(child)))
end

-- One that is there is found, also when that takes until its delayed restart.
function operations.ensure_child(model)
  local child = random_child(one(model.sups))
  local there = child.name and model.by_name[child.name]
  local pid, how, detail = dynsup.ensure_child(child.sup.pid, spec_of(child))
  if not there then
    local expected, expected_detail = first_start(model, child)
    assert_started(child, expected, expected_detail, pid, how, detail)
  elseif there.state == "running" or there.sup == child.sup then
    model:pass(dynsup.now())
    assert.equal("existing", how)
    if not there.pid then meet(there, pid) end
    assert.equal(there.pid, pid)
  else
    assert.same({ nil, "already_started", "restarting" }, { pid, how, detail })
  end
end

local function any_child(model)
  local sup = one(model.sups)
  return sup.children[1] and one(sup.children)
end

local function mortal_child(model)
  local child = any_child(model)
  return child and child.state == "running" and not child.late and child
end

function operations.signal(model)
  local child, reason = mortal_child(model), one(REASONS)
  if not child then return end
  dynsup.exit(child.pid, reason)
  if reason ~= "normal" then model:ended(child, reason == "kill" and "killed" or reason, dynsup.now()) end
end

function operations.finish(model)
  local child, reason = mortal_child(model), one(REASONS)
  if not child then return end
  dynsup.send(child.pid, reason)
  model:ended(child, reason, dynsup.now())
end

local function takes(ms, f, ...)
  local from = dynsup.now()
  local results = table.pack(f(...))
  assert.is_true(math.abs(dynsup.now() - from - ms) < SETTLE_MS)
  return table.unpack(results, 1, results.n)
end

function operations.terminate_child(model)
  local child = any_child(model)
  if not child then return end
  local what = child.name and chance(50) and child.name or child.pid or child.last_pid
  local ms = model:stop_child(child)
  assert.is_true(takes(ms, dynsup.terminate_child, child.sup.pid, what))
  assert.same({ nil, "not_found" }, { dynsup.terminate_child(child.sup.pid, what) })
end

function operations.stop(model)
  if chance(80) then return end
  local sup, reason = one(model.sups), one { "normal", "shutdown", "oops" }
  local ms = model:stop(sup, reason)
  assert.is_true(takes(ms, dynsup.stop, sup.pid, reason))
end

function operations.wait()
  dynsup.sleep(random(12))
end

-- ---- runs ----

local order = {}
for name, weight in pairs { start_link = 4, start_child = 30, ensure_child = 8, signal = 22, finish = 12,
  terminate_child = 14, stop = 4, wait = 10 } do
  for _ = 1, weight do order[#order + 1] = name end
end
table.sort(order)

local function step(model)
  local name = model.sups[1] and one(order) or "start_link"
  operations[name](model)
  compare(model)
  return name
end

local function run(seed)
  random = generator(seed)
  local model = new_model()
  for i = 1, OPERATIONS do
    local ok, failure = pcall(step, model)
    if not ok then
      error(("operation %d of seed %d: %s"):format(i, seed, tostring(failure.message or failure)), 0)
    end
  end
end

local seeds = os.getenv "DYNSUP_SEED" and { math.tointeger(os.getenv "DYNSUP_SEED") } or { 1, 2, 3, 4, 5 }

describe("random operations agree with a naive model", function()
  for _, seed in ipairs(seeds) do
    it("of seed " .. seed, function()
      host.run(function()
        -- The supervisors' owner would end with them.
        dynsup.flag("trap_exit", true)
        run(seed)
      end, { log = function() end })
    end)
  end
end)
