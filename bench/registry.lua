-- How fast are a registry's operations with so many keys, each of a process of its own, and what does a
-- message to { registry, key } cost beside one to a name? Prints `registry_SIZE RATE what/s`.
local dynsup = require("dynsup")
local registry = require("dynsup.registry")
local sizes_of = dofile(arg[0]:gsub("[^/]*$", "") .. "arguments.lua")

local SENDS = 1000000

local function rate(count, begun)
  return count / (dynsup.now() - begun) * 1000
end

local function show(size, question, count, begun)
  print(("registry_%d %.0f %s/s"):format(size, rate(count, begun), question))
end

local function keys_of(size)
  local keys = {}
  for i = 1, size do
    keys[i] = "key " .. i
  end
  return keys
end

local function registrations(size, keys)
  local main = dynsup.self()
  local function owner(key)
    registry.register("R", key, key)
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
  show(size, "registrations", size, begun)
  assert(registry.count("R") == size)
  return pids
end

local function lookups(size, keys, count)
  local at = 0
  local begun = dynsup.now()
  for _ = 1, count do
    at = (at + 7919) % size
    assert(registry.whereis("R", keys[at + 1]))
  end
  show(size, "lookups", count, begun)
end

local function sink()
  while true do
    dynsup.receive()
  end
end

-- Messages to one process, each of which it takes.
local function messages(size, question, dest, count)
  local begun = dynsup.now()
  for i = 1, count do
    dynsup.send(dest, "message", i)
    dynsup.yield()
  end
  show(size, question, count, begun)
end

local function ends(size, pids)
  local begun = dynsup.now()
  for i = 1, size do
    dynsup.exit(pids[i], "kill")
  end
  repeat
    dynsup.yield()
  until registry.count("R") == 1
  show(size, "ends", size, begun)
end

registry.start_link({ keys = "unique", name = "R" })
registry.start_link({ keys = "unique", name = "mine" })
local smoke = arg[1] == "--smoke"
for _, size in ipairs(sizes_of({ 100000 }, { 10 })) do
  local count = smoke and 100 or SENDS
  local keys = keys_of(size)
  local pids = registrations(size, keys)
  lookups(size, keys, count)
  local receiver = dynsup.spawn(function()
    registry.register("R", "receiver")
    sink()
  end)
  dynsup.register("receiver", receiver)
  dynsup.yield()
  for _ = 1, 2 do
    messages(size, "sends_to_name", "receiver", count)
    messages(size, "sends_to_key", { "R", "receiver" }, count)
  end
  ends(size, pids)
end
