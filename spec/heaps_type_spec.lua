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

local NO_HOST = "this needs a host, and the code runs in the middle of its work"

describe("a function that is registered for a type", function()
  after_each(function() codec.register("spec.type", nil) end)

  -- Makes the type's values what `what` says of trying f.
  local function try_in_function(f)
    codec.register("spec.type", function() return select(2, pcall(f)) end)
  end

  local function receive() return dynsup.receive(1000) end

  local function receive_what_is_there()
    dynsup.sleep(1)
    return receive()
  end

  local function receive_match()
    return dynsup.receive_match(function(tag) return tag == "DOWN" end, 1000)
  end

  for how, take in pairs {
    ["is waited for"] = receive,
    ["is there already"] = receive_what_is_there,
    ["is looked at"] = receive_match,
  } do
    it("has no host where a message is taken that " .. how, main(function()
      try_in_function(dynsup.self)
      local pid = ask(foreign(), "eval", SPAWN)
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, "end")
      local tag, from, _, reason = take()
      assert.same({ "DOWN", ref }, { tag, from })
      assert.matches(NO_HOST, reason)
    end))
  end

  it("has no host where a server takes a message, and does not end it", main(function()
    local server, told = require "dynsup.server", {}
    local pid
    local function stop() dynsup.exit(pid, "kill") end
    pid = server.start_link {
      init = function() return "ok", 0 end,
      handle_info = function(message, state)
        told[#told + 1] = message
        return "noreply", state
      end,
      handle_call = function(message, _, state) return "reply", message, state end,
    }
    try_in_function(stop)
    local worker = foreign()
    ask(worker, "eval", 'local dynsup = require "dynsup" dynsup.send(..., setmetatable({}, { __pack = "spec.type" }))',
      pid)
    assert.matches(NO_HOST, ask(worker, "eval",
      'return require "dynsup.server".call(..., setmetatable({}, { __pack = "spec.type" }))', pid))
    assert.equal(1, #told)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("is not stopped by a finalizer that takes away the message which a receive_match is looking at", main(function()
    local taken, calls = 0, 0
    codec.register("spec.type", function(value)
      calls = calls + 1
      return value
    end)
    local pause, steps = collectgarbage("setpause", 0), collectgarbage("setstepmul", 10000)
    local worker = foreign()
    for _ = 1, 20 do
      local pid = ask(worker, "eval", SPAWN:gsub("{ 7 }", "big", 1):gsub("return", [[
        local big = {}
        for i = 1, 10000 do big[i] = { i } end
        return]], 1))
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, "end")
      dynsup.sleep(1)
      setmetatable({}, { __gc = function()
        taken = taken + 1
        dynsup.demonitor(ref)
      end })
      dynsup.receive_match(function(_, _, _, reason)
        assert(#reason == 10000)
        return true
      end, 10)
    end
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", steps)
    collectgarbage()
    assert.equal(20, taken)
    assert.is_true(calls > 0)
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
    for _, why in ipairs(tries) do assert.matches(NO_HOST, why) end
  end))

  it("can do nothing there with what it has from before, nor end the program", main(function()
    local resume, resumed
    local waiter = dynsup.spawn(function()
      resumed = dynsup.await(function(f) resume = f end)
    end)
    dynsup.sleep(1)
    local tries, told = {}, 0
    local observation = dynsup.observe({ events = "exited" }, function() told = told + 1 end)
    local observer = require "dynsup.observer"
    observer.record(10)
    codec.register("spec.type", function()
      for i, f in ipairs {
        function() resume("resumed") end,
        function() observation:close() end,
        observer.tree,
        function() dynsup.registry.start_link { keys = "none of them" } end,
        os.exit,
      } do tries[i] = { pcall(f) } end
      return "T"
    end)
    local sup = dynsup.supervisor.start_link({
      { id = "T", start = function() return dynsup.spawn_link(dynsup.sleep) end },
    }, { strategy = "one_for_one" })
    assert.is_true(ask(foreign(), "eval", LOOK_FOR, sup))
    assert.equal(5, #tries)
    for i = 1, 5 do
      assert.is_false(tries[i][1], i)
      assert.matches(NO_HOST, tries[i][2])
    end
    assert.is_true(dynsup.is_alive(waiter))
    resume("later")
    dynsup.sleep(1)
    assert.equal("later", resumed)
    assert.is_true(told > 0 and observation:close())
    observer.record(0)
  end))

  it("starts no collection there", main(function()
    local ended, results = 0, {}
    codec.register("spec.type", function()
      for _ = 1, 100 do
        setmetatable({}, { __gc = function() ended = ended + 1 end })
      end
      for i, option in ipairs { "collect", "step", "restart", "generational", "incremental", "stop" } do
        results[i] = collectgarbage(option) == nil
      end
      for i = 1, 10000 do results[7] = { i } end
      results[7], results[8] = collectgarbage "isrunning", ended
      return collectgarbage "count"
    end)
    local sup = dynsup.supervisor.start_link({
      { id = "T", start = function() return dynsup.spawn_link(dynsup.sleep) end },
    }, { strategy = "one_for_one" })
    collectgarbage()
    ask(foreign(), "eval", LOOK_FOR, sup)
    assert.same({ true, true, true, true, true, true, false, 0 }, results)
    assert.is_true(collectgarbage "isrunning")
    collectgarbage()
    assert.is_true(ended > 0)
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
