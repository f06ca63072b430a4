local dynsup = require "dynsup"
local host = require "spec.support.host"

-- Spawns a process with a handler that runs on_close, which then runs body; returns pid and ref.
local function guarded(on_close, body, ...)
  return dynsup.spawn_monitor(function(...)
    local _ <close> = host.closer(on_close)
    body(...)
  end, ...)
end

-- What f does in a handler of a process that is killed: the results of pcall(f).
local function in_killed(f)
  local results
  local pid, ref = guarded(function()
    results = table.pack(pcall(f))
  end, dynsup.receive)
  dynsup.yield()
  dynsup.exit(pid, "kill")
  assert.equal("killed", host.down(ref))
  return table.unpack(results, 1, results.n)
end

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

describe("in the <close> handler of an ending process", function()
  it("self is still the process", host.main(function()
    local seen
    local pid, ref = guarded(function()
      seen = dynsup.self()
    end, dynsup.receive)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    host.down(ref)
    assert.equal(pid, seen)
  end))

  it("messages can be sent, and arrive before DOWN", host.main(function()
    local main = dynsup.self()
    local pid, ref = guarded(function()
      dynsup.send(main, "last words", dynsup.self())
    end, dynsup.receive)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    dynsup.sleep(1)
    assert.same({
      { "last words", pid, n = 2 },
      { "DOWN", ref, pid, "killed", n = 4 },
    }, host.drain())
  end))

  it("dict is still that of the process", host.main(function()
    local seen
    local pid, ref = guarded(function()
      seen = dynsup.dict().mine
    end, function()
      dynsup.dict().mine = "here"
      dynsup.receive()
    end)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    host.down(ref)
    assert.equal("here", seen)
  end))

  local waits = {
    receive = function()
      dynsup.receive(10)
    end,
    receive_match = function()
      dynsup.receive_match("x", 10)
    end,
    sleep = function()
      dynsup.sleep(10)
    end,
    yield = function()
      dynsup.yield()
    end,
    await = function()
      dynsup.await(function() end, 10)
    end,
  }
  for name, wait in host.sorted(waits) do
    it(name .. " is an error that says that it cannot wait", host.main(function()
      local ok, err = in_killed(wait)
      assert.is_false(ok)
      assert.matches("wait", err)
    end))
  end

  it("link and spawn_link are errors", host.main(function()
    local main = dynsup.self()
    local before = dynsup.info(main).links
    assert.is_false((in_killed(function()
      dynsup.link(main)
    end)))
    assert.is_false((in_killed(function()
      dynsup.spawn_link(dynsup.receive)
    end)))
    assert.same(before, dynsup.info(main).links)
  end))

  it("generators yield to whom resumes them", host.main(function()
    local values = {}
    local pid, ref = guarded(function()
      for value in coroutine.wrap(function()
        coroutine.yield(1)
        coroutine.yield(2)
      end) do
        values[#values + 1] = value
      end
    end, dynsup.receive)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    host.down(ref)
    assert.same({ 1, 2 }, values)
  end))

  it("nothing is received any more", host.main(function()
    local pid, ref = guarded(function()
      dynsup.send(dynsup.self(), "to myself")
    end, dynsup.receive)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
    assert.is_true(dynsup.send(pid, "too late"))
  end))

  it("an error changes nothing about a kill, and the other handlers run", host.main(function()
    local closed = false
    local pid, ref = guarded(function()
      closed = true
    end, function()
      local _ <close> = host.closer(function()
        error("in the handler")
      end)
      dynsup.receive()
    end)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
    assert.is_true(closed)
  end))

  for _, clock in ipairs { "virtual", "real" } do
    it("an endless loop is cut on the " .. clock .. " clock", host.main(function()
      local pid, ref = guarded(function()
        while true do end
      end, dynsup.receive)
      dynsup.yield()
      dynsup.exit(pid, "kill")
      assert.equal("killed", host.down(ref))
    end, { clock = clock }))

    it("an endless loop of pcalls is cut on the " .. clock .. " clock", host.main(function()
      local pid, ref = guarded(function()
        while true do
          pcall(function()
            while true do end
          end)
        end
      end, dynsup.receive)
      dynsup.yield()
      dynsup.exit(pid, "boom")
      assert.equal("boom", host.down(ref))
    end, { clock = clock }))
  end

  local function loop()
    while true do end
  end

  -- Each makes what it needs while the process is well, and returns the handler.
  local hiding = {
    ["a generator made before"] = function()
      return coroutine.wrap(loop)
    end,
    ["a generator that had begun before"] = function()
      local generator = coroutine.wrap(function()
        coroutine.yield()
        loop()
      end)
      generator()
      return generator
    end,
    ["generator after generator"] = function()
      return function()
        while true do
          pcall(coroutine.wrap(loop))
        end
      end
    end,
    ["the handler of a coroutine that it closes"] = function()
      local co = coroutine.create(function()
        local _ <close> = host.closer(loop)
        coroutine.yield()
      end)
      coroutine.resume(co)
      return function()
        coroutine.close(co)
      end
    end,
    ["a sort comparator"] = function()
      return function()
        table.sort({ 1, 2, 3 }, loop)
      end
    end,
    ["code that has no hook"] = function()
      return function()
        pcall(debug.sethook)
        loop()
      end
    end,
  }
  for name, make in host.sorted(hiding) do
    for _, clock in ipairs { "virtual", "real" } do
      it("an endless loop in " .. name .. " is cut on the " .. clock .. " clock",
        host.main(function()
          local pid, ref = dynsup.spawn_monitor(function()
            local _ <close> = host.closer(make())
            dynsup.receive()
          end)
          dynsup.yield()
          dynsup.exit(pid, "kill")
          assert.equal("killed", host.down(ref))
        end, { clock = clock }))
    end
  end

  it("an error is logged also when the process ended by another one", function()
    local lines = {}
    host.run(function()
      local _, ref = guarded(function()
        error "in the handler"
      end, error, "boom")
      assert.matches("boom", host.down(ref).error)
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.matches("in the handler", table.concat(lines, "\n"))
  end)

  it("the error that it is handed is not logged again", function()
    local lines = {}
    host.run(function()
      local _, ref = dynsup.spawn_monitor(function()
        local _ <close> = setmetatable({}, { __close = function(_, err) error(err, 0) end })
        error "boom"
      end)
      host.down(ref)
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.equal(1, #lines)
  end)

  it("an endless loop is cut after an error as well", host.main(function()
    local _, ref = guarded(function()
      while true do end
    end, error, "boom")
    local reason = host.down(ref)
    assert.equal("string", type(reason.traceback))
  end))

  it("an endless loop in an inner coroutine does not keep its process", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function()
      coroutine.wrap(function()
        local _ <close> = host.closer(function()
          while true do
            pcall(function()
              while true do end
            end)
          end
        end)
        dynsup.receive()
      end)()
    end)
    dynsup.yield()
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
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
