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
-- It is processor time: nothing here waits. All but terminate are the median of a few samples, each of
-- one or more rounds for all children: what else the machine does comes into one or two of them, what
-- the operation costs into each.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local SAMPLES = bench.count(5, 1)
local LEAST = bench.count(100000, 1) -- operations of a sample at least, by whole rounds for all children
local BATCH = 1000 -- messages that are sent before the receivers run
local HOUR_MS = 3600000
local KINDS = { "send", "random", "timer", "count", "name", "link", "monitor", "page" }

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
  local begun = os.clock()
  f(...)
  return (os.clock() - begun) * 1000
end

-- A list of samples, in ns per operation, for each result of round(): how many ms a round for all children
-- has taken. One round is run before, to allocate the memory that stays.
local function sample(size, round)
  local rounds = math.max(1, LEAST // size)
  local samples = {}
  for i = 1, #table.pack(round()) do
    samples[i] = {}
  end
  for at = 1, SAMPLES do
    for _ = 1, rounds do
      for i, ms in ipairs({ round() }) do
        samples[i][at] = (samples[i][at] or 0) + ms / rounds / size * 1e6
      end
    end
  end
  return table.unpack(samples)
end

local function figure(kind, size, samples)
  table.sort(samples)
  bench.figure(kind, size, samples[(#samples + 1) // 2], "ns")
end

-- How many ms the starts take, and the stops.
local function start_and_stop(count)
  local sup = assert(dynsup.start_link())
  collectgarbage()
  local up = timed(start_all, sup, count)
  collectgarbage()
  return up, timed(dynsup.stop, sup)
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

local function operate(size)
  for i = #names + 1, size do
    names[i] = "name " .. i
  end
  local sup = assert(dynsup.start_link())
  start_all(sup, size)
  local pids = pids_of(sup)
  for _, kind in ipairs(KINDS) do
    if bench.wants(kind) then
      local operation = operations[kind]
      collectgarbage() -- garbage of the previous kind is not charged to this one
      figure(kind, size, sample(size, function()
        return timed(operation, pids, sup)
      end))
    end
  end
  if bench.wants("terminate") then
    terminate(sup, pids, size)
  end
  dynsup.stop(sup)
end

for _, size in ipairs(bench.sizes({ 1000, 10000, 100000, 1000000 }, { 10, 20 })) do
  if bench.wants("start") or bench.wants("stop") then
    local started, stopped = sample(size, function()
      return start_and_stop(size)
    end)
    figure("start", size, started)
    figure("stop", size, stopped)
  end
  operate(size)
end
