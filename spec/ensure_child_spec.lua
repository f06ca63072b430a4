local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local function worker(fields)
  local spec = { body = family.mortal, name = "worker" }
  for key, value in pairs(fields or {}) do spec[key] = value end
  return spec
end

describe("ensure_child", function()
  it("starts the worker when nobody has the name", host.main(function()
    local sup = dynsup.start_link {}
    local pid, how = dynsup.ensure_child(sup, worker())
    assert.equal("started", how)
    assert.equal(pid, dynsup.whereis("worker"))
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("gives the worker that has the name and starts nothing", host.main(function()
    local sup, ran = dynsup.start_link {}, false
    local pid = dynsup.ensure_child(sup, worker())
    local again, how = dynsup.ensure_child(sup, worker { body = function() ran = true end })
    assert.equal(pid, again)
    assert.equal("existing", how)
    dynsup.sleep(1)
    assert.is_false(ran)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("gives the worker that start_child has started", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, worker())
    assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, worker()) })
  end))

  it("gives the worker of another supervisor that has the name", host.main(function()
    local sup, other = dynsup.start_link {}, dynsup.start_link {}
    local pid = dynsup.start_child(other, worker())
    assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, worker()) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("looks for the name before it looks for room", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    local pid = dynsup.ensure_child(sup, worker())
    assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, worker()) })
    assert.same({ nil, "max_children" },
      { dynsup.ensure_child(sup, worker { name = "another" }) })
  end))

  it("has the errors of start_child", host.main(function()
    local sup = dynsup.start_link {}
    local dead = dynsup.spawn(function() end)
    dynsup.sleep(1)
    assert.same({ nil, "invalid_shutdown", -1 },
      { dynsup.ensure_child(dead, worker { shutdown = -1 }) })
    assert.same({ nil, "noproc" }, { dynsup.ensure_child(dead, worker()) })
    assert.same({ nil, "noproc" }, { dynsup.ensure_child("nobody", worker()) })
    assert.same({ nil, "not_a_supervisor" }, { dynsup.ensure_child(dynsup.self(), worker()) })
    assert.error_matches(function() dynsup.ensure_child(42, worker()) end, "#1")
    assert.error_matches(function() dynsup.ensure_child(sup) end, "#2")
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("starts a new worker when the last one has ended", host.main(function()
    local sup = dynsup.start_link {}
    local first = dynsup.ensure_child(sup, worker { restart = "temporary" })
    family.finish(first, "return")
    local second, how = dynsup.ensure_child(sup, worker { restart = "temporary" })
    assert.equal("started", how)
    assert.are_not.equal(first, second)
  end))

  it("gives the new process of a worker that was restarted", host.main(function()
    local sup = dynsup.start_link {}
    local first = dynsup.ensure_child(sup, worker())
    family.finish(first, "crash", "boom")
    local second, how = dynsup.ensure_child(sup, worker())
    assert.equal("existing", how)
    assert.are_not.equal(first, second)
    assert.equal(second, dynsup.whereis("worker"))
  end))

  it("waits for a worker that is restarting", host.main(function()
    local sup = dynsup.start_link {}
    local first = dynsup.ensure_child(sup, worker { backoff = { min = 100, jitter = 0 } })
    family.finish(first, "crash", "boom")
    local took, second, how = family.elapsed(dynsup.ensure_child, sup, worker())
    assert.near(100, took, 0.001)
    assert.equal("existing", how)
    assert.are_not.equal(first, second)
    assert.equal(second, family.only(sup).pid)
  end))

  it("starts the worker when the restarting one is terminated instead", host.main(function()
    local sup = dynsup.start_link {}
    local first = dynsup.ensure_child(sup, worker { backoff = { min = 100, jitter = 0 } })
    family.finish(first, "crash", "boom")
    local job = family.async(dynsup.ensure_child, sup, worker())
    dynsup.sleep(10)
    assert.is_true(dynsup.terminate_child(sup, "worker"))
    local pid, how = family.result(job)
    assert.equal("started", how)
    assert.equal(pid, dynsup.whereis("worker"))
  end))

  it("waits for a worker that is not ready yet", host.main(function()
    local sup = dynsup.start_link {}
    local spec = worker { ready = true, body = function()
      dynsup.sleep(30)
      dynsup.ready("info")
      family.idle()
    end }
    local first = family.async(dynsup.ensure_child, sup, spec)
    dynsup.sleep(10)
    local took, pid, how = family.elapsed(dynsup.ensure_child, sup, spec)
    assert.near(20, took, 0.001)
    assert.equal("existing", how)
    assert.same({ pid, "started" }, { family.result(first) })
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("starts the worker when the one it waits for fails to become ready", host.main(function()
    local sup = dynsup.start_link {}
    local first = family.async(dynsup.start_child, sup, worker { ready = true, body = function()
      dynsup.sleep(10)
      dynsup.exit("no port")
    end })
    dynsup.sleep(1)
    local pid, how = dynsup.ensure_child(sup, worker())
    assert.equal("started", how)
    assert.equal(pid, dynsup.whereis("worker"))
    assert.same({ nil, "no port" }, { family.result(first) })
  end))

  it("lets other requests through while it waits", host.main(function()
    local sup = dynsup.start_link {}
    family.async(dynsup.ensure_child, sup, worker { body = family.idle, ready = true })
    family.async(dynsup.ensure_child, sup, worker())
    dynsup.sleep(1)
    assert.equal(0, (family.elapsed(dynsup.start_child, sup, family.idle)))
    assert.same(family.workers(2), dynsup.count_children(sup))
  end))

  it("says noproc when the supervisor ends while it waits", family.trapping(function()
    local sup = dynsup.start_link {}
    local first = dynsup.ensure_child(sup, worker { backoff = { min = 100, jitter = 0 } })
    family.finish(first, "crash", "boom")
    local job = family.async(dynsup.ensure_child, sup, worker())
    dynsup.sleep(10)
    dynsup.stop(sup)
    assert.same({ nil, "noproc" }, { family.result(job) })
  end))

  it("gives 200 racing processes the same worker, of which one body runs", host.main(function()
    local sup, bodies, jobs = dynsup.start_link {}, 0, {}
    for i = 1, 200 do
      jobs[i] = family.async(dynsup.ensure_child, sup, worker { body = function()
        bodies = bodies + 1
        family.idle()
      end })
    end
    local pids, how_often, different = {}, { started = 0, existing = 0 }, 0
    for i = 1, 200 do
      local pid, how = family.result(jobs[i])
      how_often[how] = how_often[how] + 1
      if not pids[pid] then different = different + 1 end
      pids[pid] = true
    end
    assert.same({ started = 1, existing = 199 }, how_often)
    assert.equal(1, different)
    assert.is_true(pids[dynsup.whereis("worker")])
    assert.equal(1, bodies)
  end))
end)
