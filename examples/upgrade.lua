-- A worker that loses nothing: it keeps its state over a crash, and gets new code while it runs.
-- Its module is written into a file here, as an editor would; dynsup.reload takes it from there. The
-- report of the crash goes to stderr: dynsup run --log-level off examples/upgrade.lua leaves it out.
local dynsup = require "dynsup"

-- The worker's module, in versions that differ in how they count.
local code = [[
local dynsup = require "dynsup"

local counter = {}

function counter.run(owner)
  local previous = dynsup.previous()
  local count = previous and previous.state or 0
  if previous then
    dynsup.send(owner, "goes on with " .. count)
  end
  while true do
    assert(dynsup.receive() == "count", "I can only count")
    count = count + STEP
    dynsup.save_state(count)
    dynsup.send(owner, "counts " .. count)
  end
end

return counter
]]

local path = os.tmpname()
package.path = path .. ";" .. package.path

local function write(text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

local function ask(what)
  dynsup.send("counter", what)
  print((dynsup.receive()))
end

write(code:gsub("STEP", "1"))
local supervisor = assert(dynsup.start_link())
assert(dynsup.start_child(supervisor, { name = "counter", body = "counter:run", args = { dynsup.self() } }))
ask "count"
ask "count"

print "--- it crashes"
ask "sing"
ask "count"

print "--- new code: it counts in tens"
write(code:gsub("STEP", "10"))
print("restarted: " .. dynsup.reload "counter")
print((dynsup.receive()))
ask "count"

print "--- code that does not compile is refused"
write "return }"
local _, reason = dynsup.reload "counter" -- and the compiler's message
print("refused: " .. reason)
ask "count"

dynsup.stop(supervisor)
os.remove(path)
