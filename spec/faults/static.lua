-- Programs of static supervisors.
local dynsup = require "dynsup"

local function idle() dynsup.receive() end

local function spec(id, more)
  local result = { id = id, body = idle }
  for key, value in pairs(more or {}) do result[key] = value end
  return result
end

return {
  { "children of each strategy, of which one crashes", function()
    for _, strategy in ipairs { "one_for_one", "one_for_all", "rest_for_one" } do
      local children = { spec("a", { name = "a" }), spec("b", { name = "b" }), spec("c", { ready = false }) }
      local sup = assert(dynsup.supervisor.start_link(children, { strategy = strategy, name = "fixed" }))
      dynsup.exit(dynsup.whereis "b" or sup, "kill")
      dynsup.sleep(1)
      dynsup.supervisor.which_children(sup)
      dynsup.supervisor.stop(sup)
    end
  end },

  { "children that come, go and come again", function()
    local sup = assert(dynsup.supervisor.start_link { spec "a" })
    dynsup.supervisor.start_child(sup, spec("b", { ready = true, body = function()
      dynsup.sleep(1)
      dynsup.ready()
      idle()
    end }))
    dynsup.supervisor.terminate_child(sup, "b")
    dynsup.supervisor.restart_child(sup, "b")
    dynsup.supervisor.terminate_child(sup, "b")
    dynsup.supervisor.delete_child(sup, "b")
    dynsup.supervisor.count_children(sup)
  end },

  { "a first child that cannot start", function()
    dynsup.supervisor.start_link { spec "a", spec("b", { start = function() return nil, { "no" } end }) }
    dynsup.supervisor.start_link({ spec("a", { body = error, ready = true }) }, { name = "fixed" })
  end },

  { "a supervisor that ends with a significant child", function()
    dynsup.flag("trap_exit", true)
    local child = spec("a", { restart = "temporary", significant = true, body = dynsup.sleep, args = { 1 } })
    dynsup.supervisor.start_link({ child, spec "b" }, { auto_shutdown = "any_significant" })
    dynsup.receive_match("EXIT", 10)
  end },
}
