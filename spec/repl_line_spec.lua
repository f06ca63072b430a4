-- Lines of a session: code in a coroutine under a process, which is unwound alone.

local dynsup = require "dynsup"
local host = require "spec.support.host"
local session = require "dynsup.repl.session"

-- Runs f as a line of the calling process and interrupts it after ms; returns what attempt does.
local function interrupted(ms, f, ...)
  local me = dynsup.self()
  dynsup.spawn(function()
    dynsup.sleep(ms)
    session.interrupt(me)
  end)
  return session.attempt(f, ...)
end

local function noted(list, note)
  return host.closer(function() list[#list + 1] = note end)
end

describe("a line", function()
  it("returns its values", host.main(function()
    local function same(...) return ... end
    assert.same({ "returned", 1, nil, 3, n = 4 }, table.pack(session.attempt(same, 1, nil, 3)))
    assert.same({ "returned", n = 1 }, table.pack(session.attempt(function() dynsup.sleep(5) end)))
  end))

  it("belongs to its process", host.main(function()
    local me, table_of_mine = dynsup.self(), dynsup.dict()
    local _, pid, dict = session.attempt(function() return dynsup.self(), dynsup.dict() end)
    assert.equal(me, pid)
    assert.equal(table_of_mine, dict)
  end))

  it("that fails is told with a traceback of its own frames", host.main(function()
    local outcome, value, traceback = session.attempt(function() error({ 1 }) end)
    assert.equal("failed", outcome)
    assert.same({ 1 }, value)
    assert.matches("^stack traceback:\n\t%[C%]: in function 'error'\n"
      .. "\tspec/repl_line_spec.lua:%d+: in function <[^\n]*>$", traceback)
  end))

  it("that exits ends alone, pcall or not", host.main(function()
    assert.same({ "exited", "enough" }, { session.attempt(function() pcall(dynsup.exit, "enough") end) })
    local outcome, reason = session.attempt(function()
      coroutine.wrap(function() dynsup.exit { code = 1 } end)()
    end)
    assert.equal("exited", outcome)
    assert.same({ code = 1 }, reason)
    assert.equal("returned", (session.attempt(dynsup.yield)))
  end))

  it("cannot run within a line", host.main(function()
    local outcome, message = session.attempt(session.attempt, print)
    assert.equal("failed", outcome)
    assert.matches("a line runs already", message)
    assert.has_error(function() coroutine.wrap(session.attempt)(print) end)
  end))
end)

describe("an interrupt unwinds a line", function()
  local waits = {
    sleep = function() dynsup.sleep() end,
    receive = function() dynsup.receive() end,
    receive_match = function() dynsup.receive_match "never" end,
    await = function() dynsup.await(function() end) end,
    ["an endless loop"] = function() while true do end end, -- luacheck: ignore
    ["a loop around pcall"] = function()
      while true do pcall(function() while true do end end) end -- luacheck: ignore
    end,
    ["a generator that waits"] = function()
      for _ in coroutine.wrap(function() dynsup.receive() end) do end -- luacheck: ignore
    end,
    ["a yield to nobody"] = function() while true do coroutine.yield() end end,
    ["a start function that waits"] = function()
      dynsup.start_child(dynsup.start_link {}, { start = function() dynsup.sleep() end })
    end,
  }

  for name, wait in host.sorted(waits) do
    it("in " .. name, host.main(function()
      local me, closed = dynsup.self(), {}
      dynsup.flag("trap_exit", true)
      dynsup.spawn(function()
        for _ = 1, 3 do dynsup.yield() end
        assert(session.interrupt(me))
      end)
      local outcome, traceback = session.attempt(function()
        local a <close> = noted(closed, "a") -- luacheck: ignore
        local b <close> = noted(closed, "b") -- luacheck: ignore
        wait()
      end)
      assert.equal("interrupted", outcome)
      assert.matches("spec/repl_line_spec.lua:%d+: in", traceback)
      assert.same({ "b", "a" }, closed)
      assert.equal(me, dynsup.self())
      dynsup.halt()
    end))
  end

  it("and what it was waiting for is not confused with what comes later", host.main(function()
    local me, resume = dynsup.self(), nil
    assert.equal("interrupted", (interrupted(5, function()
      dynsup.await(function(f) resume = f end, 10)
    end)))
    dynsup.spawn(function() resume "late" dynsup.send(me, "message") end)
    assert.equal("message", dynsup.receive(50))
    assert.equal("timeout", select(2, dynsup.receive(50)))
  end))

  it("and the start that it asked for goes on", host.main(function()
    local sup = dynsup.start_link {}
    assert.equal("interrupted", (interrupted(5, function()
      dynsup.start_child(sup, {
        start = function()
          dynsup.sleep(10)
          return dynsup.spawn_link(dynsup.sleep)
        end,
      })
    end)))
    dynsup.sleep(20)
    assert.equal(1, dynsup.count_children(sup).active)
  end))

  it("and takes no message away", host.main(function()
    local me = dynsup.self()
    interrupted(5, function() dynsup.receive_match "never" end)
    dynsup.send(me, "one")
    assert.equal("one", dynsup.receive(0))
  end))

  it("whose close handlers may neither wait nor go on for long", host.main(function()
    local told
    local outcome = interrupted(1, function()
      local loops <close> = host.closer(function() while true do end end) -- luacheck: ignore
      local waits_too <close> = host.closer(function() told = select(2, pcall(dynsup.sleep, 1)) end) -- luacheck: ignore
      dynsup.sleep()
    end)
    assert.equal("interrupted", outcome)
    assert.matches("cannot wait here", told)
    dynsup.sleep(1)
    dynsup.link(dynsup.spawn(dynsup.sleep))
  end, { log_level = "off" }))

  it("but no process without one", host.main(function()
    assert.is_false(session.interrupt(dynsup.spawn(dynsup.sleep)))
    assert.is_false(session.interrupt(dynsup.start_link {}))
    assert.is_false(session.interrupt(dynsup.self()))
  end))

  it("of a process that ends meanwhile as that does", host.main(function()
    local closed = {}
    local reason = host.reason(function()
      local me = dynsup.self()
      dynsup.spawn(function() session.interrupt(me) dynsup.exit(me, "kill") end)
      session.attempt(function()
        local a <close> = noted(closed, "a") -- luacheck: ignore
        dynsup.sleep()
      end)
    end)
    assert.equal("killed", reason)
    assert.same({ "a" }, closed)
  end))
end)

describe("names", function()
  it("are those of running processes that begin with a prefix", host.main(function()
    for _, name in ipairs { "alpha", "alps", "beta" } do
      dynsup.register(name, dynsup.spawn(dynsup.sleep))
    end
    local names = session.names("al", 10)
    table.sort(names)
    assert.same({ "alpha", "alps" }, names)
    assert.equal(3, #session.names("", 10))
    assert.equal(1, #session.names("", 1))
    assert.same({}, session.names("gamma", 10))
  end))
end)
