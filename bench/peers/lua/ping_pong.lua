-- Two coroutines of a pair in turn, each with two values from the other, by a loop in Lua.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local MESSAGES = 2000000

local function player()
  local yield = coroutine.yield
  while true do
    assert(yield())
  end
end

local function new_players(count)
  local players = {}
  for i = 1, count do
    players[i] = coroutine.create(player)
    coroutine.resume(players[i])
  end
  return players
end

local function play(pairs_count, messages)
  local players, resume = new_players(2 * pairs_count), coroutine.resume
  local sent = 0
  local begun = bench.now()
  while sent < messages do
    for i = 1, 2 * pairs_count, 2 do
      local one, other = players[i], players[i + 1]
      resume(other, one, sent)
      resume(one, other, sent)
    end
    sent = sent + 2 * pairs_count
  end
  return sent, bench.now() - begun
end

for _, pairs_count in ipairs(bench.sizes({ 1, 1000 }, { 1 })) do
  local messages = bench.count(MESSAGES, 200)
  play(pairs_count, messages // 10)
  local count, ms = play(pairs_count, messages)
  bench.rate("pairs", pairs_count, count, ms, "messages")
end
