local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

-- Monitors the processes, calls f in another process, and returns how each ended: a table by pid of
-- { reason, ms after the call }.
local function endings(pids, f, ...)
  local of, result = {}, {}
  for _, pid in ipairs(pids) do of[dynsup.monitor(pid)] = pid end
  local from = dynsup.now()
  family.async(f, ...)
  for _ = 1, #pids do
    local _, ref, _, reason = dynsup.receive_match("DOWN")
    result[of[ref]] = { reason, dynsup.now() - from }
  end
  return result
end

local function assert_ending(reason, ms, ending)
  assert.equal(reason, ending[1])
  assert.near(ms, ending[2], 0.001)
end

describe("stop", function()
  it("is true once the supervisor is down, with the reason normal", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    local ref = dynsup.monitor(sup)
    assert.is_true(dynsup.stop(sup))
    assert.is_false(dynsup.is_alive(sup))
    assert.is_nil(dynsup.whereis("pool"))
    assert.equal("normal", host.down(ref))
  end))

  it("takes a name", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    assert.is_true(dynsup.stop("pool"))
    assert.is_false(dynsup.is_alive(sup))
  end))

  it("gives the supervisor another reason to end with", family.trapping(function()
    local reasons = { "shutdown", { "shutdown", 1 }, "bye", { code = 7 } }
    for _, reason in ipairs(reasons) do
      local sup = dynsup.start_link {}
      local ref = dynsup.monitor(sup)
      assert.is_true(dynsup.stop(sup, reason))
      assert.equal(reason, host.down(ref))
      assert.same({ "EXIT", sup, reason }, { dynsup.receive_match("EXIT") })
    end
  end))

  it("is true for everyone who asks for the same reason", family.trapping(function()
    local sup = assert(dynsup.start_link {})
    assert(dynsup.start_child(sup, { shutdown = 10, restart = "temporary", body = function()
      dynsup.flag("trap_exit", true)
      dynsup.sleep("infinity")
    end }))
    dynsup.yield()
    local answers = {}
    for i = 1, 2 do
      dynsup.spawn(function()
        answers[i] = table.pack(dynsup.stop(sup, "re" .. "ason"))
      end)
    end
    local reason = select(3, dynsup.receive())
    dynsup.yield()
    assert.equal("reason", reason)
    assert.same({ { true, n = 1 }, { true, n = 1 } }, answers)
  end))

  it("may be called by any process", host.main(function()
    local sup = dynsup.start_link {}
    assert.is_true(family.result(family.async(dynsup.stop, sup)))
    assert.is_false(dynsup.is_alive(sup))
  end))

  it("may be called by a child, which it ends", host.main(function()
    local sup, returned = dynsup.start_link {}, false
    local ref = dynsup.monitor(sup)
    local pid = dynsup.start_child(sup, { body = function()
      dynsup.stop(sup)
      returned = true
    end })
    local child = dynsup.monitor(pid)
    assert.equal("normal", host.down(ref))
    assert.equal("shutdown", host.down(child))
    assert.is_false(returned)
  end))

  it("says noproc and not_a_supervisor", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    dynsup.stop(sup)
    assert.same({ nil, "noproc" }, { dynsup.stop(sup) })
    assert.same({ nil, "noproc" }, { dynsup.stop("pool") })
    local pid = dynsup.spawn(family.idle)
    assert.same({ nil, "not_a_supervisor" }, { dynsup.stop(pid) })
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("refuses wrong arguments as misuse", host.main(function()
    local sup = dynsup.start_link {}
    assert.error_matches(function() dynsup.stop() end, "#1")
    assert.error_matches(function() dynsup.stop(42) end, "#1")
    assert.error_matches(function() dynsup.stop(sup, "normal", -1) end, "#3")
    assert.error_matches(function() dynsup.stop(sup, "normal", "soon") end, "#3")
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("says timeout when it takes longer, and the supervisor goes on stopping", host.main(function()
    local sup = dynsup.start_link {}
    local ref = dynsup.monitor(sup)
    dynsup.start_child(sup, family.slow_spec(500))
    local took, done, why = family.elapsed(dynsup.stop, sup, "normal", 100)
    assert.near(100, took, 0.001)
    assert.is_nil(done)
    assert.equal("timeout", why)
    assert.is_true(dynsup.is_alive(sup))
    assert.near(400, (family.elapsed(host.down, ref)), 0.001)
  end))

  it("is true when the time suffices", host.main(function()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, family.slow_spec(99))
    assert.is_true(dynsup.stop(sup, "normal", 100))
  end))

  it("waits for ever with infinity", host.main(function()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, family.slow_spec(1e6, { shutdown = "infinity" }))
    local took, done = family.elapsed(dynsup.stop, sup, "normal", "infinity")
    assert.is_true(done)
    assert.near(1e6, took, 0.001)
  end))

  it("gives the other reason when the supervisor ends with one", family.trapping(function()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, family.slow_spec(500))
    local job = family.async(dynsup.stop, sup)
    dynsup.sleep(50)
    dynsup.exit(sup, "kill")
    assert.same({ nil, "killed" }, { family.result(job) })
  end))

  it("waits for the start function that is running", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, { start = function()
      dynsup.sleep(50)
      return family.up()
    end })
    dynsup.sleep(10)
    local took, done = family.elapsed(dynsup.stop, sup)
    assert.is_true(done)
    assert.near(40, took, 0.001)
    local pid = family.result(job)
    assert.is_true(dynsup.is_pid(pid))
    assert.is_false(dynsup.is_alive(pid))
  end))
end)

describe("a supervisor that stops", function()
  it("gives all its children their exit signal at once", host.main(function()
    local sup, pids = dynsup.start_link {}, {}
    for i = 1, 20 do pids[i] = dynsup.start_child(sup, family.slow_spec(100)) end
    local seen = endings({ sup, table.unpack(pids) }, dynsup.stop, sup)
    for i = 1, 20 do assert_ending("shutdown", 100, seen[pids[i]]) end
    assert_ending("normal", 100, seen[sup])
  end))

  it("gives each child its own shutdown time and kills it then", host.main(function()
    local sup = dynsup.start_link {}
    local function start(ms, shutdown)
      return (dynsup.start_child(sup, family.slow_spec(ms, { shutdown = shutdown })))
    end
    local quick, in_time, late = start(10, 100), start(299, 300), start(1000, 300)
    local brutal, zero = start(1000, "brutal_kill"), start(1000, 0)
    local patient = start(2000, "infinity")
    local seen = endings({ sup, quick, in_time, late, brutal, zero, patient }, dynsup.stop, sup)
    assert_ending("killed", 0, seen[brutal])
    assert_ending("killed", 0, seen[zero])
    assert_ending("shutdown", 10, seen[quick])
    assert_ending("shutdown", 299, seen[in_time])
    assert_ending("killed", 300, seen[late])
    assert_ending("shutdown", 2000, seen[patient])
    assert_ending("normal", 2000, seen[sup])
  end))

  it("ends children that trap nothing with shutdown", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.idle })
    local seen = endings({ sup, pid }, dynsup.stop, sup)
    assert_ending("shutdown", 0, seen[pid])
    assert_ending("normal", 0, seen[sup])
  end))

  for _, reason in ipairs { "normal", "oops" } do
    it("does not restart a child that ends with " .. reason, host.main(function()
      local sup, starts = dynsup.start_link {}, 0
      dynsup.start_child(sup, { ready = true, restart = "permanent", body = function()
        starts = starts + 1
        family.slow(10, reason)
      end })
      assert.is_true(dynsup.stop(sup))
      dynsup.sleep(100)
      assert.equal(1, starts)
    end))
  end

  it("refuses requests", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.slow_spec(100))
    local job = family.async(dynsup.stop, sup)
    dynsup.sleep(50)
    assert.same({ nil, "noproc" }, { dynsup.start_child(sup, family.idle) })
    assert.same({ nil, "noproc" }, { dynsup.start_child(sup, { start = family.up }) })
    assert.same({ nil, "noproc" },
      { dynsup.ensure_child(sup, { body = family.idle, name = "it" }) })
    assert.is_true(dynsup.is_alive(pid))
    assert.is_true(family.result(job))
  end))

  it("ends children that are no links of its own", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { start = function() return dynsup.spawn(family.idle) end })
    local seen = endings({ pid }, dynsup.stop, sup)
    assert_ending("shutdown", 0, seen[pid])
  end))

  it("stops the supervisors below it with their children", host.main(function()
    local top = dynsup.start_link {}
    local middle = dynsup.start_child(top, { dynsup, {} })
    local bottom = dynsup.start_child(middle, { dynsup, {} })
    local worker = dynsup.start_child(bottom, family.slow_spec(100))
    local seen = endings({ top, middle, bottom, worker }, dynsup.stop, top)
    assert_ending("shutdown", 100, seen[worker])
    assert_ending("shutdown", 100, seen[bottom])
    assert_ending("shutdown", 100, seen[middle])
    assert_ending("normal", 100, seen[top])
  end))

  it("ends thousands of children", host.main(function()
    local sup = dynsup.start_link {}
    for _ = 1, 5000 do dynsup.start_child(sup, family.idle) end
    local last = dynsup.start_child(sup, family.idle)
    assert.equal(5001, dynsup.count_children(sup).active)
    assert.is_true(dynsup.stop(sup))
    assert.is_false(dynsup.is_alive(last))
  end))
end)

describe("the exit signal of its parent", function()
  -- A process with a supervisor and a worker under it, which ends with what it is told.
  local function family_of_three()
    local main = dynsup.self()
    local parent = dynsup.spawn(function()
      local sup = dynsup.start_link {}
      dynsup.send(main, "up", sup, (dynsup.start_child(sup, { body = family.idle })))
      family.mortal()
    end)
    local _, sup, worker = dynsup.receive_match("up")
    return parent, sup, worker
  end

  for _, reason in ipairs { "normal", "shutdown", "oops" } do
    it("ends a supervisor when the parent ended with " .. reason, host.main(function()
      local parent, sup, worker = family_of_three()
      local seen = endings({ sup, worker }, dynsup.send, parent, "exit", reason)
      assert_ending("shutdown", 0, seen[worker])
      assert_ending(reason, 0, seen[sup])
    end))
  end

  it("ends a supervisor when the parent was killed", host.main(function()
    local parent, sup, worker = family_of_three()
    local seen = endings({ sup, worker }, dynsup.exit, parent, "kill")
    assert_ending("shutdown", 0, seen[worker])
    assert_ending("killed", 0, seen[sup])
  end))

  it("leaves the children their shutdown time", host.main(function()
    local main = dynsup.self()
    local parent = dynsup.spawn(function()
      local sup = dynsup.start_link {}
      dynsup.send(main, "up", sup, (dynsup.start_child(sup, family.slow_spec(100))))
      family.mortal()
    end)
    local _, sup, worker = dynsup.receive_match("up")
    local seen = endings({ sup, worker }, dynsup.send, parent, "return")
    assert_ending("shutdown", 100, seen[worker])
    assert_ending("normal", 100, seen[sup])
  end))

  for _, reason in ipairs { "normal", "shutdown", "oops" } do
    it("ends a supervisor when the parent sends it by hand: " .. reason, family.trapping(function()
      local sup = dynsup.start_link {}
      local worker = dynsup.monitor((dynsup.start_child(sup, { body = family.idle })))
      assert.equal(reason, host.stop(sup, reason))
      assert.equal("shutdown", host.down(worker))
    end))
  end
end)

describe("the exit signal of a process that is not the parent", function()
  it("is ignored", host.main(function()
    local sup = dynsup.start_link {}
    local worker = dynsup.start_child(sup, family.idle)
    for _, reason in ipairs { "normal", "shutdown", "oops", { "shutdown", 1 } } do
      family.result(family.async(dynsup.exit, sup, reason))
      dynsup.sleep(1)
      assert.is_true(dynsup.is_alive(sup))
    end
    assert.equal(worker, family.only(sup).pid)
  end))

  it("is ignored when it comes from a link", host.main(function()
    local sup = dynsup.start_link {}
    local worker = dynsup.start_child(sup, family.idle)
    local _, ref = dynsup.spawn_monitor(function()
      dynsup.link(sup)
      dynsup.exit("oops")
    end)
    host.down(ref)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(sup))
    assert.is_true(dynsup.is_alive(worker))
  end))

  it("is ignored when a child sends it", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, function()
      dynsup.exit(sup, "shutdown")
      family.idle()
    end)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(sup))
    assert.is_true(dynsup.is_alive(pid))
  end))
end)

describe("a supervisor that is killed", function()
  it("ends with killed, and its children by their links", family.trapping(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.idle })
    local linked = dynsup.start_child(sup, { start = family.up })
    local seen = endings({ sup, pid, linked }, dynsup.exit, sup, "kill")
    assert_ending("killed", 0, seen[sup])
    assert_ending("killed", 0, seen[pid])
    assert_ending("killed", 0, seen[linked])
  end))

  it("leaves children that trap exits with a message", family.trapping(function()
    local sup, got = dynsup.start_link {}, nil
    local pid = dynsup.start_child(sup, { ready = true, body = function()
      dynsup.flag("trap_exit", true)
      dynsup.ready()
      got = { dynsup.receive() }
      family.idle()
    end })
    host.stop(sup, "kill")
    dynsup.sleep(1)
    assert.same({ "EXIT", sup, "killed" }, got)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("leaves children that are not linked alone", family.trapping(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { start = function() return dynsup.spawn(family.idle) end })
    host.stop(sup, "kill")
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
  end))
end)

describe("the end of a run", function()
  local function note(list, name)
    return { ready = true, restart = "temporary", body = function()
      dynsup.flag("trap_exit", true)
      dynsup.ready()
      dynsup.receive()
      list[#list + 1] = name
    end }
  end

  it("stops the main process's supervisors in reverse order of start", function()
    local order = {}
    host.run(function()
      for _, name in ipairs { "first", "second", "third" } do
        dynsup.start_child((dynsup.start_link {}), note(order, name))
      end
    end)
    assert.same({ "third", "second", "first" }, order)
  end)

  it("waits for one supervisor before it stops the next", function()
    local order = {}
    host.run(function()
      dynsup.start_child((dynsup.start_link {}), note(order, "early"))
      local late = dynsup.start_link {}
      dynsup.start_child(late, { ready = true, restart = "temporary", body = function()
        family.slow(1000)
      end })
      dynsup.start_child(late, { ready = true, restart = "temporary", body = function()
        dynsup.flag("trap_exit", true)
        dynsup.ready()
        dynsup.receive()
        dynsup.sleep(500)
        order[#order + 1] = "late"
      end })
    end)
    assert.same({ "late", "early" }, order)
  end)

  it("comes in this order when halt asks for it", function()
    local order = {}
    host.outcome(function()
      for _, name in ipairs { "first", "second" } do
        dynsup.start_child((dynsup.start_link {}), note(order, name))
      end
      dynsup.halt()
    end)
    assert.same({ "second", "first" }, order)
  end)
end)
