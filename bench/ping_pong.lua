-- How many messages a second between pairs of processes that answer each other. Prints
-- `ping_pong_PAIRS RATE messages/s`.
local dynsup = require("dynsup")
local sizes_of = dofile(arg[0]:gsub("[^/]*$", "") .. "arguments.lua")

local MESSAGES = 2000000

local function ponger()
  local send, receive = dynsup.send, dynsup.receive
  local from, number = receive()
  while number do
    send(from, number)
    from, number = receive()
  end
end

local function pinger(main, ponged, rounds)
  local self, send, receive = dynsup.self(), dynsup.send, dynsup.receive
  receive()
  for i = 1, rounds do
    send(ponged, self, i)
    assert(receive() == i)
  end
  send(ponged, "stop")
  send(main, "done")
end

local function play(pairs_count, messages)
  local rounds = math.max(1, messages // (2 * pairs_count))
  local pingers = {}
  for i = 1, pairs_count do
    pingers[i] = dynsup.spawn(pinger, dynsup.self(), dynsup.spawn(ponger), rounds)
  end
  collectgarbage()
  local begun = dynsup.now()
  for i = 1, pairs_count do
    dynsup.send(pingers[i], "go")
  end
  for _ = 1, pairs_count do
    dynsup.receive()
  end
  return 2 * rounds * pairs_count / (dynsup.now() - begun) * 1000
end

local smoke = arg[1] == "--smoke"
for _, count in ipairs(sizes_of({ 1, 1000 }, { 1, 10 })) do
  local messages = smoke and 200 or MESSAGES
  play(count, messages // 10)
  print(("ping_pong_%d %.0f messages/s"):format(count, play(count, messages)))
end
