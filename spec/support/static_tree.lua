-- Random trees of static supervisors: definitions, and the child specs made from them.
--
-- A definition says what a child is made from, again and again: { id =, restart =, significant = }
-- and either plan (what its starts do, one after the other), and ready, or sup, the definition of a
-- supervisor. What its workers do they note in tree.seen: "+id" and "-id".
local dynsup = require "dynsup"
local supervisor = dynsup.supervisor

local tree = { seen = {} }

local STRATEGIES = { "one_for_one", "one_for_all", "rest_for_one" }
local RESTARTS = { "permanent", "permanent", "transient", "temporary" }
local AUTO_SHUTDOWNS = { "never", "any_significant", "all_significant" }
local STEPS = { "up", "up", "up", "up", "up", "ignore", "fail", "crash" }

-- ---- chance ----

local random -- of this run

function tree.one(list)
  return list[random(#list)]
end

function tree.chance(percent)
  return random(100) <= percent
end

-- Begins another series of random numbers.
function tree.begin(seed)
  local state = seed
  function random(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
  tree.last_id, tree.seen = 0, {}
end

-- A number from 1 to n.
function tree.random(n)
  return random(n)
end

-- ---- what children run ----

local function closer(id)
  return setmetatable({}, {
    __close = function()
      tree.seen[#tree.seen + 1] = "-" .. id
    end,
  })
end

local function live(id)
  local _ <close> = closer(id)
  dynsup.exit((dynsup.receive()))
end

local function stepper(plan)
  local calls = 0
  return function()
    calls = calls + 1
    return plan[math.min(calls, #plan)]
  end
end

-- A start function that returns when its worker has begun.
local function starter(def)
  local step = stepper(def.plan)
  return function()
    local what = step()
    if what == "ignore" then
      return "ignore"
    elseif what == "fail" then
      return nil, "refused"
    elseif what == "crash" then
      error "boom"
    end
    tree.seen[#tree.seen + 1] = "+" .. def.id
    local pid = dynsup.spawn_link(live, def.id)
    dynsup.yield()
    return pid
  end
end

-- A body that is waited for.
local function announcer(def)
  local step = stepper(def.plan)
  return function()
    if step() ~= "up" then
      dynsup.exit "refused"
    end
    tree.seen[#tree.seen + 1] = "+" .. def.id
    local _ <close> = closer(def.id)
    dynsup.ready()
    dynsup.exit((dynsup.receive()))
  end
end

-- ---- definitions: what children are made from, again and again ----

local function new_plan()
  local plan = { tree.chance(93) and "up" or tree.one(STEPS) }
  for i = 2, random(4) do
    plan[i] = tree.one(STEPS)
  end
  return plan
end

local function new_def(parent)
  tree.last_id = tree.last_id + 1
  local def = { id = tree.last_id, restart = tree.one(RESTARTS) }
  local may = parent.auto_shutdown ~= "never" and def.restart ~= "permanent"
  def.significant = may and tree.chance(50)
  return def
end

local function worker_def(parent)
  local def = new_def(parent)
  def.plan = new_plan()
  -- by one_for_one nobody waits for a restarted body
  def.ready = parent.strategy ~= "one_for_one" and tree.chance(40)
  return def
end

function tree.child_def(parent, depth)
  if depth > 0 and tree.chance(35) then
    local def = new_def(parent)
    def.sup = tree.sup_def(depth - 1)
    return def
  end
  return worker_def(parent)
end

function tree.sup_def(depth)
  local def = {
    strategy = tree.one(STRATEGIES),
    auto_shutdown = tree.one(AUTO_SHUTDOWNS),
    max_restarts = random(5) - 1,
    max_seconds = random(3),
    children = {},
  }
  for i = 1, random(5) - (depth == 2 and 0 or 1) do
    def.children[i] = tree.child_def(def, depth)
  end
  return def
end

function tree.to_spec(def)
  local spec = { id = def.id, restart = def.restart, significant = def.significant }
  if def.sup then
    spec.type = "supervisor"
    spec.start = supervisor.start_link
    spec.args = tree.start_args(def.sup)
  elseif def.ready then
    spec.ready = true
    spec.body = announcer(def)
  else
    spec.start = starter(def)
  end
  return spec
end

-- The arguments of supervisor.start_link.
function tree.start_args(def)
  local specs = {}
  for i, child in ipairs(def.children) do
    specs[i] = tree.to_spec(child)
  end
  return {
    specs,
    {
      strategy = def.strategy,
      auto_shutdown = def.auto_shutdown,
      max_restarts = def.max_restarts,
      max_seconds = def.max_seconds,
    },
  }
end

return tree
