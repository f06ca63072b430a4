-- dynsup.observer: who waits for whom, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local observer = dynsup.observer

-- A process that, told a pid, waits for that one's answer as a call does.
local function caller(ms)
  return dynsup.spawn(function()
    local target = dynsup.receive()
    dynsup.receive_match(dynsup.monitor(target), ms)
  end)
end

local function call(from, to) dynsup.send(from, to) end

local function edges(list)
  local result = {}
  for i, wait in ipairs(list) do result[i] = { wait.pid, wait.target, wait.what } end
  return result
end

-- The pids of a cycle, beginning with the first that was made.
local function members(cycle)
  local pids = {}
  for i, wait in ipairs(cycle) do pids[i] = tostring(wait.pid) end
  table.sort(pids)
  return pids
end

local function sorted(...)
  local pids = { ... }
  for i, pid in ipairs(pids) do pids[i] = tostring(pid) end
  table.sort(pids)
  return pids
end

describe("observer.waits", function()
  it("are calls: who waits for an answer of a process that it monitors", host.main(function()
    local server, client = dynsup.spawn(family.idle), caller(50)
    call(client, server)
    dynsup.sleep(1)
    assert.same({ { pid = client, target = server, what = "answer", left = 49 } }, { observer.waits()[1] })
    assert.equal(tostring(client) .. " waits for 49 ms more for " .. tostring(server) .. " (answer)",
      tostring(observer.waits()))
    assert.same({ pid = client, target = server, what = "answer", left = 49 }, observer.info(client).waits)
  end))

  it("are calls of servers", host.main(function()
    local server = assert(dynsup.server.start_link({
      init = function() return "ok", nil end,
      handle_call = function(_, _, state) return "noreply", state end,
    }))
    local client = family.async(pcall, dynsup.server.call, server, "x", 100)
    dynsup.sleep(1)
    assert.same({ pid = client, target = server, what = "answer", left = 99 }, observer.waits()[1])
    dynsup.sleep(200)
    assert.equal(0, #observer.waits())
  end))

  it("are requests to supervisors, and to children on their way", family.trapping(function()
    local sup, other = dynsup.start_link(), dynsup.start_link()
    local starter = family.async(dynsup.start_child, sup, { start = function() dynsup.receive() end })
    local second = family.async(dynsup.start_child, sup, family.idle)
    local unready = family.async(dynsup.start_child, other, { ready = true, name = "it", body = family.idle })
    dynsup.sleep(1)
    local stubborn = dynsup.start_child(other, family.slow_spec("infinity", { shutdown = "infinity" }))
    local terminator = family.async(dynsup.terminate_child, other, stubborn)
    dynsup.sleep(1)
    assert.same({ { starter, sup, "request" }, { second, sup, "request" }, { unready, dynsup.whereis "it", "request" },
      { terminator, stubborn, "request" } }, edges(observer.waits()))
    assert.same({ pid = second, target = sup, what = "request" }, observer.info(second).waits)
    dynsup.exit(second, "kill")
    dynsup.sleep(1)
    assert.equal(3, #observer.waits())
    dynsup.halt(0)
  end))

  it("are none for those who wait for anything else", host.main(function()
    dynsup.spawn(family.idle)
    dynsup.spawn(dynsup.receive)
    dynsup.spawn(dynsup.await, function() end)
    local stranger = dynsup.spawn(family.idle)
    dynsup.spawn(function()
      dynsup.monitor(stranger)
      dynsup.receive()
    end)
    dynsup.sleep(1)
    assert.same({}, edges(observer.waits()))
    assert.equal("", tostring(observer.waits()))
  end))
end)

describe("observer.deadlocks", function()
  it("are processes that call each other", host.main(function()
    local a, b, c, outside = caller(), caller(), caller(), caller()
    call(a, b)
    call(b, c)
    dynsup.sleep(1)
    assert.same({}, { table.unpack(observer.deadlocks()) })
    call(c, a)
    call(outside, a) -- waits for one of them, and is none of them
    dynsup.sleep(1)
    local cycles = observer.deadlocks()
    assert.equal(1, #cycles)
    assert.is_true(cycles[1].forever)
    assert.same(sorted(a, b, c), members(cycles[1]))
    assert.matches("^3 processes wait for each other for ever:\n  <", tostring(cycles))
  end))

  it("are several, and tell which end by themselves", host.main(function()
    local a, b, c, d = caller(), caller(), caller(100), caller()
    call(a, b)
    call(b, a)
    call(c, d)
    call(d, c)
    dynsup.sleep(1)
    local by_first = {}
    for _, cycle in ipairs(observer.deadlocks()) do by_first[members(cycle)[1]] = cycle.forever end
    assert.same({ [sorted(a, b)[1]] = true, [sorted(c, d)[1]] = false }, by_first)
    dynsup.sleep(200)
    assert.equal(1, #observer.deadlocks())
  end))

  it("may be servers that call each other", family.trapping(function()
    local servers = {}
    local module = { init = function() return "ok", nil end }
    function module.handle_call(other, _, state)
      return "reply", dynsup.server.call(other, servers[1], "infinity"), state
    end
    for i = 1, 2 do servers[i] = assert(dynsup.server.start_link(module)) end
    family.async(dynsup.server.call, servers[1], servers[2], "infinity")
    dynsup.sleep(1)
    local cycles = observer.deadlocks()
    assert.equal(1, #cycles)
    assert.is_true(cycles[1].forever)
    assert.same(sorted(servers[1], servers[2]), members(cycles[1]))
    for _, server in ipairs(servers) do observer.kill(server) end
    dynsup.sleep(1)
    assert.equal(0, #observer.deadlocks())
  end))

  it("may lead through a supervisor and its start function", host.main(function()
    local sup = dynsup.start_link()
    local starter
    starter = dynsup.spawn(function()
      dynsup.start_child(sup, { start = function() dynsup.receive_match(dynsup.monitor(starter)) end })
    end)
    dynsup.sleep(1)
    local cycles = observer.deadlocks()
    assert.equal(1, #cycles)
    assert.is_true(cycles[1].forever)
    assert.same(sorted(starter, sup), members(cycles[1]))
    dynsup.exit(starter, "kill")
    dynsup.sleep(1)
    assert.equal(0, #observer.deadlocks())
  end))

  it("may be a child that is not ready and calls who starts it", host.main(function()
    local sup = dynsup.start_link()
    local starter = dynsup.spawn(function()
      local me = dynsup.self()
      dynsup.start_child(sup, { ready = true, name = "child", body = function()
        dynsup.receive_match(dynsup.monitor(me))
      end })
    end)
    dynsup.sleep(1)
    assert.same(sorted(starter, dynsup.whereis "child"), members(observer.deadlocks()[1]))
    dynsup.exit(starter, "kill")
  end))

  it("may be one process that calls itself", host.main(function()
    local a = caller()
    call(a, a)
    dynsup.sleep(1)
    local cycles = observer.deadlocks()
    if #cycles > 0 then assert.same(sorted(a), members(cycles[1])) end
  end))
end)
