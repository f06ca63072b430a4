local dynsup = require "dynsup"
local host = require "spec.support.host"
local registry = require "dynsup.registry"

local function unique(name)
  return assert(registry.start_link { keys = "unique", name = name })
end

local function duplicate(name)
  return assert(registry.start_link { keys = "duplicate", name = name })
end

-- A process that has registered, and does what it is sent: functions.
local function owner(r, key, value)
  local main = dynsup.self()
  local pid = dynsup.spawn(function()
    dynsup.send(main, "registered", registry.register(r, key, value))
    while true do
      local f = dynsup.receive()
      dynsup.send(main, "done", f())
    end
  end)
  assert.is_true(select(2, dynsup.receive_match "registered"))
  return pid
end

local function ask(pid, f)
  dynsup.send(pid, f)
  return select(2, dynsup.receive_match "done")
end

local function pids_of(entries)
  local pids = {}
  for i, entry in ipairs(entries) do pids[i] = entry.pid end
  return pids
end

describe("registry.start_link", function()
  it("starts a registry under its name", host.main(function()
    local pid = unique "R"
    assert.equal(pid, dynsup.whereis "R")
    assert.equal(0, registry.count "R")
    assert.same({ nil, "already_started", pid }, { registry.start_link { keys = "unique", name = "R" } })
  end))

  it("tells what is wrong with an option", host.main(function()
    assert.same({ nil, "invalid_keys" }, { registry.start_link {} })
    assert.same({ nil, "invalid_keys", "both" }, { registry.start_link { keys = "both" } })
    assert.same({ nil, "invalid_name", "" }, { registry.start_link { keys = "unique", name = "" } })
    assert.same({ nil, "invalid_name", 1 }, { registry.start_link { keys = "unique", name = 1 } })
    assert.same({ nil, "invalid_option", "key" }, { registry.start_link { keys = "unique", key = 1 } })
  end))

  it("links the registry to its caller", host.main(function()
    local r
    local reason = host.reason(function()
      r = unique()
      dynsup.exit "boom"
    end)
    assert.equal("boom", reason)
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(r))
  end))

  it("makes a registry that ends with its parent, also with a normal one", host.main(function()
    local r
    host.reason(function() r = unique() end)
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(r))
  end))

  it("makes a registry that others cannot end but by a kill", host.main(function()
    local r = unique()
    dynsup.unlink(r)
    local ref = dynsup.monitor(r)
    dynsup.spawn(function() dynsup.exit(r, "boom") end)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(r))
    dynsup.exit(r, "kill")
    assert.equal("killed", host.down(ref))
  end))

  it("can be a child", host.main(function()
    local sup = dynsup.start_link {}
    local pid = assert(dynsup.start_child(sup, { registry, { keys = "unique", name = "R" } }))
    assert.is_true(registry.register("R", "a", 1))
    dynsup.flag("trap_exit", true)
    local ref = dynsup.monitor(pid)
    dynsup.exit(pid, "kill")
    host.down(ref)
    dynsup.sleep(1)
    assert.is_not_nil(dynsup.whereis "R")
    assert.equal(0, registry.count "R")
    local child = dynsup.which_children(sup)[1]
    assert.equal("R", child.id)
    assert.is_true(dynsup.terminate_child(sup, child.pid))
  end))

  it("drops messages to the registry", host.main(function()
    local r = unique()
    dynsup.send(r, "hello")
    assert.equal(0, dynsup.info(r).mailbox)
  end))
end)

describe("registry.stop", function()
  it("ends a registry with a reason", host.main(function()
    local r = unique "R"
    local ref = dynsup.monitor(r)
    assert.is_true(registry.stop "R")
    assert.equal("normal", host.down(ref))
    assert.is_nil(dynsup.whereis "R")
    assert.same({ nil, "noproc" }, { registry.stop(r) })
    assert.same({}, host.drain())
  end))

  it("ends no other process", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    assert.same({ nil, "not_a_registry" }, { registry.stop(pid) })
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("does nothing with a reason that is none, or where it cannot wait", host.main(function()
    local r = dynsup.registry.start_link { keys = "unique" }
    local _, message = pcall(function() return (dynsup.registry.stop(r, 42)) end)
    assert.matches("registry_spec.lua:%d+: bad argument #2 to 'stop' %(string or table expected, got number%)", message)
    local ok, refusal = pcall(table.sort, { 1, 2 }, function()
      dynsup.registry.stop(r)
      return false
    end)
    assert.is_false(ok)
    assert.matches("registry_spec.lua:%d+: cannot wait across", refusal)
    assert.is_true(dynsup.is_alive(r))
    assert.same({}, dynsup.info(dynsup.self()).monitors)
    assert.is_true(dynsup.registry.stop(r))
  end))
end)

describe("a unique registry", function()
  it("has one entry for a key", host.main(function()
    local r = unique "R"
    local self = dynsup.self()
    assert.same({ true, n = 1 }, table.pack(registry.register("R", "hello", "value")))
    assert.same({ { pid = self, value = "value" } }, registry.lookup("R", "hello"))
    assert.same({ nil, "already_registered", self }, { registry.register(r, "hello", "other") })
    assert.same({ nil, "already_registered", self },
      { ask(owner(r, "world", 1), function() return registry.register("R", "hello") end) })
    assert.equal(2, registry.count "R")
    assert.equal(1, registry.count("R", "hello"))
    assert.same({ "hello" }, registry.keys("R", self))
  end))

  it("finds who has a key", host.main(function()
    local r = unique()
    local pid = owner(r, "a")
    assert.equal(pid, registry.whereis(r, "a"))
    assert.is_nil(registry.whereis(r, "b"))
  end))

  it("takes any key but nil and NaN, and tells them apart as Lua's tables do", host.main(function()
    local r = unique()
    local long = ("x"):rep(100)
    local keys = {
      "1", 1, 1.5, true, false, {}, {}, print, dynsup.self(), coroutine.create(print), io.stdout, "", long,
      long .. "y", "\0", 0, -1, math.huge, math.mininteger, "\0\1\0\0\0\0\0\0\0", 2 ^ 70, "true",
    }
    for i, key in ipairs(keys) do
      assert.is_true(registry.register(r, key, i))
    end
    for i, key in ipairs(keys) do
      assert.same({ { pid = dynsup.self(), value = i } }, registry.lookup(r, key))
      assert.is_nil((registry.register(r, key)))
    end
    assert.equal(1, registry.lookup(r, ("1"))[1].value)
    assert.equal(2, registry.lookup(r, 1.0)[1].value)
    assert.same({}, registry.lookup(r, {}))
    assert.equal(#keys, #registry.keys(r, dynsup.self()))
    for _, key in ipairs(keys) do
      assert.is_true(registry.unregister(r, key))
    end
    assert.equal(0, registry.count(r))
  end))

  it("keeps a key alive as long as it is registered", host.main(function()
    local r = unique()
    local weak = setmetatable({}, { __mode = "k" })
    do
      local key = { "key" }
      weak[key] = true
      registry.register(r, key, 1)
    end
    collectgarbage()
    assert.is_not_nil(next(weak))
    registry.unregister(r, (next(weak)))
    collectgarbage()
    assert.is_nil(next(weak))
  end))

  it("updates the caller's value", host.main(function()
    local r = unique()
    assert.same({ nil, "not_found" }, { registry.update_value(r, "a", print) })
    registry.register(r, "a", 1)
    assert.same({ 2, 1 }, { registry.update_value(r, "a", function(value) return value + 1 end) })
    assert.equal(2, registry.lookup(r, "a")[1].value)
    local pid = owner(r, "b", 1)
    assert.same({ nil, "not_found" }, { registry.update_value(r, "b", print) })
    assert.equal(pid, registry.whereis(r, "b"))
  end))

  it("lets the function of update_value end the entry", host.main(function()
    local r = unique()
    registry.register(r, "a", 1)
    assert.same({ nil, "not_found" }, { registry.update_value(r, "a", function()
      registry.unregister(r, "a")
      return 2
    end) })
    assert.equal(0, registry.count(r))
  end))

  it("lets go of a key", host.main(function()
    local r = unique()
    registry.register(r, "a", 1)
    registry.register(r, "b", 2)
    assert.same({ true, n = 1 }, table.pack(registry.unregister(r, "a")))
    assert.is_true(registry.unregister(r, "a"))
    assert.same({ "b" }, registry.keys(r, dynsup.self()))
    assert.is_true(registry.register(r, "a", 3))
  end))

  it("lets nobody but the owner let go of a key", host.main(function()
    local r = unique()
    local pid = owner(r, "a")
    assert.is_true(registry.unregister(r, "a"))
    assert.equal(pid, registry.whereis(r, "a"))
  end))
end)

describe("a duplicate registry", function()
  it("has any number of entries for a key, in order", host.main(function()
    duplicate "R"
    local self = dynsup.self()
    registry.register("R", "hello", 1)
    local pid = owner("R", "hello", 2)
    assert.is_true(registry.register("R", "hello", 3))
    assert.same({ { pid = self, value = 1 }, { pid = pid, value = 2 }, { pid = self, value = 3 } },
      registry.lookup("R", "hello"))
    assert.equal(3, registry.count("R", "hello"))
    assert.same({ "hello", "hello" }, registry.keys("R", self))
    assert.same({ 1, 3, n = 2 }, registry.values("R", "hello", self))
    assert.same({ n = 0 }, registry.values("R", "world", self))
  end))

  it("lets go of all of the caller's entries under a key", host.main(function()
    local r = duplicate()
    registry.register(r, "a", 1)
    registry.register(r, "a", 2)
    local pid = owner(r, "a", 3)
    registry.unregister(r, "a")
    assert.same({ { pid = pid, value = 3 } }, registry.lookup(r, "a"))
  end))

  it("lets go of those whose value is accepted", host.main(function()
    local r = duplicate()
    for i = 1, 4 do registry.register(r, "a", i) end
    registry.register(r, "a", nil)
    owner(r, "a", 2)
    assert.is_true(registry.unregister_match(r, "a", function(value) return value == nil or value % 2 == 0 end))
    assert.same({ 1, 3, n = 2 }, registry.values(r, "a", dynsup.self()))
    assert.equal(3, registry.count(r, "a"))
  end))

  it("dispatches to whoever is there, and only then", host.main(function()
    local r, called = duplicate(), 0
    local function all(entries)
      called = called + 1
      for _, entry in ipairs(entries) do dynsup.send(entry.pid, "news", entry.value) end
    end
    assert.is_true(registry.dispatch(r, "topic", all))
    assert.equal(0, called)
    registry.register(r, "topic", 1)
    registry.register(r, "topic", 2)
    assert.is_true(registry.dispatch(r, "topic", all))
    assert.equal(1, called)
    assert.same({ { "news", 1, n = 2 }, { "news", 2, n = 2 } }, host.drain())
  end))

  it("raises for what needs unique keys", host.main(function()
    local r = duplicate()
    assert.has_error(function() registry.whereis(r, "a") end)
    assert.has_error(function() registry.update_value(r, "a", print) end)
  end))
end)

describe("match and select", function()
  it("find entries by their values", host.main(function()
    local r = duplicate()
    for i = 1, 3 do registry.register(r, "a", i) end
    registry.register(r, "b", 4)
    assert.same({ 2, 3 }, { registry.match(r, "a", function(value) return value > 1 end)[1].value,
      registry.match(r, "a", function(value) return value > 1 end)[2].value })
    assert.equal(4, #registry.select(r))
    assert.same({ { key = "b", pid = dynsup.self(), value = 4 } },
      registry.select(r, function(key, pid, value)
        return key == "b" and pid == dynsup.self() and value == 4
      end))
  end))

  it("keep a key that is false", host.main(function()
    local r = unique()
    registry.register(r, false, 1)
    assert.same({ { key = false, pid = dynsup.self(), value = 1 } }, registry.select(r))
  end))
end)

describe("an entry", function()
  it("is gone when its process is down", host.main(function()
    for _, r in ipairs { unique(), duplicate() } do
      local pid = owner(r, "a")
      dynsup.send(pid, function() registry.register(r, "b") end)
      dynsup.receive_match "done"
      assert.equal("boom", host.stop(pid, "boom"))
      assert.same({}, registry.lookup(r, "a"))
      assert.same({}, registry.lookup(r, "b"))
      assert.equal(0, registry.count(r))
      assert.is_true(registry.register(r, "a"))
    end
  end))

  it("is gone for a process that traps the exit of its owner", host.main(function()
    local r = unique()
    dynsup.flag("trap_exit", true)
    local pid = owner(r, "a")
    dynsup.link(pid)
    dynsup.exit(pid, "boom")
    assert.equal("EXIT", (dynsup.receive()))
    assert.equal(0, registry.count(r))
  end))

  it("is not found any more as soon as its process is to end", host.main(function()
    local r = unique()
    local pid = owner(r, "a")
    dynsup.exit(pid, "boom")
    assert.is_nil(registry.whereis(r, "a"))
    assert.same({}, registry.lookup(r, "a"))
    assert.same({}, registry.keys(r, pid))
    assert.is_true(registry.register(r, "a"))
    dynsup.sleep(1)
    assert.equal(dynsup.self(), registry.whereis(r, "a"))
  end))

  it("cannot be made by a process that is ending", host.main(function()
    local r, message = unique(), nil
    host.reason(function()
      local _ <close> = host.closer(function()
        message = select(2, pcall(registry.register, r, "a"))
      end)
      dynsup.exit "boom"
    end)
    assert.matches("the process is ending", message)
    assert.equal(0, registry.count(r))
  end))

  it("is gone when the next run begins", function()
    host.run(function() registry.register(unique "R", "a", {}) end)
    host.run(function() assert.same({ nil, "noproc" }, { registry.lookup("R", "a") }) end)
  end)
end)

describe("the end of a registry", function()
  it("takes those along who have entries, as a link would", host.main(function()
    dynsup.flag("trap_exit", true)
    local r = unique()
    local pid = owner(r, "a")
    local ref = dynsup.monitor(pid)
    dynsup.exit(r, "kill")
    assert.equal("killed", host.down(ref))
    assert.same({ nil, "noproc" }, { registry.lookup(r, "a") })
  end))

  it("tells those that trap exits, once", host.main(function()
    dynsup.flag("trap_exit", true)
    local r = duplicate()
    dynsup.unlink(r)
    for i = 1, 3 do registry.register(r, i) end
    registry.register(r, 1)
    dynsup.exit(r, "kill")
    dynsup.sleep(1)
    assert.same({ { "EXIT", r, "killed", n = 3 } }, host.drain())
  end))

  it("tells a linked owner by the link alone", host.main(function()
    dynsup.flag("trap_exit", true)
    local r = unique()
    registry.register(r, "a")
    registry.stop(r, "boom")
    assert.same({ { "EXIT", r, "boom", n = 3 } }, host.drain())
  end))

  it("is nothing to who has no entry any more", host.main(function()
    dynsup.flag("trap_exit", true)
    local r = unique()
    local pid = owner(r, "a")
    ask(pid, function() return registry.unregister(r, "a") end)
    registry.stop(r, "boom")
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("with normal comes as shutdown: its key may have somebody else in the next", host.main(function()
    local r = unique()
    local pid = owner(r, "a")
    local ref = dynsup.monitor(pid)
    registry.stop(r)
    assert.equal("shutdown", host.down(ref))
  end))

  it("with normal, as its parent's, does so too", host.main(function()
    local main = dynsup.self()
    local parent = dynsup.spawn(function()
      dynsup.send(main, "owner", owner(unique(), "a"))
      dynsup.receive()
    end)
    local ref = dynsup.monitor(select(2, dynsup.receive_match "owner"))
    dynsup.send(parent, "end")
    assert.equal("shutdown", host.down(ref))
  end))

  it("with normal tells a linked owner both", host.main(function()
    dynsup.flag("trap_exit", true)
    local r = unique()
    registry.register(r, "a")
    registry.stop(r)
    assert.same({ { "EXIT", r, "shutdown", n = 3 }, { "EXIT", r, "normal", n = 3 } }, host.drain())
  end))

  it("leaves who traps exits, and a supervisor, alive and unregistered", host.main(function()
    dynsup.flag("trap_exit", true)
    local r = unique "R"
    local sup = assert(dynsup.start_link { name = { "R", "sup" } })
    assert.equal(sup, registry.whereis(r, "sup"))
    dynsup.exit(r, "kill")
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(sup))
    assert.is_nil(dynsup.whereis { unique "R", "sup" })
  end))
end)

describe("a registry that is not there", function()
  it("is noproc to every function", host.main(function()
    for _, r in ipairs { "nobody", dynsup.spawn(function() end) } do
      dynsup.sleep(1)
      assert.same({ nil, "noproc" }, { registry.register(r, "a") })
      assert.same({ nil, "noproc" }, { registry.unregister(r, "a") })
      assert.same({ nil, "noproc" }, { registry.unregister_match(r, "a", print) })
      assert.same({ nil, "noproc" }, { registry.lookup(r, "a") })
      assert.same({ nil, "noproc" }, { registry.match(r, "a", print) })
      assert.same({ nil, "noproc" }, { registry.select(r) })
      assert.same({ nil, "noproc" }, { registry.dispatch(r, "a", print) })
      assert.same({ nil, "noproc" }, { registry.keys(r, dynsup.self()) })
      assert.same({ nil, "noproc" }, { registry.values(r, "a", dynsup.self()) })
      assert.same({ nil, "noproc" }, { registry.count(r) })
      assert.same({ nil, "noproc" }, { registry.count(r, "a") })
      assert.same({ nil, "noproc" }, { registry.whereis(r, "a") })
      assert.same({ nil, "noproc" }, { registry.update_value(r, "a", print) })
    end
  end))

  it("is not_a_registry when it is another process", host.main(function()
    assert.same({ nil, "not_a_registry" }, { registry.register(dynsup.self(), "a") })
    assert.same({ nil, "not_a_registry" }, { registry.lookup(dynsup.start_link {}, "a") })
  end))
end)

describe("a crowd of entries", function()
  it("is found, and goes with its processes", host.main(function()
    local r, d = unique(), duplicate()
    local pids, main = {}, dynsup.self()
    for i = 1, 2000 do
      pids[i] = dynsup.spawn(function()
        registry.register(r, i, i)
        registry.register(r, "key " .. i, i)
        registry.register(d, "all", i)
        dynsup.send(main, "up")
        dynsup.receive()
      end)
    end
    for _ = 1, 2000 do dynsup.receive_match "up" end
    assert.equal(4000, registry.count(r))
    assert.same(pids, pids_of(registry.lookup(d, "all")))
    for i = 1, 2000, 2 do dynsup.exit(pids[i], "kill") end
    dynsup.sleep(1)
    assert.equal(2000, registry.count(r))
    assert.equal(1000, registry.count(d, "all"))
    for i = 1, 2000 do
      local expected = i % 2 == 0 and pids[i] or nil
      assert.equal(expected, registry.whereis(r, i))
      assert.equal(expected, registry.whereis(r, "key " .. i))
    end
  end))
end)
