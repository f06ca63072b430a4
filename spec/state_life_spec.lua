-- State over a restart: what a saved state outlives, and who gets it, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local keeping = require "spec.support.keeping"
local server = require "dynsup.server"
local static = require "dynsup.supervisor"

local keeper, began, save = keeping.keeper, keeping.began, keeping.save
local crash, start_keeper = keeping.crash, keeping.start

describe("a saved state outlives", function()
  it("a kill", family.trapping(function()
    local tell = start_keeper()
    save(tell, { 1 })
    dynsup.exit("keeper", "kill")
    local previous = began()
    assert.same({ { 1 }, "killed", 1 }, { previous.state, previous.reason, previous.attempt })
  end))

  it("the delay of a backoff", family.trapping(function()
    local tell = start_keeper { backoff = { min = 500, jitter = 0 } }
    save(tell, "kept")
    local before = dynsup.now()
    assert.equal("kept", crash(tell).state)
    assert.equal(500, dynsup.now() - before)
  end))

  it("a restart that fails", family.trapping(function()
    local main, lives = dynsup.self(), 0
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { max_restores = 5, start = function()
      lives = lives + 1
      local previous = dynsup.previous()
      if lives == 2 or lives == 3 then return nil, "not now" end
      return dynsup.spawn_link(function()
        dynsup.send(main, previous or false)
        dynsup.save_state { lives }
        error("boom", 0)
      end)
    end })
    assert.is_false(dynsup.receive(10))
    local previous = dynsup.receive(10)
    assert.same({ { 1 }, "not now", 3 }, { previous.state, previous.reason, previous.attempt })
  end))

  for shutdown, reason in pairs { [5000] = "shutdown", brutal_kill = "killed" } do
    it("a stop by one_for_all, which is no failure: " .. reason, family.trapping(function()
      local main = dynsup.self()
      local sup = static.start_link({
        { id = 1, body = keeper, args = { main }, name = "keeper", shutdown = shutdown },
        { id = 2, body = family.mortal, name = "other" },
      }, { strategy = "one_for_all", max_restarts = 100 })
      assert.is_false(began())
      save(function(...) dynsup.send("keeper", ...) end, "kept")
      for _ = 1, 4 do
        dynsup.send("other", "crash", "boom")
        assert.same({ state = "kept", reason = reason, attempt = 1 }, began())
      end
      assert.is_true(dynsup.is_alive(sup))
    end))
  end

  it("a stop and a restart by hand, until the child is deleted", family.trapping(function()
    local main = dynsup.self()
    local spec = { id = 1, body = keeper, args = { main }, name = "keeper", restart = "transient" }
    local sup = static.start_link { spec }
    began()
    local function tell(...) dynsup.send("keeper", ...) end
    save(tell, "kept")
    static.terminate_child(sup, 1)
    static.restart_child(sup, 1)
    assert.same({ state = "kept", reason = "shutdown", attempt = 1 }, began())
    tell("return")
    dynsup.sleep(1)
    static.restart_child(sup, 1)
    assert.same({ state = "kept", reason = "normal", attempt = 1 }, began())
    static.terminate_child(sup, 1)
    static.delete_child(sup, 1)
    static.start_child(sup, spec)
    assert.is_false(began())
  end))

  it("no end for good under a dynamic supervisor", family.trapping(function()
    local tell, sup = start_keeper { restart = "transient" }
    save(tell, "kept")
    tell("return")
    dynsup.sleep(1)
    assert.same(family.workers(0), dynsup.count_children(sup))
    dynsup.start_child(sup, { body = keeper, args = { dynsup.self() }, name = "keeper" })
    assert.is_false(began())
  end))

  it("no end of its supervisor", family.trapping(function()
    local main = dynsup.self()
    local top = static.start_link { { id = 1, type = "supervisor", start = function()
      return static.start_link({ { id = 1, body = keeper, args = { main }, name = "keeper" } }, { name = "middle" })
    end } }
    began()
    save(function(...) dynsup.send("keeper", ...) end, "lost")
    dynsup.exit("middle", "kill")
    assert.is_false(began())
    assert.is_true(dynsup.is_alive(top))
  end))
end)

describe("a start function", function()
  it("gets what its child has left, and may save for it", family.trapping(function()
    local main, lives = dynsup.self(), 0
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { start = function()
      lives = lives + 1
      dynsup.send(main, "began", dynsup.previous() or false)
      assert.is_true(dynsup.save_state { "start", lives })
      return dynsup.spawn_link(family.mortal)
    end })
    assert.is_false(began())
    family.finish(pid, "crash", "boom")
    assert.same({ "start", 1 }, began().state)
    assert.is_nil(dynsup.previous())
  end))

  it("shares it with the processes that it has spawned, while it waits for them", family.trapping(function()
    local main, lives = dynsup.self(), 0
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { start = function()
      local starter = dynsup.self()
      lives = lives + 1
      local pid = dynsup.spawn_link(function()
        local previous = dynsup.previous()
        dynsup.save_state { lives }
        dynsup.send(starter, "up")
        dynsup.send(main, "began", previous or false)
        dynsup.sleep(10)
        if lives == 1 then error("boom", 0) end
        family.idle()
      end)
      dynsup.receive()
      return pid
    end })
    assert.is_false(began())
    assert.same({ 1 }, began().state)
  end))

  it("of another child leaves alone who was spawned before", family.trapping(function()
    local main = dynsup.self()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { start = function()
      dynsup.spawn(function()
        dynsup.sleep(10)
        dynsup.send(main, "helper", dynsup.save_state "astray")
      end)
      return dynsup.spawn_link(family.idle)
    end })
    dynsup.sleep(1)
    dynsup.start_child(sup, { start = function()
      dynsup.sleep(20)
      return dynsup.spawn_link(family.idle)
    end })
    assert.same({ "helper", nil, "not_a_child" }, { dynsup.receive(100) })
  end))

  it("that starts a supervisor gets what was saved for that", family.trapping(function()
    local main, module = dynsup.self(), {}
    function module.init()
      dynsup.send(main, "began", dynsup.previous() or false)
      dynsup.save_state "of the supervisor"
      return dynsup.init {}
    end
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { type = "supervisor", start = function()
      return dynsup.start_link(module, nil, { name = "inner" })
    end })
    assert.is_false(began())
    dynsup.exit("inner", "kill")
    assert.equal("of the supervisor", began().state)
  end))
end)

describe("a server", function()
  local function counter(main)
    local M = {}
    function M.init()
      local previous = dynsup.previous()
      dynsup.send(main, "began", previous or false)
      return "ok", previous and previous.state or { n = 0 }
    end
    function M.handle_call(request, _, state)
      if request == "crash" then error("boom", 0) end
      state.n = state.n + 1
      dynsup.save_state(state)
      return "reply", state.n, state
    end
    return server.use(M)
  end

  local function play(sup, M, start)
    assert(start(sup, server.child_spec(M, nil, { id = 1, args = { M, nil, { name = "counter" }, n = 3 } })))
    assert.is_false(began())
    assert.equal(1, server.call("counter", "more"))
    assert.equal(2, server.call("counter", "more"))
    server.call("counter", "crash")
    assert.same({ n = 2 }, began().state)
    dynsup.sleep(1)
    assert.equal(3, server.call("counter", "more"))
  end

  it("gets its state in init, under a dynamic supervisor", family.trapping(function()
    play(dynsup.start_link {}, counter(dynsup.self()), dynsup.start_child)
  end))

  it("gets its state in init, under a static supervisor", family.trapping(function()
    play(static.start_link {}, counter(dynsup.self()), static.start_child)
  end))

  it("whose init fails of its state starts fresh at last", family.trapping(function()
    local main, M = dynsup.self(), {}
    function M.init()
      local previous = dynsup.previous()
      dynsup.send(main, "began", previous or false)
      if previous then return "stop", "poisoned" end
      dynsup.save_state "poison"
      return "ok", 1
    end
    local sup = dynsup.start_link { max_restarts = 10 }
    local pid = dynsup.start_child(sup, server.child_spec(M))
    assert.is_false(began())
    dynsup.exit(pid, "kill")
    assert.equal("killed", began().reason)
    local second = began()
    assert.same({ "poisoned", 2 }, { second.reason, second.attempt })
    assert.is_false(began())
  end))

  it("may save in terminate", family.trapping(function()
    local main, M = dynsup.self(), {}
    function M.init()
      dynsup.flag("trap_exit", true)
      dynsup.send(main, "began", dynsup.previous() or false)
      return "ok", "the state"
    end
    function M.terminate(_, state) dynsup.save_state(state) end
    local sup = static.start_link { server.child_spec(M, nil, { id = 1 }) }
    assert.is_false(began())
    static.terminate_child(sup, 1)
    static.restart_child(sup, 1)
    assert.equal("the state", began().state)
  end))
end)

describe("a child with ready", function()
  it("that was killed for want of readiness has failed to restore", family.trapping(function()
    local main, lives = dynsup.self(), 0
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { ready = true, start_timeout = 10, body = function()
      lives = lives + 1
      local previous = dynsup.previous()
      dynsup.send(main, "began", previous or false)
      if lives == 1 then
        dynsup.save_state "poison"
        dynsup.ready()
        error("boom", 0)
      end
      if previous then dynsup.sleep(1000) end
      dynsup.ready()
      family.idle()
    end })
    assert.is_false(began())
    assert.equal(1, began().attempt)
    assert.equal(2, began().attempt)
    assert.is_false(began())
  end))
end)
