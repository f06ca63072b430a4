local dynsup = require "dynsup"
local host = require "spec.support.host"

-- Every way to wait, as a function that never returns by itself.
local waits = {
  ["receive"] = function()
    dynsup.receive()
  end,
  ["receive with a time"] = function()
    dynsup.receive(1000000)
  end,
  ["receive_match"] = function()
    dynsup.receive_match("never", 1000000)
  end,
  ["receive_match with a function"] = function()
    dynsup.receive_match(function()
      return false
    end)
  end,
  ["sleep"] = function()
    dynsup.sleep(1000000)
  end,
  ["sleep for ever"] = function()
    dynsup.sleep("infinity")
  end,
  ["await"] = function()
    dynsup.await(function() end)
  end,
  ["await with a time"] = function()
    dynsup.await(function() end, 1000000)
  end,
  ["receive inside pcall"] = function()
    while true do
      pcall(dynsup.receive)
    end
  end,
  ["sleep inside three generators"] = function()
    coroutine.wrap(function()
      coroutine.wrap(function()
        coroutine.wrap(function()
          dynsup.sleep(1000000)
        end)()
      end)()
    end)()
  end,
  ["receive inside a metamethod"] = function()
    return setmetatable({}, { __index = function()
      return dynsup.receive()
    end }).field
  end,
  ["a module that waits while it is required"] = function()
    package.preload.exit_spec_module = function()
      dynsup.sleep(1000000)
    end
    require "exit_spec_module"
  end,
}

describe("exit(reason)", function()
  it("ends the caller with that reason", host.main(function()
    assert.equal("done", host.reason(dynsup.exit, "done"))
  end))

  it("takes a table for a reason", host.main(function()
    local reason = { "shutdown", "for today" }
    assert.equal(reason, host.reason(dynsup.exit, reason))
  end))

  it("takes \"kill\" for a reason like any other", host.main(function()
    assert.equal("kill", host.reason(dynsup.exit, "kill"))
  end))

  it("does not return", host.main(function()
    local after = false
    host.reason(function()
      dynsup.exit("done")
      after = true
    end)
    assert.is_false(after)
  end))

  it("is not stopped by pcall, xpcall or their handlers", host.main(function()
    local trace = {}
    local reason = host.reason(function()
      pcall(function()
        xpcall(dynsup.exit, function()
          trace[#trace + 1] = "handler"
        end, "done")
        trace[#trace + 1] = "after xpcall"
      end)
      trace[#trace + 1] = "after pcall"
    end)
    assert.equal("done", reason)
    assert.same({}, trace)
  end))

  it("ends the whole process from inside a generator", host.main(function()
    local after = false
    local reason = host.reason(function()
      local inner = coroutine.wrap(function()
        local co = coroutine.create(dynsup.exit)
        coroutine.resume(co, "done")
        after = true
      end)
      pcall(inner)
      after = true
    end)
    assert.equal("done", reason)
    assert.is_false(after)
  end))

  it("works in a process that traps exits", host.main(function()
    assert.equal("done", host.reason(function()
      dynsup.flag("trap_exit", true)
      dynsup.exit("done")
    end))
  end))
end)

describe("exit(dest, reason)", function()
  it("ends the process with that reason", host.main(function()
    assert.equal("boom", host.stop(dynsup.spawn(dynsup.receive), "boom"))
  end))

  it("finds its process by a name", host.main(function()
    local pid, ref = dynsup.spawn_monitor(dynsup.receive)
    dynsup.register("worker", pid)
    dynsup.exit("worker", "boom")
    assert.equal("boom", host.down(ref))
  end))

  it("does nothing with \"normal\" to a process that does not trap", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.exit(pid, "normal")
    assert.is_true(dynsup.is_alive(pid))
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("ends the caller itself with \"normal\"", host.main(function()
    local after = false
    assert.equal("normal", host.reason(function()
      dynsup.exit(dynsup.self(), "normal")
      after = true
    end))
    assert.is_false(after)
  end))

  it("ends the caller itself at once", host.main(function()
    local after = false
    assert.equal("boom", host.reason(function()
      pcall(dynsup.exit, dynsup.self(), "boom")
      after = true
    end))
    assert.is_false(after)
  end))

  it("ends the caller itself by a kill, also when it traps", host.main(function()
    local after = false
    assert.equal("killed", host.reason(function()
      dynsup.flag("trap_exit", true)
      dynsup.exit(dynsup.self(), "kill")
      after = true
    end))
    assert.is_false(after)
  end))

  it("sends a trapping caller its own signal", host.main(function()
    local main = dynsup.self()
    dynsup.flag("trap_exit", true)
    dynsup.exit(main, "boom")
    assert.same({ "EXIT", main, "boom", n = 3 }, table.pack(dynsup.receive(0)))
    dynsup.exit(main, "normal")
    assert.same({ "EXIT", main, "normal", n = 3 }, table.pack(dynsup.receive(0)))
  end))

  it("shows the main process as the sender where no process sends it", function()
    local seen
    local function note(...)
      seen = table.pack(...)
    end
    local main
    local function trap()
      dynsup.flag("trap_exit", true)
      note(dynsup.receive())
    end
    host.run(function()
      main = dynsup.self()
      local pid = dynsup.spawn(trap)
      dynsup.yield()
      local ref = dynsup.monitor(pid)
      local timer = require "luv".new_timer()
      timer:start(0, 0, function()
        timer:close()
        dynsup.exit(pid, "from a callback")
      end)
      host.down(ref)
    end, { clock = "real" })
    assert.same({ "EXIT", main, "from a callback", n = 3 }, seen)
    host.run(function()
      main = dynsup.self()
      dynsup.spawn(trap)
      dynsup.yield()
    end)
    assert.same({ "EXIT", main, "shutdown", n = 3 }, seen)
  end)

  it("is the parent's where no process sends it, and main is the parent", function()
    local registry, server, supervisor = dynsup.registry, dynsup.server, dynsup.supervisor
    local starts = {
      function() return dynsup.start_link {} end,
      function() return supervisor.start_link {} end,
      function() return registry.start_link { keys = "unique" } end,
      function()
        return server.start_link { init = function()
          dynsup.flag("trap_exit", true)
          return "ok", {}
        end }
      end,
    }
    host.run(function()
      dynsup.flag("trap_exit", true)
      for _, start in ipairs(starts) do
        local pid = start()
        local ref = dynsup.monitor(pid)
        local timer = require "luv".new_timer()
        timer:start(0, 0, function()
          timer:close()
          dynsup.exit(pid, "from a callback")
        end)
        assert.equal("from a callback", host.down(ref))
      end
    end, { clock = "real" })
  end)

  it("is nobody's parent's where no process sends it, and another than main is the parent", function()
    host.run(function()
      local sup
      dynsup.spawn(function()
        sup = dynsup.start_link {}
        dynsup.sleep "infinity"
      end)
      dynsup.yield()
      dynsup.await(function(resume)
        local timer = require "luv".new_timer()
        timer:start(0, 0, function()
          timer:close()
          dynsup.exit(sup, "from a callback")
          resume()
        end)
      end)
      dynsup.yield()
      assert.is_true(dynsup.is_alive(sup))
    end, { clock = "real" })
  end)

  it("arrives as \"killed\" when it says \"kill\", and cannot be trapped", host.main(function()
    local pid = dynsup.spawn(function()
      dynsup.flag("trap_exit", true)
      dynsup.receive_match("never")
    end)
    dynsup.yield()
    assert.equal("killed", host.stop(pid, "kill"))
  end))

  it("does nothing to the dead", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    dynsup.exit(pid, "boom")
    dynsup.exit(pid, "kill")
    dynsup.sleep(1)
    assert.same({}, host.drain())
  end))

  it("lets the target run no further slice", host.main(function()
    local slices = 0
    local pid = dynsup.spawn(function()
      while true do
        slices = slices + 1
        dynsup.yield()
      end
    end)
    dynsup.yield()
    dynsup.yield()
    local before = slices
    dynsup.exit(pid, "boom")
    assert.is_false(dynsup.is_alive(pid))
    dynsup.sleep(1)
    assert.is_true(before > 0)
    assert.equal(before, slices)
  end))

  it("ends a process before its first slice", host.main(function()
    local ran = false
    local pid = dynsup.spawn(function()
      ran = true
    end)
    assert.equal("boom", host.stop(pid, "boom"))
    assert.is_false(ran)
  end))

  it("keeps the first of several reasons", host.main(function()
    local pid, ref = dynsup.spawn_monitor(dynsup.receive)
    dynsup.exit(pid, "first")
    dynsup.exit(pid, "second")
    dynsup.exit(pid, "kill")
    assert.equal("first", host.down(ref))
    assert.same({}, host.drain())
  end))

  it("does not let unread messages come first", host.main(function()
    local got
    local pid = dynsup.spawn(function()
      got = dynsup.receive()
    end)
    dynsup.yield()
    dynsup.send(pid, "too late")
    assert.equal("boom", host.stop(pid, "boom"))
    assert.is_nil(got)
  end))

  it("may be called from inside a sort comparator", host.main(function()
    local pid, ref = dynsup.spawn_monitor(dynsup.receive)
    table.sort({ 2, 1 }, function(a, b)
      dynsup.exit(pid, "boom")
      return a < b
    end)
    assert.equal("boom", host.down(ref))
  end))
end)

describe("a process that waits", function()
  for name, wait in host.sorted(waits) do
    it("can be killed in " .. name .. " and leaves nothing behind", function()
      local start, ended
      host.run(function()
        local weak = setmetatable({}, { __mode = "v" })
        local pid, ref = dynsup.spawn_monitor(function()
          local held = {}
          weak[1] = held
          wait()
          return held
        end)
        dynsup.register("worker", pid)
        dynsup.sleep(1)
        assert.is_true(dynsup.is_alive(pid))
        start = dynsup.now()
        dynsup.exit(pid, "kill")
        assert.equal("killed", host.down(ref))
        assert.is_nil(dynsup.whereis("worker"))
        collectgarbage()
        collectgarbage()
        assert.is_nil(weak[1])
        dynsup.spawn(function()
          local _ <close> = host.closer(function()
            ended = dynsup.now()
          end)
          dynsup.receive()
        end)
      end)
      assert.equal(start, ended)
    end)
  end
end)

describe("a function that returns", function()
  it("ends its process with \"normal\"", host.main(function()
    assert.equal("normal", host.reason(function()
      return "boom"
    end))
  end))
end)
