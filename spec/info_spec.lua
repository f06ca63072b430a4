local dynsup = require "dynsup"
local host = require "spec.support.host"

describe("info", function()
  it("says noproc for the dead and for a name that nobody has", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.info(pid)))
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.info("nobody")))
  end))

  it("finds a process by its name, and shows it", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.is_nil(dynsup.info(pid).name)
    dynsup.register("worker", pid)
    assert.equal("worker", dynsup.info("worker").name)
    assert.equal("worker", dynsup.info(pid).name)
  end))

  it("shows what the process is doing", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.equal("runnable", dynsup.info(pid).status)
    dynsup.yield()
    assert.equal("waiting", dynsup.info(pid).status)
    assert.equal("running", dynsup.info(dynsup.self()).status)
  end))

  it("shows the main process as idle when its function has returned", function()
    local status
    host.run(function()
      local main = dynsup.self()
      dynsup.spawn(function()
        dynsup.sleep(10)
        status = dynsup.info(main).status
      end)
    end)
    assert.equal("idle", status)
  end)

  it("shows the links of both sides", host.main(function()
    local main = dynsup.self()
    local pid = dynsup.spawn_link(dynsup.receive)
    assert.same({ pid }, dynsup.info(main).links)
    assert.same({ main }, dynsup.info(pid).links)
    dynsup.unlink(pid)
    assert.same({}, dynsup.info(main).links)
    assert.same({}, dynsup.info(pid).links)
  end))

  it("shows whom the process monitors", host.main(function()
    local pid, ref = dynsup.spawn_monitor(dynsup.receive)
    assert.same({ pid }, dynsup.info(dynsup.self()).monitors)
    assert.same({}, dynsup.info(pid).monitors)
    dynsup.demonitor(ref)
    assert.same({}, dynsup.info(dynsup.self()).monitors)
  end))

  it("shows the length of the mailbox", host.main(function()
    local main = dynsup.self()
    assert.equal(0, dynsup.info(main).mailbox)
    for i = 1, 5 do
      dynsup.send(main, i)
    end
    dynsup.receive()
    assert.equal(4, dynsup.info(main).mailbox)
  end))

  it("shows the memory, which grows with the mailbox", host.main(function()
    local pid = dynsup.spawn(dynsup.sleep, "infinity")
    local before = dynsup.info(pid).memory
    for i = 1, 1000 do
      dynsup.send(pid, i)
    end
    assert.is_true(before > 0)
    assert.is_true(dynsup.info(pid).memory > before)
  end))

  it("counts the slices", host.main(function()
    local pid = dynsup.spawn(function()
      for _ = 1, 10 do
        dynsup.yield()
      end
      dynsup.receive()
    end)
    assert.equal(0, dynsup.info(pid).slices)
    dynsup.yield()
    assert.equal(1, dynsup.info(pid).slices)
    dynsup.sleep(1)
    assert.equal(11, dynsup.info(pid).slices)
  end))

  it("shows who spawned the process", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.equal(dynsup.self(), dynsup.info(pid).parent)
    assert.is_nil(dynsup.info(dynsup.self()).parent)
  end))

  it("shows when it was started", host.main(function()
    dynsup.sleep(100)
    local pid = dynsup.spawn(dynsup.receive)
    local start = dynsup.now()
    dynsup.sleep(100)
    assert.equal(start, dynsup.info(pid).started_at)
  end))

  it("shows the first incarnation of a process that is nobody's child", host.main(function()
    assert.equal(1, dynsup.info(dynsup.spawn(dynsup.receive)).incarnation)
  end))

  it("shows the cpu time as a number of milliseconds", host.main(function()
    assert.equal("number", type(dynsup.info(dynsup.self()).cpu_time))
    assert.is_true(dynsup.info(dynsup.self()).cpu_time >= 0)
  end))

  it("shows where a waiting process stands", host.main(function()
    local function waits_for_the_end()
      dynsup.receive()
      return true
    end
    local pid = dynsup.spawn(function()
      local done = waits_for_the_end()
      return done
    end)
    dynsup.yield()
    local traceback = dynsup.info(pid).traceback
    assert.matches("^stack traceback:\n", traceback)
    assert.matches("waits_for_the_end", traceback)
    assert.matches("info_spec.lua:%d+:", traceback)
  end))

  it("does not change the process it shows", host.main(function()
    local pid = dynsup.spawn(function()
      dynsup.send(dynsup.receive(), "answer")
    end)
    dynsup.yield()
    for _ = 1, 100 do
      dynsup.info(pid)
    end
    dynsup.send(pid, dynsup.self())
    assert.equal("answer", dynsup.receive(10))
  end))
end)
