--- The keeper: brings the creatures, and looks after their files. A file that has changed is
--- reloaded, and whoever runs its code is restarted with the new one, where it was.
local dynsup = require "dynsup"

local LOOK = 250 -- ms between two looks at the files

local keeper = {}

local function news(...)
  dynsup.send("stage", "news", string.format(...))
end

-- A creature that ends comes back after a while, each time after a longer one; so one that cannot live
-- harms nobody else. One that is there already, because the keeper was restarted, stays.
local function bring(name, kind)
  local spec = {
    name = name,
    body = "creatures." .. kind .. ":run",
    backoff = { min = 500, max = 4000, reset_after = 20000 },
  }
  local pid, reason = dynsup.ensure_child("creatures", spec)
  if not pid then news("no %s: %s", name, tostring(reason)) end
end

local function bring_all()
  bring("fox", "fox")
  bring("rabbit 1", "rabbit")
  bring("rabbit 2", "rabbit")
  bring("rabbit 3", "rabbit")
  bring("moth", "moth")
  bring("snake", "snake")
  bring("owl", "owl")
end

-- ---- what the player asks for ----

local wishes = {}

function wishes.rabbit()
  local number = 1
  while dynsup.whereis("rabbit " .. number) do
    number = number + 1
  end
  bring("rabbit " .. number, "rabbit")
end

function wishes.owl()
  if dynsup.terminate_child("creatures", "owl") then
    news "the owl has gone"
  else
    bring("owl", "owl")
  end
end

-- ---- files ----

-- When the files were changed, by their modules' names. A file that is being written may be away.
local function look(folder)
  local versions = {}
  for name, _, stat in assert(dynsup.fs.scandir(folder .. "/creatures", { stat = true })) do
    local module = name:match "^(%w+)%.lua$"
    if module and stat then versions["creatures." .. module] = stat.mtime .. " " .. stat.size end
  end
  return versions
end

local function reload(module)
  local count, reason, detail = dynsup.reload(module)
  if count then
    dynsup.send("stage", "reloaded", module, count)
  else -- everybody goes on with the code that there was
    dynsup.send("stage", "refused", module, tostring(detail):match ":%d+: [^\n]*" or reason)
  end
end

local function reload_changed(before, now)
  for module, version in pairs(now) do
    if before[module] and before[module] ~= version then reload(module) end
  end
end

---@param folder string where creatures/ is
function keeper.run(folder)
  local versions = look(folder)
  bring_all()
  while true do
    local wish = wishes[dynsup.receive(LOOK)]
    if wish then wish() end
    local now = look(folder)
    reload_changed(versions, now)
    versions = now
  end
end

return keeper
