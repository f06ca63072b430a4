local dynsup = require "dynsup"
local host = require "spec.support.host"

local function outcome(f, ...)
  return table.pack(host.outcome(f, nil, ...))
end

describe("halt where it cannot wait", function()
  local function halted_quietly(f)
    local lines = {}
    local ended = table.pack(dynsup.run({ clock = "virtual", log = function(_, text)
      lines[#lines + 1] = text
    end }, f))
    assert.same({ nil, "halt", 3, n = 3 }, ended)
    assert.same({}, lines)
  end

  it("ends the run, and nobody reports an error, in a sort comparator", function()
    halted_quietly(function()
      dynsup.spawn(table.sort, { 1, 2, 3 }, function() dynsup.halt(3) end)
      dynsup.receive()
    end)
  end)

  it("ends the run, and nobody reports an error, in a close handler", function()
    halted_quietly(function()
      dynsup.spawn(function()
        local _ <close> = host.closer(function() dynsup.halt(3) end)
        dynsup.exit("normal")
      end)
      dynsup.receive()
    end)
  end)
end)

describe("halt", function()
  it("ends the run with true", function()
    assert.same({ true, n = 1 }, outcome(function()
      dynsup.halt()
    end))
    assert.same({ true, n = 1 }, outcome(dynsup.halt, 0))
  end)

  it("with another code ends it with nil, \"halt\" and the code", function()
    assert.same({ nil, "halt", 3, n = 3 }, outcome(dynsup.halt, 3))
  end)

  it("does not return, not even into a pcall", function()
    local after = false
    outcome(function()
      pcall(dynsup.halt)
      after = true
    end)
    assert.is_false(after)
  end)

  it("may be called by any process, and keeps its first code", function()
    assert.same({ nil, "halt", 4, n = 3 }, outcome(function()
      dynsup.spawn(dynsup.halt, 4)
      dynsup.spawn(dynsup.halt, 5)
      dynsup.sleep(1000)
      return "not this"
    end))
  end)

  it("ends processes that would go on for ever", function()
    local ticks = 0
    assert.same({ true, n = 1 }, outcome(function()
      dynsup.spawn(function()
        while true do
          dynsup.sleep(10)
          ticks = ticks + 1
        end
      end)
      dynsup.sleep(105)
      dynsup.halt()
    end))
    assert.equal(10, ticks)
  end)

  it("ends processes that loop for ever", function()
    assert.same({ true, n = 1 }, outcome(function()
      dynsup.spawn(function()
        while true do
          pcall(function()
            while true do end
          end)
        end
      end)
      dynsup.yield()
      dynsup.halt()
    end))
  end)

  it("sends \"shutdown\" first and kills after 5 seconds", function()
    local reason, asked, ended
    outcome(function()
      dynsup.spawn(function()
        local _ <close> = host.closer(function()
          ended = dynsup.now()
        end)
        dynsup.flag("trap_exit", true)
        reason = select(3, dynsup.receive())
        asked = dynsup.now()
        while true do
          dynsup.sleep(1000)
        end
      end)
      dynsup.yield()
      dynsup.halt()
    end)
    assert.equal("shutdown", reason)
    assert.equal(asked + 5000, ended)
  end)

  it("ends who calls it when it is asked to end", function()
    local ended
    local function polite()
      local _ <close> = host.closer(function()
        ended = dynsup.now()
      end)
      dynsup.flag("trap_exit", true)
      dynsup.receive()
      dynsup.halt()
    end
    for _, start in ipairs { dynsup.spawn, function(f) dynsup.start_child(dynsup.start_link(), f) end } do
      ended = nil
      outcome(function()
        start(polite)
        dynsup.yield()
        dynsup.halt()
      end)
      assert.equal(0, ended)
    end
  end)

  it("kills in time also who does not let it pass", function()
    local function tireless()
      dynsup.flag("trap_exit", true)
      while true do
        dynsup.yield()
      end
    end
    assert.same({ true, n = 1 }, outcome(function()
      local sup = dynsup.start_link()
      dynsup.start_child(sup, { body = tireless, shutdown = 1 })
      dynsup.yield()
      dynsup.halt()
    end))
  end)

  it("stops supervisors in order, too", function()
    local order = {}
    outcome(function()
      for _, name in ipairs { "first", "second" } do
        local supervisor = assert(dynsup.start_link {})
        assert(dynsup.start_child(supervisor, { body = function()
          local _ <close> = host.closer(function()
            order[#order + 1] = name
          end)
          dynsup.receive()
        end }))
      end
      dynsup.yield()
      dynsup.halt()
    end)
    assert.same({ "second", "first" }, order)
  end)

  -- A supervisor with a guest that waits, and `waiting` after that; then a halt.
  local function halt_beside_a_guest(waiting)
    return outcome(function()
      local supervisor = assert(dynsup.start_link {})
      local restarts = 0
      local pid = assert(dynsup.start_child(supervisor, { start = function()
        restarts = restarts + 1
        return dynsup.spawn_link(dynsup.sleep, "infinity")
      end }))
      dynsup.spawn(dynsup.start_child, supervisor, { start = function()
        dynsup.sleep(100)
      end })
      dynsup.yield()
      waiting(supervisor, pid)
      dynsup.sleep(1)
      dynsup.halt(restarts)
    end)
  end

  it("begins no restart that waited for a guest", function()
    assert.same({ nil, "halt", 1, n = 3 }, halt_beside_a_guest(function(_, pid)
      dynsup.exit(pid, "kill")
    end))
  end)

  it("begins no start function that waited for a guest, and says so to who waits", function()
    local begun, answer = false, nil
    halt_beside_a_guest(function(supervisor)
      dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        answer = table.pack(dynsup.start_child(supervisor, { start = function()
          begun = true
          return dynsup.spawn_link(dynsup.sleep, "infinity")
        end }))
      end)
    end)
    assert.is_false(begun)
    assert.same({ nil, "noproc", n = 2 }, answer)
  end)

  it("waits for no start function, also not below other supervisors", function()
    local ticks = 0
    assert.same({ nil, "halt", 3, n = 3 }, outcome(function()
      dynsup.spawn(function()
        repeat
          dynsup.sleep(10)
          ticks = ticks + 1
        until ticks == 1000
      end)
      local inner
      local outer = assert(dynsup.start_link())
      assert(dynsup.start_child(outer, { type = "supervisor", start = function()
        inner = dynsup.start_link()
        return inner
      end }))
      for _ = 1, 3 do
        dynsup.spawn(dynsup.start_child, inner, { start = dynsup.receive })
      end
      dynsup.sleep(1)
      dynsup.spawn(dynsup.stop, outer) -- it waits for inner, and inner for its start function
      dynsup.sleep(1)
      dynsup.halt(3)
    end))
    assert.equal(0, ticks)
  end)

  it("stops supervisors that were there in order, and no further ones before main is asked to end", function()
    local count, refs = 0, {}
    local function start()
      count = count + 1
      local sup = dynsup.start_link()
      dynsup.start_child(sup, { restart = "temporary", body = function()
        dynsup.flag("trap_exit", true)
        dynsup.receive()
        dynsup.sleep(20)
      end })
      refs[dynsup.monitor(sup)] = true
    end
    assert.same({ nil, "halt", 3, n = 3 }, outcome(function()
      start()
      start()
      dynsup.spawn(function()
        dynsup.sleep(50)
        dynsup.halt(3)
      end)
      while count < 100 do
        local kind, ref = dynsup.receive()
        if kind == "DOWN" and refs[ref] then start() end
      end
    end))
    assert.equal(3, count)
  end)

  it("does not wait for a main process that traps exits and has nothing left to run", function()
    local reason
    outcome(function()
      dynsup.flag("trap_exit", true)
      local main = dynsup.self()
      dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        dynsup.monitor(main)
        dynsup.spawn(dynsup.halt)
        reason = select(4, dynsup.receive_match("DOWN", 1000))
      end)
    end)
    assert.equal("shutdown", reason)
  end)
end)
