-- Programs that log and observe.
local dynsup = require "dynsup"

return {
  { "lines of the log", function()
    dynsup.log.error("one", { a = 1, b = {}, c = dynsup.self() })
    dynsup.log.warning { message = ("x"):rep(10000), when = 1.5 }
    dynsup.log.info("three\n\27[2J", setmetatable({}, { __tostring = error }))
    dynsup.log.level "debug"
    dynsup.log.debug "four"
    dynsup.log.level "info"
  end },

  { "observers: a process, a function and one that ends", function()
    local own = assert(dynsup.observe(nil, dynsup.self()))
    local me = dynsup.self()
    local seen <close> = assert(dynsup.observe({ level = "debug" }, function()
      dynsup.yield()
      if not dynsup.is_alive(me) then dynsup.exit "over" end -- who may be killed before it links to this
    end))
    dynsup.link(seen.pid)
    local sup = assert(dynsup.start_link { name = "seen" })
    local narrow <close> = assert(dynsup.observe({ supervisor = "seen" }, dynsup.self()))
    dynsup.start_child(sup, { body = error, args = { {} }, restart = "temporary" })
    dynsup.receive(5)
    dynsup.stop(sup)
    own:close()
    dynsup.receive(5)
    return narrow
  end },

  { "what a person does who looks: kill, restart, a record", function()
    local sup = assert(dynsup.start_link { name = "seen", max_restarts = 10 })
    local pid = dynsup.start_child(sup, dynsup.sleep)
    local other = dynsup.start_child(sup, { body = dynsup.sleep, restart = "temporary" })
    dynsup.sleep(1)
    dynsup.observer.restart(pid or sup)
    dynsup.observer.kill(other or sup)
    dynsup.observer.deadlocks()
    dynsup.observer.events()
    dynsup.sleep(1)
  end },
}
