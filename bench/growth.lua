-- What one operation costs beside 1,000 to 1,000,000 idle children of one supervisor: it is not to grow.
-- Prints `ns` of the kinds
--   start, stop   a child, until it has run to its first receive; a child among all, when all stop
--   send          a message to each child in turn, with the slice that takes it; random: to any of them
--   timer         send_after and, when all have one, cancel_timer
--   count         count_children
--   name          register, whereis and unregister, when all have a name
--   link, monitor  link and unlink, monitor and demonitor, when the caller has one to each child
--   page          a child in pages of 1,000
--   terminate     terminate_child
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local LEAST = 100000 -- operations that are timed at least, a whole round for all children each
local BATCH = 1000 -- messages that are sent before the receivers run
local HOUR_MS = 3600000
local KINDS = { "send", "random", "timer", "count", "name", "link", "monitor", "page" }

local least = bench.count(LEAST, 1)
local ran, names = 0, {}

local spec = {
  restart = "temporary",
  body = function()
    local receive = dynsup.receive
    ran = ran + 1
    while receive() do
      ran = ran + 1
    end
  end,
}

local function start_all(sup, count)
  ran = 0
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  while ran < count do
    dynsup.yield()
  end
end

local function timed(f, ...)
  local begun = dynsup.now()
  f(...)
  return dynsup.now() - begun
end

-- The ms of starts and of stops of so many rounds, after one that pays for memory that stays.
local function start_and_stop(count, rounds)
  local started, stopped = 0, 0
  for round = 0, rounds do
    local sup = assert(dynsup.start_link())
    collectgarbage()
    local up = timed(start_all, sup, count)
    collectgarbage()
    local down = timed(dynsup.stop, sup)
    if round > 0 then
      started, stopped = started + up, stopped + down
    end
  end
  return started, stopped
end

-- ---- operations: each for all children once ----

local function send_all(pids, at)
  local send, yield = dynsup.send, dynsup.yield
  for i = 1, #pids do
    send(pids[at(i)], "message", i)
    if i % BATCH == 0 then
      yield()
    end
  end
  yield()
end

local operations = {
  send = function(pids)
    send_all(pids, function(i) return i end)
  end,
  random = function(pids)
    local random, count = math.random, #pids
    send_all(pids, function() return random(count) end)
  end,
  timer = function(pids)
    local timers = {}
    for i = 1, #pids do
      timers[i] = dynsup.send_after(HOUR_MS, pids[i], "late")
    end
    for i = 1, #pids do
      dynsup.cancel_timer(timers[i])
    end
  end,
  count = function(pids, sup)
    local count_children = dynsup.count_children
    for _ = 1, #pids do
      count_children(sup)
    end
  end,
  name = function(pids)
    for i = 1, #pids do
      dynsup.register(names[i], pids[i])
    end
    for i = 1, #pids do
      assert(dynsup.whereis(names[i]) == pids[i])
      dynsup.unregister(names[i])
    end
  end,
  link = function(pids)
    for i = 1, #pids do
      dynsup.link(pids[i])
    end
    for i = 1, #pids do
      dynsup.unlink(pids[i])
    end
  end,
  monitor = function(pids)
    local refs = {}
    for i = 1, #pids do
      refs[i] = dynsup.monitor(pids[i])
    end
    for i = 1, #pids do
      dynsup.demonitor(refs[i])
    end
  end,
  page = function(_, sup)
    local children, after
    repeat
      children, after = dynsup.observer.children(sup, { limit = 1000, after = after })
    until not after
    assert(children)
  end,
}

local function pids_of(sup)
  local pids = {}
  for child in dynsup.children(sup) do
    pids[#pids + 1] = child.pid
  end
  return pids
end

-- Ends a tenth of them, from all over: the last thing that is done with them.
local function terminate(sup, pids, size)
  local count = #pids // 10
  local ms = timed(function()
    for i = 1, count do
      assert(dynsup.terminate_child(sup, pids[i * 10]))
    end
  end)
  bench.figure("terminate", size, ms / count * 1e6, "ns")
end

local function operate(size, rounds)
  for i = #names + 1, size do
    names[i] = "name " .. i
  end
  local sup = assert(dynsup.start_link())
  start_all(sup, size)
  local pids = pids_of(sup)
  for _, kind in ipairs(KINDS) do
    if bench.wants(kind) then
      local operation = operations[kind]
      local ms = 0
      collectgarbage() -- what the kind before has left is not put down to this one
      for round = 0, rounds do -- the first one pays for memory that stays
        local took = timed(operation, pids, sup)
        ms = ms + (round > 0 and took or 0)
      end
      bench.figure(kind, size, ms / rounds / size * 1e6, "ns")
    end
  end
  if bench.wants("terminate") then
    terminate(sup, pids, size)
  end
  dynsup.stop(sup)
end

for _, size in ipairs(bench.sizes({ 1000, 10000, 100000, 1000000 }, { 10, 20 })) do
  local rounds = math.max(1, least // size)
  if bench.wants("start") or bench.wants("stop") then
    local started, stopped = start_and_stop(size, rounds)
    bench.figure("start", size, started / rounds / size * 1e6, "ns")
    bench.figure("stop", size, stopped / rounds / size * 1e6, "ns")
  end
  operate(size, rounds)
end
