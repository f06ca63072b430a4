-- Which requests for memory fail, and how many of them: points over all that a test makes.
local report = require "fuzz.memory.report"
local memory = require "memory_fault"

local sweep = {}

-- "once": that request alone, after which Lua collects and asks again; "twice": also when it asks again;
-- "ever": all behind it.
local FAILURES = { once = 1, twice = 2, ever = 0 }
local MODES = { "once", "twice", "ever" }

-- Later it hangs, in seconds: machines are busy, and memory comes back after some (preload.c).
local LIMIT = tonumber(os.getenv "MEMORY_LIMIT") or 40

local points = tonumber(os.getenv "MEMORY_POINTS") or 10
local every = tonumber(os.getenv "MEMORY_EVERY")
local only_at, only_mode = (os.getenv "MEMORY_REPLAY" or ""):match "^(%d+):(%a+)$"
local notes_path = assert(os.getenv "DYNSUP_MEMORY_NOTES", "tools/check-memory sets the environment")

local deadline = os.time() + (tonumber(os.getenv "MEMORY_SECONDS") or math.huge)

sweep.done, sweep.found, sweep.left, sweep.outside = 0, 0, 0, {}

local function take_notes()
  local file <close> = io.open(notes_path, "rb")
  local text = file and file:read "a" or ""
  io.open(notes_path, "w"):close() -- processes have it open
  return text
end

-- Has it crashed, or does it hang? With all memory a hang is the machine's or the test's, and found elsewhere.
local function is_bad(at, how, crashes)
  for _, crash in ipairs(crashes) do
    if crash.signal ~= "SIGQUIT" then return true end
  end
  return how == "crashed" and #crashes == 0 or how == "hung" and at > 0
end

-- Is each crash somebody else's, or a test that failed? A hang is if one process waits for what is.
local function is_excused(crashes)
  local is_any = false
  for _, crash in ipairs(crashes) do
    local is_one = crash.known or crash.is_failure
    if not is_one and crash.signal ~= "SIGQUIT" then return false end
    is_any = is_any or is_one
  end
  return is_any
end

-- Says what a test made of it, unless that is excused.
local function judge(name, at, mode, how, code, crashes)
  if is_excused(crashes) then
    for _, crash in ipairs(crashes) do
      if crash.known then sweep.outside[crash.known] = (sweep.outside[crash.known] or 0) + 1 end
    end
    return
  end
  sweep.found = sweep.found + 1
  print(("FOUND %s:%d:%s %s (%d)"):format(name, at, mode, how, code))
  for _, crash in ipairs(crashes) do print(report.describe(crash)) end
end

-- One run; how many requests it made.
local function try(name, at, mode, attempt)
  local how, code, requests = attempt(at, FAILURES[mode], LIMIT)
  local text = take_notes()
  local crashes = report.crashes(text)
  sweep.done = sweep.done + 1
  if is_bad(at, how, crashes) then judge(name, at, mode, how, code, crashes) end
  return how, math.max(requests, report.requests(text)), code
end

-- Runs a test with memory, and then without it at each of the points. attempt(at, failures, seconds)
-- returns what memory.attempt does.
function sweep.run(name, attempt)
  attempt = attempt or memory.attempt
  if only_at then return try(name, math.tointeger(only_at), only_mode, attempt) end
  if os.time() >= deadline then
    sweep.left = sweep.left + 1
    return
  end
  local how, total, code = try(name, 0, "once", attempt)
  local count = every and total // every or math.min(points, total)
  local suffix = (how == "ended" and code == 0) and "" or (", but %s (%d) with all memory"):format(how, code)
  print(("%s: %d of %d requests%s"):format(name, count, total, suffix))
  for i = 0, count - 1 do
    local before = sweep.found
    for _, mode in ipairs(MODES) do
      try(name, 1 + (2 * i + 1) * total // (2 * count), mode, attempt)
    end
    if sweep.found - before == #MODES then break end -- each would be found anew
  end
end

-- The last lines of a file's report.
function sweep.finish()
  for why, n in pairs(sweep.outside) do print(("outside, %d times: %s"):format(n, why)) end
  if sweep.left > 0 then print(("%d tests were left out, for the time was over"):format(sweep.left)) end
  print(("%d runs, %d found"):format(sweep.done, sweep.found))
end

return sweep
