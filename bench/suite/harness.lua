-- What the programs in Lua share, also those of peers: their arguments, and the lines that they print.
--
-- A program is called with words and numbers: words choose among its kinds of figures, numbers replace
-- its usual sizes; --smoke stands for sizes so small that only the way through is tested. Each
-- figure is a line of fields, from every program and peer in whatever language:
--   question=start_child kind=light size=100000 value=2100000 unit=starts/s
-- Of a unit that ends in /s more is better, of all others less.

local USAGE = "usage: %s [--smoke] [KIND...] [SIZE...]"

local bench = { smoke = false }
local kinds, sizes = {}, {}

for i = 1, #arg do
  local size = math.tointeger(tonumber(arg[i]))
  if arg[i] == "--smoke" then
    bench.smoke = true
  elseif size and size > 0 then
    sizes[#sizes + 1] = size
  elseif arg[i]:find("^%a[%w_]*$") then
    kinds[arg[i]] = true
  else
    io.stderr:write(USAGE:format(arg[0]), "\n")
    os.exit(2)
  end
end

local question = arg[0]:match("([^/]*)%.lua$") or arg[0]

local has_luv, uv = pcall(require, "luv")

--- The time in ms, for programs without a host: of luv's clock, else what this program has used.
---@return number
function bench.now()
  return has_luv and uv.hrtime() / 1e6 or os.clock() * 1000
end

--- Is this kind of figure wanted?
---@param kind string
---@return boolean
function bench.wants(kind)
  return not next(kinds) or kinds[kind] == true
end

--- The sizes to measure at.
---@param usual integer[]
---@param smoke integer[]
---@return integer[]
function bench.sizes(usual, smoke)
  if bench.smoke then
    return smoke
  end
  return #sizes > 0 and sizes or usual
end

--- How often to do something, or for how long; in a smoke run the other.
---@param usual number
---@param smoke number
---@return number
function bench.count(usual, smoke)
  return bench.smoke and smoke or usual
end

--- Prints one figure.
---@param kind string
---@param size integer
---@param value number
---@param unit string
function bench.figure(kind, size, value, unit)
  print(("question=%s kind=%s size=%d value=%.6g unit=%s"):format(question, kind, size, value, unit))
end

--- Prints the rate of a number of things in a number of milliseconds.
---@param kind string
---@param size integer
---@param count integer
---@param ms number
---@param things string
function bench.rate(kind, size, count, ms, things)
  bench.figure(kind, size, count / ms * 1000, things .. "/s")
end

--- Prints the median, the 99th percentile and the greatest of the values, which it sorts.
---@param kind string
---@param size integer
---@param values number[]
---@param unit string
function bench.spread(kind, size, values, unit)
  table.sort(values)
  for _, point in ipairs({ { "p50", 0.5 }, { "p99", 0.99 }, { "max", 1 } }) do
    local place = math.max(1, math.ceil(#values * point[2]))
    bench.figure(kind .. "_" .. point[1], size, values[place], unit)
  end
end

--- The bytes of memory that this program has in use.
---@return integer
function bench.resident()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then
      return math.tointeger(kilobytes) * 1024
    end
  end
  error("the kernel does not tell the resident memory", 0)
end

-- By how many ms each beat of 1 ms was late; in a process of dynsup.
function bench.beat(dynsup, count)
  local sleep, now = dynsup.sleep, dynsup.now
  local late = {}
  for i = 1, count do
    local due = now() + 1
    sleep(1)
    late[i] = now() - due
  end
  return late
end

return bench
