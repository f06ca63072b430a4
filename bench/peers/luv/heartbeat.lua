-- How late a 1 ms timer of luv is with SIZE idle coroutines, one of which makes garbage. A
-- coroutine that never yields has no figure: nothing else runs any more.
local uv = require("luv")
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local function idle()
  coroutine.yield()
end

local function litter()
  for i = 1, 10 do
    local _ = { i, tostring(i) }
  end
end

local function new_idle(count)
  local children = {}
  for i = 1, count do
    children[i] = coroutine.create(idle)
    coroutine.resume(children[i])
  end
  return children
end

-- By how many ms each beat was late.
local function beat(count)
  local timer, late = uv.new_timer(), {}
  local function next_beat()
    local due = uv.hrtime() / 1e6 + 1
    timer:start(1, 0, function()
      late[#late + 1] = uv.hrtime() / 1e6 - due
      if #late < count then
        next_beat()
      else
        uv.stop()
      end
    end)
  end
  next_beat()
  uv.run()
  timer:close()
  return late
end

if bench.wants("idle") then
  for _, count in ipairs(bench.sizes({ 10000, 100000, 1000000 }, { 100 })) do
    local children = new_idle(count)
    local garbage = uv.new_timer()
    garbage:start(1, 1, litter)
    beat(bench.count(200, 5))
    bench.spread("idle", count, beat(bench.count(2000, 20)), "ms")
    garbage:close()
    assert(#children == count)
  end
end
os.exit(0) -- without closing the Lua state
