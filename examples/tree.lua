-- A supervision tree: a store, a cache that needs it, and jobs that need both. When one of them breaks, those
-- that were started after it are restarted with it.
-- dynsup run --log-level off examples/tree.lua leaves out the report.
local dynsup = require "dynsup"

-- A service is up once it has said so: only then the next one starts.
local function service(name)
  print("up", name)
  local _ <close> = setmetatable({}, {
    __close = function()
      print("down", name)
    end,
  })
  dynsup.ready()
  while dynsup.receive() ~= "break" do
  end
  error("the " .. name .. " is broken")
end

local function child(name)
  return { id = name, name = name, body = service, args = { name }, ready = true }
end

local sup = assert(dynsup.supervisor.start_link({
  child "store",
  child "cache",
  { dynsup, { name = "jobs" } },
}, { strategy = "rest_for_one" }))

assert(dynsup.start_child("jobs", { id = "job", body = service, args = { "job" }, ready = true }))

print "--- the cache breaks"
dynsup.monitor "jobs"
dynsup.send("cache", "break")
dynsup.receive_match "DOWN" -- it was stopped, for it was started after the cache
while not dynsup.whereis "jobs" do
  dynsup.sleep(1)
end
print("jobs:", dynsup.count_children("jobs").active)

print "--- the cache is taken out and put in again"
dynsup.supervisor.terminate_child(sup, "cache")
dynsup.supervisor.restart_child(sup, "cache")

print "--- the end, in reverse order"
