-- How long an attached client waits for tree, info and top of a host with many workers under load, and
-- how late the host's 1 ms heartbeat is meanwhile, compared with times without a client's requests: both in
-- turn, three times. Prints ms: for each request the median, the 99th percentile and the longest; for the
-- heartbeat the 99th percentile, without and with requests. More is on stderr.
local client = require("dynsup.attach.client")
local dynsup = require("dynsup")
local uv = require("luv")

local folder = arg[0]:gsub("[^/]*$", "")
local bench = dofile(folder .. "suite/harness.lua")

local ROUNDS, PHASE_MS = 3, 3000
local PAUSE_MS = 10 -- between two looks

local looks = {
  { "tree", "tree()" },
  { "info", "info 'pool'" },
  { "top", "top()" },
}

-- ---- the host ----

local function start_host(count)
  local path = os.tmpname()
  os.remove(path)
  local host = { path = path }
  host.handle = assert(uv.spawn(uv.exepath(), {
    args = { "run", "--listen=" .. path, folder .. "attach_host.lua", tostring(count) },
    stdio = { nil, nil, 2 },
  }, function()
    host.has_ended = true
    if host.resume then
      host.resume()
    end
  end))
  return host
end

local function stop_host(host)
  host.handle:kill("sigterm")
  dynsup.await(function(resume)
    host.resume = resume
    if host.has_ended then
      resume()
    end
  end)
  host.handle:close()
end

-- The host listens before it starts its workers.
local function connect(path)
  local host
  repeat
    dynsup.sleep(20)
    host = client.connect(path)
  until host
  return host
end

-- Sends a request and waits for its end; the text of its values and of what was printed.
local function ask(host, kind, text)
  assert(host:send({ ["do"] = kind, text = text, width = 120 }))
  local parts = {}
  while true do
    local message = assert(host:receive())
    parts[#parts + 1] = message.text or message.out
    if message.done then
      assert(message.ok, text)
      return table.concat(parts)
    end
  end
end

-- ---- measuring ----

local function percentile(sorted, part)
  return sorted[math.max(1, math.ceil(#sorted * part))]
end

local function now_ms()
  return uv.hrtime() / 1e6
end

-- Looks again and again for some time; appends how long each took to its list.
local function look_for(host, ms, times)
  local deadline, at = now_ms() + ms, 0
  repeat
    local look = looks[at % #looks + 1]
    local begun = now_ms()
    ask(host, "line", look[2])
    table.insert(times[look[1]], now_ms() - begun)
    at = at + 1
    dynsup.sleep(PAUSE_MS)
  until now_ms() > deadline
end

local function tell_heartbeat(name, text)
  local beats, p50, p99, max = text:match("(%S+) (%S+) (%S+) (%S+)")
  io.stderr:write(("%-10s %6s beats, late by %s ms (median), %s (99 %%), %s (longest)\n"):format(name, beats, p50,
    p99, max))
  return tonumber(p99)
end

local function measure(host, phase_ms)
  local times = { tree = {}, info = {}, top = {} }
  local late = { quiet = {}, looked_at = {} }
  ask(host, "eval", "lateness()")
  for _ = 1, ROUNDS do
    dynsup.sleep(phase_ms)
    table.insert(late.quiet, tell_heartbeat("quiet", ask(host, "eval", "lateness()")))
    look_for(host, phase_ms, times)
    table.insert(late.looked_at, tell_heartbeat("looked at", ask(host, "eval", "lateness()")))
  end
  return times, late
end

-- ---- figures ----

local function tell_look(name, count, list)
  table.sort(list)
  for _, figure in ipairs({ { "median", 0.5 }, { "p99", 0.99 }, { "longest", 1 } }) do
    bench.figure(name .. "_" .. figure[1], count, percentile(list, figure[2]), "ms")
  end
end

local function tell_late(name, count, list)
  table.sort(list)
  bench.figure("late_" .. name, count, percentile(list, 0.5), "ms")
end

local function answer(count, phase_ms)
  local program = start_host(count)
  local host = connect(program.path)
  ask(host, "eval", "while not dynsup.whereis 'pool' or dynsup.count_children('pool').active < " .. count
    .. " do dynsup.sleep(10) end dynsup.sleep(" .. phase_ms // 2 .. ")")
  local times, late = measure(host, phase_ms)
  for _, look in ipairs(looks) do
    tell_look(look[1], count, times[look[1]])
  end
  tell_late("quiet", count, late.quiet)
  tell_late("looked_at", count, late.looked_at)
  host:close()
  stop_host(program)
end

for _, count in ipairs(bench.sizes({ 100000 }, { 100 })) do
  answer(count, bench.smoke and 50 or PHASE_MS)
end
