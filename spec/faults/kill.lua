-- Kills the worker that runs a program at its first suspension, then at its second, and so on until
-- the worker ends by itself, and looks each time whether it has left anything behind.
local dynsup = require "dynsup"

local PATIENCE = 40 -- turns in which a worker that is ready has had its slice
local TURNS = 2000 -- until what is left must be gone

-- Everything that is ready gets a turn; after many turns without an effect time passes as well.
local function pause(turns)
  if turns > PATIENCE then dynsup.sleep(0.2) else dynsup.yield() end
end

-- Waits for the k-th suspension; false when the worker has ended before.
local function await_suspension(pid, k)
  local turns, seen = 0, -1
  while true do
    local info = dynsup.info(pid)
    if not info or info.slices >= k then return info ~= nil end
    turns = info.slices == seen and turns + 1 or 0
    seen = info.slices
    pause(turns)
  end
end

local function difference(before, now)
  for name, count in pairs(before) do
    if now[name] ~= count then return ("%s: %d, before %d"):format(name, now[name], count) end
  end
end

-- Waits until the counts are as they were; else what is different.
local function await_counts(before, counts)
  local found
  for turn = 1, TURNS do
    found = difference(before, counts())
    if not found then return end
    if turn % PATIENCE == 0 then collectgarbage() end
    pause(turn)
  end
  return found
end

-- One round: true when the worker was killed, or nil and what it has left behind.
local function round(run, k, counts)
  collectgarbage()
  local before = counts()
  local pid = dynsup.spawn(run)
  local killed = await_suspension(pid, k)
  dynsup.exit(pid, "kill")
  local left = await_counts(before, counts)
  if left then return nil, left end
  return killed
end

-- Returns the number of rounds, or nil and what went wrong. counts() is a table of numbers; stride: only
-- every so many suspensions.
return function(program, counts, stride)
  local title, run = table.unpack(program)
  round(run, math.huge, counts) -- what is made once and stays
  local k, rounds = 1, 0
  repeat
    local killed, left = round(run, k, counts)
    if left then return nil, ("%s, killed at suspension %d, leaves %s"):format(title, k, left) end
    k, rounds = k + stride, rounds + 1
  until not killed
  return rounds
end
