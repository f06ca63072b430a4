local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

-- Terminates the child and returns how long that took and the reason with which it ended.
local function terminated(sup, pid)
  local ref = dynsup.monitor(pid)
  local took, done, why = family.elapsed(dynsup.terminate_child, sup, pid)
  assert.is_true(done, tostring(why))
  assert.is_false(dynsup.is_alive(pid))
  return took, host.down(ref)
end

describe("terminate_child", function()
  it("ends a child with shutdown and forgets it, permanent or not", host.main(function()
    for _, restart in ipairs { "permanent", "transient", "temporary" } do
      local sup = dynsup.start_link { max_restarts = 0 }
      local pid = dynsup.start_child(sup, { body = family.idle, restart = restart })
      local took, reason = terminated(sup, pid)
      assert.equal(0, took)
      assert.equal("shutdown", reason)
      assert.same(family.workers(0), dynsup.count_children(sup))
      assert.same({}, dynsup.which_children(sup))
      dynsup.sleep(10)
      assert.same(family.workers(0), dynsup.count_children(sup))
    end
  end))

  it("leaves the other children alone", host.main(function()
    local sup = dynsup.start_link {}
    local pid, other = dynsup.start_child(sup, family.idle), dynsup.start_child(sup, family.idle)
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.is_true(dynsup.is_alive(other))
    assert.equal(other, family.only(sup).pid)
  end))

  it("takes the child's name", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.idle, name = "it" })
    assert.is_true(dynsup.terminate_child(sup, "it"))
    assert.is_false(dynsup.is_alive(pid))
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, "it") })
  end))

  it("says not_found for what is not a child of this supervisor", host.main(function()
    local sup, other = dynsup.start_link {}, dynsup.start_link {}
    local theirs = dynsup.start_child(other, { body = family.idle, name = "theirs" })
    local stranger = dynsup.spawn(family.idle)
    dynsup.register("stranger", stranger)
    local gone = dynsup.start_child(sup, family.idle)
    dynsup.terminate_child(sup, gone)
    for _, child in ipairs { theirs, "theirs", stranger, "stranger", gone, "nobody", sup } do
      assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, child) })
    end
    assert.is_true(dynsup.is_alive(theirs))
    assert.is_true(dynsup.is_alive(stranger))
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("says noproc and not_a_supervisor", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    local pid = dynsup.start_child(sup, family.idle)
    assert.same({ nil, "not_a_supervisor" }, { dynsup.terminate_child(pid, pid) })
    dynsup.stop(sup)
    assert.same({ nil, "noproc" }, { dynsup.terminate_child(sup, pid) })
    assert.same({ nil, "noproc" }, { dynsup.terminate_child("pool", pid) })
  end))

  it("refuses wrong arguments as misuse", host.main(function()
    local sup = dynsup.start_link {}
    assert.error_matches(function() dynsup.terminate_child(42, sup) end, "#1")
    assert.error_matches(function() dynsup.terminate_child(sup) end, "#2")
    assert.error_matches(function() dynsup.terminate_child(sup, 42) end, "#2")
    assert.error_matches(function() dynsup.terminate_child(sup, {}) end, "#2")
  end))

  it("keeps its caller waiting until the child is down", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(50))
    local took, reason = terminated(sup, pid)
    assert.near(50, took, 0.001)
    assert.equal("shutdown", reason)
  end))

  it("is true whatever reason the child ends with", host.main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    for _, reason in ipairs { "normal", "oops" } do
      local pid = dynsup.start_child(sup, family.slow_spec(5, { args = { 5, reason } }))
      local _, got = terminated(sup, pid)
      assert.equal(reason, got)
    end
    assert.same(family.workers(0), dynsup.count_children(sup))
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("terminates the child also when the caller dies meanwhile", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(50))
    local caller = family.async(dynsup.terminate_child, sup, pid)
    dynsup.sleep(10)
    dynsup.exit(caller, "kill")
    dynsup.sleep(50)
    assert.is_false(dynsup.is_alive(pid))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("keeps each of two callers waiting", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(50))
    local jobs = {}
    for i = 1, 2 do
      jobs[i] = family.async(function()
        local took, done = family.elapsed(dynsup.terminate_child, sup, pid)
        return took, done, dynsup.is_alive(pid)
      end)
    end
    for i = 1, 2 do
      local took, done, alive = family.result(jobs[i])
      assert.near(50, took, 0.001)
      assert.is_true(done)
      assert.is_false(alive)
    end
  end))

  it("may be called by the child itself, which does not return from it", host.main(function()
    local sup, returned = dynsup.start_link {}, false
    local pid = dynsup.start_child(sup, { body = function()
      dynsup.receive()
      dynsup.terminate_child(sup, dynsup.self())
      returned = true
    end })
    local ref = dynsup.monitor(pid)
    dynsup.send(pid, "go")
    assert.equal("shutdown", host.down(ref))
    assert.is_false(returned)
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("ends a supervisor with its own children", host.main(function()
    local top = dynsup.start_link {}
    local sub = dynsup.start_child(top, { dynsup, {} })
    local quick = dynsup.monitor((dynsup.start_child(sub, { body = family.idle })))
    local slow = dynsup.monitor((dynsup.start_child(sub, family.slow_spec(100))))
    local took, reason = terminated(top, sub)
    assert.near(100, took, 0.001)
    assert.equal("shutdown", reason)
    assert.equal("shutdown", host.down(quick))
    assert.equal("shutdown", host.down(slow))
    assert.equal(0, dynsup.count_children(top).specs)
  end))
end)

describe("the shutdown time of a child", function()
  it("over, the child is killed", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec("infinity", { shutdown = 100 }))
    local took, reason = terminated(sup, pid)
    assert.near(100, took, 0.001)
    assert.equal("killed", reason)
  end))

  it("is not waited for by those that are quicker", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(99, { shutdown = 100 }))
    local took, reason = terminated(sup, pid)
    assert.near(99, took, 0.001)
    assert.equal("shutdown", reason)
  end))

  it("is 5 seconds for a worker unless the spec says otherwise", host.main(function()
    local sup = dynsup.start_link {}
    local took, reason = terminated(sup, (dynsup.start_child(sup, family.slow_spec("infinity"))))
    assert.near(5000, took, 0.001)
    assert.equal("killed", reason)
  end))

  it("is infinity for a supervisor unless the spec says otherwise", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(1e6, { type = "supervisor" }))
    local took, reason = terminated(sup, pid)
    assert.near(1e6, took, 0.001)
    assert.equal("shutdown", reason)
  end))

  it("may be infinity", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(1e6, { shutdown = "infinity" }))
    assert.near(1e6, (terminated(sup, pid)), 0.001)
  end))

  it("of 0 leaves a child that traps exits no time", host.main(function()
    local sup = dynsup.start_link {}
    local took, reason = terminated(sup,
      (dynsup.start_child(sup, family.slow_spec("infinity", { shutdown = 0 }))))
    assert.near(0, took, 0.001)
    assert.equal("killed", reason)
  end))

  it("of 0 still shuts down a child that traps nothing", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.idle, shutdown = 0 })
    local _, reason = terminated(sup, pid)
    assert.equal("shutdown", reason)
  end))

  it("of brutal_kill kills at once", host.main(function()
    local sup = dynsup.start_link {}
    for _, spec in ipairs {
      { body = family.idle, shutdown = "brutal_kill" },
      family.slow_spec(50, { shutdown = "brutal_kill" }),
    } do
      local took, reason = terminated(sup, (dynsup.start_child(sup, spec)))
      assert.equal(0, took)
      assert.equal("killed", reason)
    end
  end))

  it("is over when its supervisor is killed: the child lives on", family.trapping(function()
    for _, ask in ipairs { dynsup.stop, dynsup.terminate_child } do
      local sup = dynsup.start_link {}
      local child = dynsup.start_child(sup, { shutdown = 10, body = function()
        dynsup.flag("trap_exit", true)
        while true do dynsup.receive() end
      end })
      dynsup.yield()
      dynsup.spawn(ask, sup, ask == dynsup.terminate_child and child or nil)
      dynsup.yield()
      dynsup.exit(sup, "kill")
      dynsup.sleep(20)
      assert.is_true(dynsup.is_alive(child))
    end
  end))

  it("over, kills also a child that never waits again", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { ready = true, shutdown = "brutal_kill", body = function()
      dynsup.ready()
      while true do dynsup.yield() end
    end })
    local _, reason = terminated(sup, pid)
    assert.equal("killed", reason)
  end))
end)

describe("while a child is being terminated", function()
  -- A supervisor that is terminating a child, which takes another 99 ms.
  local function terminating(options)
    local sup = dynsup.start_link(options or {})
    local pid = dynsup.start_child(sup, family.slow_spec(100))
    local job = family.async(dynsup.terminate_child, sup, pid)
    dynsup.sleep(1)
    return sup, job
  end

  it("others are started", host.main(function()
    local sup, job = terminating()
    local took = family.elapsed(function()
      assert.is_true(dynsup.is_pid((dynsup.start_child(sup, family.idle))))
      assert.is_true(dynsup.is_pid((dynsup.start_child(sup, { start = family.up }))))
    end)
    assert.equal(0, took)
    assert.is_true(family.result(job))
    assert.same(family.workers(2), dynsup.count_children(sup))
  end))

  it("others are restarted", host.main(function()
    local sup, job = terminating()
    local pid = dynsup.start_child(sup, { body = family.mortal, name = "it" })
    local took = family.elapsed(family.finish, pid, "crash", "boom")
    assert.equal(0, took)
    assert.is_true(dynsup.is_alive(dynsup.whereis("it")))
    assert.is_true(family.result(job))
  end))

  it("others are terminated", host.main(function()
    local sup, job = terminating()
    local pid = dynsup.start_child(sup, family.idle)
    local took, done = family.elapsed(dynsup.terminate_child, sup, pid)
    assert.equal(0, took)
    assert.is_true(done)
    assert.is_true(family.result(job))
  end))

  it("several die side by side", host.main(function()
    local sup, jobs = dynsup.start_link {}, {}
    for i = 1, 10 do
      local pid = dynsup.start_child(sup, family.slow_spec(100))
      jobs[i] = family.async(dynsup.terminate_child, sup, pid)
    end
    local took = family.elapsed(function()
      for i = 1, 10 do assert.is_true(family.result(jobs[i])) end
    end)
    assert.near(100, took, 0.001)
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("the supervisor may stop, and then it is terminated, too", host.main(function()
    local sup, job = terminating()
    local took, done = family.elapsed(dynsup.stop, sup)
    assert.is_true(done)
    assert.near(99, took, 0.001)
    local answer, why = family.result(job)
    assert.is_true(answer or why == "noproc", tostring(why))
  end))
end)

describe("terminate_child of a child that is restarting", function()
  local function restarting()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.mortal, name = "it",
      backoff = { min = 100, jitter = 0 } })
    family.finish(pid, "crash", "boom")
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
    return sup, pid
  end

  it("takes its last pid", host.main(function()
    local sup, pid = restarting()
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.same(family.workers(0), dynsup.count_children(sup))
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, pid) })
    dynsup.sleep(200)
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("says so also after an earlier wait that has timed out", host.main(function()
    local sup = dynsup.start_link()
    dynsup.receive_match("never", 1)
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, dynsup.self()) })
    dynsup.receive_match("never", 1)
    assert.same({ nil, "noproc" }, { dynsup.stop("nobody") })
  end))

  it("takes its name", host.main(function()
    local sup = restarting()
    assert.is_true(dynsup.terminate_child(sup, "it"))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("does not know the pid any more once the child runs again", host.main(function()
    local sup, pid = restarting()
    dynsup.sleep(101)
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, pid) })
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("does not know pids from before its last", host.main(function()
    local sup, first = restarting()
    dynsup.sleep(101)
    local second = dynsup.whereis("it")
    family.finish(second, "crash", "boom")
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, first) })
    assert.is_true(dynsup.terminate_child(sup, second))
  end))

  it("works while a start function fails again and again", host.main(function()
    local sup = dynsup.start_link { max_restarts = 100000 }
    local start = family.planned(family.up, family.fails)
    local pid = dynsup.start_child(sup, { start = start })
    family.finish(pid, "crash", "boom")
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, pid) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))
end)
