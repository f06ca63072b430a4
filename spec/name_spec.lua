local dynsup = require "dynsup"
local host = require "spec.support.host"

describe("register", function()
  it("gives a process a name by which it is found", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.same({ true, n = 1 }, table.pack(dynsup.register("worker", pid)))
    assert.equal(pid, dynsup.whereis("worker"))
  end))

  it("says taken for a name that is in use", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.register("worker", dynsup.self())
    assert.same({ nil, "taken", n = 2 }, table.pack(dynsup.register("worker", pid)))
    assert.equal(dynsup.self(), dynsup.whereis("worker"))
  end))

  it("says taken for a process that has a name", host.main(function()
    dynsup.register("first", dynsup.self())
    assert.same({ nil, "taken", n = 2 }, table.pack(dynsup.register("second", dynsup.self())))
    assert.same({ nil, "taken", n = 2 }, table.pack(dynsup.register("first", dynsup.self())))
    assert.is_nil(dynsup.whereis("second"))
  end))

  it("says noproc for a dead process", host.main(function()
    local pid, ref = dynsup.spawn_monitor(function() end)
    host.down(ref)
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.register("worker", pid)))
    assert.is_nil(dynsup.whereis("worker"))
  end))

  it("tells names apart byte by byte", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.register("a\0b", pid)
    assert.equal(pid, dynsup.whereis("a\0b"))
    assert.is_nil(dynsup.whereis("a"))
    assert.is_nil(dynsup.whereis("a\0c"))
    assert.is_nil(dynsup.whereis("A\0b"))
  end))

  it("holds ten thousand names", host.main(function()
    local pids = {}
    for i = 1, 10000 do
      pids[i] = dynsup.spawn(dynsup.receive)
      assert(dynsup.register("worker " .. i, pids[i]))
    end
    for i = 1, 10000, 2 do
      dynsup.unregister("worker " .. i)
    end
    for i = 1, 10000 do
      local expected = i % 2 == 0 and pids[i] or nil
      if dynsup.whereis("worker " .. i) ~= expected then
        assert.equal(expected, dynsup.whereis("worker " .. i))
      end
    end
  end))
end)

describe("a name", function()
  it("is free again when its process has ended", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.register("worker", pid)
    host.stop(pid, "boom")
    assert.is_nil(dynsup.whereis("worker"))
    assert.is_true(dynsup.register("worker", dynsup.self()))
  end))

  it("leads nowhere as soon as its process is to end", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.register("worker", pid)
    dynsup.exit(pid, "boom")
    assert.is_nil(dynsup.whereis("worker"))
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.send("worker", "hello")))
  end))

  it("stays when a trapping process is asked to end", host.main(function()
    local pid = dynsup.spawn(function()
      dynsup.flag("trap_exit", true)
      dynsup.receive_match("never")
    end)
    dynsup.register("worker", pid)
    dynsup.yield()
    dynsup.exit("worker", "boom")
    dynsup.sleep(1)
    assert.equal(pid, dynsup.whereis("worker"))
  end))

  it("is gone when the next run begins", function()
    host.run(function()
      dynsup.register("main", dynsup.self())
    end)
    host.run(function()
      assert.is_nil(dynsup.whereis("main"))
    end)
  end)
end)

describe("unregister", function()
  it("frees the name and leaves the process", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.register("worker", pid)
    assert.same({ true, n = 1 }, table.pack(dynsup.unregister("worker")))
    assert.is_nil(dynsup.whereis("worker"))
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("lets the process take another name", host.main(function()
    dynsup.register("first", dynsup.self())
    dynsup.unregister("first")
    assert.is_true(dynsup.register("second", dynsup.self()))
    assert.equal(dynsup.self(), dynsup.whereis("second"))
  end))

  it("says noproc for a name that nobody has", host.main(function()
    assert.same({ nil, "noproc", n = 2 }, table.pack(dynsup.unregister("nobody")))
  end))

  it("does not free the successor's name when the old owner ends", host.main(function()
    local old = dynsup.spawn(dynsup.receive)
    dynsup.register("worker", old)
    dynsup.unregister("worker")
    dynsup.register("worker", dynsup.self())
    host.stop(old, "boom")
    assert.equal(dynsup.self(), dynsup.whereis("worker"))
  end))
end)

describe("whereis", function()
  it("is nil for a name that nobody has", host.main(function()
    assert.is_nil((dynsup.whereis("nobody")))
  end))
end)
