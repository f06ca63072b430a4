-- One random program in further heaps: settlers in a run of its own, on a virtual clock, in heaps some of
-- which have little memory. The main process keeps account: it monitors all settlers that report their birth,
-- and notes their reports. At rest, the library's answers are compared with each other, and the heaps with the
-- processes in them; then all are ended, and no process and no heap may be left.
local dynsup = require "dynsup"
local invariant = require "fuzz.lua.invariant"
local must, everybody = invariant.must, invariant.everybody
local registry = dynsup.registry

local REST_MS = 100000
local INSTRUCTION = 1e-5 -- the slice in ms that has one, on a virtual clock
local ENDLESS = { max_restarts = 1000000, max_seconds = 1 }

-- How many settlers there are at the beginning, and steps of each, by default. Two runs of a seed may
-- differ in when a heap is lost.
local colony = { actors = 8, steps = 30, is_exact = false }

-- ---- what is there from the beginning ----

local function sup(name, options)
  options = options or {}
  options.name, options.max_restarts, options.max_seconds = name, 1000000, 1
  return { dynsup, options }
end

local function ordered()
  local children = {}
  for i = 1, 3 do
    children[i] = { id = i, body = "fuzz.lua.settler_module:run", heap = i > 1 and "own" or nil }
  end
  return dynsup.supervisor.start_link(children,
    { name = "ordered", strategy = "one_for_all", max_restarts = 1000000, max_seconds = 1 })
end

-- The tree that outlives all storms, and servers in two heaps of it.
local function plant()
  assert(dynsup.supervisor.start_link({
    { registry, { keys = "unique", name = "unique" } },
    { registry, { keys = "duplicate", name = "many" } },
    sup("tasks"),
    sup("plain"),
    sup("town", { heaps = 3, heap_memory = 1000000 }),
    sup("village", { heaps = 2 }),
    sup("hermits", { heaps = 1, heap_memory = 400000, limits = { max_message = 100000 } }),
    { id = "ordered", type = "supervisor", start = ordered },
  }, ENDLESS))
  for name, place in pairs { office = "town", counter = "village" } do
    dynsup.start_child(place, { start = "fuzz.lua.settler:open_office", args = { name } })
  end
end

-- ---- reports ----

-- Takes the reports so far.
local function take(w)
  local function told(what, ...)
    if what == "born" then
      local ref = dynsup.monitor((...))
      w.refs[ref] = (...)
    elseif what == "DOWN" then
      local ref, pid = ...
      must(w.refs[ref] == pid, "the end of %s was told twice", pid)
      w.refs[ref] = nil
    elseif what == "wrong" then
      error((...), 0)
    elseif what == "note" then
      local words = table.pack(...)
      for i = 1, words.n do
        words[i] = tostring(words[i])
      end
      table.insert(w.log, table.concat(words, " "))
    end
    return what
  end
  while told(dynsup.receive(REST_MS)) do end
end

-- There are as many processes in further heaps as the heaps say.
local function check_heaps()
  local lives = {}
  for _, process in ipairs(everybody()) do
    local heap = dynsup.info(process.pid).heap
    if heap and heap > 0 then
      lives[heap] = (lives[heap] or 0) + 1
    end
  end
  for _, row in ipairs(dynsup.heaps()) do
    local count = lives[row.heap] or 0
    must(row.heap == 0 or row.processes == count, "heap %d has %d processes, and %d live in it", row.heap,
      row.processes, count)
    must(not row.lost, "heap %d is lost and still there", row.heap)
    must(not row.limit or row.memory <= row.limit * 1.25 + 262144, "heap %d has %d bytes", row.heap, row.memory)
    lives[row.heap] = nil
  end
  must(not next(lives), "somebody lives in heap %s, which is not there", next(lives))
end

-- Ends everybody except the caller; each end is reported once, and no heap is left.
local function check_end(w)
  for _, process in ipairs(everybody()) do
    if process.pid ~= dynsup.self() then
      dynsup.exit(process.pid, "kill")
    end
  end
  take(w)
  must(not next(w.refs), "the end of %s was not told", select(2, next(w.refs)))
  must(#everybody() == 1, "%d processes are left", #everybody())
  must(#dynsup.heaps() == 1, "%d heaps are left", #dynsup.heaps())
end

-- ---- the run ----

local function main(w, seed)
  dynsup.flag("trap_exit", true)
  dynsup.register("keeper", dynsup.self())
  plant()
  local known = { dynsup.whereis "ordered" }
  for i = 1, w.actors do
    local place = i % 2 == 0 and "town" or "village"
    known[i] = assert(dynsup.start_child(place, {
      body = "fuzz.lua.settler:run",
      args = { i, seed + i, w.steps, known },
      max_restarts = 3,
    }))
  end
  take(w)
  w.log[#w.log + 1] = "at rest with " .. invariant.check_rest()
  check_heaps()
  check_end(w)
end

-- Runs the program of this seed, which begins with that many settlers. Returns its log (a list of lines), what was
-- wrong, or nil, and how many processes it had.
function colony.run(seed, actors, steps)
  local w = { log = {}, refs = {}, actors = actors, steps = steps }
  local spawned, exited = 0, 0
  local function event_log(line)
    spawned = spawned + (line:find(" event=spawned ", 1, true) and 1 or 0)
    exited = exited + (line:find(" event=exited ", 1, true) and 1 or 0)
    w.log[#w.log + 1] = line
  end
  local options = {
    clock = "virtual",
    seed = seed,
    slice = (1 + seed * 7 % 400) * INSTRUCTION,
    event_log = event_log,
    copy_messages = seed % 5 == 0,
    memory_accounts = seed % 3 == 0,
    log = function() end,
    log_level = seed % 2 == 0 and "debug" or "info",
  }
  local ok, reason = dynsup.run(options, main, w, seed)
  local wrong = not ok and tostring(type(reason) == "table" and reason.error or reason) or nil
  if not wrong and spawned ~= exited then
    wrong = ("%d processes have begun and %d have ended"):format(spawned, exited)
  end
  return w.log, wrong, spawned
end

return colony
