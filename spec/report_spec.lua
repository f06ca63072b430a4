local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local server = require "dynsup.server"
local static = require "dynsup.supervisor"

-- What the host of f logs: a list of { level, text }.
local function log_of(f)
  local lines = {}
  host.run(function()
    dynsup.flag("trap_exit", true)
    return f()
  end, { log = function(level, text) lines[#lines + 1] = { level = level, text = text } end })
  return lines
end

-- The lines whose text has all the given parts.
local function having(lines, ...)
  local found = {}
  for _, line in ipairs(lines) do
    local all = true
    for _, part in ipairs { ... } do all = all and line.text:find(part, 1, true) ~= nil end
    if all then found[#found + 1] = line end
  end
  return found
end

local contexts = { "child_terminated", "start_error", "shutdown_error",
  "reached_max_restart_intensity" }

local function assert_no_report(lines)
  for _, context in ipairs(contexts) do assert.same({}, having(lines, context)) end
end

describe("the report of a child's abnormal end", function()
  it("tells the supervisor, the reason with its traceback, and the child", function()
    local pid
    local lines = log_of(function()
      local sup = dynsup.start_link { name = "the_pool" }
      pid = dynsup.start_child(sup, { id = "the id", restart = "transient", shutdown = 1234,
        body = function() error "boom" end })
      host.down(dynsup.monitor(pid))
      dynsup.stop(sup)
    end)
    local report = having(lines, "child_terminated", tostring(pid))
    assert.equal(1, #report)
    assert.equal("error", report[1].level)
    local parts = { "the_pool", "boom", "stack traceback", "report_spec.lua", "the id", "transient",
      "1234", "worker" }
    for _, part in ipairs(parts) do assert.equal(1, #having(report, part), part) end
  end)

  it("tells what stands behind a zero byte", function()
    local lines = log_of(function()
      dynsup.spawn(function() error("before\0after", 0) end)
      dynsup.spawn(function() dynsup.exit { "a\0b", ["c\0d"] = true } end)
      dynsup.sleep(1)
    end)
    assert.equal(1, #having(lines, "reason: before\\000after"))
    assert.equal(1, #having(lines, "a\\000b", "c\\000d"))
  end)

  it("tells what is in an error object, in the same order every time", function()
    local many = {}
    for i = 1, 20 do many[("k%02d"):format(i)] = i end
    local lines = log_of(function()
      dynsup.spawn(error, { code = 404, message = "not found" })
      dynsup.spawn(error, { "io", {}, { deep = { er = {} } } })
      dynsup.spawn(error, many)
    end)
    assert.equal(1, #having(lines, "reason: { code = 404, message = not found }\n"))
    assert.equal(1, #having(lines, "reason: { io, { }, { deep = { ... } } }\n"))
    assert.equal(1, #having(lines, "reason: { k01 = 1, k02 = 2, k03 = 3, k04 = 4, k05 = 5, k06 = 6, "
      .. "k07 = 7, k08 = 8, ... }\n"))
  end)

  it("tells where the function of each child is, also of temporary ones", function()
    local function crash() error "boom" end
    local function other() error "boom" end
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      for _, body in ipairs { crash, other, crash, "nowhere:f" } do
        local pid = dynsup.start_child(sup, { restart = "temporary", body = body })
        host.down(dynsup.monitor(pid))
      end
      dynsup.stop(sup)
    end)
    local function place(f)
      local info = debug.getinfo(f, "S")
      return ("function: %s:%d\n"):format(info.short_src, info.linedefined)
    end
    assert.equal(2, #having(lines, "child_terminated", place(crash)))
    assert.equal(1, #having(lines, "child_terminated", place(other)))
    assert.equal(1, #having(lines, "child_terminated", "function: nowhere:f\n"))
  end)

  it("tells where the function of each child is when two take turns, one repeated", function()
    local ran = ""
    local function one() ran = ran .. "1"; dynsup.exit("boom") end
    local function two() ran = ran .. "2"; dynsup.exit("boom") end
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      for _, body in ipairs { one, one, one, two, two, one, two, two } do
        dynsup.start_child(sup, body)
      end
      dynsup.yield()
    end)
    local function place(f)
      return ("spec/report_spec.lua:%d\n"):format(debug.getinfo(f, "S").linedefined)
    end
    assert.equal("11122122", ran)
    assert.equal(4, #having(lines, "child_terminated", place(one)))
    assert.equal(4, #having(lines, "child_terminated", place(two)))
  end)

  it("counts the restart it leads to within the period", function()
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      dynsup.start_child(sup, { body = family.idle, name = "it" })
      for _ = 1, 3 do host.stop(dynsup.whereis("it"), "oops") end
      assert.is_true(dynsup.is_alive(sup))
    end)
    assert.equal(3, #having(lines, "child_terminated", "oops"))
    for _, text in ipairs { "1st", "2nd", "3rd" } do
      local sentence = text .. " restart of 3 in 5 s"
      assert.equal(1, #having(lines, "child_terminated", sentence), sentence)
    end
  end)

  it("counts by the supervisor's own limits", function()
    local lines = log_of(function()
      local sup = dynsup.start_link { max_restarts = 7, max_seconds = 0.5 }
      host.stop((dynsup.start_child(sup, { body = family.idle })), "oops")
    end)
    assert.equal(1, #having(lines, "child_terminated", "1st restart of 7 in 0.5 s"))
  end)

  it("is written for a temporary child, too, without a restart", function()
    local lines = log_of(function()
      host.stop((dynsup.start_child((dynsup.start_link {}), family.idle)), "oops")
    end)
    local report = having(lines, "child_terminated", "oops", "temporary")
    assert.equal(1, #report)
    assert.same({}, having(report, "restart of"))
  end)

  it("is not written for ends that are in order", function()
    assert_no_report(log_of(function()
      local sup = dynsup.start_link {}
      for _, restart in ipairs { "temporary", "transient" } do
        for _, reason in ipairs { "normal", "shutdown", { "shutdown", 1 } } do
          local pid = dynsup.start_child(sup, { body = family.mortal, restart = restart })
          family.finish(pid, "exit", reason)
        end
      end
      dynsup.terminate_child(sup, (dynsup.start_child(sup, { body = family.idle })))
    end))
  end)
end)

describe("other reports:", function()
  it("start_error for each restart that failed, with its reason", function()
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      local start = family.planned(family.up, family.fails, family.fails, family.up)
      family.finish((dynsup.start_child(sup, { start = start })), "exit", "oops")
      dynsup.sleep(1)
      assert.same(family.workers(1), dynsup.count_children(sup))
    end)
    assert.equal(2, #having(lines, "start_error", "not now"))
    assert.equal(1, #having(lines, "child_terminated", "oops"))
  end)

  it("start_error with what a start function says besides the reason", function()
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      local function taken() return nil, "already_started", dynsup.self() end
      family.finish((dynsup.start_child(sup, { start = family.planned(family.up,
        function() return nil, "refused", "for a reason" end, taken, family.up) })), "exit", "oops")
      dynsup.sleep(1)
    end)
    assert.equal(1, #having(lines, "start_error", "reason: refused\n    detail: for a reason\n"))
    assert.equal(1, #having(lines, "start_error", "reason: already_started\n    detail: <0.2.0>\n"))
  end)

  it("start_error for a child that does not start with its supervisor", function()
    local lines = log_of(function()
      local pid, reason = static.start_link {
        { id = "ok", body = family.idle }, { id = "db", start = function() error("no /var/db", 0) end } }
      assert.same({ nil, "shutdown" }, { pid, reason })
      static.start_link { { id = "early", ready = true, body = function() dynsup.exit("too early") end } }
    end)
    assert.equal(2, #having(lines, "could not be started (start_error)", "next: it is not started again"))
    local report = having(lines, "start_error", "reason: no /var/db", "offender: id db, incarnation 0")
    assert.equal("error", report[1].level)
    assert.equal(1, #having(lines, "start_error", "reason: too early", "id early, incarnation 1"))
  end)

  it("start_error for a supervisor that does not start again, with its child and why", function()
    local broken = false
    local function leaf()
      if broken then return nil, "no disk", "it is full" end
      return family.link_idle()
    end
    local lines = log_of(function()
      local sup = dynsup.start_link { max_restarts = 1 }
      local inner = dynsup.start_child(sup, { type = "supervisor",
        start = function() return static.start_link { { id = "leaf", start = leaf } } end })
      broken = true
      host.stop(inner, "kill")
      assert.equal("shutdown", host.down(dynsup.monitor(sup)))
    end)
    assert.equal(1, #having(lines, "could not be started (start_error)", "reason: no disk", "id leaf"))
    assert.equal(1, #having(lines, "could not be restarted (start_error)",
      "reason: shutdown\n    detail: { detail = it is full, id = leaf, reason = no disk }\n"))
  end)

  it("none for a start that a supervisor's end cuts short", function()
    assert_no_report(log_of(function()
      local parent = dynsup.spawn(static.start_link, { { id = 1, ready = true, body = family.idle } })
      dynsup.sleep(1)
      host.stop(parent, "shutdown")
    end))
  end)

  it("none for a first start that failed, which the caller is told", function()
    assert_no_report(log_of(function()
      local sup = dynsup.start_link {}
      dynsup.start_child(sup, { start = family.fails })
      dynsup.start_child(sup, { start = function() error "boom" end })
    end))
  end)

  it("none for a child that is not ready in time or fails before, which the caller is told", function()
    assert_no_report(log_of(function()
      local sup = dynsup.start_link {}
      dynsup.start_child(sup, { ready = true, body = function() error "boom" end })
      dynsup.start_child(sup, { ready = true, start_timeout = 5, body = family.idle })
    end))
  end)

  -- Calls f(...) in a process that has ended before the call returns.
  local function forsaken(f, ...)
    local pid = dynsup.spawn(f, ...)
    dynsup.sleep(1)
    host.stop(pid, "kill")
    dynsup.sleep(10)
  end

  local function boom()
    dynsup.sleep(5)
    error("boom", 0)
  end

  it("start_error for a first start that failed when its caller had ended", function()
    local lines = log_of(function()
      local sup, other = dynsup.start_link(), static.start_link {}
      forsaken(dynsup.start_child, sup, { id = "start", start = boom })
      forsaken(dynsup.start_child, sup, { id = "body", ready = true, body = boom })
      forsaken(dynsup.start_child, sup, { id = "late", ready = true, start_timeout = 5, body = family.idle })
      forsaken(static.start_child, other, { id = "static", start = boom })
      assert.same(family.workers(0), dynsup.count_children(sup))
      assert.same(family.workers(0), dynsup.count_children(other))
    end)
    for _, id in ipairs { "start", "body", "static" } do
      assert.equal(1, #having(lines, "could not be started (start_error)", "reason: boom", "id " .. id), id)
    end
    assert.equal(1, #having(lines, "start_error", "reason: timeout", "id late"))
  end)

  it("start_error for a restart by hand that failed when its caller had ended", function()
    local lines = log_of(function()
      local sup = dynsup.start_link()
      local pid = dynsup.start_child(sup, { max_restarts = 0, start = family.planned(family.up, boom) })
      family.finish(pid, "exit", "oops")
      forsaken(dynsup.restart_child, sup, pid)
      assert.equal("failed", dynsup.which_children(sup)[1].pid)
    end)
    assert.equal(1, #having(lines, "could not be started (start_error)", "reason: boom"))
  end)

  -- Starts and restarts that are under way when the run ends.
  local function asleep() dynsup.sleep("infinity") end

  local function restarting(start_link, fields)
    fields.id, fields.start = "it", family.planned(family.up, asleep)
    local sup = start_link { fields }
    family.finish(dynsup.which_children(sup)[1].pid, "exit", "oops")
    dynsup.sleep(1000)
    return sup
  end

  local function pool(children)
    local sup = dynsup.start_link()
    dynsup.start_child(sup, children[1])
    return sup
  end

  local function tree(strategy)
    return function(children) return static.start_link(children, { strategy = strategy }) end
  end

  local cut_short = {
    ["a first start"] = function() family.async(dynsup.start_child, dynsup.start_link(), { start = asleep }) end,
    ["a first start whose caller has ended"] = function()
      forsaken(dynsup.start_child, dynsup.start_link(), { start = asleep })
    end,
    ["a static supervisor's start"] = function() dynsup.spawn(static.start_link, { { id = 1, start = asleep } }) end,
    ["a restart"] = function() restarting(pool, {}) end,
    ["the last restart with a backoff"] = function()
      restarting(pool, { max_restarts = 1, backoff = { min = 10 } })
    end,
    ["a restart, one_for_one"] = function() restarting(tree "one_for_one", {}) end,
    ["a restart, one_for_all"] = function() restarting(tree "one_for_all", {}) end,
  }
  for kind, start_link in pairs { ["dynamic"] = pool, ["static"] = tree "one_for_one" } do
    cut_short["a restart by hand, whose caller has ended, " .. kind] = function()
      local sup = restarting(start_link, { max_restarts = 0 })
      forsaken(dynsup.restart_child, sup, dynsup.which_children(sup)[1].last_pid)
    end
  end

  for what, begin in pairs(cut_short) do
    it(("none for %s that the end of the run cuts short"):format(what), function()
      local reached
      local lines = log_of(function()
        begin()
        dynsup.sleep(1)
        reached = true
      end)
      assert.is_true(reached)
      assert.same({}, having(lines, "start_error"))
      if what:find "backoff" then assert.same({}, having(lines, "child_failed")) end
    end)
  end

  it("none for a first start that is given up, ignored or ends well when its caller had ended", function()
    assert_no_report(log_of(function()
      local sup, other = dynsup.start_link(), static.start_link {}
      forsaken(dynsup.start_child, sup, { start = function() dynsup.sleep(5); return "ignore" end })
      forsaken(dynsup.start_child, sup, { ready = true, body = family.idle })
      dynsup.terminate_child(sup, dynsup.which_children(sup)[1].pid)
      for _, reason in ipairs { "normal", "shutdown" } do
        local spec = { id = reason, restart = "transient", ready = true, body = function()
          dynsup.sleep(5)
          dynsup.exit(reason)
        end }
        forsaken(dynsup.start_child, sup, spec)
        forsaken(static.start_child, other, spec)
      end
      assert.same(family.workers(0), dynsup.count_children(sup))
      assert.same(family.workers(0), dynsup.count_children(other))
      forsaken(dynsup.start_child, sup, { ready = true, body = family.idle })
      dynsup.stop(sup)
    end))
  end)

  it("crashed for a server, or a supervisor, whose init failed when its starter had ended", function()
    local lines = log_of(function()
      forsaken(server.start, { init = boom })
      forsaken(dynsup.start_link, { init = boom })
      server.start { init = boom }
      dynsup.start_link { init = boom }
    end)
    assert.equal(1, #having(lines, "process <", "(crashed)", "reason: boom"))
    assert.equal(1, #having(lines, "supervisor <", "(crashed)", "reason: boom"))
    assert.equal(2, #having(lines, "(crashed)"))
  end)

  it("the supervisor's end when there were too many restarts", function()
    local lines = log_of(function()
      local sup = dynsup.start_link { max_restarts = 1, name = "the_pool" }
      dynsup.start_child(sup, { body = family.idle, name = "it" })
      host.stop(dynsup.whereis("it"), "oops")
      local ref = dynsup.monitor(sup)
      dynsup.exit(dynsup.whereis("it"), "oops")
      assert.equal("shutdown", host.down(ref))
    end)
    local report = having(lines, "the_pool", "shutdown", "2nd restart of 1 in 5 s")
    assert.is_true(#report >= 1)
    assert.equal("error", report[1].level)
  end)

  it("shutdown_error for a child that ends abnormally while it is stopped", function()
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      dynsup.start_child(sup, { body = family.slow, args = { 5, "bad end" }, ready = true })
      dynsup.start_child(sup, family.slow_spec("infinity", { shutdown = 10, id = "late" }))
      dynsup.stop(sup)
    end)
    assert.equal(2, #having(lines, "shutdown_error"))
    assert.equal(1, #having(lines, "shutdown_error", "bad end"))
    assert.equal(1, #having(lines, "shutdown_error", "killed", "late"))
  end)

  it("shutdown_error for a child that somebody else killed before its turn to be stopped", function()
    local lines = log_of(function()
      local sup = dynsup.start_link { max_restarts = 0 }
      local first = dynsup.start_child(sup, { body = family.idle })
      local second = dynsup.start_child(sup, { body = family.idle, shutdown = "brutal_kill" })
      family.async(dynsup.start_child, sup, { start = function() -- meanwhile the exits wait
        dynsup.receive()
        return nil, "enough"
      end })
      dynsup.sleep(1)
      host.stop(first, "oops")
      host.stop(second, "kill")
      dynsup.send(sup, "go on")
      assert.equal("shutdown", host.down(dynsup.monitor(sup)))
    end)
    assert.equal(1, #having(lines, "shutdown_error"))
    assert.equal(1, #having(lines, "shutdown_error", "killed"))
  end)

  it("none for children that stop in order or are killed by brutal_kill", function()
    assert_no_report(log_of(function()
      local sup = dynsup.start_link {}
      dynsup.start_child(sup, { body = family.idle })
      dynsup.start_child(sup, { body = family.idle, shutdown = "brutal_kill" })
      dynsup.start_child(sup, family.slow_spec(5))
      dynsup.start_child(sup, { body = family.slow, args = { 5, { "shutdown", 1 } }, ready = true })
      dynsup.start_child(sup, { body = family.slow, args = { 5, "normal" }, ready = true,
        restart = "transient" })
      dynsup.stop(sup)
    end))
  end)
end)

describe("a flood", function()
  it("of crashes is not written line by line", function()
    local lines = log_of(function()
      local sup = dynsup.start_link {}
      for _ = 1, 2000 do dynsup.start_child(sup, function() dynsup.exit("oops") end) end
      dynsup.sleep(1)
      assert.same(family.workers(0), dynsup.count_children(sup))
    end)
    local count = #having(lines, "child_terminated")
    assert.is_true(count >= 1 and count < 1000, tostring(count))
  end)

  it("of plain messages to a supervisor is not written line by line", function()
    local lines = log_of(function()
      local sup = dynsup.start_link { name = "the_pool" }
      for i = 1, 2000 do dynsup.send(sup, "plain", i) end
      dynsup.sleep(1)
    end)
    local count = #having(lines, "the_pool")
    assert.is_true(count >= 1 and count < 1000, tostring(count))
  end)
end)
