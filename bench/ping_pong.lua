-- How many messages a second between pairs of processes that answer each other. Prints `messages/s` of
-- the kind pairs; the size is how many pairs.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

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
  return 2 * rounds * pairs_count, dynsup.now() - begun
end

local messages = bench.count(MESSAGES, 200)
for _, pairs_count in ipairs(bench.sizes({ 1, 1000 }, { 1, 10 })) do
  play(pairs_count, messages // 10)
  local count, ms = play(pairs_count, messages)
  bench.rate("pairs", pairs_count, count, ms, "messages")
end
