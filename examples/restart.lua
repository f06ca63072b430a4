-- What a supervisor does about a worker that crashes: it starts it again, after a delay if the child
-- has a backoff, and gives up if this happens too often. The reports of the crashes go to stderr:
-- dynsup run --log-level off examples/restart.lua shows only the rest.
local dynsup = require "dynsup"

-- Says which start of the child this is, then waits for a word and crashes.
local function fragile(owner)
  dynsup.send(owner, "up", dynsup.info(dynsup.self()).incarnation)
  error("I was told to " .. dynsup.receive())
end

local function crash_and_wait(name)
  local began = dynsup.now()
  dynsup.send(name, "crash")
  local tag, value, reason = dynsup.receive()
  return tag, value, reason, dynsup.now() - began
end

-- A supervisor that allows three restarts a minute; with one fragile worker.
local function start(child)
  local supervisor = assert(dynsup.start_link { max_restarts = 3, max_seconds = 60 })
  child.body, child.args = fragile, { dynsup.self() }
  assert(dynsup.start_child(supervisor, child))
  print("started", "incarnation " .. select(2, dynsup.receive()))
  return supervisor
end

local function until_it_gives_up()
  print "--- three restarts are allowed"
  local supervisor = start { name = "fragile" }
  local tag, value, reason = crash_and_wait "fragile"
  while tag == "up" do
    print("restarted", "incarnation " .. value)
    tag, value, reason = crash_and_wait "fragile"
  end
  assert(tag == "EXIT" and value == supervisor)
  print("the supervisor gave up:", reason)
  print("the worker is there:", dynsup.whereis "fragile" ~= nil)
end

local function with_backoff()
  print "--- delayed restarts do not count"
  local backoff = { min = 20, max = 80, jitter = 0, reset_after = 60000 }
  local supervisor = start { name = "patient", backoff = backoff }
  for _, delay in ipairs { 20, 40, 80, 80, 80 } do
    local _, incarnation, _, elapsed = crash_and_wait "patient"
    assert(elapsed >= delay, "a timer fired early")
    print("restarted", "incarnation " .. incarnation, "after " .. delay .. " ms")
  end
  dynsup.stop(supervisor)
end

dynsup.flag("trap_exit", true) -- so that its end is a message to us, not our end
until_it_gives_up()
with_backoff()
