-- How fast servers are called and started, and what an idle one takes. Prints
-- `server_call_CLIENTS RATE calls/s`, `server_start_COUNT RATE starts/s` and
-- `server_memory_COUNT SIZE bytes/server`.
local dynsup = require("dynsup")
local server = dynsup.server

local CALLS = 1000000

local Echo = {}

function Echo.init(state)
  return "ok", state
end

function Echo.handle_call(request, _, state)
  return "reply", request, state
end

local function resident()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then
      return tonumber(kilobytes) * 1024
    end
  end
end

local function client(main, pid, rounds)
  local call = server.call
  dynsup.receive()
  for i = 1, rounds do
    assert(call(pid, i) == i)
  end
  dynsup.send(main, "done")
end

local function call_rate(clients_count, calls)
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
  return rounds * clients_count / ms * 1000
end

-- Starts that many; the rate, and the bytes of each.
local function start_rate(count)
  local sup = assert(dynsup.start_link())
  local child = server.child_spec(Echo, 1, { restart = "temporary" })
  collectgarbage()
  local before = resident()
  local begun = dynsup.now()
  for _ = 1, count do
    dynsup.start_child(sup, child)
  end
  local ms = dynsup.now() - begun
  assert(dynsup.count_children(sup).active == count)
  local size = (resident() - before) / count
  dynsup.stop(sup)
  return count / ms * 1000, size
end

local smoke = arg[1] == "--smoke"
local count = smoke and 100 or math.tointeger(tonumber(arg[1] or 100000))

local rate, size = start_rate(count) -- first: memory that was freed would be used again
print(("server_memory_%d %.0f bytes/server"):format(count, size))
print(("server_start_%d %.0f starts/s"):format(count, rate))
for _, clients_count in ipairs(smoke and { 1, 10 } or { 1, 1000 }) do
  local calls = smoke and 100 or CALLS
  call_rate(clients_count, calls // 10)
  print(("server_call_%d %.0f calls/s"):format(clients_count, call_rate(clients_count, calls)))
end
