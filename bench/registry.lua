-- How fast a registry's operations are with SIZE keys, each of a process of its own, and what a
-- message to { registry, key } costs compared with one to a name. Prints
--   register   registrations/s of keys for one process
--   lookup     lookups/s (whereis)
--   send_name, send_key   messages/s to a name, to a key; with the slice that takes each
--   exit       ends/s of processes that have registered a key
local dynsup = require("dynsup")
local registry = require("dynsup.registry")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local SENDS = 1000000

local function keys_of(size)
  local keys = {}
  for i = 1, size do
    keys[i] = "key " .. i
  end
  return keys
end

-- A process for each key of the registry called owned; the rate is that of the registry called mine.
local function registrations(size, keys)
  local main = dynsup.self()
  local function owner(key)
    registry.register("owned", key, key)
    dynsup.receive()
  end
  local pids = {}
  for i = 1, size do
    pids[i] = dynsup.spawn(owner, keys[i])
  end
  dynsup.yield()
  local begun = dynsup.now()
  for i = 1, size do
    registry.register("mine", keys[i], main)
  end
  bench.rate("register", size, size, dynsup.now() - begun, "registrations")
  assert(registry.count("owned") == size)
  return pids
end

local function lookups(size, keys, count)
  local at = 0
  local begun = dynsup.now()
  for _ = 1, count do
    at = (at + 7919) % size
    assert(registry.whereis("owned", keys[at + 1]))
  end
  bench.rate("lookup", size, count, dynsup.now() - begun, "lookups")
end

local function sink()
  while true do
    dynsup.receive()
  end
end

-- Messages to one process, each of which it takes.
local function send_all(dest, count)
  local begun = dynsup.now()
  for i = 1, count do
    dynsup.send(dest, "message", i)
    dynsup.yield()
  end
  return dynsup.now() - begun
end

local function ends(size, pids)
  local begun = dynsup.now()
  for i = 1, size do
    dynsup.exit(pids[i], "kill")
  end
  repeat
    dynsup.yield()
  until registry.count("owned") == 0
  bench.rate("exit", size, size, dynsup.now() - begun, "ends")
end

local function messages(size, count)
  local receiver = dynsup.spawn(function()
    registry.register("owned", "receiver")
    sink()
  end)
  dynsup.register("receiver", receiver)
  dynsup.yield()
  for kind, dest in pairs({ send_name = "receiver", send_key = { "owned", "receiver" } }) do
    send_all(dest, count // 10)
    bench.rate(kind, size, count, send_all(dest, count), "messages")
  end
  dynsup.exit(receiver, "kill")
end

for _, name in ipairs({ "owned", "mine" }) do
  registry.start_link({ keys = "unique", name = name })
end
local sizes = bench.sizes({ 100000 }, { 10 })
assert(#sizes == 1, "one size a run: this process keeps the keys that it registers")
local size, count = sizes[1], bench.count(SENDS, 100)
local keys = keys_of(size)
local pids = registrations(size, keys)
lookups(size, keys, count)
messages(size, count)
ends(size, pids)
