local dynsup = require "dynsup"
local host = require "spec.support.host"

local function outcome(f, ...)
  return table.pack(host.outcome(f, nil, ...))
end

describe("run", function()
  it("returns true and the results of the function", function()
    assert.same({ true, 1, nil, "three", nil, n = 5 }, outcome(function()
      return 1, nil, "three", nil
    end))
  end)

  it("gives the function its arguments", function()
    assert.same({ true, 3, 1, nil, n = 4 }, outcome(function(...)
      return select("#", ...), (...), (select(2, ...))
    end, 1, nil, nil))
  end)

  it("works without options", function()
    assert.same({ true, "hello", n = 2 }, table.pack(dynsup.run(function(word)
      return word
    end, "hello")))
  end)

  it("runs the function as a process", function()
    host.run(function()
      assert.is_true(dynsup.is_pid(dynsup.self()))
      assert.is_true(dynsup.is_alive(dynsup.self()))
      assert.same({}, dynsup.info(dynsup.self()).links)
    end)
  end)

  it("waits on no real clock when the clock is virtual", function()
    local elapsed = host.run(function()
      local before = dynsup.now()
      dynsup.sleep(365 * 86400000)
      return dynsup.now() - before
    end)
    assert.equal(365 * 86400000.0, elapsed)
  end)

  it("can follow another run", function()
    for i = 1, 20 do
      assert.same({ true, i, n = 2 }, outcome(function()
        dynsup.spawn(dynsup.receive)
        dynsup.sleep(10)
        return i
      end))
    end
  end)

  it("wants a whole number as its seed", function()
    local ok, err = pcall(dynsup.run, { seed = 1.5 }, print)
    assert.is_false(ok)
    assert.matches("bad option 'seed'", err)
  end)

  it("is the same again with the same seed", function()
    local function history()
      local log = {}
      host.run(function()
        for i = 1, 5 do
          dynsup.spawn(function()
            for step = 1, 5 do
              log[#log + 1] = i .. "." .. step
              for _ = 1, i * 100000 do end
              dynsup.sleep(i * step % 4)
            end
          end)
        end
      end, { seed = 42 })
      return log
    end
    local first = history()
    assert.equal(25, #first)
    assert.same(first, history())
  end)
end)

describe("run when the main process fails", function()
  it("returns nil and the crash object", function()
    local got = outcome(function()
      error("boom", 0)
    end)
    assert.is_nil(got[1])
    assert.equal("boom", got[2].error)
    assert.matches("^boom\nstack traceback:\n", tostring(got[2]))
  end)

  it("returns nil and the reason of an exit", function()
    assert.same({ nil, "done", n = 2 }, outcome(dynsup.exit, "done"))
    assert.same({ nil, "shutdown", n = 2 }, outcome(dynsup.exit, "shutdown"))
    local reason = { "shutdown", 1 }
    assert.equal(reason, outcome(dynsup.exit, reason)[2])
  end)

  it("returns true after an exit with \"normal\"", function()
    assert.same({ true, n = 1 }, outcome(dynsup.exit, "normal"))
  end)

  it("returns nil and the reason of the signal that ended it", function()
    assert.same({ nil, "killed", n = 2 }, outcome(function()
      local main = dynsup.self()
      dynsup.spawn(function()
        dynsup.exit(main, "kill")
      end)
      dynsup.receive()
    end))
  end)

  it("returns nil and the crash of a process linked to it", function()
    local got = outcome(function()
      dynsup.spawn_link(function()
        error("boom", 0)
      end)
      dynsup.receive()
    end)
    assert.is_nil(got[1])
    assert.equal("boom", got[2].error)
  end)

  it("leaves nothing for the next run", function()
    outcome(function()
      dynsup.register("main", dynsup.self())
      dynsup.spawn(dynsup.receive)
      error("boom")
    end)
    assert.same({ true, n = 2 }, outcome(function()
      return (dynsup.whereis("main"))
    end))
  end)
end)

describe("the end of a run", function()
  it("does not come while a process is still at work", function()
    local finished = false
    assert.same({ true, "main is done", n = 2 }, outcome(function()
      dynsup.spawn(function()
        for _ = 1, 10 do
          dynsup.sleep(100)
        end
        finished = true
      end)
      return "main is done"
    end))
    assert.is_true(finished)
  end)

  it("does not come before a message that is still under way", function()
    local got
    outcome(function()
      local pid = dynsup.spawn(function()
        got = dynsup.receive()
      end)
      dynsup.send_after(1000, pid, "late")
    end)
    assert.equal("late", got)
  end)

  it("comes when all others wait for what cannot come", function()
    local start, ended
    outcome(function()
      start = dynsup.now()
      for _, wait in ipairs { dynsup.receive, dynsup.sleep } do
        dynsup.spawn(function()
          local _ <close> = host.closer(function()
            ended = dynsup.now()
          end)
          wait("infinity")
        end)
      end
      dynsup.spawn(dynsup.await, function() end)
    end)
    assert.equal(start, ended)
  end)

  it("keeps the main process as the parent of what it started", function()
    local alive
    local got = outcome(function()
      local main = dynsup.self()
      dynsup.spawn_link(function()
        dynsup.sleep(10)
        alive = dynsup.is_alive(main)
      end)
    end)
    assert.is_true(got[1])
    assert.is_true(alive)
  end)

  it("shows a linked process that fails after main has returned", function()
    local got = outcome(function()
      dynsup.spawn_link(function()
        dynsup.sleep(10)
        error("late", 0)
      end)
      return "main is done"
    end)
    assert.is_nil(got[1])
    assert.equal("late", got[2].error)
  end)

  it("does not care for an unlinked process that failed", function()
    assert.same({ true, "main is done", n = 2 }, outcome(function()
      dynsup.spawn(error, "boom")
      return "main is done"
    end))
  end)

  it("sends \"shutdown\" to the processes that are left", function()
    local got
    outcome(function()
      dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        got = table.pack(dynsup.receive())
      end)
    end)
    assert.equal("EXIT", got[1])
    assert.equal("shutdown", got[3])
  end)

  it("lets them take their time, and kills them after 5 seconds", function()
    local asked, ended
    outcome(function()
      dynsup.spawn(function()
        local _ <close> = host.closer(function()
          ended = dynsup.now()
        end)
        dynsup.flag("trap_exit", true)
        dynsup.receive()
        asked = dynsup.now()
        dynsup.sleep("infinity")
      end)
    end)
    assert.equal(asked + 5000, ended)
  end)

  it("stops main's supervisors in reverse order of their start, then the others", function()
    local order = {}
    local function note(name)
      return function()
        local _ <close> = host.closer(function()
          order[#order + 1] = name
        end)
        dynsup.receive()
      end
    end
    outcome(function()
      dynsup.spawn(note("plain process"))
      for _, name in ipairs { "first", "second", "third" } do
        local supervisor = assert(dynsup.start_link {})
        assert(dynsup.start_child(supervisor, { body = note(name) }))
      end
      dynsup.yield()
    end)
    assert.same({ "third", "second", "first", "plain process" }, order)
  end)
end)

describe("a run whose main process waits for what cannot come", function()
  local function waits_for_nothing()
    dynsup.receive()
    return "never"
  end

  it("ends with nil, \"deadlock\" and where it waits", function()
    local got = outcome(function()
      dynsup.sleep(10)
      local result = waits_for_nothing()
      return result
    end)
    assert.is_nil(got[1])
    assert.equal("deadlock", got[2])
    local line = debug.getinfo(waits_for_nothing, "S").linedefined + 1
    assert.matches("run_spec.lua:" .. line, got[3])
  end)

  it("ends so for every way to wait for ever", function()
    for _, wait in ipairs {
      dynsup.receive,
      function()
        dynsup.receive_match("never")
      end,
      function()
        dynsup.sleep("infinity")
      end,
      function()
        dynsup.await(function() end)
      end,
      function()
        coroutine.wrap(dynsup.receive)()
      end,
    } do
      local got = outcome(wait)
      assert.same({ nil, "deadlock", "string", n = 3 }, { got[1], got[2], type(got[3]), n = got.n })
    end
  end)

  it("ends so although others wait, too", function()
    local got = outcome(function()
      dynsup.spawn(dynsup.receive)
      dynsup.receive()
    end)
    assert.equal("deadlock", got[2])
  end)

  it("runs main's <close> handlers", function()
    local closed = false
    outcome(function()
      local _ <close> = host.closer(function()
        closed = true
      end)
      dynsup.receive()
    end)
    assert.is_true(closed)
  end)
end)

describe("a run that cannot begin", function()
  local too_many = {}
  for i = 1, 600000 do too_many[i] = i end

  local function fail()
    return pcall(dynsup.run, { clock = "virtual", log = print }, function() end,
      table.unpack(too_many))
  end

  it("is an error and leaves no host behind", function()
    local ok, err = fail()
    assert.is_false(ok)
    assert.matches("too many arguments", err)
    ok, err = pcall(dynsup.spawn, print)
    assert.is_false(ok)
    assert.matches("no host is running", err)
    collectgarbage()
    assert.same({ true, 1, n = 2 }, outcome(function() return 1 end))
  end)

  it("leaves the host it was called in running", host.main(function()
    assert.is_false((fail()))
    local self = dynsup.self()
    collectgarbage()
    assert.equal(self, dynsup.self())
    dynsup.sleep(1)
  end))

  it("leaves the host running also when it was called in a coroutine that is gone",
    host.main(function()
      pcall(coroutine.wrap(fail))
      collectgarbage()
      collectgarbage()
      dynsup.sleep(1)
    end))
end)

describe("many runs", function()
  it("leave nothing in the registry", function()
    local function size()
      collectgarbage()
      local count = 0
      for _ in pairs(debug.getregistry()) do count = count + 1 end
      return count
    end
    host.run(function() end, { log = print })
    local before = size()
    for _ = 1, 100 do host.run(function() end, { log = print }) end
    assert.is_true(size() < before + 50)
  end)
end)
