-- dynsup.observer: killing, restarting, pausing and resuming one process, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local observer = dynsup.observer

-- A process that counts its messages.
local function counter()
  local counts = { n = 0 }
  local pid = dynsup.spawn(function()
    while true do
      dynsup.receive()
      counts.n = counts.n + 1
    end
  end)
  dynsup.sleep(1)
  return pid, counts
end

describe("observer.pause", function()
  it("gives a process no slices; its messages wait until it is resumed", host.main(function()
    local pid, counts = counter()
    assert.is_true(observer.pause(pid))
    for _ = 1, 3 do dynsup.send(pid, "x") end
    dynsup.sleep(10)
    assert.equal(0, counts.n)
    assert.is_true(dynsup.info(pid).paused)
    assert.is_true(observer.resume(pid))
    dynsup.sleep(1)
    assert.equal(3, counts.n)
    assert.is_false(dynsup.info(pid).paused)
  end))

  it("stops one that loops, at the end of its slice", host.main(function()
    local turns = 0
    local pid = dynsup.spawn(function() while true do turns = turns + 1 end end)
    dynsup.yield()
    observer.pause(pid)
    local before = turns
    dynsup.sleep(10) -- comes only when nothing is ready
    assert.equal(before, turns)
    assert.matches("look_act_spec", dynsup.info(pid).traceback)
    observer.resume(pid)
    dynsup.yield()
    assert.is_true(turns > before)
    observer.kill(pid)
  end))

  it("lets sleeping ones sleep on; their time is over when they are resumed", host.main(function()
    local woke
    local pid = dynsup.spawn(function()
      dynsup.sleep(10)
      woke = dynsup.now()
    end)
    dynsup.sleep(1)
    observer.pause(pid)
    dynsup.sleep(100)
    assert.is_nil(woke)
    observer.resume(pid)
    dynsup.sleep(1)
    assert.equal(101, woke)
  end))

  it("may pause the caller itself, until somebody resumes it", host.main(function()
    local main = dynsup.self()
    dynsup.spawn(function()
      dynsup.sleep(50)
      observer.resume(main)
    end)
    observer.pause(main)
    dynsup.yield()
    assert.equal(50, dynsup.now())
  end))

  it("keeps nobody from killing it, nor its supervisor from stopping it in order", family.trapping(function()
    local pid = counter()
    observer.pause(pid)
    assert.equal("killed", host.stop(pid, "kill"))
    local sup = dynsup.start_link()
    local closed = false
    local child = dynsup.start_child(sup, { ready = true, body = function()
      dynsup.flag("trap_exit", true)
      dynsup.ready()
      dynsup.receive()
      closed = true
    end })
    observer.pause(child)
    assert.equal(0, (family.elapsed(dynsup.terminate_child, sup, child)))
    assert.is_true(closed)
  end))

  it("is over with the process: its next incarnation runs", family.trapping(function()
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { body = family.idle, name = "it" })
    observer.pause(pid)
    host.stop(pid, "kill")
    assert.is_false(dynsup.info("it").paused)
  end))

  it("ends a run in which all others are paused, in order", function()
    local closed = false
    assert.same({ true }, { host.outcome(function()
      local pid = dynsup.spawn(function()
        local _ <close> = host.closer(function() closed = true end)
        dynsup.receive()
      end)
      dynsup.sleep(1)
      observer.pause(pid)
      dynsup.send(pid, "x")
    end) })
    assert.is_true(closed)
    local result, reason, where = host.outcome(function()
      observer.pause(dynsup.self())
      dynsup.yield()
    end)
    assert.same({ nil, "deadlock" }, { result, reason })
    assert.matches("dynsup.yield", where)
  end)

  it("does nothing to the results of main, when that has returned", function()
    local got = table.pack(host.outcome(function()
      local main = dynsup.self()
      dynsup.spawn(function() observer.pause(main) end)
      return 1, nil
    end))
    assert.same({ true, 1, n = 3 }, got)
  end)

  it("fails for supervisors and the dead", host.main(function()
    assert.same({ nil, "is_a_supervisor" }, { observer.pause(dynsup.start_link()) })
    for _, act in ipairs { "pause", "resume", "kill", "restart" } do
      assert.same({ nil, "noproc" }, { observer[act] "nobody" })
      local pid = dynsup.spawn(function() end)
      dynsup.sleep(1)
      assert.same({ nil, "noproc" }, { observer[act](pid) })
      assert.error_matches(function() observer[act](1) end, "pid or registered name expected")
    end
  end))
end)

describe("observer.kill", function()
  it("kills, whatever the process does about it", host.main(function()
    local pid = dynsup.spawn(family.slow, "infinity")
    dynsup.sleep(1)
    local ref = dynsup.monitor(pid)
    assert.is_true(observer.kill(pid))
    assert.equal("killed", host.down(ref))
  end))
end)

describe("observer.restart", function()
  it("lets a child end and be started again, with what its supervisor knows", family.trapping(function()
    local sup, reasons = dynsup.start_link { name = "pool" }, {}
    for _, restart in ipairs { "permanent", "transient" } do
      local pid = dynsup.start_child(sup, { body = family.idle, restart = restart, name = restart })
      local ref = dynsup.monitor(pid)
      local new = observer.restart(restart)
      reasons[#reasons + 1] = host.down(ref)
      assert.equal(dynsup.whereis(restart), new)
      assert.not_equal(pid, new)
      assert.equal(2, dynsup.info(new).incarnation)
    end
    assert.same({ "restart", "restart" }, reasons)
    assert.equal(2, observer.info(sup).restarts)
  end))

  it("gives a trapping child its shutdown time, then kills it", family.trapping(function()
    local sup = dynsup.start_link()
    local polite = dynsup.start_child(sup, family.slow_spec(5, { shutdown = 50 }))
    local stubborn = dynsup.start_child(sup, family.slow_spec("infinity", { shutdown = 50 }))
    assert.equal(5, (family.elapsed(observer.restart, polite)))
    assert.equal(50, (family.elapsed(observer.restart, stubborn)))
    assert.same(family.workers(2), dynsup.count_children(sup))
  end))

  it("goes for a paused child and for a supervisor with its children", family.trapping(function()
    local top = dynsup.start_link()
    dynsup.start_child(top, { dynsup, { name = "inner" } })
    local before = dynsup.whereis "inner"
    local child = dynsup.start_child("inner", { body = family.idle, name = "it" })
    observer.pause(child)
    assert.is_true(dynsup.is_pid(observer.restart "it"))
    assert.is_false(dynsup.info("it").paused)
    observer.restart "inner"
    dynsup.sleep(1)
    assert.is_nil(dynsup.whereis "it")
    assert.not_equal(before, dynsup.whereis "inner")
  end))

  it("says so when the restart is delayed", family.trapping(function()
    local sup = dynsup.start_link()
    dynsup.start_child(sup, { body = family.idle, backoff = true, name = "it" })
    assert.equal("restarting", observer.restart "it")
  end))

  it("fails for what nobody would start again", host.main(function()
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, family.idle)
    assert.same({ nil, "temporary" }, { observer.restart(pid) })
    assert.same({ nil, "not_a_child" }, { observer.restart(dynsup.self()) })
    assert.is_true(dynsup.is_alive(pid))
  end))
end)

describe("observer.restart of what was declared as a supervisor", function()
  it("asks a registry", host.main(function()
    local sup = dynsup.start_link {}
    local r = dynsup.start_child(sup, { dynsup.registry, { keys = "unique", name = "r" } })
    local ref = dynsup.monitor(r)
    observer.restart "r"
    assert.equal("restart", host.down(ref))
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive "r")
    dynsup.halt()
  end, { log_level = "off" }))

  it("ends a worker as such", host.main(function()
    local sup = dynsup.start_link {}
    local w = dynsup.start_child(sup, { body = dynsup.sleep, type = "supervisor" })
    local now = observer.restart(w)
    assert.is_true(dynsup.is_pid(now))
    assert.not_equal(w, now)
    dynsup.halt()
  end, { log_level = "off" }))

  it("does nothing where it cannot wait", host.main(function()
    local sup = dynsup.start_link {}
    local w = dynsup.start_child(sup, { body = dynsup.sleep })
    local ok, message = pcall(table.sort, { 1, 2 }, function()
      observer.restart(w)
      return false
    end)
    assert.is_false(ok)
    assert.matches("look_act_spec.lua:%d+: cannot wait across", message)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(w))
    assert.same({}, dynsup.info(dynsup.self()).monitors)
    dynsup.halt()
  end))
end)

describe("misuse of the observer", function()
  for _, name in ipairs { "info", "children", "kill", "pause", "resume", "restart" } do
    it("names " .. name .. " and its caller", host.main(function()
      local _, message = pcall(function() return (observer[name](42)) end)
      assert.matches("^spec/look_act_spec.lua:%d+: bad argument #1 to '" .. name .. "' %(", message)
    end))
  end

  it("names events", host.main(function()
    for _, count in ipairs { true, 0 / 0, 1.5, -1 } do
      local _, message = pcall(function() return (observer.events(count)) end)
      assert.matches("^spec/look_act_spec.lua:%d+: bad argument #1 to 'events' %(", message)
    end
  end))

  it("leaves the metatable of options alone", host.main(function()
    local metatable = { __metatable = false }
    local options = setmetatable({ limit = 3 }, metatable)
    assert.equal(1, #observer.processes(options))
    assert.equal(metatable, debug.getmetatable(options))
  end))
end)

describe("what the observer has found", function()
  it("has its text after the run, too, as of the look", function()
    local list = host.run(function()
      dynsup.sleep(1000)
      return observer.processes()
    end)
    assert.matches("up 1 s", tostring(list))
  end)
end)
