local dynsup = require "dynsup"
local host = require "spec.support.host"

-- A process that calls resume with the values after so many ms.
local function resume_after(ms, resume, ...)
  local values = table.pack(...)
  dynsup.spawn(function()
    dynsup.sleep(ms)
    resume(table.unpack(values, 1, values.n))
  end)
end

describe("await", function()
  it("returns what resume is given, nils included", host.main(function()
    local got = table.pack(dynsup.await(function(resume)
      resume_after(10, resume, nil, "two", nil)
    end))
    assert.same({ nil, "two", nil, n = 3 }, got)
  end))

  it("returns nothing when resume is given nothing", host.main(function()
    local got = table.pack(dynsup.await(function(resume)
      resume_after(10, resume)
    end))
    assert.equal(0, got.n)
  end))

  it("suspends the caller until then", host.main(function()
    local before = dynsup.now()
    dynsup.await(function(resume)
      resume_after(30, resume)
    end)
    assert.equal(before + 30, dynsup.now())
  end))

  it("returns at once when resume is called before the function returns", host.main(function()
    local before = dynsup.now()
    assert.equal("early", dynsup.await(function(resume)
      resume("early")
    end))
    assert.equal(before, dynsup.now())
  end))

  it("runs the function in the calling process", host.main(function()
    local inside
    dynsup.await(function(resume)
      inside = dynsup.self()
      resume()
    end)
    assert.equal(dynsup.self(), inside)
  end))

  it("gives up when its time is over", host.main(function()
    local before = dynsup.now()
    local got = table.pack(dynsup.await(function() end, 25))
    assert.same({ nil, "timeout", n = 2 }, got)
    assert.equal(before + 25, dynsup.now())
  end))

  it("passes tables by reference", host.main(function()
    local shared = {}
    assert.equal(shared, dynsup.await(function(resume)
      resume_after(10, resume, shared)
    end))
  end))

  it("takes the first of two calls", host.main(function()
    local got = dynsup.await(function(resume)
      resume("first")
      resume("second")
    end)
    assert.equal("first", got)
    got = dynsup.await(function(resume)
      resume_after(10, resume, "first")
      resume_after(10, resume, "second")
    end)
    assert.equal("first", got)
    dynsup.sleep(10)
    assert.same({}, host.drain())
  end))

  it("is not ended by the late call of an earlier one", host.main(function()
    local stale
    dynsup.await(function(resume)
      stale = resume
    end, 10)
    resume_after(10, function()
      stale("stale")
    end)
    local got = dynsup.await(function(resume)
      stale("staler")
      resume_after(20, resume, "fresh")
    end)
    assert.equal("fresh", got)
  end))

  it("lets a late call disturb no other wait", host.main(function()
    local stale
    dynsup.await(function(resume)
      stale = resume
      resume()
    end)
    local before = dynsup.now()
    resume_after(5, function()
      stale("stale")
    end)
    dynsup.sleep(20)
    assert.equal(before + 20, dynsup.now())
    assert.same({ nil, "timeout", n = 2 }, table.pack(dynsup.receive(0)))
  end))

  it("does nothing with a call whose process is gone", host.main(function()
    local orphan
    local pid, ref = dynsup.spawn_monitor(function()
      dynsup.await(function(resume)
        orphan = resume
      end)
    end)
    dynsup.sleep(1)
    dynsup.exit(pid, "kill")
    assert.equal("killed", host.down(ref))
    dynsup.spawn(dynsup.receive)
    orphan("anyone?")
    dynsup.sleep(1)
    assert.same({}, host.drain())
  end))

  it("leaves messages in the mailbox", host.main(function()
    dynsup.send(dynsup.self(), "before")
    local got = dynsup.await(function(resume)
      dynsup.send_after(5, dynsup.self(), "meanwhile")
      resume_after(10, resume, "done")
    end)
    assert.equal("done", got)
    assert.same({ { "before", n = 1 }, { "meanwhile", n = 1 } }, host.drain())
  end))

  it("raises the error of the function in the caller", host.main(function()
    local ok, err = pcall(dynsup.await, function()
      error("no luck", 0)
    end)
    assert.is_false(ok)
    assert.equal("no luck", err)
    assert.equal("next", dynsup.await(function(resume)
      resume_after(10, resume, "next")
    end))
  end))

  it("can be ended by a signal", host.main(function()
    local pid = dynsup.spawn(function()
      dynsup.await(function() end)
    end)
    dynsup.sleep(1)
    assert.equal("boom", host.stop(pid, "boom"))
  end))

  it("is not resumed by what an earlier run has left", function()
    local kept
    host.run(function()
      dynsup.await(function(resume) kept = resume end, 10)
    end)
    host.run(function()
      dynsup.spawn(function() kept("orphan") end)
      assert.same({ nil, "timeout" }, { dynsup.await(function() end, 10) })
    end)
  end)

  it("works inside a generator", host.main(function()
    local values = {}
    for value in coroutine.wrap(function()
      for i = 1, 3 do
        coroutine.yield((dynsup.await(function(resume)
          resume_after(10, resume, i * i)
        end)))
      end
    end) do
      values[#values + 1] = value
    end
    assert.same({ 1, 4, 9 }, values)
  end))

  it("serves many processes that wait at the same time", host.main(function()
    local main = dynsup.self()
    for i = 1, 100 do
      dynsup.spawn(function()
        dynsup.send(main, (dynsup.await(function(resume)
          resume_after(101 - i, resume, i)
        end)))
      end)
    end
    for i = 100, 1, -1 do
      assert.equal(i, (dynsup.receive()))
    end
  end))
end)
