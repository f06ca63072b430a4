local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local function named(fields)
  local spec = { body = family.mortal, name = "cache" }
  for key, value in pairs(fields or {}) do spec[key] = value end
  return spec
end

describe("a named child", function()
  it("has its name before start_child returns, and in its body", host.main(function()
    local sup, seen = dynsup.start_link {}, nil
    local pid = dynsup.start_child(sup, named { body = function()
      seen = dynsup.whereis("cache")
      family.idle()
    end })
    assert.equal(pid, dynsup.whereis("cache"))
    assert.equal("cache", family.only(sup).name)
    dynsup.sleep(1)
    assert.equal(pid, seen)
  end))

  it("is not started when another child has the name", host.main(function()
    local sup, ran = dynsup.start_link {}, false
    local pid = dynsup.start_child(sup, named())
    assert.same({ nil, "already_started", pid },
      { dynsup.start_child(sup, named { body = function() ran = true end }) })
    dynsup.sleep(1)
    assert.is_false(ran)
    assert.same(family.workers(1), dynsup.count_children(sup))
    assert.equal(pid, dynsup.whereis("cache"))
  end))

  it("is not started when a child of another supervisor has the name", host.main(function()
    local sup, other = dynsup.start_link {}, dynsup.start_link {}
    local pid = dynsup.start_child(other, named())
    assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, named()) })
  end))

  it("is not started when any process has the name", host.main(function()
    local sup = dynsup.start_link {}
    dynsup.register("cache", dynsup.self())
    assert.same({ nil, "already_started", dynsup.self() }, { dynsup.start_child(sup, named()) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("frees its name when it ends for good", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, named { restart = "transient" })
    family.finish(pid, "return")
    assert.is_nil(dynsup.whereis("cache"))
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, named()))))
  end))

  it("frees its name when it is terminated", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, named())
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.is_nil(dynsup.whereis("cache"))
    assert.is_true(dynsup.register("cache", dynsup.self()))
  end))

  it("frees its name when its supervisor ends", family.trapping(function()
    for _, reason in ipairs { "shutdown", "kill" } do
      local sup = dynsup.start_link {}
      local ref = dynsup.monitor((dynsup.start_child(sup, named())))
      host.stop(sup, reason)
      host.down(ref)
      assert.is_nil(dynsup.whereis("cache"))
    end
  end))

  it("frees its name when its supervisor gives up", family.trapping(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local sup_ref = dynsup.monitor(sup)
    local pid = dynsup.start_child(sup, named())
    dynsup.exit(pid, "kill")
    assert.equal("shutdown", host.down(sup_ref))
    assert.is_nil(dynsup.whereis("cache"))
    assert.is_true(dynsup.register("cache", dynsup.self()))
  end))

  it("has the name again when who sees its end can ask", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, named())
    family.finish(pid, "crash", "boom")
    local new = dynsup.whereis("cache")
    assert.are_not.equal(pid, new)
    assert.equal(family.only(sup).pid, new)
  end))

  it("is terminated by its name", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, named())
    assert.is_true(dynsup.terminate_child(sup, "cache"))
    assert.is_false(dynsup.is_alive(pid))
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, "cache") })
  end))

  it("has its name while it is not ready yet", host.main(function()
    local sup = dynsup.start_link {}
    family.async(dynsup.start_child, sup, named { body = family.idle, ready = true })
    dynsup.sleep(1)
    local pid = dynsup.whereis("cache")
    assert.is_true(dynsup.is_pid(pid))
    assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, named()) })
  end))

  it("frees its name when it fails to become ready", host.main(function()
    local sup = dynsup.start_link {}
    assert.same({ nil, "normal" },
      { dynsup.start_child(sup, named { body = function() end, ready = true }) })
    assert.is_nil(dynsup.whereis("cache"))
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, named()))))
  end))
end)

describe("a named child that is restarting", function()
  -- A supervisor whose named child is restarting for another 100 ms, and that child's last pid.
  local function restarting()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, named { backoff = { min = 100, jitter = 0 } })
    family.finish(pid, "crash", "boom")
    return sup, pid
  end

  it("is not to be found by its name", host.main(function()
    restarting()
    assert.is_nil(dynsup.whereis("cache"))
    assert.same({ nil, "noproc" }, { dynsup.send("cache", "hello") })
  end))

  it("keeps its name from other children", host.main(function()
    local sup = restarting()
    local other = dynsup.start_link {}
    assert.same({ nil, "already_started", "restarting" }, { dynsup.start_child(sup, named()) })
    assert.same({ nil, "already_started", "restarting" }, { dynsup.start_child(other, named()) })
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
  end))

  it("keeps its name from register", host.main(function()
    restarting()
    assert.same({ nil, "taken" }, { dynsup.register("cache", dynsup.self()) })
  end))

  it("is shown with its name and its last pid", host.main(function()
    local sup, pid = restarting()
    local entry = family.only(sup)
    assert.equal("restarting", entry.pid)
    assert.equal("cache", entry.name)
    assert.equal(pid, entry.last_pid)
  end))

  it("has the name again after its restart", host.main(function()
    local sup, pid = restarting()
    dynsup.sleep(101)
    local new = dynsup.whereis("cache")
    assert.is_true(dynsup.is_pid(new))
    assert.are_not.equal(pid, new)
    assert.equal(new, family.only(sup).pid)
  end))

  it("frees its name when it is terminated by it", host.main(function()
    local sup = restarting()
    assert.is_true(dynsup.terminate_child(sup, "cache"))
    assert.is_true(dynsup.register("cache", dynsup.self()))
  end))

  it("frees its name when its supervisor stops", host.main(function()
    local sup = restarting()
    assert.is_true(dynsup.stop(sup))
    assert.is_true(dynsup.register("cache", dynsup.self()))
  end))
end)

describe("200 processes that race to start the same named worker", function()
  -- The answers to 200 concurrent calls of start_child; spec is called for each.
  local function race(sup, spec)
    local jobs, answers = {}, {}
    for i = 1, 200 do jobs[i] = family.async(dynsup.start_child, sup, spec()) end
    for i = 1, 200 do answers[i] = { family.result(jobs[i]) } end
    return answers
  end

  local function all_agree(answers, winner)
    local started = 0
    for _, answer in ipairs(answers) do
      if answer[1] then
        started = started + 1
        assert.equal(winner, answer[1])
      else
        assert.same({ nil, "already_started", winner }, answer)
      end
    end
    assert.equal(1, started)
  end

  it("get the same pid, and one body runs", host.main(function()
    local sup, bodies = dynsup.start_link {}, 0
    local answers = race(sup, function()
      return named { body = function()
        bodies = bodies + 1
        family.idle()
      end }
    end)
    all_agree(answers, dynsup.whereis("cache"))
    assert.equal(1, bodies)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("get the same pid when the worker becomes ready late", host.main(function()
    local sup, bodies = dynsup.start_link {}, 0
    local answers = race(sup, function()
      return named { ready = true, body = function()
        bodies = bodies + 1
        dynsup.sleep(10)
        dynsup.ready()
        family.idle()
      end }
    end)
    all_agree(answers, dynsup.whereis("cache"))
    assert.equal(1, bodies)
  end))

  it("get the same pid when a start function registers the name", host.main(function()
    local sup, bodies = dynsup.start_link {}, 0
    local function body()
      bodies = bodies + 1
      family.idle()
    end
    local function start()
      local running = dynsup.whereis("cache")
      if running then return nil, "already_started", running end
      dynsup.yield()
      local pid = dynsup.spawn_link(body)
      dynsup.register("cache", pid)
      return pid
    end
    local answers = race(sup, function() return { start = start } end)
    all_agree(answers, dynsup.whereis("cache"))
    assert.equal(1, bodies)
  end))
end)
