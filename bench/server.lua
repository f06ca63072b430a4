-- How fast servers are called and started, and what an idle one takes. Prints
--   call     calls/s of one server by SIZE clients at a time
--   start    starts/s under a supervisor, each with its init
--   memory   bytes/server, idle (the first thing that runs: memory that was freed is used again)
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")
local server = dynsup.server

local CALLS = 1000000

local Echo = {}

function Echo.init(state)
  return "ok", state
end

function Echo.handle_call(request, _, state)
  return "reply", request, state
end

local function client(main, pid, rounds)
  local call = server.call
  dynsup.receive()
  for i = 1, rounds do
    assert(call(pid, i) == i)
  end
  dynsup.send(main, "done")
end

-- Calls so often in all; how many calls it were, and how long they took.
local function call_all(clients_count, calls)
  local pid = assert(server.start_link(Echo, 1))
  local rounds = math.max(1, calls // clients_count)
  local clients = {}
  for i = 1, clients_count do
    clients[i] = dynsup.spawn(client, dynsup.self(), pid, rounds)
  end
  collectgarbage()
  local begun = dynsup.now()
  for i = 1, clients_count do
    dynsup.send(clients[i], "go")
  end
  for _ = 1, clients_count do
    dynsup.receive()
  end
  local ms = dynsup.now() - begun
  server.stop(pid)
  return rounds * clients_count, ms
end

-- Starts that many; returns how long it took, and the bytes of each.
local function start_all(count)
  local sup = assert(dynsup.start_link())
  local child = server.child_spec(Echo, 1, { restart = "temporary" })
  collectgarbage()
  local before = bench.resident()
  local begun = dynsup.now()
  for _ = 1, count do
    dynsup.start_child(sup, child)
  end
  local ms = dynsup.now() - begun
  assert(dynsup.count_children(sup).active == count)
  local size = (bench.resident() - before) / count
  dynsup.stop(sup)
  return ms, size
end

if bench.wants("start") or bench.wants("memory") then
  for _, count in ipairs(bench.sizes({ 100000 }, { 100 })) do
    local ms, size = start_all(count)
    bench.rate("start", count, count, ms, "starts")
    bench.figure("memory", count, size, "bytes/server")
  end
end
if bench.wants("call") then
  for _, clients_count in ipairs(bench.sizes({ 1, 1000 }, { 1, 10 })) do
    local calls = bench.count(CALLS, 100)
    call_all(clients_count, calls // 10)
    local count, ms = call_all(clients_count, calls)
    bench.rate("call", clients_count, count, ms, "calls")
  end
end
