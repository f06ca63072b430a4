local dynsup = require "dynsup"
local host = require "spec.support.host"
local registry = require "dynsup.registry"

local function setup()
  registry.start_link { keys = "unique", name = "R" }
  local main = dynsup.self()
  local pid = dynsup.spawn(function()
    registry.register("R", "a", 1)
    dynsup.flag("trap_exit", true)
    while true do dynsup.send(main, "got", dynsup.receive()) end
  end)
  dynsup.yield()
  return pid, { "R", "a" }
end

describe("the dest { registry, key }", function()
  it("is sent to", host.main(function()
    local pid, dest = setup()
    assert.is_true(dynsup.send(dest, "hello", 1))
    assert.same({ "got", "hello", 1 }, { dynsup.receive() })
    assert.is_true(dynsup.send({ dynsup.whereis "R", "a" }, "again"))
    assert.same({ "got", "again" }, { dynsup.receive() })
    assert.equal(pid, registry.whereis("R", "a"))
  end))

  it("is sent to later", host.main(function()
    local _, dest = setup()
    local timer = dynsup.send_after(5, dest, "hello")
    assert.is_not_nil(timer)
    assert.same({ "got", "hello" }, { dynsup.receive() })
  end))

  it("is looked at", host.main(function()
    local pid, dest = setup()
    assert.is_true(dynsup.is_alive(dest))
    assert.equal(pid, dynsup.info(dest).pid)
    assert.equal(pid, dynsup.whereis(dest))
  end))

  it("is sent exit signals", host.main(function()
    local pid, dest = setup()
    assert.is_true(dynsup.exit(dest, "boom"))
    assert.same({ "got", "EXIT", dynsup.self(), "boom" }, { dynsup.receive() })
    dynsup.exit(dest, "kill")
    assert.is_false(dynsup.is_alive(pid))
  end))

  it("is monitored", host.main(function()
    local pid, dest = setup()
    local ref = dynsup.monitor(dest)
    dynsup.exit(dest, "kill")
    assert.same({ "DOWN", ref, pid, "killed" }, { dynsup.receive() })
  end))

  it("is a supervisor that is asked", host.main(function()
    registry.start_link { keys = "unique", name = "R" }
    dynsup.spawn(function()
      dynsup.start_link { name = "sup" }
      dynsup.receive()
    end)
    dynsup.yield()
    local keeper = dynsup.start_link {}
    local pid = dynsup.start_child(keeper, { start = function()
      registry.register("R", "sup") -- the guest is its supervisor
      return dynsup.spawn_link(dynsup.receive)
    end })
    local dest = { "R", "sup" }
    assert.equal(keeper, registry.whereis("R", "sup"))
    assert.equal(1, dynsup.count_children(dest).active)
    assert.equal(pid, dynsup.which_children(dest)[1].pid)
    local other = dynsup.start_child(dest, dynsup.receive)
    assert.is_true(dynsup.terminate_child(dest, other))
    for child in dynsup.children(dest) do assert.equal(pid, child.pid) end
    assert.is_true(dynsup.stop(dest))
    assert.is_false(dynsup.is_alive(keeper))
  end))

  it("of a key that nobody has is like an unknown name", host.main(function()
    setup()
    for _, dest in ipairs { { "R", "b" }, { "nobody", "a" }, { dynsup.self(), "a" } } do
      assert.same({ nil, "noproc" }, { dynsup.send(dest, "hello") })
      assert.same({ nil, "noproc" }, { dynsup.send_after(1, dest, "hello") })
      assert.same({ nil, "noproc" }, { dynsup.exit(dest, "boom") })
      assert.same({ nil, "noproc" }, { dynsup.info(dest) })
      assert.same({ nil, "noproc" }, { dynsup.start_child(dest, dynsup.receive) })
      assert.same({ nil, "noproc" }, { dynsup.count_children(dest) })
      assert.same({ nil, "noproc" }, { dynsup.stop(dest) })
      assert.is_false(dynsup.is_alive(dest))
      assert.is_nil(dynsup.whereis(dest))
      local ref = dynsup.monitor(dest)
      assert.same({ "DOWN", ref, dest, "noproc" }, { dynsup.receive() })
    end
  end))

  it("must be a registry and a key", host.main(function()
    setup()
    for _, dest in ipairs { {}, { "R" }, { "R", 0 / 0 }, { 1, "a" }, { {}, "a" }, { [2] = "a" } } do
      assert.has_error(function() dynsup.send(dest, "hello") end,
        "bad argument #1 to 'send' (pid, registered name or { registry, key } expected)")
    end
  end))

  it("must be of a unique registry", host.main(function()
    registry.start_link { keys = "duplicate", name = "D" }
    registry.register("D", "a")
    assert.has_error(function() dynsup.send({ "D", "a" }, "hello") end,
      "bad argument #1 to 'send' (a key of a registry with duplicate keys is no dest)")
  end))

  it("is read raw", host.main(function()
    setup()
    local dest = setmetatable({}, { __index = { "R", "a" } })
    assert.has_error(function() dynsup.send(dest, "hello") end)
  end))
end)
