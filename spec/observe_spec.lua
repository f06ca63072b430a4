-- dynsup.observe, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local static = require "dynsup.supervisor"

-- A list that is filled with the events of the filter; the observation.
local function collect(filter)
  local events = {}
  local observation = assert(dynsup.observe(filter, function(event) events[#events + 1] = event end))
  return events, observation
end

local function names(events)
  local list = {}
  for i, event in ipairs(events) do list[i] = event.event end
  return list
end

local function count(events, name)
  local n = 0
  for _, event in ipairs(events) do n = n + (event.event == name and 1 or 0) end
  return n
end

local function first(events, name)
  for _, event in ipairs(events) do
    if event.event == name then return event end
  end
end

describe("an observer", function()
  it("is told the life of a child, in order", family.trapping(function()
    local sup = dynsup.start_link { name = "pool" }
    local events = collect { supervisor = sup }
    local pid = dynsup.start_child(sup, { id = "the id", name = "it", body = family.mortal, shutdown = 7 })
    dynsup.sleep(1)
    family.finish(pid, "exit", { code = 1 })
    dynsup.sleep(1)
    dynsup.terminate_child(sup, "it")
    dynsup.sleep(1)
    assert.same({ "spawned", "started", "exited", "child_terminated", "spawned", "restarted", "exited", "removed" },
      names(events))
    local ended = first(events, "child_terminated")
    assert.equal("error", ended.level)
    assert.equal(pid, ended.pid)
    assert.equal("it", ended.name)
    assert.equal("worker", ended.type)
    assert.equal(sup, ended.supervisor)
    assert.equal("pool", ended.supervisor_name)
    assert.same({ code = 1 }, ended.reason)
    assert.equal("the id", ended.id)
    assert.equal(1, ended.incarnation)
    assert.matches("family%.lua:%d+$", ended.func)
    assert.same({ "permanent", 7, 0, 3, 5, "restart" },
      { ended.restart, ended.shutdown, ended.restarts, ended.max_restarts, ended.max_seconds, ended.next })
    assert.equal(1, ended.at)
    assert.equal(0.001, ended.time)
    assert.equal(2, first(events, "restarted").incarnation)
  end))

  it("is told what a start function says besides the reason, as it is", family.trapping(function()
    local sup = dynsup.start_link()
    local events = collect { level = "info" }
    local detail = { "a table" }
    local function fail() return nil, "no", detail end
    assert.equal(detail, select(3, dynsup.start_child(sup, { start = fail })))
    family.finish((dynsup.start_child(sup, { start = family.planned(family.up, fail, family.up) })), "exit", "oops")
    local pid, _, child = static.start_link { { id = "it", start = fail } }
    assert.is_nil(pid)
    dynsup.sleep(1)
    assert.equal(detail, first(events, "refused").detail)
    local restart, start
    for _, event in ipairs(events) do
      if event.event == "start_error" then restart, start = restart or event, event end
    end
    assert.equal(detail, restart.detail)
    assert.same({ "no", "restart", 1 }, { restart.reason, restart.next, restart.incarnation })
    assert.equal(child.detail, start.detail)
    assert.same({ "it", "no", "none", 0 }, { start.id, start.reason, start.next, start.incarnation })
  end))

  it("is told who gives up, what is delayed and what is refused, and why", family.trapping(function()
    local sup = dynsup.start_link { max_children = 1, max_restarts = 0 }
    local events = collect { level = "info" }
    local pid = dynsup.start_child(sup, { body = family.mortal, backoff = { min = 100, jitter = 0 } })
    assert.equal("max_children", select(2, dynsup.start_child(sup, family.idle)))
    family.finish(pid, "exit", "oops")
    dynsup.sleep(1)
    dynsup.terminate_child(sup, pid)
    dynsup.sleep(1)
    host.stop((dynsup.start_child(sup, { body = family.idle })), "oops")
    dynsup.sleep(1)
    assert.equal("max_children", first(events, "refused").error)
    assert.equal(100, first(events, "delayed").delay)
    assert.equal("delayed_restart", first(events, "child_terminated").next)
    local gave_up = first(events, "gave_up")
    assert.equal("reached_max_restart_intensity", gave_up.reason)
    assert.same({ 1, 0 }, { gave_up.restarts, gave_up.max_restarts })
    assert.equal(0, count(events, "spawned") + count(events, "exited"))
  end))

  it("is told the reason of a refusal only where the error does not say it", family.trapping(function()
    local events = collect { events = { "refused" } }
    for _, sup in ipairs { dynsup.start_link(), (static.start_link {}) } do
      for i, spec in ipairs { { start = family.ignores }, { start = family.fails },
        { start = function() return nil, "already_started", dynsup.self() end },
        { ready = true, start_timeout = 5, body = family.idle } } do
        spec.id = i
        dynsup.start_child(sup, spec)
      end
    end
    dynsup.sleep(1)
    for i, event in ipairs(events) do events[i] = event.error .. " " .. tostring(event.reason) end
    assert.same({ "reason not now", "timeout nil" }, { events[#events - 2], events[#events] })
    for _, event in ipairs(events) do assert.is_nil(event:match "^(%w+) %1$", event) end
  end))

  it("gets the reason itself, with the traceback of a crash", host.main(function()
    local events = collect { events = { "crashed", "exited" } }
    local pid = dynsup.spawn(function() error { code = 7 } end)
    dynsup.sleep(1)
    assert.same({ "exited", "crashed" }, names(events))
    for _, event in ipairs(events) do
      assert.equal(pid, event.pid)
      assert.equal(7, event.reason.error.code)
      assert.matches("observe_spec", event.reason.traceback)
    end
  end))

  it("may be a mailbox, by pid or by name", host.main(function()
    dynsup.register("me", dynsup.self())
    for _, dest in ipairs { dynsup.self(), "me" } do
      local observation = assert(dynsup.observe({ events = "exited" }, dest))
      local pid = dynsup.spawn(function() end)
      local tag, event = dynsup.receive()
      assert.equal("EVENT", tag)
      assert.equal(pid, event.pid)
      assert.equal("normal", event.reason)
      assert.is_true(observation:close())
    end
  end))

  it("may be closed by a finalizer, in the middle of being told", host.main(function()
    local me, closed, pids = dynsup.self(), 0, {}
    local pause, steps = collectgarbage("setpause", 0), collectgarbage("setstepmul", 10000)
    for i = 1, 500 do pids[i] = dynsup.spawn(dynsup.receive) end
    dynsup.sleep(1)
    for _ = 1, 100 do
      setmetatable({ assert(dynsup.observe({ events = "exited" }, me)) }, { __gc = function(held)
        closed = closed + 1
        held[1]:close()
      end })
    end
    for _, pid in ipairs(pids) do dynsup.exit(pid, "kill") end
    dynsup.sleep(1)
    collectgarbage()
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", steps)
    assert.equal(100, closed)
    while dynsup.receive(0) == "EVENT" do end
    dynsup.spawn(function() end)
    assert.same({ nil, "timeout" }, { dynsup.receive(10) })
  end))

  it("is told in order, also when a finalizer asks meanwhile for what was told", host.main(function()
    local recorder, pids, asked = require "dynsup.observer", {}, 0
    local pause, steps = collectgarbage("setpause", 0), collectgarbage("setstepmul", 10000)
    recorder.record(1000, { events = "exited" })
    dynsup.observe({ events = "exited" }, dynsup.self())
    for i = 1, 1000 do pids[i] = dynsup.spawn(dynsup.receive) end
    dynsup.sleep(1)
    for _ = 1, 100 do
      setmetatable({}, { __gc = function() asked = asked + (#recorder.events() > 0 and 1 or 0) end })
    end
    for _, pid in ipairs(pids) do dynsup.exit(pid, "kill") end
    dynsup.sleep(1)
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", steps)
    local events = recorder.events()
    for i, pid in ipairs(pids) do
      assert.equal(pid, select(2, dynsup.receive(0)).pid)
      assert.equal(pid, events[i].pid)
    end
    recorder.record(0)
  end))

  it("gets events of its kinds, supervisor, process and level only", family.trapping(function()
    local one, other = dynsup.start_link { name = "one" }, dynsup.start_link()
    local by_kind, by_name, by_pid, by_level, by_child = collect { events = { "removed" } },
      collect { supervisor = "one" }, collect { supervisor = other }, collect { level = "error" },
      collect { pid = "child" }
    local a = dynsup.start_child(one, { body = family.mortal, restart = "temporary", name = "child" })
    local b = dynsup.start_child(other, { body = family.mortal, restart = "temporary" })
    dynsup.sleep(1)
    family.finish(a, "exit", "oops")
    family.finish(b, "return")
    dynsup.sleep(1)
    assert.same({ "removed", "removed" }, names(by_kind))
    assert.same({ "spawned", "started", "exited", "child_terminated", "removed" }, names(by_name))
    assert.same({ "spawned", "started", "exited", "removed" }, names(by_pid))
    assert.same({ "child_terminated" }, names(by_level))
    assert.same({ "spawned", "started", "exited", "child_terminated", "removed" }, names(by_child))
    for _, event in ipairs(by_name) do assert.equal(one, event.supervisor) end
    for _, event in ipairs(by_pid) do assert.equal(other, event.supervisor) end
  end))

  it("follows a named supervisor over its restarts", family.trapping(function()
    local top = dynsup.start_link()
    local events = collect { supervisor = "pool", events = "started" }
    dynsup.start_child(top, { dynsup, { name = "pool" } })
    for _ = 1, 2 do
      dynsup.start_child("pool", family.idle)
      host.stop(dynsup.whereis "pool", "kill")
      dynsup.sleep(1)
    end
    assert.equal(2, #events)
    assert.not_equal(events[1].supervisor, events[2].supervisor)
  end))

  it("is several, each with tables of its own", host.main(function()
    local a, b = collect { events = "exited" }, collect { events = "exited" }
    dynsup.spawn(function() end)
    dynsup.sleep(1)
    assert.equal(1, #a)
    assert.equal(1, #b)
    assert.not_equal(a[1], b[1])
  end))

  it("hears nothing from before it began, nothing of itself, and nothing after its end", host.main(function()
    dynsup.spawn(function() end)
    local events, observation = collect(nil)
    dynsup.sleep(1)
    assert.same({ "exited" }, names(events)) -- what began before ends now
    assert.is_true(observation:close())
    assert.is_false(observation:close())
    dynsup.spawn(function() end)
    dynsup.sleep(1)
    assert.equal(1, #events)
    assert.is_false(dynsup.is_alive(observation.pid))
  end))

  it("hears nothing of its own process", host.main(function()
    local sup, heard = dynsup.start_link(), nil
    local others = collect { events = "started" }
    dynsup.start_child(sup, { ready = true, body = function()
      dynsup.observe({ events = "started" }, dynsup.self())
      dynsup.ready()
      dynsup.sleep(1)
      heard = #host.drain()
      dynsup.receive()
    end })
    dynsup.sleep(2)
    assert.equal(1, #others)
    assert.equal(0, heard)
  end))

  it("hears nothing from before it began, although others do", host.main(function()
    local early = collect { events = "spawned" }
    dynsup.spawn(function() end)
    local late = collect { events = "spawned" }
    dynsup.sleep(1)
    assert.equal(0, #late)
    assert.is_true(#early >= 1)
  end))

  it("is named where close is called without it", host.main(function()
    local observation <close> = assert(dynsup.observe(nil, print))
    local _, message = pcall(function() return (observation.close()) end)
    assert.matches("^spec/observe_spec.lua:%d+: bad argument #1 to 'close' %(observation expected, got nil%)$", message)
  end))

  it("is closed as a to-be-closed variable", host.main(function()
    local pid
    do
      local observation <close> = assert(dynsup.observe(nil, print))
      pid = observation.pid
      assert.is_true(dynsup.is_alive(pid))
    end
    assert.is_false(dynsup.is_alive(pid))
  end))

  it("may close itself", host.main(function()
    local calls, observation = 0, nil
    observation = dynsup.observe({ events = "exited" }, function()
      calls = calls + 1
      assert.is_true(observation:close())
      calls = calls + 1
    end)
    for _ = 1, 3 do dynsup.spawn(function() end) end
    dynsup.sleep(1)
    assert.equal(2, calls)
    assert.is_false(dynsup.is_alive(observation.pid))
  end))

  it("may wait, send and start processes", host.main(function()
    local main, seen = dynsup.self(), {}
    dynsup.observe({ events = "exited" }, function(event)
      dynsup.sleep(10)
      if #seen < 3 then dynsup.spawn(function() end) end
      seen[#seen + 1] = event.pid
      if #seen == 3 then dynsup.send(main, "done") end
    end)
    dynsup.spawn(function() end)
    assert.equal("done", dynsup.receive(1000))
  end))

  it("that runs for ever does not hold up others", host.main(function()
    dynsup.observe({ events = "exited" }, function() while true do end end)
    local done = 0
    for _ = 1, 10 do
      dynsup.spawn(function()
        for _ = 1, 3 do dynsup.yield() end
        done = done + 1
      end)
    end
    while done < 10 do dynsup.yield() end
    dynsup.halt(0)
  end))
end)

describe("a process that is stuck in a C function", function()
  it("is told with its time, on the real clock", function()
    local events
    host.run(function()
      events = collect { level = "warning" }
      os.execute "sleep 0.3"
      dynsup.sleep(1)
    end, { clock = "real" })
    assert.same({ "stuck" }, names(events))
    assert.is_true(events[1].delay >= 100)
  end)
end)

describe("an observation ends", function()
  it("with the error of its function, which is reported", function()
    local lines, calls = {}, 0
    host.run(function()
      local observation = dynsup.observe({ events = "exited" }, function()
        calls = calls + 1
        error "observed too much"
      end)
      for _ = 1, 3 do dynsup.spawn(function() end) end
      dynsup.sleep(1)
      assert.is_false(observation:close())
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.equal(1, calls)
    assert.equal(1, #lines)
    assert.matches("observed too much", lines[1])
    assert.matches("stack traceback", lines[1])
  end)

  it("with the process that began it", host.main(function()
    local observation
    local owner = dynsup.spawn(function()
      observation = dynsup.observe(nil, function() end)
      dynsup.receive()
    end)
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(observation.pid))
    dynsup.send(owner, "end")
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(observation.pid))
    assert.is_false(observation:close())
  end))

  it("with the process whose mailbox it fills", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    dynsup.sleep(1)
    local observation = dynsup.observe({ events = "spawned" }, pid)
    dynsup.spawn(family.idle)
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(pid))
    dynsup.spawn(family.idle)
    dynsup.sleep(1)
    assert.is_false(observation:close())
  end))

  it("with the run, whatever is under way", function()
    for _ = 1, 2 do
      assert.is_true(host.outcome(function()
        collect(nil)
        dynsup.observe(nil, dynsup.self())
        for _ = 1, 10 do dynsup.start_child(dynsup.start_link(), family.idle) end
        return setmetatable({}, { __gc = function() end })
      end))
    end
  end)

  it("and is over in another run", function()
    local observation
    host.run(function() observation = dynsup.observe(nil, dynsup.self()) end)
    host.run(function()
      local mine = dynsup.observe(nil, dynsup.self())
      assert.is_false(observation:close())
      assert.is_true(mine:close())
    end)
    assert.is_false(observation:close())
  end)
end)

describe("what an observer misses", function()
  it("when its mailbox is full is counted, and told with the next event", host.main(function()
    dynsup.observe({ events = "spawned" }, dynsup.self())
    local sup = dynsup.start_link()
    for i = 1, 10100 do
      dynsup.start_child(sup, { restart = "temporary", body = dynsup.receive })
      if i % 100 == 0 then dynsup.yield() end
    end
    dynsup.sleep(1)
    local got = #host.drain()
    assert.equal(10000, got)
    dynsup.spawn(family.idle)
    local _, event = dynsup.receive()
    assert.equal(10100 + 1 - got, event.lost) -- the supervisor's own begin was the first
    dynsup.spawn(family.idle)
    _, event = dynsup.receive()
    assert.is_nil(event.lost)
  end))
end)

describe("an observer by a key of a registry", function()
  it("is told, and tells of who has a key", host.main(function()
    local r, main = dynsup.registry.start_link { keys = "unique" }, dynsup.self()
    local teller = dynsup.spawn(function()
      dynsup.registry.register(r, "teller")
      while true do dynsup.send(main, dynsup.receive()) end
    end)
    local worker = dynsup.spawn(function()
      dynsup.registry.register(r, "worker")
      dynsup.receive()
    end)
    dynsup.sleep(1)
    local observation = assert(dynsup.observe({ events = "exited", pid = { r, "worker" } }, { r, "teller" }))
    assert.equal(teller, observation.pid)
    dynsup.send(worker, "go")
    local tag, event = dynsup.receive(10)
    assert.same({ "EVENT", worker }, { tag, event.pid })
    assert.same({ nil, "noproc" }, { dynsup.observe(nil, { r, "nobody" }) })
    local filter = { r, "nobody" }
    assert.same({ nil, "invalid_pid", filter }, { dynsup.observe({ pid = filter }, print) })
    dynsup.halt()
  end))
end)

describe("observe", function()
  it("fails for a filter or a target that is none", host.main(function()
    local function assert_fails(reason, detail, filter, target)
      assert.same({ n = 3, nil, reason, detail }, table.pack(dynsup.observe(filter, target or print)))
    end
    assert_fails("invalid_events", "exits", { events = "exits" })
    assert_fails("invalid_events", 5, { events = 5 })
    assert_fails("invalid_level", "off", { level = "off" })
    assert_fails("invalid_supervisor", 1, { supervisor = 1 })
    assert_fails("invalid_pid", true, { pid = true })
    assert_fails("invalid_option", "event", { event = "exited" })
    local dead = dynsup.spawn(function() end)
    dynsup.sleep(1)
    for _, dest in ipairs { dead, "nobody" } do
      assert.same({ nil, "noproc" }, { dynsup.observe(nil, dest) })
    end
    assert.same({ nil, "is_a_supervisor" }, { dynsup.observe(nil, dynsup.start_link()) })
    local registry = dynsup.registry.start_link { keys = "unique" }
    assert.same({ nil, "is_a_registry" }, { dynsup.observe(nil, registry) })
  end))

  it("is misused by other types, by too many arguments, and outside of a run", function()
    host.run(function()
      assert.error_matches(function() dynsup.observe("exited", print) end,
        "^bad argument #1 to 'observe' %(table expected, got string%)")
      for _, target in ipairs { 1, true, {} } do
        assert.error_matches(function() dynsup.observe(nil, target) end,
          "^bad argument #2 to 'observe'")
      end
      local r = dynsup.registry.start_link { keys = "duplicate" }
      assert.error_matches(function() dynsup.observe(nil, { r, "key" }) end,
        "^bad argument #2 to 'observe' %(a key of a registry with duplicate keys is no dest%)")
      assert.error_matches(function() dynsup.observe(nil, {}) end,
        "^bad argument #2 to 'observe' %(function or dest expected, got table%)")
      assert.error_matches(function() dynsup.observe(nil) end, "bad argument #2 to 'observe'")
      assert.error_matches(function() dynsup.observe(nil, print, 1) end, "bad argument #3 to 'observe'")
    end)
    assert.error_matches(function() dynsup.observe(nil, print) end, "no host is running")
  end)
end)
