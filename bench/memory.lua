-- How many bytes of resident memory an idle child takes, all in: by what the program's resident set
-- grew. Prints `memory_COUNT SIZE bytes/child`.
local dynsup = require("dynsup")
local sizes_of = dofile(arg[0]:gsub("[^/]*$", "") .. "arguments.lua")

local function resident()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then
      return tonumber(kilobytes) * 1024
    end
  end
end

local spec = {
  restart = "temporary",
  body = function()
    dynsup.receive()
  end,
}

local function grow(count)
  local sup = assert(dynsup.start_link())
  collectgarbage()
  local before = resident()
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  dynsup.yield() -- all of them run first
  local size = (resident() - before) / count
  dynsup.stop(sup)
  return size
end

local sizes = sizes_of({ 1000000 }, { 1000 })
assert(#sizes == 1, "one size a run: memory that was freed would be used again")
print(("memory_%d %.0f bytes/child"):format(sizes[1], grow(sizes[1])))
