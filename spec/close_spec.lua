local dynsup = require "dynsup"
local host = require "spec.support.host"

local guarded = host.guarded

describe("<close> handlers", function()
  it("have no more time for an xpcall whose message handler loops", host.main(function()
    local function spin() while true do end end
    local pid, ref = guarded(function()
      xpcall(spin, spin)
    end, dynsup.receive)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
  end))

  local ends = {
    ["when the function returns"] = { "normal", function() end },
    ["when the process exits"] = { "done", function()
      dynsup.exit("done")
    end },
    ["when the process exits inside pcall"] = { "done", function()
      pcall(dynsup.exit, "done")
    end },
    ["when the process sends itself a signal"] = { "boom", function()
      dynsup.exit(dynsup.self(), "boom")
    end },
    ["when the process kills itself"] = { "killed", function()
      dynsup.exit(dynsup.self(), "kill")
    end },
  }
  for name, case in host.sorted(ends) do
    it("run " .. name, host.main(function()
      local closed = 0
      local _, ref = guarded(function()
        closed = closed + 1
      end, case[2])
      assert.equal(case[1], host.down(ref))
      assert.equal(1, closed)
    end))
  end

  it("run when the process fails", host.main(function()
    local closed = 0
    local _, ref = guarded(function()
      closed = closed + 1
    end, error, "boom", 0)
    assert.equal("boom", host.down(ref).error)
    assert.equal(1, closed)
  end))

  local waits = {
    receive = dynsup.receive,
    receive_match = function()
      dynsup.receive_match("never")
    end,
    sleep = function()
      dynsup.sleep("infinity")
    end,
    await = function()
      dynsup.await(function() end)
    end,
    yield = function()
      while true do
        dynsup.yield()
      end
    end,
    pcall = function()
      while true do
        pcall(dynsup.receive)
      end
    end,
    ["an endless loop"] = function()
      while true do end
    end,
  }
  for name, wait in host.sorted(waits) do
    it("run when the process is killed in " .. name, host.main(function()
      local closed = 0
      local pid, ref = guarded(function()
        closed = closed + 1
      end, wait)
      dynsup.yield()
      dynsup.yield()
      assert.equal(0, closed)
      dynsup.exit(pid, "kill")
      assert.equal("killed", host.down(ref))
      assert.equal(1, closed)
    end))
  end

  it("run when a linked process takes its partner along", host.main(function()
    local closed = 0
    local partner = dynsup.spawn(dynsup.receive)
    local _, ref = guarded(function()
      closed = closed + 1
    end, function()
      dynsup.link(partner)
      dynsup.receive()
    end)
    dynsup.yield()
    dynsup.exit(partner, "boom")
    assert.equal("boom", host.down(ref))
    assert.equal(1, closed)
  end))

  it("run at the end of the run", function()
    local closed = {}
    host.run(function()
      guarded(function()
        closed.worker = true
      end, dynsup.receive)
      local _ <close> = host.closer(function()
        closed.main = true
      end)
      dynsup.yield()
    end)
    assert.same({ worker = true, main = true }, closed)
  end)

  it("run when the run is halted", function()
    local closed = {}
    host.run(function()
      guarded(function()
        closed.worker = true
      end, dynsup.receive)
      local _ <close> = host.closer(function()
        closed.main = true
      end)
      dynsup.yield()
      dynsup.halt()
    end)
    assert.same({ worker = true, main = true }, closed)
  end)

  it("do not run for a process that never began", host.main(function()
    local closed = 0
    local pid, ref = guarded(function()
      closed = closed + 1
    end, dynsup.receive)
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
    assert.equal(0, closed)
  end))
end)

describe("the order of <close> handlers", function()
  it("is the last variable first", host.main(function()
    local order = {}
    local pid, ref = dynsup.spawn_monitor(function()
      local first <close> = host.closer(function()
        order[#order + 1] = "first"
      end)
      local second <close> = host.closer(function()
        order[#order + 1] = "second"
      end)
      dynsup.receive()
      return first, second
    end)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    host.down(ref)
    assert.same({ "second", "first" }, order)
  end))

  it("is the innermost waiting coroutine first", host.main(function()
    local order = {}
    local function nest(depth)
      local _ <close> = host.closer(function()
        order[#order + 1] = depth
      end)
      if depth == 4 then
        dynsup.sleep("infinity")
      end
      coroutine.wrap(nest)(depth + 1)
    end
    local pid, ref = dynsup.spawn_monitor(nest, 1)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    host.down(ref)
    assert.same({ 4, 3, 2, 1 }, order)
  end))

  it("is the same for an exit from an inner coroutine", host.main(function()
    local order = {}
    local function nest(depth)
      local _ <close> = host.closer(function()
        order[#order + 1] = depth
      end)
      if depth == 3 then
        dynsup.exit("done")
      end
      pcall(coroutine.wrap(nest), depth + 1)
      order[#order + 1] = "not here"
    end
    assert.equal("done", host.reason(nest, 1))
    assert.same({ 3, 2, 1 }, order)
  end))

  it("is the handlers first, then EXIT and DOWN", host.main(function()
    local order = {}
    local pid, ref = guarded(function()
      order[#order + 1] = "closed"
    end, dynsup.receive)
    local watcher = dynsup.spawn(function()
      dynsup.monitor(pid)
      dynsup.receive()
      order[#order + 1] = "DOWN"
    end)
    dynsup.yield()
    dynsup.exit(pid, "boom")
    host.down(ref)
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(watcher))
    assert.same({ "closed", "DOWN" }, order)
  end))
end)

describe("a <close> variable whose block ends before the process does", function()
  it("may wait in its handler", host.main(function()
    local before = dynsup.now()
    do
      local _ <close> = host.closer(function()
        dynsup.sleep(10)
      end)
    end
    assert.equal(before + 10, dynsup.now())
  end))
end)
