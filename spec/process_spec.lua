local dynsup = require "dynsup"
local finalizer = require "spec.support.finalizer"
local host = require "spec.support.host"

describe("spawn", function()
  it("gives the function its arguments, nils included", host.main(function()
    local got
    host.reason(function(...)
      got = table.pack(...)
    end, 1, nil, "three", nil)
    assert.same({ 1, nil, "three", nil, n = 4 }, got)
  end))

  it("returns a pid before the process runs", host.main(function()
    local ran = false
    local pid = dynsup.spawn(function()
      ran = true
    end)
    assert.is_true(dynsup.is_pid(pid))
    assert.is_false(ran)
    dynsup.yield()
    assert.is_true(ran)
  end))

  it("starts processes in the order of their spawning", host.main(function()
    local order = {}
    for i = 1, 5 do
      dynsup.spawn(function()
        order[#order + 1] = i
      end)
    end
    dynsup.sleep(1)
    assert.same({ 1, 2, 3, 4, 5 }, order)
  end))

  it("ignores what the function returns", host.main(function()
    local reason = host.reason(function()
      return nil, "no reason"
    end)
    assert.equal("normal", reason)
  end))

  it("runs a C function as well", host.main(function()
    local before = dynsup.now()
    assert.equal("normal", host.reason(dynsup.sleep, 20))
    assert.equal(before + 20, dynsup.now())
  end))

  it("leaves a process alone when its unlinked maker ends", host.main(function()
    local child
    host.reason(function()
      child = dynsup.spawn(dynsup.receive)
      error("the maker fails", 0)
    end)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(child))
  end))

  it("makes ten thousand processes that all run", host.main(function()
    local main = dynsup.self()
    for i = 1, 10000 do
      dynsup.spawn(function()
        dynsup.send(main, i)
      end)
    end
    local sum = 0
    for _ = 1, 10000 do
      sum = sum + dynsup.receive()
    end
    assert.equal(10000 * 10001 // 2, sum)
  end))
end)

describe("spawn_link", function()
  it("makes a process that is linked from its first moment", host.main(function()
    dynsup.flag("trap_exit", true)
    local pid = dynsup.spawn_link(function()
      dynsup.exit("at once")
    end)
    assert.same({ "EXIT", pid, "at once", n = 3 }, table.pack(dynsup.receive()))
  end))
end)

describe("spawn_monitor", function()
  it("returns the pid and the ref of the DOWN that will come", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function()
      dynsup.exit("at once")
    end)
    assert.is_true(dynsup.is_pid(pid))
    assert.same({ "DOWN", ref, pid, "at once", n = 4 }, table.pack(dynsup.receive()))
  end))
end)

describe("self", function()
  it("is what spawn returned", host.main(function()
    local seen
    local pid, ref = dynsup.spawn_monitor(function()
      seen = dynsup.self()
    end)
    host.down(ref)
    assert.equal(pid, seen)
  end))

  it("stays the same from slice to slice while others run", host.main(function()
    local same = {}
    for i = 1, 3 do
      dynsup.spawn(function()
        local before = dynsup.self()
        dynsup.yield()
        dynsup.sleep(10)
        same[i] = before == dynsup.self()
      end)
    end
    dynsup.sleep(20)
    assert.same({ true, true, true }, same)
  end))
end)

describe("a pid", function()
  it("shows its node, number and generation", host.main(function()
    assert.matches("^<%d+%.%d+%.%d+>$", tostring(dynsup.self()))
  end))

  it("shows differently from every other", host.main(function()
    local seen = {}
    for _ = 1, 100 do
      local pid = dynsup.spawn(dynsup.receive)
      assert.is_nil(seen[tostring(pid)])
      seen[tostring(pid)] = true
    end
  end))

  it("compares by value and serves as a table key", host.main(function()
    local main = dynsup.self()
    local pid = dynsup.spawn(function()
      dynsup.send(main, dynsup.self())
    end)
    local same = dynsup.receive()
    assert.is_true(pid == same)
    assert.is_false(pid == main)
    assert.equal("here", ({ [pid] = "here" })[same])
    assert.is_nil(({ [pid] = "here" })[main])
  end))

  it("is never given to a second process", host.main(function()
    local seen = {}
    for _ = 1, 1000 do
      local pid, ref = dynsup.spawn_monitor(function() end)
      assert.is_nil(seen[pid])
      seen[pid] = true
      host.down(ref)
    end
  end))

  it("leaves the text of other light userdata as it was", host.main(function()
    local id = debug.upvalueid(function()
      return dynsup
    end, 1)
    assert.matches("^userdata: ", tostring(id))
  end))
end)

describe("is_pid", function()
  it("is true for the pid of a process that is gone", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    assert.is_true(dynsup.is_pid(pid))
  end))

  it("is false for everything else", host.main(function()
    local _, ref = dynsup.spawn_monitor(function() end)
    local timer = dynsup.send_after(10, dynsup.self(), "tick")
    local foreign = debug.upvalueid(function()
      return dynsup
    end, 1)
    assert.is_false(dynsup.is_pid(nil))
    assert.is_false(dynsup.is_pid(1))
    assert.is_false(dynsup.is_pid("<0.1.1>"))
    assert.is_false(dynsup.is_pid({}))
    assert.is_false(dynsup.is_pid((coroutine.running())))
    assert.is_false(dynsup.is_pid(ref))
    assert.is_false(dynsup.is_pid(timer))
    assert.is_false(dynsup.is_pid(foreign))
  end))
end)

describe("is_alive", function()
  it("is true for the caller and for a process that waits", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.is_true(dynsup.is_alive(dynsup.self()))
    assert.is_true(dynsup.is_alive(pid))
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("is false once a process has ended", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    assert.is_false(dynsup.is_alive(pid))
  end))

  it("follows a name", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.is_false(dynsup.is_alive("worker"))
    dynsup.register("worker", pid)
    assert.is_true(dynsup.is_alive("worker"))
    host.stop(pid, "kill")
    assert.is_false(dynsup.is_alive("worker"))
  end))

  it("stays false when the place of the process is used again", host.main(function()
    local old, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    for _ = 1, 100 do
      dynsup.spawn(dynsup.receive)
    end
    assert.is_false(dynsup.is_alive(old))
  end))
end)

describe("yield", function()
  it("lets every process that is ready run once", host.main(function()
    local turns = { 0, 0, 0 }
    for i = 1, 3 do
      dynsup.spawn(function()
        while turns[i] < 10 do
          turns[i] = turns[i] + 1
          dynsup.yield()
        end
      end)
    end
    dynsup.yield()
    assert.same({ 1, 1, 1 }, turns)
    dynsup.yield()
    assert.same({ 2, 2, 2 }, turns)
  end))

  it("returns nothing and costs no time", host.main(function()
    local before = dynsup.now()
    assert.equal(0, select("#", dynsup.yield()))
    assert.equal(before, dynsup.now())
  end))

  it("leaves the mailbox as it is", host.main(function()
    dynsup.send(dynsup.self(), "kept")
    dynsup.yield()
    assert.equal("kept", dynsup.receive(0))
  end))
end)

describe("dict", function()
  it("is the same table at each call", host.main(function()
    dynsup.dict().count = 1
    dynsup.yield()
    assert.equal(1, dynsup.dict().count)
    assert.equal(dynsup.dict(), dynsup.dict())
  end))

  it("begins empty and is private to its process", host.main(function()
    dynsup.dict().mine = true
    local theirs
    host.reason(function()
      theirs = dynsup.dict()
      theirs.yours = true
    end)
    assert.same({ yours = true }, theirs)
    assert.same({ mine = true }, dynsup.dict())
  end))

  it("is the same inside the process's own coroutines", host.main(function()
    local inside = coroutine.wrap(dynsup.dict)()
    assert.equal(dynsup.dict(), inside)
  end))

  it("is the supervisor's in its init and all its start functions", host.main(function()
    local module = { init = function() dynsup.dict().calls = 0 return dynsup.init {} end }
    local one, other = dynsup.start_link(module), dynsup.start_link(module)
    local function start()
      local own = dynsup.dict()
      own.calls = own.calls + 1
      return dynsup.spawn_link(dynsup.sleep, "infinity"), own.calls
    end
    local pid = dynsup.start_child(one, { start = start })
    host.stop(pid, "kill")
    assert.equal(3, select(2, dynsup.start_child(one, { start = start })))
    assert.equal(1, select(2, dynsup.start_child(other, { start = start })))
    assert.is_nil(dynsup.dict().calls)
  end))

  it("is the table that a finalizer got in the middle of the first call", host.main(function()
    local early
    local late = finalizer.within(function() early = dynsup.dict() end, dynsup.dict)
    assert.equal(early, late)
    assert.equal(early, dynsup.dict())
  end))
end)

describe("ready", function()
  it("does nothing where no start_child waits", host.main(function()
    dynsup.ready()
    dynsup.ready("info")
    assert.same({}, host.drain())
    assert.is_true(dynsup.is_alive(dynsup.self()))
  end))
end)
