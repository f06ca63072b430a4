-- A random scenario of all that a run's seed decides, for runs that are compared with each other: as
-- a function for dynsup.run; as a script, of the program, it runs.
local dynsup = require "dynsup"

local clock = dynsup.clock
local random = math.random

local function pick(list)
  return list[random(#list)]
end

-- A set of strings, in the order of pairs.
local function shuffled()
  local set, list = {}, {}
  for _ = 1, random(6) do
    set["name" .. random(1000)] = true
  end
  for name in pairs(set) do
    list[#list + 1] = name
  end
  return list
end

local bodies = {}

function bodies.sleeper()
  for _ = 1, random(5) do
    dynsup.sleep(random(200))
    if random(4) == 1 then error({ code = random(100), of = tostring({}), list = shuffled() }) end
  end
end

-- It runs for longer than a slice.
function bodies.spinner()
  local sum = 0
  for i = 1, random(250) * 1000 do
    sum = sum + i % 7
  end
  if sum % 3 == 0 then error(sum) end
end

function bodies.listener()
  dynsup.flag("trap_exit", random(2) == 1)
  for _ = 1, random(10) do
    local what = dynsup.receive(random(500))
    if what == "crash" then error "as it was told" end
  end
end

function bodies.parent()
  local sup = dynsup.start_link { max_restarts = random(5) }
  for _, name in ipairs(shuffled()) do
    dynsup.start_child(sup, { id = name, body = pick { bodies.sleeper, bodies.listener } })
  end
  dynsup.receive(random(300))
end

function bodies.asker()
  local task = dynsup.task.async(function() dynsup.sleep(random(50)) return random(10) end)
  if dynsup.task.await(task, random(60)) == 1 then dynsup.exit "one" end
end

local kinds = { "sleeper", "spinner", "listener", "parent", "asker" }

local function spec_of(number)
  return {
    id = number,
    name = random(3) == 1 and "child" .. random(5) or nil,
    body = bodies[pick(kinds)],
    restart = pick { "permanent", "transient", "temporary" },
    backoff = random(2) == 1 and { min = random(50), jitter = random() } or nil,
    shutdown = pick { 50, 500, "brutal_kill" },
  }
end

local function options_of(clocks)
  return { max_restarts = random(30), max_seconds = 1, clock = pick(clocks) }
end

local function start_supervisors(clocks)
  local sups = {}
  for i = 1, 4 do
    sups[i] = dynsup.start_link(options_of(clocks))
  end
  for _, strategy in ipairs { "one_for_all", "rest_for_one" } do
    local options = options_of(clocks)
    options.strategy = strategy
    local children = { { id = 1, body = bodies.sleeper }, { id = 2, body = bodies.listener } }
    sups[#sups + 1] = dynsup.supervisor.start_link(children, options)
  end
  return sups
end

local function any_child(sup)
  local children = dynsup.is_alive(sup) and dynsup.which_children(sup) or {}
  local child = #children > 0 and pick(children)
  return child and dynsup.is_pid(child.pid) and child.pid
end

local actions = {
  function(sups, _, number) dynsup.start_child(pick(sups), spec_of(number)) end,
  function(sups, _, number) dynsup.ensure_child(pick(sups), spec_of(number)) end,
  function(sups)
    local child = any_child(pick(sups))
    if child then dynsup.exit(child, pick { "kill", "boom", "shutdown", "normal" }) end
  end,
  function(sups)
    local child = any_child(pick(sups))
    if child then dynsup.send_after(random(300), child, pick { "crash", "hello" }) end
  end,
  function() dynsup.sleep(random(100)) end,
  function(_, c) c:step(random(100)) end,
  function(_, c) c:pause() end,
  function(_, c) c:resume() end,
  function(_, c) c:rate(pick { 0.25, 0.5, 1, 3 }) end,
}

local function play()
  dynsup.flag("trap_exit", true)
  dynsup.spawn(function() -- what waits for a paused clock may wait for ever
    dynsup.sleep(20000)
    dynsup.halt()
  end)
  local c, slow = clock.new { paused = true }, clock.new { rate = 0.5 }
  local sups = start_supervisors { c, slow, "host" }
  for number = 1, 120 do
    pick(actions)(sups, c, number)
  end
  c:resume()
  dynsup.halt()
end

if select("#", ...) > 0 and ... == "play" then return play() end

return play
