-- Programs of dynamic supervisors.
local dynsup = require "dynsup"

local function idle() dynsup.receive() end

local function crash_once(n)
  local mine = dynsup.previous()
  dynsup.save_state { n }
  if not mine then error {} end
  idle()
end

return {
  { "children that are started, listed and terminated", function()
    local sup = assert(dynsup.start_link { name = "faulty", extra_arguments = { {} } })
    for i = 1, 3 do
      dynsup.start_child(sup, { body = idle, id = { i }, args = { i, {} }, name = "child" .. i })
    end
    dynsup.ensure_child(sup, { body = idle, name = "child1" })
    dynsup.which_children(sup)
    for child in dynsup.children(sup) do dynsup.info(child.pid) end
    dynsup.terminate_child(sup, "child2")
    dynsup.count_children "faulty"
    dynsup.stop(sup, { "shutdown", {} }, 50)
  end },

  { "a child that is ready late, and one that never is", function()
    local sup = assert(dynsup.start_link())
    dynsup.start_child(sup, { ready = true, body = function()
      dynsup.sleep(1)
      dynsup.ready {}
      idle()
    end })
    dynsup.start_child(sup, { ready = true, start_timeout = 2, name = "never", body = idle })
    dynsup.start_child(sup, { ready = true, body = error, args = { {} } })
  end },

  { "start functions", function()
    local sup = assert(dynsup.start_link())
    local function start(...)
      dynsup.sleep(1)
      return dynsup.spawn_link(idle), { ... }
    end
    dynsup.start_child(sup, { start = start, args = { 1 } })
    dynsup.start_child(sup, { start = function() return nil, "refused", {} end })
    dynsup.start_child(sup, { start = function() return "ignore" end })
    dynsup.start_child(sup, { start = function() dynsup.exit { "why" } end })
    dynsup.start_child(sup, { start = function() return {} end })
  end },

  { "restarts, with a state and a delay", function()
    local sup = assert(dynsup.start_link { max_restarts = 10 })
    dynsup.start_child(sup, { body = crash_once, args = { 1 } })
    dynsup.start_child(sup, { body = crash_once, args = { 2 }, backoff = { min = 1 }, name = "slow" })
    dynsup.sleep(5)
    dynsup.exit(dynsup.whereis "slow" or dynsup.spawn(idle), "kill")
    dynsup.sleep(5)
    dynsup.terminate_child(sup, "slow")
  end },

  { "a supervisor that gives up", function()
    dynsup.flag("trap_exit", true)
    local sup = assert(dynsup.start_link { max_restarts = 1 })
    dynsup.start_child(sup, { body = idle, shutdown = 1 })
    dynsup.start_child(sup, { body = error, args = { {} } })
    dynsup.receive_match("EXIT", 20)
  end },

  { "children that take their time to end", function()
    local sup = assert(dynsup.start_link())
    local function stubborn()
      dynsup.flag("trap_exit", true)
      dynsup.receive()
      dynsup.sleep(10)
    end
    for i = 1, 2 do dynsup.start_child(sup, { body = stubborn, shutdown = 5 * i, name = "slow" .. i }) end
    dynsup.sleep(1)
    dynsup.terminate_child(sup, "slow1")
    dynsup.stop(sup, "normal", 2)
    dynsup.stop(sup)
  end },

  { "supervisors below a supervisor, made by a module", function()
    local module = { init = function(n) return dynsup.init { max_restarts = n } end }
    dynsup.use(module)
    local sup = assert(dynsup.start_link(module, 2, { name = "upper" }))
    local _, lower = dynsup.start_child(sup, { dynsup, { name = "lower" } }), dynsup.whereis "lower"
    dynsup.start_child("lower", idle)
    dynsup.start_child("lower", { body = idle, restart = "transient" })
    dynsup.exit(lower or sup, "kill")
    dynsup.sleep(1)
    dynsup.start_child("lower", { body = idle, backoff = true })
  end },

  { "requests that wait for others' starts", function()
    local sup = assert(dynsup.start_link())
    local function slow(ms, ready)
      dynsup.sleep(ms)
      if ready then return dynsup.ready {} or idle() end
      return dynsup.spawn_link(idle)
    end
    dynsup.spawn_link(dynsup.start_child, sup, { start = slow, args = { 2 } })
    dynsup.yield()
    dynsup.start_child(sup, idle)
    dynsup.spawn_link(dynsup.start_child, sup, { body = slow, args = { 2, true }, ready = true, name = "late" })
    dynsup.yield()
    dynsup.ensure_child(sup, { body = idle, name = "late" })
    dynsup.spawn_link(dynsup.start_child, sup, { start = slow, args = { 2 } })
    dynsup.yield()
    dynsup.terminate_child(sup, "late")
    dynsup.which_children(sup)
  end },
}
