local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local observer = require "dynsup.observer"
local supervisor = require "dynsup.supervisor"

-- A child with a limit of its own: one restart, and what the fields say.
local function limited(fields)
  local spec = { max_restarts = 1, body = family.mortal }
  for key, value in pairs(fields or {}) do spec[key] = value end
  return spec
end

-- A supervisor that is ended by its first restart.
local function strict()
  return assert(dynsup.start_link { max_restarts = 0 })
end

local function only(sup)
  return dynsup.which_children(sup)[1]
end

-- Crashes the supervisor's first child that often.
local function crash(sup, times)
  for _ = 1, times do
    family.finish(only(sup).pid, "crash", "boom")
    dynsup.sleep(1)
  end
end

local function failed(fields)
  local sup = strict()
  local first = assert(dynsup.start_child(sup, limited(fields)))
  crash(sup, 2)
  return sup, first
end

describe("a child with max_restarts of its own", function()
  it("becomes failed when it is restarted too often, and stays a child", host.main(function()
    local sup = failed { name = "it" }
    local child = only(sup)
    assert.equal("failed", child.pid)
    assert.is_true(dynsup.is_pid(child.last_pid))
    assert.equal("it", child.name)
    assert.same({ specs = 1, active = 0, supervisors = 0, workers = 1 }, dynsup.count_children(sup))
    for one in dynsup.children(sup) do assert.equal("failed", one.pid) end
  end))

  it("is nothing to its siblings and to the limit of its supervisor", host.main(function()
    local sup = strict()
    assert(dynsup.start_child(sup, limited()))
    local sibling = assert(dynsup.start_child(sup, { body = family.mortal }))
    crash(sup, 2)
    assert.equal("failed", only(sup).pid)
    assert.is_true(dynsup.is_alive(sibling))
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("has the defaults of a supervisor for what is not given", host.main(function()
    local sup = strict()
    assert(dynsup.start_child(sup, { max_seconds = 60, body = family.mortal }))
    crash(sup, 3)
    dynsup.sleep(50000)
    assert.is_true(dynsup.is_pid(only(sup).pid))
    crash(sup, 1)
    assert.equal("failed", only(sup).pid)
  end))

  it("counts restarts that wait for a backoff, too", host.main(function()
    local sup = strict()
    assert(dynsup.start_child(sup, limited { backoff = { min = 10, jitter = 0 } }))
    family.finish(only(sup).pid, "crash", "boom")
    dynsup.sleep(20)
    family.finish(only(sup).pid, "crash", "boom")
    dynsup.sleep(1)
    assert.equal("failed", only(sup).pid)
  end))

  it("does not fail by good ends of a transient child, and forgets old restarts", host.main(function()
    local sup = strict()
    assert(dynsup.start_child(sup, limited { restart = "transient" }))
    for _ = 1, 5 do
      crash(sup, 1)
      dynsup.sleep(5000)
    end
    family.finish(only(sup).pid, "return")
    dynsup.sleep(1)
    assert.same({}, dynsup.which_children(sup))
  end))

  it("refuses what is no such limit", host.main(function()
    local sup = strict()
    for _, wrong in ipairs { -1, 1.5, "3", true } do
      assert.same({ nil, "invalid_intensity", wrong },
        { dynsup.start_child(sup, { body = family.mortal, max_restarts = wrong }) })
    end
    for _, wrong in ipairs { 0, -1, "5" } do
      assert.same({ nil, "invalid_period", wrong },
        { dynsup.start_child(sup, { body = family.mortal, max_seconds = wrong }) })
    end
  end))
end)

describe("a failed child", function()
  it("is removed by terminate_child, by its name or its last pid", host.main(function()
    local sup = failed { name = "it" }
    assert.is_true(dynsup.terminate_child(sup, "it"))
    assert.same({}, dynsup.which_children(sup))
    sup = failed()
    assert.is_true(dynsup.terminate_child(sup, only(sup).last_pid))
    assert.same({}, dynsup.which_children(sup))
  end))

  it("keeps its name, which finds nobody and cannot be taken", host.main(function()
    local sup = failed { name = "it" }
    assert.is_nil(dynsup.whereis "it")
    assert.same({ nil, "noproc" }, { dynsup.send("it", 1) })
    local other = strict()
    for _, any in ipairs { sup, other } do
      assert.same({ nil, "already_started", "failed" }, { dynsup.start_child(any, limited { name = "it" }) })
      assert.same({ nil, "failed" }, { dynsup.ensure_child(any, limited { name = "it" }) })
    end
    assert.same({ nil, "already_started", "failed" }, { dynsup.start_link { name = "it" } })
    assert.same({ nil, "already_started", "failed" }, { supervisor.start_link({}, { name = "it" }) })
    assert.same({ nil, "taken" }, { dynsup.register("it", dynsup.self()) })
    dynsup.terminate_child(sup, "it")
    assert.is_true(dynsup.is_pid((dynsup.start_child(other, limited { name = "it" }))))
  end))

  it("is told to who waits in ensure_child", host.main(function()
    local sup = strict()
    local crashes = limited { name = "it", backoff = { min = 10, jitter = 0 }, body = function() error "boom" end }
    assert(dynsup.start_child(sup, crashes))
    dynsup.sleep(1)
    assert.equal("restarting", only(sup).pid)
    local main = dynsup.self()
    dynsup.spawn(function() dynsup.send(main, "told", dynsup.ensure_child(sup, crashes)) end)
    local tag, pid = dynsup.receive()
    assert.equal("told", tag)
    assert.is_true(dynsup.is_pid(pid)) -- it has run again, and then it fails
    dynsup.sleep(20)
    assert.equal("failed", only(sup).pid)
  end))

  it("is started again by restart_child, with a clean record", host.main(function()
    local sup = failed { name = "it" }
    local pid = assert(dynsup.restart_child(sup, "it"))
    assert.equal(pid, dynsup.whereis "it")
    assert.equal(3, dynsup.info(pid).incarnation)
    assert.same({ nil, "running" }, { dynsup.restart_child(sup, pid) })
    crash(sup, 1)
    assert.is_true(dynsup.is_pid(only(sup).pid))
    crash(sup, 1)
    assert.equal("failed", only(sup).pid)
    assert.is_true(dynsup.is_pid((dynsup.restart_child(sup, only(sup).last_pid))))
    assert.same({ nil, "not_found" }, { dynsup.restart_child(sup, "nobody") })
  end))

  it("stays failed when restart_child cannot start it, and who asks is told why", host.main(function()
    local answer
    local sup = strict()
    assert(dynsup.start_child(sup, { max_restarts = 0, start = function()
      if answer then return table.unpack(answer) end
      return dynsup.spawn_link(family.mortal)
    end }))
    crash(sup, 1)
    answer = { nil, "no luck" }
    assert.same({ nil, "no luck" }, { dynsup.restart_child(sup, only(sup).last_pid) })
    local detail = { "why" }
    answer = { nil, "no luck", detail }
    assert.equal(detail, select(3, dynsup.restart_child(sup, only(sup).last_pid)))
    answer = { nil, "already_started", dynsup.self() }
    assert.same({ nil, "already_started", dynsup.self() }, { dynsup.restart_child(sup, only(sup).last_pid) })
    assert.equal("failed", only(sup).pid)
    answer = nil
    assert.is_true(dynsup.is_pid((dynsup.restart_child(sup, only(sup).last_pid))))
    crash(sup, 1)
    answer = { "ignore" }
    assert.same({ nil, "ignore" }, { dynsup.restart_child(sup, only(sup).last_pid) })
    assert.same({}, dynsup.which_children(sup))
  end))

  it("keeps what it has saved", host.main(function()
    local sup, found = strict(), nil
    assert(dynsup.start_child(sup, { max_restarts = 0, body = function()
      found = dynsup.previous()
      dynsup.save_state "kept"
      family.mortal()
    end }))
    dynsup.sleep(1)
    crash(sup, 1)
    assert.is_nil(found)
    assert(dynsup.restart_child(sup, only(sup).last_pid))
    dynsup.sleep(1)
    assert.equal("kept", found.state)
  end))

  it("is left alone by a reload, and counts towards max_children", host.main(function()
    local sup = assert(dynsup.start_link { max_restarts = 0, max_children = 1 })
    assert(dynsup.start_child(sup, limited()))
    crash(sup, 2)
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, limited()) })
    assert.is_true(dynsup.stop(sup))
  end))

  it("is told in the log, and to observers", family.trapping(function()
    local lines, seen = {}, {}
    local function log(level, text) lines[#lines + 1] = level .. " " .. text end
    dynsup.run({ clock = "virtual", log = log }, function()
      local function see(event) seen[#seen + 1] = event end
      dynsup.observe({ events = { "child_failed", "child_terminated" } }, see)
      failed { name = "it" }
    end)
    local text = table.concat(lines, "\n")
    assert.matches('error worker <[%d.]+> "it" of supervisor <[%d.]+> has failed: 2nd restart of 1', text)
    assert.matches("next: it is restarted now, the 1st restart of 1 in 5 s", text)
    assert.matches("next: it has failed and stays down, it would be the 2nd restart of 1 in 5 s", text)
    assert.matches("next: it stays down until restart_child; its siblings go on", text)
    local event = seen[3]
    assert.same({ "child_failed", "error", "it", 2, 1, 5 },
      { event.event, event.level, event.name, event.restarts, event.max_restarts, event.max_seconds })
    assert.same({ "restart", "fail" }, { seen[1].next, seen[2].next })
  end))

  it("shows in the observer's trees", host.main(function()
    local sup = failed { name = "it" }
    local child = observer.tree { root = sup }[1].children[1]
    assert.same({ "failed", "it" }, { child.state, child.name })
    assert.matches("worker, failed", tostring(observer.tree()))
  end))
end)

describe("a failed child of a static supervisor", function()
  it("is waited for by all_significant, also after a restart by hand has failed", family.trapping(function()
    local starts = 0
    local sup = assert(supervisor.start_link({
      { id = "a", restart = "transient", significant = true, max_restarts = 0, start = function()
        starts = starts + 1
        if starts > 1 then return nil, "no" end
        return dynsup.spawn_link(error, "boom")
      end },
      { id = "b", restart = "transient", significant = true, body = function() dynsup.sleep(10) end },
    }, { auto_shutdown = "all_significant" }))
    dynsup.sleep(1)
    assert.same({ nil, "no" }, { supervisor.restart_child(sup, "a") })
    dynsup.sleep(20)
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("is no part of its group, and restarted by its id", host.main(function()
    local starts = { a = 0, b = 0 }
    local function counting(id)
      return { id = id, max_restarts = id == "b" and 0 or nil, body = function()
        starts[id] = starts[id] + 1
        family.mortal()
      end }
    end
    local sup = assert(supervisor.start_link({ counting "a", counting "b" }, { strategy = "one_for_all" }))
    dynsup.sleep(1)
    local children = supervisor.which_children(sup)
    family.finish(children[1].id == "b" and children[1].pid or children[2].pid, "crash", "boom")
    dynsup.sleep(1)
    assert.same({ a = 1, b = 1 }, starts)
    assert.is_true(dynsup.is_pid((supervisor.restart_child(sup, "b"))))
    dynsup.sleep(1)
    assert.same({ a = 1, b = 2 }, starts)
  end))
end)
