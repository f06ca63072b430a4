-- How many temporary children a second: from the first start_child until each of them has run to its
-- first receive; light ones, with arguments, with a name each, and with `ready`, for which
-- start_child waits. Prints `starts/s` of the kinds light, arguments, named and ready.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local ran = 0

local function body()
  ran = ran + 1
  dynsup.receive()
end

local function ready_body()
  ran = ran + 1
  dynsup.ready()
  dynsup.receive()
end

local specs = {
  light = { restart = "temporary", body = body },
  arguments = { restart = "temporary", body = body, args = { 1, "two", { 3 } } },
  named = { restart = "temporary", body = body },
  ready = { restart = "temporary", body = ready_body, ready = true },
}

local function names_of(count)
  local names = {}
  for i = 1, count do
    names[i] = "child " .. i
  end
  return names
end

local function start_each(sup, spec, count, names)
  for i = 1, count do
    spec.name = names and names[i] or nil
    dynsup.start_child(sup, spec)
  end
end

-- Starts that many and stops them; returns how long the starts took.
local function start_all(kind, count)
  local sup = assert(dynsup.start_link())
  local names = kind == "named" and names_of(count)
  ran = 0
  collectgarbage()
  local begun = dynsup.now()
  start_each(sup, specs[kind], count, names)
  while ran < count do
    dynsup.yield()
  end
  local ms = dynsup.now() - begun
  assert(dynsup.count_children(sup).active == count)
  dynsup.stop(sup)
  return ms
end

for _, kind in ipairs({ "light", "arguments", "named", "ready" }) do
  for _, count in ipairs(bench.wants(kind) and bench.sizes({ 100000 }, { 100 }) or {}) do
    start_all(kind, count) -- the first time pays for memory that stays
    bench.rate(kind, count, count, start_all(kind, count), "starts")
  end
end
