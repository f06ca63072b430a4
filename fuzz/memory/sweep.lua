-- Which requests for memory fail, and how many of them: points over all that a test makes, or the first
-- request of each place (places.c).
local report = require "fuzz.memory.report"

local sweep = {}

-- "once": only that request, after which Lua collects and tries again; "twice": also the second attempt;
-- "ever": all after it.
local FAILURES = { once = 1, twice = 2, ever = 0 }
local MODES = { "once", "twice", "ever" }

-- Later it hangs, in seconds: machines are busy, and memory comes back after some (preload.c); longer by so many
-- times what the test takes with all memory.
local LIMIT, SLOWER = tonumber(os.getenv "MEMORY_LIMIT") or 40, 5

-- The rest of a test is left out after a number of hangs, each of which takes that long; and after a number
-- of findings, for the rest would be the same ones.
local HANGS, FOUND = 3, 12

local points = tonumber(os.getenv "MEMORY_POINTS") or 10
local every = tonumber(os.getenv "MEMORY_EVERY")
local places_path = os.getenv "DYNSUP_MEMORY_PLACES" -- then it is those
local only_at, only_mode = (os.getenv "MEMORY_REPLAY" or ""):match "^(@?%x+):(%a+)$"
local notes_path = assert(os.getenv "DYNSUP_MEMORY_NOTES", "tools/check-memory sets the environment")

local deadline = os.time() + (tonumber(os.getenv "MEMORY_SECONDS") or math.huge)

sweep.done, sweep.found, sweep.left, sweep.left_points, sweep.missed, sweep.outside = 0, 0, 0, 0, 0, {}

-- What processes have written to a file, which they have open.
local function take(path)
  local file <close> = io.open(path, "rb")
  local text = file and file:read "a" or ""
  io.open(path, "w"):close()
  return text
end

-- The middles of equal parts of all requests.
local function spread(count, total)
  local list = {}
  for i = 0, count - 1 do list[#list + 1] = { at = 1 + (2 * i + 1) * total // (2 * count) } end
  return list
end

local tried = {} -- places, in all tests of the file

-- The first request of the test at each place that is new.
local function new_places()
  local list, text = {}, take(places_path)
  assert(not text:find "full", "more places than fuzz/memory/places.c has room for")
  for n, place in text:gmatch "(%d+) (%x+)\n" do
    if not tried[place] then list[#list + 1] = { at = math.tointeger(n), place = place } end
    tried[place] = true
  end
  return list
end

-- Was memory refused there?
local function was_at(place)
  return take(places_path):find(" " .. place .. "\n", 1, true) ~= nil
end

local function chosen(total)
  if places_path then return new_places() end
  return spread(every and total // every or math.min(points, total), total)
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
local function judge(run, how, code, crashes)
  if is_excused(crashes) then
    for _, crash in ipairs(crashes) do
      if crash.known then sweep.outside[crash.known] = (sweep.outside[crash.known] or 0) + 1 end
    end
    return
  end
  sweep.found = sweep.found + 1
  print(("FOUND %s %s (%d)"):format(run, how, code))
  for _, crash in ipairs(crashes) do print(report.describe(crash)) end
end

-- One run; how it ended, how many requests it made, its exit code. A request is named by its number, or, as
-- @PLACE, by where it is made.
local function try(test, request, mode)
  local place = tostring(request):match "^@(%x+)$"
  local at = place and 1 or math.tointeger(request)
  local how, code, requests = test.copies:attempt(at, FAILURES[mode], test.limit, place and tonumber("0x" .. place))
  local text = take(notes_path)
  local crashes = report.crashes(text)
  sweep.done = sweep.done + 1
  if is_bad(at, how, crashes) then judge(("%s:%s:%s"):format(test.name, request, mode), how, code, crashes) end
  return how, math.max(requests, report.requests(text)), code
end

-- One point in one mode. What time changes may lead elsewhere: then the place itself is waited for, which takes longer;
-- and if the test does not come there at all, it is left to the next one that does.
local function try_point(test, point, mode)
  local how = try(test, point.at, mode)
  if not point.place or was_at(point.place) then return how end
  how = try(test, "@" .. point.place, mode)
  if not was_at(point.place) then
    sweep.missed = sweep.missed + 1
    tried[point.place] = nil
  end
  return how
end

-- All modes; how many of the runs hung.
local function try_modes(test, point)
  local hangs = 0
  for _, mode in ipairs(MODES) do
    if try_point(test, point, mode) == "hung" then hangs = hangs + 1 end
  end
  return hangs
end

-- How far the list has been done.
local function try_points(test, list)
  local hangs, before = 0, sweep.found
  for i, point in ipairs(list) do
    if places_path and os.time() >= deadline then return i - 1 end
    hangs = hangs + try_modes(test, point)
    if sweep.found - before >= FOUND or hangs >= HANGS then return i end
  end
  return #list
end

-- Those that were not tried are left to the next test.
local function leave(list, from)
  for i = from, #list do
    sweep.left_points = sweep.left_points + 1
    if list[i].place then tried[list[i].place] = nil end
  end
end

-- Runs a test with memory, and then without it at each of the points, each time in another of the copies
-- (memory.freeze).
function sweep.run(name, copies)
  local test = { name = name, copies = copies, limit = LIMIT }
  if only_at then return try(test, only_at, only_mode) end
  if os.time() >= deadline then
    sweep.left = sweep.left + 1
    return
  end
  local begun = os.time()
  local how, total, code = try(test, 0, "once")
  test.limit = LIMIT + SLOWER * (os.time() - begun)
  local list = chosen(total)
  local suffix = (how == "ended" and code == 0) and "" or (", but %s (%d) with all memory"):format(how, code)
  print(("%s: %d of %d requests%s"):format(name, #list, total, suffix))
  leave(list, try_points(test, list) + 1)
end

-- The last lines of a file's report.
function sweep.finish()
  for why, n in pairs(sweep.outside) do print(("outside, %d times: %s"):format(n, why)) end
  if sweep.left > 0 then print(("%d tests were left out, for the time was over"):format(sweep.left)) end
  if sweep.left_points > 0 then
    print(("%d requests were left out of tests that were begun"):format(sweep.left_points))
  end
  if sweep.missed > 0 then print(("%d runs missed their place"):format(sweep.missed)) end
  print(("%d runs, %d found"):format(sweep.done, sweep.found))
end

return sweep
