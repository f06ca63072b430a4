-- How many bytes of resident memory an idle child takes, all in: by what the program's resident set
-- grew. Prints `bytes/child` of the kind child. One size a run: memory that was freed is used again.
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local spec = {
  restart = "temporary",
  body = function()
    dynsup.receive()
  end,
}

local function grow(count)
  local sup = assert(dynsup.start_link())
  collectgarbage()
  local before = bench.resident()
  for _ = 1, count do
    dynsup.start_child(sup, spec)
  end
  dynsup.yield() -- all of them run first
  local size = (bench.resident() - before) / count
  dynsup.stop(sup)
  return size
end

local sizes = bench.sizes({ 1000000 }, { 1000 })
assert(#sizes == 1, "one size a run")
bench.figure("child", sizes[1], grow(sizes[1]), "bytes/child")
