-- Children that run a module with versions, for the specs of reload.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local modules = require "spec.support.modules"

local versions = {}

-- A module whose functions send main what has begun: the version, the argument, the saved state.
local text = [[
  local dynsup = require "dynsup"
  local M = {}
  local function began(arg)
    dynsup.send("main", "began", %d, arg, dynsup.previous() and dynsup.previous().state or nil)
  end
  function M.run(arg)
    began(arg)
    while true do
      local what, value = dynsup.receive()
      if what == "save" then dynsup.save_state(value) end
      if what == "crash" then error(value, 0) end
      if what == "reload" then dynsup.send("main", "reloaded", dynsup.reload "app.worker") end
    end
  end
  function M.polite(arg, ms)
    dynsup.flag("trap_exit", true)
    began(arg)
    repeat local tag = dynsup.receive() until tag == "EXIT"
    dynsup.sleep(ms)
  end
  function M.ready(arg, ms)
    began(arg)
    dynsup.sleep(ms)
    dynsup.ready()
    dynsup.sleep("infinity")
  end
  function M.start(arg, ms)
    began(arg)
    if ms then dynsup.sleep(ms) end
    return dynsup.spawn_link(dynsup.sleep, "infinity")
  end
  function M.tree(children)
    began "tree"
    return require("dynsup.supervisor").start_link(children)
  end
  return M
]]

-- The module app.worker has the code of version n from now on, and more.
function versions.write(n, extra)
  modules.write("app.worker", (text:format(n):gsub("return M%s*$", (extra or "") .. " return M")))
end

-- A test body, whose main process is registered and survives the ends of supervisors.
function versions.main(f)
  return family.trapping(function()
    dynsup.register("main", dynsup.self())
    versions.write(1)
    return f()
  end)
end

-- What has begun since the last call: a list of "version argument", sorted.
function versions.began()
  local list = {}
  while true do
    local tag, version, arg = dynsup.receive_match("began", 0)
    if not tag then break end
    list[#list + 1] = ("%d %s"):format(version, arg)
  end
  table.sort(list)
  return list
end

-- A child by that name that runs the module.
function versions.spec(name, fields)
  local merged = { body = "app.worker:run", args = { name }, name = name, id = name }
  for key, value in pairs(fields or {}) do merged[key] = value end
  return merged
end

-- Starts a child, and lets it begin.
function versions.add(sup, child)
  local pid = assert(dynsup.start_child(sup, child))
  dynsup.sleep(1)
  return pid
end

return versions
