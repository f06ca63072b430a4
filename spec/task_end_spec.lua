-- dynsup.task: how an owner ends a task, or lets it go.

local bodies = require "spec.support.task_bodies"
local dynsup = require "dynsup"
local host = require "spec.support.host"
local task = require "dynsup.task"

local forever, after = bodies.forever, bodies.after
local trapping, assert_quiet = bodies.trapping, bodies.assert_quiet

-- A task that outlives its shutdown.
local function stubborn()
  dynsup.flag("trap_exit", true)
  while true do dynsup.receive() end
end

describe("task.shutdown", function()
  it("is nil for a task that it has ended, and no exit comes", trapping(function()
    for _, ms in ipairs { 5000, "infinity", "brutal_kill" } do
      local t = task.async(forever)
      dynsup.sleep(1)
      assert.same({ n = 1 }, table.pack(task.shutdown(t, ms)))
      assert.is_false(dynsup.is_alive(t.pid))
    end
    assert.same({}, host.drain())
  end))

  it("does not take its caller along", host.main(function()
    assert.is_nil(task.shutdown(task.async(forever)))
    assert.is_nil(task.shutdown(task.async(forever), "brutal_kill"))
    local t = task.async(stubborn)
    dynsup.sleep(1)
    assert.same({ "exit", "killed" }, { task.shutdown(t, 0) })
  end))

  it("does not take its caller along by a link that the caller has made", host.main(function()
    local sup = dynsup.start_link()
    for _, ms in ipairs { 5000, "brutal_kill" } do
      local t = task.async_nolink(sup, forever)
      dynsup.link(t.pid)
      assert.is_nil(task.shutdown(t, ms))
    end
    dynsup.sleep(1)
    assert.same({ sup }, dynsup.info(dynsup.self()).links)
  end))

  it("kills a task that takes too long", host.main(function()
    local t = task.async(stubborn)
    dynsup.sleep(1)
    assert.same({ "exit", "killed" }, { task.shutdown(t, 10) })
    assert.equal(11, dynsup.now())
  end))

  it("hands out results that are there", host.main(function()
    for _, ms in ipairs { 5000, "brutal_kill" } do
      local t = task.async(after, 1, "x")
      dynsup.sleep(2)
      assert.same({ "ok", "x" }, { task.shutdown(t, ms) })
    end
    local t = task.async(function()
      dynsup.flag("trap_exit", true)
      dynsup.receive()
      return "on the way"
    end)
    dynsup.sleep(1)
    assert.same({ "ok", "on the way" }, { task.shutdown(t) })
    assert.same({}, host.drain())
  end))

  it("tells another end", trapping(function()
    local cases = { { "normal", 5000, "normal" }, { "x", 5000, "x" }, { "shutdown", 5000 }, { "shutdown",
      "brutal_kill", "shutdown" }, { "x", "brutal_kill", "x" } }
    for _, case in ipairs(cases) do
      local t = task.async(dynsup.exit, case[1])
      dynsup.sleep(1)
      local expected = case[3] and { "exit", case[3] } or {}
      assert.same(expected, { task.shutdown(t, case[2]) })
    end
    assert.same({}, host.drain())
  end))

  it("does nothing where it cannot wait", host.main(function()
    local t = task.async(forever)
    local ok, message = pcall(table.sort, { 1, 2 }, function()
      task.shutdown(t)
      return false
    end)
    assert.is_false(ok)
    assert.matches("task_end_spec.lua:%d+: cannot wait across", message)
    assert.is_true(dynsup.is_alive(t.pid))
    assert.same({ t.pid }, dynsup.info(dynsup.self()).links)
    task.shutdown(t)
  end))
end)

describe("task.ignore", function()
  it("lets the task go on alone", host.main(function()
    local done
    local t = task.async(function()
      dynsup.sleep(5)
      done = true
      error "unheard"
    end)
    assert.is_nil(task.ignore(t))
    dynsup.sleep(10)
    assert.is_true(done)
    assert_quiet()
  end))

  it("ends a link that the caller has made", host.main(function()
    local sup = dynsup.start_link()
    local t = task.async_nolink(sup, forever)
    dynsup.link(t.pid)
    assert.is_nil(task.ignore(t))
    assert.same({ sup }, dynsup.info(dynsup.self()).links)
  end))

  it("hands out an end that is there", trapping(function()
    local t, u = task.async(after, 1, "x"), task.async(dynsup.exit, "y")
    dynsup.sleep(2)
    assert.same({ "ok", "x" }, { task.ignore(t) })
    assert.same({ "exit", "y" }, { task.ignore(u) })
    assert.same({}, host.drain())
  end))
end)

describe("unlinking a task", function()
  -- How often the last result that is asked for is passed over: by C, and not by a function for each.
  it("looks through no mailbox of a process that traps nothing", host.main(function()
    local looks, receive_match = 0, dynsup.receive_match
    for i = 1, 50 do dynsup.send(dynsup.self(), i) end
    local t = task.async(after, 1, "result")
    dynsup.sleep(5)
    debug.sethook(function(event)
      if event == "call" and debug.getinfo(2, "S").source:find "dynsup.task" then looks = looks + 1 end
    end, "c")
    task.shutdown(t)
    debug.sethook()
    assert.equal(receive_match, dynsup.receive_match)
    assert.is_true(looks < 75, looks .. " calls")
  end))

  it("takes the exit away from one that traps", trapping(function()
    local t = task.async(after, 1)
    dynsup.sleep(5)
    dynsup.send(dynsup.self(), "EXIT", 1, "not an exit")
    task.shutdown(t)
    assert.same({ { "EXIT", 1, "not an exit", n = 3 } }, host.drain())
  end))
end)
