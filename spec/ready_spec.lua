local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

-- A spec whose body becomes ready after ms.
local function ready_after(ms, fields)
  local spec = { ready = true, body = function()
    dynsup.sleep(ms)
    dynsup.ready("info")
    family.mortal()
  end }
  for key, value in pairs(fields or {}) do spec[key] = value end
  return spec
end

describe("start_child of a child with ready", function()
  it("returns pid and info when the body calls ready", host.main(function()
    local sup, info = dynsup.start_link {}, { port = 80 }
    local took, pid, got = family.elapsed(dynsup.start_child, sup, { ready = true,
      body = function()
        dynsup.sleep(20)
        dynsup.ready(info)
        family.idle()
      end })
    assert.near(20, took, 0.001)
    assert.equal(pid, family.only(sup).pid)
    assert.equal(info, got)
  end))

  it("returns the pid alone when ready has no info", host.main(function()
    local sup = dynsup.start_link {}
    local pid, info = dynsup.start_child(sup, family.slow_spec(0))
    assert.is_true(dynsup.is_alive(pid))
    assert.is_nil(info)
  end))

  it("gives the reason when the body ends before", host.main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local function answer(body)
      return { dynsup.start_child(sup, { body = body, ready = true }) }
    end
    assert.same({ nil, "normal" }, answer(function() end))
    assert.same({ nil, "no port" }, answer(function() dynsup.exit("no port") end))
    assert.equal("boom", answer(function() error("boom", 0) end)[2].error)
    assert.same(family.workers(0), dynsup.count_children(sup))
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("gives it also when the end waits for a start function until start_timeout is over", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, { ready = true, start_timeout = 100, body = function()
      dynsup.sleep(10)
      dynsup.exit("no port")
    end })
    dynsup.yield()
    dynsup.start_child(sup, { start = function()
      dynsup.sleep(500)
      return nil, "none"
    end })
    assert.same({ nil, "no port" }, { family.result(job) })
  end))

  it("starts a permanent child once only when it fails to become ready", host.main(function()
    local sup, starts = dynsup.start_link {}, 0
    dynsup.start_child(sup, { ready = true, restart = "permanent", body = function()
      starts = starts + 1
      error "boom"
    end })
    dynsup.sleep(10)
    assert.equal(1, starts)
  end))

  it("gives the reason when the child is killed before", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, { body = family.idle, ready = true })
    dynsup.sleep(1)
    dynsup.exit(family.only(sup).pid, "kill")
    assert.same({ nil, "killed" }, { family.result(job) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("gives shutdown when the child is terminated before", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, { body = family.idle, ready = true })
    dynsup.sleep(1)
    assert.is_true(dynsup.terminate_child(sup, family.only(sup).pid))
    assert.same({ nil, "shutdown" }, { family.result(job) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("fails when the supervisor is killed before", family.trapping(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, { body = family.idle, ready = true })
    dynsup.sleep(1)
    dynsup.exit(sup, "kill")
    local pid, reason = family.result(job)
    assert.is_nil(pid)
    assert.is_true(reason == "noproc" or reason == "killed", tostring(reason))
  end))

  it("keeps the child when the caller dies before", host.main(function()
    local sup = dynsup.start_link {}
    local caller = family.async(dynsup.start_child, sup, ready_after(20))
    dynsup.sleep(1)
    dynsup.exit(caller, "kill")
    dynsup.sleep(50)
    assert.same(family.workers(1), dynsup.count_children(sup))
    assert.is_true(dynsup.is_alive(family.only(sup).pid))
  end))
end)

describe("a child that is not ready yet", function()
  it("counts everywhere", host.main(function()
    local sup = dynsup.start_link {}
    family.async(dynsup.start_child, sup, { body = family.idle, ready = true, id = "slow" })
    dynsup.sleep(1)
    assert.same(family.workers(1), dynsup.count_children(sup))
    local entry = family.only(sup)
    assert.equal("slow", entry.id)
    assert.is_true(dynsup.is_alive(entry.pid))
  end))

  it("does not keep other children from starting and stopping", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, ready_after(100))
    dynsup.sleep(1)
    local took = family.elapsed(function()
      local body = dynsup.start_child(sup, family.idle)
      local started = dynsup.start_child(sup, { start = family.up })
      local ready = dynsup.start_child(sup, ready_after(0))
      assert.is_true(dynsup.terminate_child(sup, body))
      family.finish(started, "crash", "boom")
      family.finish(ready, "crash", "boom")
      assert.same(family.workers(3), dynsup.count_children(sup))
    end)
    assert.near(0, took, 0.001)
    assert.is_true(dynsup.is_pid((family.result(job))))
  end))
end)

describe("start_timeout", function()
  it("kills a child that is not ready in time", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(function()
      return family.elapsed(dynsup.start_child, sup,
        { body = family.idle, ready = true, start_timeout = 50 })
    end)
    dynsup.sleep(1)
    local ref = dynsup.monitor(family.only(sup).pid)
    local took, pid, reason = family.result(job)
    assert.near(50, took, 0.001)
    assert.is_nil(pid)
    assert.equal("timeout", reason)
    assert.equal("killed", host.down(ref))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("kills also a child that traps exits", host.main(function()
    local sup = dynsup.start_link {}
    assert.same({ nil, "timeout" }, { dynsup.start_child(sup, {
      ready = true, start_timeout = 50,
      body = function()
        dynsup.flag("trap_exit", true)
        while true do dynsup.receive() end
      end,
    }) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("does not start the child again", host.main(function()
    local sup, starts = dynsup.start_link {}, 0
    dynsup.start_child(sup, { ready = true, start_timeout = 50, body = function()
      starts = starts + 1
      family.idle()
    end })
    dynsup.sleep(1000)
    assert.equal(1, starts)
  end))

  it("does nothing to a child that became ready in time", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, ready_after(49, { start_timeout = 50 }))
    dynsup.sleep(1000)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("may be infinity", host.main(function()
    local sup = dynsup.start_link {}
    local took, pid = family.elapsed(dynsup.start_child, sup,
      ready_after(1e6, { start_timeout = "infinity" }))
    assert.near(1e6, took, 0.001)
    assert.is_true(dynsup.is_alive(pid))
  end))
end)

describe("ready", function()
  it("counts once only", host.main(function()
    local sup = dynsup.start_link {}
    local pid, info = dynsup.start_child(sup, { ready = true, body = function()
      dynsup.ready("first")
      dynsup.ready("second")
      family.idle()
    end })
    assert.equal("first", info)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
    assert.same({ nil, "timeout" }, { dynsup.receive(1) })
  end))

  it("does nothing in a child from which nobody waits for it", host.main(function()
    local sup = dynsup.start_link {}
    local pid, info = dynsup.start_child(sup, function()
      dynsup.ready("info")
      family.idle()
    end)
    assert.is_nil(info)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("does nothing when the child calls it after a restart", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, ready_after(10))
    family.finish(pid, "crash", "boom")
    dynsup.sleep(100)
    local new = family.only(sup).pid
    assert.are_not.equal(pid, new)
    assert.is_true(dynsup.is_alive(new))
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))
end)
