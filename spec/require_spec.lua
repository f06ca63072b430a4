local dynsup = require "dynsup"
local host = require "spec.support.host"

-- Each test has modules of its own, under names that begin with require_spec.
local function forget_modules()
  for _, map in ipairs { package.loaded, package.preload } do
    for name in pairs(map) do
      if name:find("^require_spec") then
        map[name] = nil
      end
    end
  end
end

local function module(name, loader)
  package.preload["require_spec." .. name] = loader
end

describe("require in a process", function()
  before_each(forget_modules)
  after_each(forget_modules)

  it("returns a module that sleeps while it is loaded", host.main(function()
    local before = dynsup.now()
    local loaded = {}
    module("sleeper", function()
      dynsup.sleep(10)
      return loaded
    end)
    assert.equal(loaded, require "require_spec.sleeper")
    assert.equal(before + 10, dynsup.now())
    assert.equal(loaded, package.loaded["require_spec.sleeper"])
    assert.equal(loaded, require "require_spec.sleeper")
    assert.equal(before + 10, dynsup.now())
  end))

  it("gives the loader the name and what the searcher found", host.main(function()
    local arguments
    module("arguments", function(...)
      dynsup.yield()
      arguments = table.pack(...)
    end)
    local results = table.pack(require "require_spec.arguments")
    assert.same({ "require_spec.arguments", ":preload:", n = 2 }, arguments)
    assert.same({ true, ":preload:", n = 2 }, results)
  end))

  it("loads modules that require modules that wait", host.main(function()
    local before = dynsup.now()
    module("inner", function()
      dynsup.sleep(10)
      return { value = 1 }
    end)
    module("outer", function()
      dynsup.sleep(10)
      return { value = require("require_spec.inner").value + 1 }
    end)
    assert.equal(2, require("require_spec.outer").value)
    assert.equal(before + 20, dynsup.now())
  end))

  it("works in a generator", host.main(function()
    module("sleeper", function()
      dynsup.sleep(10)
      return { value = 1 }
    end)
    assert.equal(1, coroutine.wrap(function()
      coroutine.yield(require("require_spec.sleeper").value)
    end)())
  end))

  it("loads a module once for processes that ask at the same time", host.main(function()
    local main = dynsup.self()
    local loads = 0
    module("sleeper", function()
      loads = loads + 1
      dynsup.sleep(10)
      return {}
    end)
    for _ = 1, 5 do
      dynsup.spawn(function()
        dynsup.send(main, require "require_spec.sleeper")
      end)
    end
    local first = dynsup.receive(100)
    for _ = 2, 5 do
      assert.equal(first, (dynsup.receive(100)))
    end
    assert.equal(1, loads)
  end))

  it("raises the loader's error and can be tried again", host.main(function()
    local tries = 0
    module("flaky", function()
      tries = tries + 1
      dynsup.sleep(10)
      if tries == 1 then
        error("not yet", 0)
      end
      return "loaded"
    end)
    local ok, err = pcall(require, "require_spec.flaky")
    assert.is_false(ok)
    assert.matches("not yet", err)
    assert.is_nil(package.loaded["require_spec.flaky"])
    assert.equal("loaded", (require "require_spec.flaky"))
  end))

  it("can be tried again after its process was killed in it", host.main(function()
    local loads = 0
    module("sleeper", function()
      loads = loads + 1
      dynsup.sleep(10)
      return "loaded"
    end)
    local pid = dynsup.spawn(require, "require_spec.sleeper")
    dynsup.sleep(5)
    assert.equal("killed", host.stop(pid, "kill"))
    assert.is_nil(package.loaded["require_spec.sleeper"])
    assert.equal("loaded", (require "require_spec.sleeper"))
    assert.equal(2, loads)
  end))

  it("says what it tried when there is no such module", host.main(function()
    local ok, err = pcall(require, "require_spec.missing")
    assert.is_false(ok)
    assert.matches("module 'require_spec.missing' not found:", err)
    assert.matches("no field package.preload%['require_spec.missing'%]", err)
  end))

  it("finds dynsup itself", host.main(function()
    assert.equal(dynsup, require "dynsup")
  end))
end)

describe("a function given as \"module:function\"", function()
  before_each(forget_modules)
  after_each(forget_modules)

  it("is found and gets the arguments", host.main(function()
    local got
    module("worker", function()
      return {
        run = function(...)
          got = table.pack(...)
        end,
      }
    end)
    assert.equal("normal", host.reason("require_spec.worker:run", 1, nil))
    assert.same({ 1, nil, n = 2 }, got)
  end))

  it("serves spawn, spawn_link and spawn_monitor", host.main(function()
    local main = dynsup.self()
    module("worker", function()
      return {
        run = function(tag)
          dynsup.send(main, tag)
        end,
      }
    end)
    dynsup.spawn("require_spec.worker:run", "spawn")
    dynsup.spawn_link("require_spec.worker:run", "spawn_link")
    dynsup.demonitor((select(2, dynsup.spawn_monitor("require_spec.worker:run", "monitor"))))
    assert.equal("spawn", dynsup.receive(10))
    assert.equal("spawn_link", dynsup.receive(10))
    assert.equal("monitor", dynsup.receive(10))
  end))

  it("is looked up by the new process, whose loading may wait", host.main(function()
    local loader
    module("sleeper", function()
      loader = dynsup.self()
      dynsup.sleep(10)
      return { run = dynsup.receive }
    end)
    local pid = dynsup.spawn("require_spec.sleeper:run")
    assert.is_nil(loader)
    dynsup.sleep(20)
    assert.equal(pid, loader)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("is looked up anew at each start", host.main(function()
    local main = dynsup.self()
    local function version(n)
      return { run = function()
        dynsup.send(main, n)
      end }
    end
    package.loaded["require_spec.worker"] = version(1)
    dynsup.spawn("require_spec.worker:run")
    assert.equal(1, (dynsup.receive(10)))
    package.loaded["require_spec.worker"] = version(2)
    dynsup.spawn("require_spec.worker:run")
    assert.equal(2, (dynsup.receive(10)))
  end))

  it("ends its process with an error when there is no such module", host.main(function()
    local crash = host.reason("require_spec.missing:run")
    assert.matches("require_spec.missing", crash.error)
  end))

  it("ends its process with an error when the module has no such function", host.main(function()
    module("worker", function()
      return { value = 1 }
    end)
    assert.matches("run", host.reason("require_spec.worker:run").error)
    assert.matches("value", host.reason("require_spec.worker:value").error)
  end))

  it("ends its process with an error when the module is no table", host.main(function()
    module("worker", function()
      return 42
    end)
    assert.matches("require_spec.worker", tostring(host.reason("require_spec.worker:run").error))
  end))
end)

describe("modules that require each other, each in a process", function()
  before_each(forget_modules)
  after_each(forget_modules)

  it("fail in one of them, as they would in one process", host.main(function()
    for name, other in pairs { left = "right", right = "left" } do
      module(name, function()
        dynsup.sleep(10)
        return (require("require_spec." .. other))
      end)
    end
    local outcomes, main = {}, dynsup.self()
    for _, name in ipairs { "left", "right" } do
      dynsup.spawn(function() dynsup.send(main, name, pcall(require, "require_spec." .. name)) end)
    end
    for _ = 1, 2 do
      local name, ok, message = dynsup.receive(1000)
      outcomes[#outcomes + 1] = message
      assert.is_false(ok)
      assert.is_string(name)
    end
    table.sort(outcomes)
    assert.matches("spec/require_spec.lua:%d+: module .* is required while it is being loaded",
      outcomes[1])
    assert.equal(2, #outcomes)
  end))

  it("wait where there is no circle", host.main(function()
    module("slow", function() dynsup.sleep(10) return "slow" end)
    module("over", function() return require "require_spec.slow" .. " and over" end)
    local main = dynsup.self()
    for _, name in ipairs { "slow", "over", "over", "slow" } do
      dynsup.spawn(function() dynsup.send(main, require("require_spec." .. name)) end)
    end
    local got = {}
    for i = 1, 4 do got[i] = dynsup.receive(1000) end
    table.sort(got)
    assert.same({ "slow", "slow", "slow and over", "slow and over" }, got)
  end))
end)

describe("require in a run inside another one", function()
  before_each(forget_modules)
  after_each(forget_modules)

  it("fails for a module that is being loaded by who has begun that run", host.main(function()
    local depth = 0
    module("nested", function()
      depth = depth + 1
      assert(depth < 3)
      return host.run(function()
        dynsup.sleep(1)
        local ok, message = pcall(require, "require_spec.nested")
        assert.is_false(ok)
        return message
      end)
    end)
    dynsup.spawn(function() dynsup.spawn(function() end) end)
    local main = dynsup.self()
    dynsup.spawn(function() dynsup.send(main, pcall(require, "require_spec.nested")) end)
    local ok, message = dynsup.receive()
    assert.is_true(ok)
    assert.matches("'require_spec.nested' is required while it is being loaded", message)
    assert.equal(1, depth)
  end))

  it("does not wait for a process of the outer run, whose pid another one has", host.main(function()
    local loads = 0
    module("slow", function()
      loads = loads + 1
      dynsup.sleep(10)
      return "slow"
    end)
    local main = dynsup.self()
    local loader = dynsup.spawn(function() dynsup.send(main, require "require_spec.slow") end)
    dynsup.sleep(1)
    assert.equal("slow", host.run(function()
      for _ = 1, 100 do
        if not dynsup.is_alive(loader) then dynsup.spawn(dynsup.sleep, 100) end
      end
      assert.is_true(dynsup.is_alive(loader))
      return require "require_spec.slow"
    end))
    assert.equal("slow", dynsup.receive())
    assert.equal(2, loads)
  end))
end)
