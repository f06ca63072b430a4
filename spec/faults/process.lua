-- Programs of processes, messages and waiting.
local dynsup = require "dynsup"
local closer = require("spec.support.host").closer

local function echo()
  while true do
    local from, value = dynsup.receive()
    dynsup.send(from, value)
  end
end

return {
  { "messages to and from a process", function()
    local pid = dynsup.spawn_link(echo)
    for i = 1, 3 do
      dynsup.send(pid, dynsup.self(), { i })
      dynsup.receive(50)
    end
  end },

  { "a selective receive", function()
    local me = dynsup.self()
    dynsup.spawn_link(function()
      for i = 1, 4 do dynsup.send(me, i, {}) end
      dynsup.sleep(1)
      dynsup.send(me, "last")
    end)
    dynsup.receive_match("last", 20)
    dynsup.receive_match(function(n) return n == 3 end, 5)
    dynsup.receive_match("never", 2)
  end },

  { "links and monitors", function()
    dynsup.flag("trap_exit", true)
    local pid = dynsup.spawn_link(function() error { "crash" } end)
    local ref = dynsup.monitor(pid)
    local _, other = dynsup.spawn_monitor(dynsup.exit, { "shutdown", {} })
    dynsup.demonitor(other)
    dynsup.link(pid)
    dynsup.unlink(pid)
    dynsup.receive_match("DOWN", 10)
    dynsup.receive_match("EXIT", 10)
    dynsup.demonitor(ref)
    dynsup.monitor "nobody"
    dynsup.receive(5)
  end },

  { "names and timers", function()
    dynsup.register("somebody", dynsup.self())
    local timer = dynsup.send_after(1, "somebody", {}, {})
    dynsup.send_after(100000, "somebody", {})
    dynsup.receive(10)
    dynsup.cancel_timer(timer)
    dynsup.unregister "somebody"
    dynsup.register("somebody", dynsup.self())
  end },

  { "await, with a resume that comes, one that is late and one that never comes", function()
    dynsup.await(function(resume)
      dynsup.spawn_link(function()
        dynsup.sleep(1)
        resume({}, 2)
        resume()
      end)
    end, 50)
    dynsup.await(function() end, 2)
  end },

  { "generators that wait", function()
    local generator = coroutine.wrap(function()
      for i = 1, 3 do
        dynsup.sleep(1)
        coroutine.yield(i)
      end
    end)
    generator()
    dynsup.yield()
    generator()
    generator()
  end },

  { "a dictionary, an exit and handlers that send", function()
    local me = dynsup.self()
    dynsup.dict().value = {}
    local _ <close> = closer(function() dynsup.send(me, {}) end)
    coroutine.wrap(function()
      local _ <close> = closer(function() dynsup.spawn(function() end) end)
      dynsup.sleep(1)
      dynsup.exit { "shutdown", {} }
    end)()
  end },

  { "handles that the process owns", function()
    local handle = dynsup.own(closer(function() end))
    for _ = 1, 10 do dynsup.own(closer(error)) end
    dynsup.sleep(1)
    dynsup.own(handle, false)
    dynsup.own(handle)
    dynsup.sleep(1)
  end },

  { "a run inside the run", function()
    dynsup.run({ clock = "virtual" }, function()
      dynsup.spawn(dynsup.sleep, 5)
      dynsup.sleep(1)
      return {}
    end)
    dynsup.run({ clock = "virtual" }, dynsup.halt, 3)
  end },

  { "a look at everything", function()
    local pid = dynsup.spawn_link(dynsup.sleep, 1000)
    dynsup.sleep(1)
    dynsup.info(pid)
    dynsup.info(dynsup.self())
    dynsup.observer.tree {}
    dynsup.observer.processes {}
    dynsup.observer.waits()
    dynsup.observer.top { by = "slices" }
  end },
}
