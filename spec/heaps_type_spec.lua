-- Functions that are registered for types: what they may do where values come from another heap.
local dynsup = require "dynsup"
local codec = dynsup.codec
local heaps = require "spec.support.heaps"
local host = require "spec.support.host"

local main = host.main
local ask, serving = heaps.ask, heaps.serving

local function foreign()
  return serving(heaps.supervisor { heaps = 1 })
end

-- Has a worker spawn a process that ends with a typed reason once it is told.
local SPAWN = [[
  local dynsup = require "dynsup"
  return dynsup.spawn(function()
    dynsup.receive()
    dynsup.exit(setmetatable({ 7 }, { __pack = "spec.type" }))
  end)
]]

-- A typed id is looked for among the children of a static supervisor.
local LOOK_FOR = [[
  local dynsup = require "dynsup"
  return dynsup.supervisor.terminate_child(..., setmetatable({}, { __pack = "spec.type" }))
]]

local REGISTER = [[
  local dynsup = require "dynsup"
  dynsup.registry.register(..., "key", setmetatable({}, { __pack = "spec.type" }))
]]

-- Starts a child with a typed id in the heap's vault, and loses the heap: then the id is a parcel.
local START = [[
  local dynsup = require "dynsup"
  local sup, target = ...
  return dynsup.start_child(sup, { id = setmetatable({ "typed" }, { __pack = "spec.type" }),
    start = function() return target end })
]]

describe("a function that is registered for a type", function()
  after_each(function() codec.register("spec.type", nil) end)

  it("may use the host where a message is taken", main(function()
    codec.register("spec.type", function(value) return { value[1], #dynsup.heaps() } end)
    local pid = ask(foreign(), "eval", SPAWN)
    local ref = dynsup.monitor(pid)
    dynsup.send(pid, "end")
    assert.same({ "DOWN", ref, pid, { 7, 2 } }, { dynsup.receive(1000) })
  end))

  it("may take away the message that a receive_match is looking at", main(function()
    local pid, ref, calls = ask(foreign(), "eval", SPAWN), nil, 0
    codec.register("spec.type", function(value)
      calls = calls + 1
      dynsup.demonitor(ref)
      return value
    end)
    ref = dynsup.monitor(pid)
    dynsup.send(pid, "end")
    dynsup.sleep(1)
    assert.same({ nil, "timeout" }, { dynsup.receive_match(function() return false end, 10) })
    assert.equal(1, calls)
  end))

  it("has no host in the middle of its work", main(function()
    local tries = {}
    local function try(f, ...) tries[#tries + 1] = select(2, pcall(f, ...)) end
    local me = dynsup.self()
    codec.register("spec.type", function()
      for _ = 1, 2000 do try(dynsup.send, me, {}) end
      try(dynsup.run, function() end)
      return "T"
    end)
    local sup = dynsup.supervisor.start_link({
      { id = "T", start = function() return dynsup.spawn_link(dynsup.sleep) end },
    }, { strategy = "one_for_one" })
    assert.is_true(ask(foreign(), "eval", LOOK_FOR, sup))
    assert.is_true(#tries > 2000)
    for _, why in ipairs(tries) do
      assert.matches("this needs a host, and the code runs in the middle of its work", why)
    end
  end))

  it("that fails there leaves a text in place of the value", main(function()
    codec.register("spec.type", function() return dynsup.self() end)
    local registry = dynsup.registry.start_link { keys = "unique", name = "registry" }
    local pid = foreign()
    ask(pid, "eval", REGISTER, registry)
    local _, value = next(dynsup.registry.lookup(registry, "key"))
    assert.matches("the function of a type failed: .*this needs a host", value.value)
  end))

  it("is not called for reports", function()
    local calls, lines = 0, {}
    codec.register("spec.type", function()
      calls = calls + 1
      return "made"
    end)
    host.run(function()
      dynsup.flag("trap_exit", true)
      local sup = dynsup.start_link { max_restarts = 1 }
      local abroad = heaps.supervisor { heaps = 1, heap_memory = 2000000 }
      local worker = serving(abroad, { restart = "temporary" })
      local target = dynsup.spawn(function()
        dynsup.receive()
        error "it ends"
      end)
      ask(worker, "eval", START, sup, target)
      dynsup.send(worker, dynsup.self(), "eval", "local t = {} for i = 1, 1e7 do t[i] = { i } end")
      dynsup.sleep(10)
      assert.same({ 0 }, heaps.numbers())
      dynsup.send(target, "end")
      dynsup.sleep(10)
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.matches("typed", table.concat(lines, "\n"))
    assert.equal(0, calls)
  end)
end)
