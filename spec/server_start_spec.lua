-- dynsup.server: how servers start, by themselves and under supervisors.

local dynsup = require "dynsup"
local host = require "spec.support.host"

local server = dynsup.server

local quiet = { log = function() end }

-- A module whose init is f; its state is what init says.
local function module_of(f)
  return {
    init = f,
    handle_call = function(_, _, state)
      return "reply", state, state
    end,
  }
end

local function plain(arg)
  return "ok", arg
end

local function slow(ms)
  dynsup.sleep(ms)
  return "ok", ms
end

describe("start_link", function()
  it("returns when init has returned", host.main(function()
    local order = {}
    local pid = server.start_link(module_of(function(arg)
      order[#order + 1] = "init"
      return "ok", arg
    end), 5)
    order[#order + 1] = "returned"
    assert.same({ "init", "returned" }, order)
    assert.equal(5, server.call(pid, "get"))
  end))

  it("waits for an init that waits", host.main(function()
    local pid = server.start_link(module_of(slow), 20)
    assert.equal(20, dynsup.now())
    assert.is_true(dynsup.is_alive(pid))
    assert.same({ pid }, dynsup.info(dynsup.self()).links)
  end))

  it("runs init in the new process, a child of the caller", host.main(function()
    local me, self, parent = dynsup.self(), nil, nil
    local pid = server.start_link(module_of(function()
      self = dynsup.self()
      parent = dynsup.info(self).parent
      return "ok", 1
    end))
    assert.equal(pid, self)
    assert.equal(me, parent)
    assert.equal(me, dynsup.self())
  end))

  for _, wait in ipairs { 0, 10 } do
    local function init_of(f)
      return module_of(function()
        if wait > 0 then
          dynsup.sleep(wait)
        end
        return f()
      end)
    end

    describe(("of an init that fails after %d ms"):format(wait), function()
      it("returns the reason and sends the caller no signal", host.main(function()
        dynsup.flag("trap_exit", true)
        local reason = { "my", "reason" }
        local result = table.pack(server.start_link(init_of(function()
          return "stop", reason
        end)))
        assert.equal(2, result.n)
        assert.is_nil(result[1])
        assert.equal(reason, result[2])
        assert.same({ nil, "ignore" }, { server.start_link(init_of(function()
          return "ignore"
        end)) })
        local none, crash = server.start_link(init_of(function()
          error("boom", 0)
        end))
        assert.is_nil(none)
        assert.equal("boom", crash.error)
        assert.equal("init", crash.callback)
        assert.same({ nil, "gone" }, { server.start_link(init_of(function()
          dynsup.exit "gone"
        end)) })
        local _, bad = server.start_link(init_of(function()
          return "okay", 1
        end))
        assert.same({ "bad_return_value", "okay", 1 }, bad)
        assert.same({ nil, "killed" }, { server.start_link(init_of(function()
          dynsup.exit(dynsup.self(), "kill")
          dynsup.sleep(1)
        end)) })
        assert.same({}, host.drain())
        assert.same({}, dynsup.info(dynsup.self()).links)
      end))

      it("leaves its name free", host.main(function()
        for _ = 1, 3 do
          assert.same({ nil, "no" }, { server.start_link(init_of(function()
            assert(dynsup.whereis "taken" == dynsup.self())
            return "stop", "no"
          end), nil, { name = "taken" }) })
        end
        assert.is_nil(dynsup.whereis "taken")
      end))

      it("tells who the init has linked", host.main(function()
        local child
        server.start_link(init_of(function()
          child = dynsup.spawn_link(function()
            dynsup.receive()
          end)
          return "stop", "over"
        end))
        assert.is_false(dynsup.is_alive(child))
      end))

      it("that is to be ignored is a good end for all others", host.main(function()
        dynsup.flag("trap_exit", true)
        local parent, helper = dynsup.self(), nil
        server.start_link(init_of(function()
          local starting = dynsup.self()
          helper = dynsup.spawn_link(dynsup.sleep, "infinity")
          dynsup.spawn(function()
            dynsup.flag("trap_exit", true)
            dynsup.link(starting)
            local ref = dynsup.monitor(starting)
            dynsup.spawn(function() dynsup.send(parent, "called", server.call(starting, "get")) end)
            dynsup.sleep(1)
            dynsup.send(starting, "watched")
            local _, _, exited = dynsup.receive_match "EXIT"
            dynsup.send(parent, exited, host.down(ref))
          end)
          dynsup.receive_match "watched"
          return "ignore"
        end))
        assert.same({ "called", nil, "normal" }, { dynsup.receive_match("called", 10) })
        assert.same({ "normal", "normal" }, { dynsup.receive(10) })
        assert.is_true(dynsup.is_alive(helper))
      end))

      it("is not reported", function()
        local lines = {}
        host.run(function()
          server.start_link(init_of(function()
            error "boom"
          end))
        end, {
          log = function(_, text)
            lines[#lines + 1] = text
          end,
        })
        assert.same({}, lines)
      end)
    end)
  end

  it("returns who has the name", host.main(function()
    local pid = server.start_link(module_of(plain), 1, { name = "mine" })
    assert.equal(pid, dynsup.whereis "mine")
    assert.equal(1, server.call("mine", "get"))
    local called = false
    assert.same({ nil, "already_started", pid }, { server.start_link(module_of(function()
      called = true
    end), 1, { name = "mine" }) })
    assert.is_false(called)
  end))

  it("kills an init that takes longer than its timeout", host.main(function()
    dynsup.flag("trap_exit", true)
    local self
    local result = { server.start_link(module_of(function()
      self = dynsup.self()
      dynsup.sleep(100)
      return "ok", 1
    end), nil, { timeout = 10, name = "late" }) }
    assert.same({ nil, "timeout" }, result)
    assert.equal(10, dynsup.now())
    assert.is_false(dynsup.is_alive(self))
    assert.is_truthy(server.start_link(module_of(plain), 1, { timeout = 10, name = "late" }))
    assert.same({}, host.drain())
  end))

  it("decides for the timeout when both come at the same time", host.main(function()
    dynsup.flag("trap_exit", true)
    assert.same({ nil, "timeout" }, { server.start_link(module_of(slow), 10, { timeout = 10 }) })
    dynsup.sleep(1)
    assert.same({}, host.drain())
    assert.same({}, dynsup.info(dynsup.self()).links)
  end))

  it("ends its server with its caller, whenever that is killed", function()
    for ms = 0, 12 do
      host.run(function()
        local self
        local caller = dynsup.spawn(function()
          server.start_link(module_of(function()
            self = dynsup.self()
            dynsup.sleep(5)
            dynsup.yield()
            return "ok", 1
          end), nil, { name = "short", timeout = 8 })
          dynsup.receive()
        end)
        dynsup.sleep(ms)
        dynsup.exit(caller, "kill")
        dynsup.sleep(0)
        dynsup.sleep(1)
        assert.is_false(self ~= nil and dynsup.is_alive(self))
        assert.is_nil(dynsup.whereis "short")
      end)
    end
  end)

  it("may start others in its init, any number of levels deep", host.main(function()
    local Chain = module_of()
    function Chain.init(depth)
      return "ok", depth > 0 and assert(server.start_link(Chain, depth - 1)) or "bottom"
    end
    local pid = server.start_link(Chain, 30)
    local depth = 0
    while pid ~= "bottom" do
      pid = server.call(pid, "get")
      depth = depth + 1
    end
    assert.equal(31, depth)
  end))

  it("lets an init end its caller", host.main(function()
    local reached = false
    local reason = host.reason(function()
      local me = dynsup.self()
      server.start_link(module_of(function()
        dynsup.exit(me, "kill")
        return "ok", 1
      end))
      reached = true
    end)
    assert.equal("killed", reason)
    assert.is_false(reached)
  end))

  it("works in a generator, which goes on as if nothing had happened", host.main(function()
    local generator = coroutine.wrap(function()
      coroutine.yield(1)
      local pid = server.start_link(module_of(slow), 5)
      coroutine.yield(server.call(pid, "get"))
      pid = server.start_link(module_of(plain), 7)
      coroutine.yield(server.call(pid, "get"))
    end)
    assert.same({ 1, 5, 7 }, { generator(), generator(), generator() })
  end))

  it("checks its arguments", host.main(function()
    assert.error_matches(function()
      server.start_link()
    end, "bad argument #1")
    assert.error_matches(function()
      server.start_link("module")
    end, "bad argument #1")
    assert.error_matches(function()
      server.start_link({ init = 5 })
    end, "init of a server's module is a function")
    assert.same({ nil, "invalid_name", 5 }, { server.start_link({}, 1, { name = 5 }) })
    assert.same({ nil, "invalid_name", "" }, { server.start_link({}, 1, { name = "" }) })
    assert.same({ nil, "invalid_timeout", -1 }, { server.start_link({}, 1, { timeout = -1 }) })
    assert.same({ nil, "invalid_option", "nam" }, { server.start_link({}, 1, { nam = 1 }) })
  end))
end)

describe("start", function()
  it("makes no link", host.main(function()
    local pid = server.start(module_of(plain), 1)
    assert.same({}, dynsup.info(pid).links)
    assert.equal(dynsup.self(), dynsup.info(pid).parent)
  end))

  it("outlives its caller", host.main(function()
    local pid
    host.reason(function()
      pid = server.start(module_of(plain), 1)
    end)
    assert.is_true(dynsup.is_alive(pid))
    server.stop(pid)
  end))
end)

describe("a server under a supervisor", function()
  local Plain = server.use(module_of(plain))

  it("is a child by its module", host.main(function()
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { Plain, 5 })
    assert.equal(5, server.call(pid, "get"))
    local child = dynsup.which_children(sup)[1]
    assert.equal(Plain, child.id)
    assert.equal(pid, child.pid)
    assert.equal("worker", child.type)
    assert.equal(sup, dynsup.info(pid).parent)
    assert.same({ specs = 1, active = 1, supervisors = 0, workers = 1 }, dynsup.count_children(sup))
    assert.is_nil(server.call(dynsup.start_child(sup, Plain), "get"))
    assert.equal(7, server.call(dynsup.start_child(sup, server.child_spec(Plain, 7)), "get"))
  end))

  it("may have an init that waits; others start meanwhile", host.main(function()
    local sup = dynsup.start_link()
    local started = {}
    for _, ms in ipairs { 20, 10 } do
      dynsup.spawn(function()
        assert(dynsup.start_child(sup, { server.use(module_of(slow)), ms }))
        started[#started + 1] = dynsup.now()
      end)
    end
    dynsup.sleep(100)
    assert.same({ 10, 20 }, started)
    assert.equal(2, dynsup.count_children(sup).active)
  end))

  it("is refused with the reason when its init fails", host.main(function()
    local sup = dynsup.start_link()
    local function try(f)
      return { dynsup.start_child(sup, { server.use(module_of(f)) }) }
    end
    for _, ms in ipairs { 0, 5 } do
      local function later(...)
        if ms > 0 then
          dynsup.sleep(ms)
        end
        return ...
      end
      assert.same({ nil, "no" }, try(function()
        return later("stop", "no")
      end))
      assert.same({ nil, "ignore" }, try(function()
        return later "ignore"
      end))
      assert.equal("boom", try(function()
        later()
        error("boom", 0)
      end)[2].error)
    end
    assert.equal(0, dynsup.count_children(sup).specs)
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("counts towards max_children", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    assert(dynsup.start_child(sup, { Plain, 5 }))
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, { Plain, 5 }) })
  end))

  it("gets the supervisor's extra arguments first", host.main(function()
    local sup = dynsup.start_link { extra_arguments = { Plain } }
    local pid = dynsup.start_child(sup, { start = server.start_link, args = { 9 } })
    assert.equal(9, server.call(pid, "get"))
  end))

  it("is started anew with its first argument", host.main(function()
    local inits = 0
    local module = server.use(module_of(function(arg)
      inits = inits + 1
      return "ok", arg .. inits
    end))
    module.handle_cast = function()
      error "crash"
    end
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { module, "n" })
    server.cast(pid, 1)
    dynsup.sleep(1)
    local child = dynsup.which_children(sup)[1]
    assert.are_not.equal(pid, child.pid)
    assert.equal("n2", server.call(child.pid, "get"))
    assert.equal(2, dynsup.info(child.pid).incarnation)
  end, quiet))

  it("is removed when its init says ignore at a restart", host.main(function()
    local inits = 0
    local module = server.use(module_of(function()
      inits = inits + 1
      if inits == 1 then
        return "ok", 1
      end
      return "ignore"
    end))
    local sup = dynsup.start_link()
    dynsup.exit(dynsup.start_child(sup, { module }), "kill")
    dynsup.sleep(1)
    assert.equal(0, dynsup.count_children(sup).specs)
    assert.equal(2, inits)
  end, quiet))

  it("is stopped by its supervisor through terminate when it traps exits", host.main(function()
    local reasons = {}
    local sup = dynsup.start_link()
    local module = server.use(module_of(function()
      dynsup.flag("trap_exit", true)
      return "ok", 1
    end))
    module.terminate = function(reason)
      dynsup.sleep(10)
      reasons[#reasons + 1] = reason
    end
    local pid = dynsup.start_child(sup, { module })
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.equal(10, dynsup.now())
    dynsup.start_child(sup, { module })
    dynsup.stop(sup)
    assert.same({ "shutdown", "shutdown" }, reasons)
  end))

  it("may be terminated while it starts", host.main(function()
    local sup = dynsup.start_link()
    local self
    local result
    local module = server.use(module_of(function()
      self = dynsup.self()
      dynsup.sleep(50)
      return "ok", 1
    end))
    dynsup.spawn(function()
      result = { dynsup.start_child(sup, { module }) }
    end)
    dynsup.sleep(5)
    assert.is_true(dynsup.terminate_child(sup, self))
    dynsup.sleep(1)
    assert.same({ nil, "shutdown" }, result)
    assert.equal(0, dynsup.count_children(sup).specs)
  end))

  it("ends with a supervisor that is killed, also while it starts", host.main(function()
    for ms = 0, 6 do
      local sup, self
      local starter = dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        sup = dynsup.start_link()
        dynsup.start_child(sup, { server.use(module_of(function()
          self = dynsup.self()
          dynsup.sleep(3)
          return "ok", 1
        end)) })
        dynsup.receive()
      end)
      dynsup.sleep(ms)
      if sup then
        dynsup.exit(sup, "kill")
        dynsup.sleep(1)
        assert.is_false(self ~= nil and dynsup.is_alive(self)) -- it may not have begun
      end
      dynsup.exit(starter, "kill")
    end
  end, quiet))

  it("is not lost when its starter is killed while it starts", host.main(function()
    local sup = dynsup.start_link()
    local starter = dynsup.spawn(function()
      dynsup.start_child(sup, { server.use(module_of(slow)), 10 })
    end)
    dynsup.sleep(5)
    dynsup.exit(starter, "kill")
    dynsup.sleep(10)
    assert.equal(1, dynsup.count_children(sup).active)
    assert.equal(10, server.call(dynsup.which_children(sup)[1].pid, "get"))
  end))

  it("is started by a start_link of its own", host.main(function()
    local module = module_of(plain)
    function module.start_link(arg)
      return server.start_link(module, arg, { name = "own" })
    end
    server.use(module, { restart = "temporary" })
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { module, 3 })
    assert.equal(pid, dynsup.whereis "own")
    assert.equal(3, server.call("own", "get"))
    assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, { module, 3 }) })
  end))

  it("is ensured like any other child", host.main(function()
    local sup = dynsup.start_link()
    local pid, how = dynsup.ensure_child(sup, { Plain, 3 })
    assert.equal("started", how)
    assert.equal(3, server.call(pid, "get"))
  end))
end)
