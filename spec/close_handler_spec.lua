-- What a <close> handler may do while its process ends, and what comes of its errors and loops.

local dynsup = require "dynsup"
local host = require "spec.support.host"

local guarded = host.guarded

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

describe("in the <close> handler of an ending process", function()
  it("what may neither link nor monitor says which", host.main(function()
    local main = dynsup.self()
    local refused = {
      link = { "link", main }, monitor = { "monitor", main },
      spawn_link = { "link", print }, spawn_monitor = { "monitor", print },
    }
    for name, case in host.sorted(refused) do
      local ok, message = in_killed(function() dynsup[name](case[2]) end)
      assert.is_false(ok)
      assert.matches("cannot " .. case[1] .. " here: the process is ending", message)
    end
  end))

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

  for name, wait in host.sorted(host.waits) do
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

  it("an error that is no text is told as reports tell it", function()
    local lines = {}
    host.run(function()
      local problem = setmetatable({ code = 7 }, { __tostring = error })
      for _, value in ipairs { problem, 7 } do
        local pid, ref = guarded(function() error(value) end, dynsup.receive)
        dynsup.yield()
        dynsup.exit(pid, "kill")
        host.down(ref)
      end
    end, { log = function(_, line) lines[#lines + 1] = line end })
    assert.matches("error in a close handler of an ending process: { code = 7 }", lines[1])
    assert.matches("error in a close handler of an ending process: 7", lines[2])
  end)

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
