-- Names { registry, key } of children and supervisors, as Elixir's {:via, Registry, {registry, key}}.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local registry = require "dynsup.registry"

-- A registry R of its own supervisor, and a supervisor.
local function setup()
  local keeper = dynsup.start_link { max_restarts = 100 }
  assert(dynsup.start_child(keeper, { registry, { keys = "unique", name = "R" } }))
  return assert(dynsup.start_link { max_restarts = 100 }), keeper
end

local function named(fields)
  local spec = { body = family.mortal, name = { "R", "cache" } }
  for key, value in pairs(fields or {}) do spec[key] = value end
  return spec
end

local function whereis() return registry.whereis("R", "cache") end

local function kill_registry()
  local ref = dynsup.monitor "R"
  dynsup.exit("R", "kill")
  host.down(ref)
end

describe("a child named { registry, key }", function()
  it("has its key before start_child returns, and in its body", host.main(function()
    local sup, seen = setup(), nil
    local pid = dynsup.start_child(sup, named { body = function()
      seen = whereis()
      family.idle()
    end })
    assert.equal(pid, whereis())
    assert.same({ dynsup.whereis "R", "cache" }, family.only(sup).name)
    dynsup.sleep(1)
    assert.equal(pid, seen)
    assert.is_nil(dynsup.whereis "cache")
  end))

  it("is not started when the key is taken", host.main(function()
    local sup, ran = setup(), false
    local spec = named { body = function() ran = true end }
    local pid = dynsup.start_child(sup, named())
    assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, spec) })
    dynsup.terminate_child(sup, pid)
    registry.register("R", "cache")
    assert.same({ nil, "already_started", dynsup.self() }, { dynsup.start_child(sup, spec) })
    dynsup.sleep(1)
    assert.is_false(ran)
  end))

  it("keeps its key while it restarts, and has it again then", host.main(function()
    local sup = setup()
    local pid = dynsup.start_child(sup, named { backoff = { min = 10, jitter = 0 } })
    family.finish(pid, "crash", "boom")
    assert.is_nil(whereis())
    assert.same({}, registry.lookup("R", "cache"))
    assert.same({ nil, "already_started", "restarting" }, { dynsup.start_child(sup, named()) })
    assert.same({ nil, "already_registered", "restarting" }, { registry.register("R", "cache") })
    dynsup.sleep(10)
    assert.is_not_nil(whereis())
    assert.not_equal(pid, whereis())
  end))

  it("gives its key back when it is removed", host.main(function()
    local sup = setup()
    dynsup.start_child(sup, named())
    assert.is_true(dynsup.terminate_child(sup, { "R", "cache" }))
    assert.is_nil(whereis())
    assert.equal(0, registry.count "R")
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, { "R", "cache" }) })
    assert.is_true(registry.register("R", "cache"))
  end))

  it("is ensured", host.main(function()
    local sup = setup()
    local pid, how = dynsup.ensure_child(sup, named())
    assert.equal("started", how)
    assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, named()) })
  end))

  it("cannot let go of its key", host.main(function()
    local sup, main = setup(), dynsup.self()
    dynsup.start_child(sup, named { body = function()
      dynsup.send(main, table.pack(registry.unregister("R", "cache")))
      family.idle()
    end })
    assert.same({ nil, "taken", n = 2 }, (dynsup.receive()))
    assert.is_not_nil(whereis())
  end))

  it("has a value if the name has a third item, in each incarnation", host.main(function()
    local sup = setup()
    local key = {}
    local pid = dynsup.start_child(sup, named { name = { "R", key, { "value" } } })
    assert.same({ { pid = pid, value = { "value" } } }, registry.lookup("R", key))
    family.finish(pid, "crash", "boom")
    assert.same({ "value" }, registry.lookup("R", key)[1].value)
    assert.same({ key }, registry.keys("R", registry.whereis("R", key)))
  end))

  it("may have other keys beside", host.main(function()
    local sup = setup()
    local lives = 0
    local pid = dynsup.start_child(sup, named { body = function()
      lives = lives + 1
      if lives == 1 then registry.register("R", "other", 1) end
      family.mortal()
    end })
    dynsup.sleep(1)
    assert.equal(2, #registry.keys("R", pid))
    family.finish(pid, "crash", "boom")
    assert.equal(1, registry.count "R")
  end))

  it("is not started without such a registry", host.main(function()
    local sup = setup()
    registry.start_link { keys = "duplicate", name = "D" }
    for _, r in ipairs { "nobody", dynsup.self(), "D", dynsup.spawn(function() end) } do
      assert.same({ nil, "unknown_registry" }, { dynsup.start_child(sup, named { name = { r, "a" } }) })
      assert.same({ nil, "unknown_registry" }, { dynsup.start_link { name = { r, "a" } } })
    end
    assert.same(0, dynsup.count_children(sup).specs)
  end))

  it("has an invalid name when that is no registry and key", host.main(function()
    local sup = setup()
    for _, name in ipairs { {}, { "R" }, { 1, "a" }, { "R", 0 / 0 }, { "", "a" } } do
      local result, reason, value = dynsup.start_child(sup, named { name = name })
      assert.same({ nil, "invalid_name" }, { result, reason })
      assert.equal(name, value)
    end
  end))

  it("is taken along by the end of its registry, and takes its key in the next", host.main(function()
    local sup = setup()
    local pid = dynsup.start_child(sup, named())
    kill_registry()
    assert.is_false(dynsup.is_alive(pid))
    dynsup.sleep(1)
    assert.is_not_nil(whereis())
    assert.equal(family.only(sup).pid, whereis())
    assert.same({ dynsup.whereis "R", "cache" }, family.only(sup).name)
  end))

  it("is the only one of its key after a good end of the registry", host.main(function()
    local sup = setup()
    local pid = dynsup.start_child(sup, named())
    assert.is_true(registry.stop "R")
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(pid))
    assert.same({ whereis(), "existing" }, { dynsup.ensure_child(sup, named()) })
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("fails to restart while its registry is gone, and its supervisor gives up", host.main(function()
    dynsup.flag("trap_exit", true)
    local sup, keeper = setup()
    dynsup.start_child(sup, named())
    dynsup.stop(keeper)
    local ref = dynsup.monitor(sup)
    assert.equal("shutdown", host.down(ref))
  end))

  it("loses its key to who was faster after the end of the registry", host.main(function()
    local sup = setup()
    dynsup.start_child(sup, named { backoff = { min = 10, jitter = 0 } })
    kill_registry()
    dynsup.sleep(1)
    assert.is_true(registry.register("R", "cache"))
    dynsup.sleep(100)
    assert.equal(dynsup.self(), whereis())
    assert.equal("restarting", family.only(sup).pid)
    registry.unregister("R", "cache")
    dynsup.sleep(100000)
    assert.equal(family.only(sup).pid, whereis())
  end))

  it("can be removed after its registry has ended", host.main(function()
    local sup, keeper = setup()
    local pid = dynsup.start_child(sup, named { body = function()
      dynsup.flag("trap_exit", true)
      family.idle()
    end })
    dynsup.sleep(1)
    dynsup.stop(keeper)
    assert.is_true(dynsup.is_alive(pid))
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.equal(0, dynsup.count_children(sup).specs)
  end))

  it("waits until it is ready under its key", host.main(function()
    local sup = setup()
    local pid = dynsup.start_child(sup, named { ready = true, body = function()
      dynsup.ready()
      family.idle()
    end })
    assert.equal(pid, whereis())
    assert.same({ nil, "boom" }, { dynsup.start_child(sup, named { ready = true, name = { "R", "b" },
      body = function() dynsup.exit "boom" end }) })
    assert.is_true(registry.register("R", "b"))
  end))
end)

describe("a static supervisor's child named { registry, key }", function()
  it("finds a registry that is started before it", host.main(function()
    local sup = assert(dynsup.supervisor.start_link({
      { registry, { keys = "unique", name = "R" } },
      named { id = "cache" },
    }, { strategy = "rest_for_one" }))
    local pid = whereis()
    assert.is_not_nil(pid)
    kill_registry()
    dynsup.sleep(1)
    assert.is_not_nil(whereis())
    assert.not_equal(pid, whereis())
    assert.equal(2, dynsup.count_children(sup).active)
  end))

  it("fails its supervisor's start without one", host.main(function()
    local result, reason, detail = dynsup.supervisor.start_link { named { id = "cache" } }
    assert.is_nil(result)
    assert.equal("shutdown", reason)
    assert.equal("unknown_registry", detail.reason)
  end))
end)

describe("a supervisor named { registry, key }", function()
  it("is found by its key and loses it with its end", host.main(function()
    setup()
    local dest = { "R", "sup" }
    for _, start in ipairs {
      function() return dynsup.start_link { name = dest } end,
      function() return dynsup.start_link({ init = function() return dynsup.init {} end }, nil, { name = dest }) end,
      function() return dynsup.supervisor.start_link({}, { name = dest }) end,
    } do
      local pid = assert(start())
      assert.equal(pid, dynsup.whereis(dest))
      assert.same({ nil, "already_started", pid }, { start() })
      assert.is_true(dynsup.stop(dest))
      assert.is_nil(dynsup.whereis(dest))
    end
    assert.equal(0, registry.count "R")
  end))
end)

describe("a server named { registry, key }", function()
  local echo = {
    init = function(arg)
      if arg == "wait" then dynsup.sleep(1) end
      if arg == "stop" then return "stop", "boom" end
      return "ok", arg
    end,
    handle_call = function(request, _, state) return "reply", { request, state }, state end,
  }

  it("is called by its key, and loses it with its end", host.main(function()
    setup()
    local dest = { "R", {}, "value" }
    for _, arg in ipairs { "now", "wait" } do
      local pid = assert(dynsup.server.start_link(echo, arg, { name = dest }))
      assert.same({ { pid = pid, value = "value" } }, registry.lookup("R", dest[2]))
      assert.same({ 1, arg }, dynsup.server.call(dest, 1))
      assert.same({ nil, "already_started", pid }, { dynsup.server.start_link(echo, 1, { name = dest }) })
      assert.is_true(dynsup.server.stop(dest))
      assert.is_nil(dynsup.whereis(dest))
    end
    assert.same({ nil, "boom" }, { dynsup.server.start_link(echo, "stop", { name = dest }) })
    assert.equal(0, registry.count "R")
  end))

  it("is not started without such a registry", host.main(function()
    assert.same({ nil, "unknown_registry" }, { dynsup.server.start_link(echo, 1, { name = { "R", 1 } }) })
    local name = { "R" }
    assert.same({ nil, "invalid_name", name }, { dynsup.server.start_link(echo, 1, { name = name }) })
  end))

  it("is a child that takes its key in each incarnation", host.main(function()
    local sup = setup()
    local pid = assert(dynsup.start_child(sup, {
      start = dynsup.server.start_link, args = { echo, 1, { name = { "R", "cache" } } },
    }))
    assert.equal(pid, whereis())
    host.stop(pid, "kill")
    dynsup.sleep(1)
    assert.is_not_nil(whereis())
    assert.same({ 2, 1 }, dynsup.server.call({ "R", "cache" }, 2))
  end))
end)

describe("a plain name that begins with a zero byte", function()
  it("is a name like others", host.main(function()
    local sup = setup()
    for _, name in ipairs { "\0", "\0\0", "\0\1x", "\0\2\1\0\0\0Rcache\0s" } do
      local pid = dynsup.start_child(sup, { body = family.idle, name = name })
      assert.equal(pid, dynsup.whereis(name))
      assert.equal(name, dynsup.which_children(sup)[1].name)
      assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, { body = family.idle, name = name }) })
      assert.is_true(dynsup.terminate_child(sup, name))
      assert.is_nil(dynsup.whereis(name))
      local other = dynsup.start_link { name = name }
      assert.equal(other, dynsup.whereis(name))
      dynsup.stop(name)
    end
  end))
end)
