-- Runs tests inside a host. Each gets a host of its own with a virtual clock and a fixed seed: it
-- is the same in every run, and no test sleeps on the real clock. The virtual clock moves on only
-- when no process is ready, so sleep(1) lets everything that is ready come to rest, and never
-- returns beside a process that loops for ever.
local dynsup = require "dynsup"

local host = {}

local defaults = { clock = "virtual", seed = 1 }

-- DYNSUP_SLICE=N (tools/check-interleaving): on the virtual clock a slice has N instructions, unless
-- a test says how long it is, so that processes are interrupted in the middle of whatever they do.
local instructions = tonumber(os.getenv "DYNSUP_SLICE")
local slice = instructions and instructions * 1e-5

local function with_defaults(options)
  local merged = {}
  for name, value in pairs(defaults) do
    merged[name] = value
  end
  for name, value in pairs(options or {}) do
    merged[name] = value
  end
  if merged.clock == "virtual" then
    merged.slice = merged.slice or slice
  end
  return merged
end

local function raise(reason, detail)
  if type(reason) == "table" and reason.traceback then
    error(reason.error, 0)
  end
  error(("the run ended with %s (%s)"):format(tostring(reason), tostring(detail)), 0)
end

-- Runs f(...) as the main process and returns what dynsup.run returns.
function host.outcome(f, options, ...)
  return dynsup.run(with_defaults(options), f, ...)
end

-- The results of a call; its error halts the run and is kept. This takes no memory, and halt is tried
-- until there is some: tests run where there is none (tools/check-memory).
local function settle(failure, ok, ...)
  if ok then return ... end
  failure.error, failure.happened = ..., true
  repeat until pcall(dynsup.halt, 1)
end

-- f, but its error halts the run, also beside processes that would go on for ever.
local function halting(f, failure)
  return function()
    return settle(failure, pcall(f))
  end
end

-- Runs f as the main process and returns its results. An end other than a good one is raised: the
-- error of a crash as it was thrown, so that a failed assertion shows as what it is.
function host.run(f, options)
  local failure = { error = false, happened = false }
  local results = table.pack(host.outcome(halting(f, failure), options))
  if failure.happened then
    error(failure.error, 0)
  elseif not results[1] then
    raise(results[2], results[3])
  end
  return table.unpack(results, 2, results.n)
end

-- A test body that runs f by host.run: it("a sentence", host.main(function() ... end)).
function host.main(f, options)
  return function()
    host.run(f, options)
  end
end

-- Waits for the DOWN of a monitor and returns its reason.
function host.down(ref)
  local _, _, _, reason = dynsup.receive_match(function(tag, down_ref)
    return tag == "DOWN" and down_ref == ref
  end)
  return reason
end

-- Runs f(...) as a process to its end and returns the reason.
function host.reason(f, ...)
  local _, ref = dynsup.spawn_monitor(f, ...)
  return host.down(ref)
end

-- Ends a process by a signal and returns the reason it ended with.
function host.stop(pid, reason)
  local ref = dynsup.monitor(pid)
  dynsup.exit(pid, reason)
  return host.down(ref)
end

-- Takes all queued messages out of the caller's mailbox: a list of packed tables.
function host.drain()
  local messages = {}
  while true do
    local message = table.pack(dynsup.receive(0))
    if message[1] == nil then
      return messages
    end
    messages[#messages + 1] = message
  end
end

-- A to-be-closed value whose handler is f; f is called without the arguments of the handler.
function host.closer(f)
  return setmetatable({}, {
    __close = function()
      f()
    end,
  })
end

-- Like pairs, in the order of the keys, which are strings.
function host.sorted(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  local i = 0
  return function()
    i = i + 1
    return keys[i], map[keys[i]]
  end
end

-- Spawns a process with a <close> handler that runs on_close, which then runs body(...); returns its pid
-- and a ref.
function host.guarded(on_close, body, ...)
  return dynsup.spawn_monitor(function(...)
    local _ <close> = host.closer(on_close)
    body(...)
  end, ...)
end

-- Calls f where nobody can wait: what pcall returns.
function host.in_comparator(f)
  local results
  table.sort({ 1, 2 }, function()
    results = table.pack(pcall(f))
    return false
  end)
  return table.unpack(results, 1, results.n)
end

-- What waits, each in its way.
host.waits = {
  receive = function() dynsup.receive(10) end,
  receive_match = function() dynsup.receive_match("x", 10) end,
  sleep = function() dynsup.sleep(10) end,
  yield = dynsup.yield,
  await = function() dynsup.await(function() end, 10) end,
}

return host
