-- A TCP echo server on loopback with a worker for each connection; then each worker is killed at a
-- random time, while its client goes on. The clients are a program of their own, this one. Prints
--   echoes   echoes/s, all connections open, a line on its way in each
--   opened   connections/s
--   lost     connections that got no answer, or no end: 0
--   left     files open when the last worker was killed: 0
local dynsup = require "dynsup"
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")
local uv = require "luv"
local net = dynsup.net

local ROUNDS = 20
local KILLED_WITHIN_MS = 1000
local PAUSE_MS = 1000 -- at most, between two lines of a client that waits for its worker's end
local OPENING = 500 -- connections that are being made at a time: the kernel's queue is not endless
local PATIENCE_MS = 60000

-- ---- the clients' program ----

-- A line each round; then lines until its worker is killed.
local function client(main, port, number)
  local socket <close> = assert(net.connect("127.0.0.1", port))
  dynsup.send(main, "open")
  dynsup.receive()
  local line = ("line of client %d"):format(number)
  for _ = 1, ROUNDS do
    assert(socket:write(line, "\n"))
    assert(socket:read "line" == line)
  end
  dynsup.send(main, "echoed")
  while socket:write(line, "\n") and socket:read "line" do
    dynsup.sleep(math.random(PAUSE_MS))
  end
  dynsup.send(main, "ended")
end

-- How many of these messages do not come.
local function count_missing(what, count)
  for i = 1, count do
    if not dynsup.receive_match(what, PATIENCE_MS) then
      return count - i + 1
    end
  end
  return 0
end

local function open_clients(port, count)
  local clients, lost = {}, 0
  for i = 1, count do
    clients[i] = dynsup.spawn(client, dynsup.self(), port, i)
    if i > OPENING then
      lost = lost + count_missing("open", 1)
    end
  end
  return clients, lost + count_missing("open", math.min(OPENING, count))
end

local function run_clients(port, count)
  local begun = dynsup.now()
  local clients, lost = open_clients(port, count)
  bench.rate("opened", count, count, dynsup.now() - begun, "connections")
  begun = dynsup.now()
  for _, pid in ipairs(clients) do
    dynsup.send(pid, "go")
  end
  lost = lost + count_missing("echoed", count)
  bench.rate("echoes", count, count * ROUNDS, dynsup.now() - begun, "echoes")
  lost = lost + count_missing("ended", count)
  bench.figure("lost", count, lost, "connections")
  dynsup.halt(0)
end

-- ---- the server's program ----

local function count_open_files()
  local count = 0
  for _ in uv.fs_scandir_next, uv.fs_scandir "/proc/self/fd" do
    count = count + 1
  end
  return count
end

-- Kills each worker at some time from now on.
local function kill_workers(sup)
  for child in dynsup.children(sup) do
    dynsup.spawn(function()
      dynsup.sleep(math.random() * KILLED_WITHIN_MS)
      dynsup.exit(child.pid, "kill")
    end)
  end
end

-- The program of the clients; sends "clients", code when it has ended.
local function start_clients(port, count)
  local main = dynsup.self()
  local words = { "run", "--log-level", "off", arg[0], "clients", tostring(port), tostring(count) }
  return assert(uv.spawn(uv.exepath(), { args = words, stdio = { nil, 1, 2 } }, function(code)
    dynsup.send(main, "clients", code)
  end))
end

-- Echoes lines, and sends a message when its client must have got everything that it waits for.
local function echo(main, socket)
  local lines = 0
  for line in socket:lines() do
    socket:write(line, "\n")
    lines = lines + 1
    if lines == ROUNDS then
      dynsup.send(main, "echoed")
    end
  end
end

local function run_server(count)
  local sup = assert(dynsup.start_link {})
  local listener = assert(net.listen("127.0.0.1", 0))
  local _, port = listener:sockname()
  local before = count_open_files()
  dynsup.spawn(net.serve, listener, sup, { body = echo, args = { dynsup.self() } })
  local clients = start_clients(port, count)
  if count_missing("echoed", count) == 0 then
    kill_workers(sup)
  end
  local _, code = dynsup.receive_match "clients"
  assert(code == 0, "the clients failed")
  assert(dynsup.count_children(sup).specs == 0, "workers are left")
  clients:close()
  bench.figure("left", count, count_open_files() - before, "files")
  listener:close()
end

if arg[1] == "clients" then
  run_clients(math.tointeger(arg[2]), math.tointeger(arg[3]))
else
  for _, count in ipairs(bench.sizes({ 10000 }, { 100 })) do
    run_server(count)
  end
end
