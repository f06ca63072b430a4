-- Workers that tests run in further heaps: found by name, as all code there.
local dynsup = require "dynsup"

local worker = {}

-- Answers each { from, question, ... } with what the answers below make of it.
local answers = {}

function answers.echo(...)
  return ...
end

-- Where a value is shared or comes back to itself.
function answers.shape(value)
  return value.left == value.right, value.self == value
end

-- Calls f(...) of a module by its names.
function answers.call(module, name, ...)
  return require(module)[name](...)
end

function answers.global(name, value)
  local old = _G[name]
  _G[name] = value
  return old
end

function answers.eval(source, ...)
  return assert(load(source))(...)
end

local function answer(from, question, ...)
  dynsup.send(from, dynsup.self(), pcall(answers[question], ...))
end

function worker.serve(...)
  dynsup.dict().arguments = table.pack(...)
  while true do
    answer(dynsup.receive())
  end
end

function worker.arguments(to, ...)
  dynsup.send(to, "arguments", ...)
  dynsup.sleep()
end

-- Sends its pid and sleeps, and sends a message when it ends.
function worker.sleeper(to)
  dynsup.send(to, "up", dynsup.self())
  local _ <close> = setmetatable({}, {
    __close = function()
      dynsup.send(to, "down", dynsup.self())
    end,
  })
  dynsup.sleep()
end

function worker.ready(value)
  dynsup.ready { "ready", value }
  dynsup.sleep()
end

function worker.never_ready()
  dynsup.sleep()
end

function worker.crash()
  dynsup.sleep(1)
  error "it broke"
end

-- A start function that does not come to its end.
function worker.wait()
  dynsup.await(function() end)
end

-- A start function.
function worker.start(to)
  return dynsup.spawn_link(worker.sleeper, to), { "info" }
end

-- A server.
local counter = {}

function counter.init(count)
  return "ok", count
end

function counter.handle_call(request, _, count)
  if request == "crash" then
    error { code = 7 }
  end
  return "reply", { request, count }, count + 1
end

function counter.handle_cast(to, count)
  dynsup.send(to, "cast", count)
  return "noreply", count + 1
end

worker.counter = counter

function worker.start_counter(count)
  return dynsup.server.start_link(counter, count)
end

-- Has another process ask sup for a child by a function of this heap, and loses the heap meanwhile.
function worker.asking_eater(sup, ran)
  dynsup.spawn(function()
    dynsup.start_child(sup, { body = function() dynsup.send(ran, "ran") end, restart = "temporary" })
  end)
  dynsup.yield()
  local eaten = {}
  while true do
    eaten[#eaten + 1] = ("x"):rep(10000) .. #eaten
  end
end

-- Leaves what spawns a process when it is collected, and so much else that the collector needs steps.
function worker.spawning_end(to)
  _G.kept = ("x"):rep(2000000)
  setmetatable({}, { __gc = function() dynsup.spawn(worker.sleeper, to) end })
end

-- A loop that cannot be preempted, in a callback.
function worker.gsub_spin()
  string.gsub("x", "x", function()
    while true do end
  end)
end

-- Needs more and more memory, a little a slice.
function worker.eater(to, bytes)
  dynsup.send(to, "up", dynsup.self())
  dynsup.receive()
  local eaten = {}
  while true do
    eaten[#eaten + 1] = ("x"):rep(bytes) .. #eaten
  end
end

-- The same, but it pretends that nothing has happened.
function worker.stubborn_eater(to)
  dynsup.send(to, "up", dynsup.self())
  dynsup.receive()
  local eaten = {}
  while true do
    pcall(function()
      eaten[#eaten + 1] = ("x"):rep(10000) .. #eaten
    end)
  end
end

-- Sends a global that it has incremented, followed by its arguments.
function worker.count_global(to, ...)
  _G.counted = (_G.counted or 0) + 1
  dynsup.send(to, _G.counted, ...)
  dynsup.receive()
end

-- Looks for a message of that many bytes while a number of others are taken, and again afterwards; sends
-- whether it was found.
function worker.look_twice(to, size, taken)
  local wanted = ("k"):rep(size)
  dynsup.sleep(1)
  local function look()
    return dynsup.receive_match(wanted, 0) ~= nil
  end
  local function look_beside(others)
    for i = 1, taken // 10000 do
      others[i] = ("f"):rep(9900) .. i
    end
    return look(), others
  end
  local found = look_beside {}
  collectgarbage()
  dynsup.send(to, "looked", found or look())
end

-- Wants ever more memory, and does not mind an error.
function worker.hoard()
  local hoard = {}
  while true do hoard[#hoard + 1] = ("x"):rep(1000) .. #hoard end
end

return worker
