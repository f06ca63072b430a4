-- The host that attach.lua looks into: COUNT workers under one supervisor, one in ten of which sleeps
-- up to a second again and again, and a heartbeat of 1 ms that notes by how much it is late.
local dynsup = require("dynsup")

local count = math.tointeger(tonumber(arg[1]))
local lates = {}

local function busy()
  while true do
    dynsup.sleep(math.random(1000))
  end
end

local function heartbeat()
  while true do
    local due = dynsup.now() + 1
    dynsup.sleep(1)
    lates[#lates + 1] = dynsup.now() - due
  end
end

-- What clients ask for: the heartbeats since the last time, as "COUNT P50 P99 MAX".
function lateness() -- luacheck: ignore
  local all = lates
  lates = {}
  table.sort(all)
  local function share(part)
    return all[math.max(1, math.ceil(#all * part))] or 0
  end
  return ("%d %.3f %.3f %.3f"):format(#all, share(0.5), share(0.99), share(1))
end

local sup = assert(dynsup.start_link({ name = "pool" }))
for i = 1, count do
  dynsup.start_child(sup, { body = i % 10 == 0 and busy or dynsup.receive, restart = "temporary" })
end
dynsup.spawn(heartbeat)
