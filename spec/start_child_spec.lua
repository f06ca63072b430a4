local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

-- What start_child says about a start function; proves that it left no child behind.
local function refusal(start, ...)
  local sup = dynsup.start_link {}
  local answer = table.pack(dynsup.start_child(sup, { start = start, args = { ... } }))
  assert.is_nil(answer[1])
  assert.same(family.workers(0), dynsup.count_children(sup))
  assert.same({}, dynsup.which_children(sup))
  assert.is_true(dynsup.is_alive(sup))
  return answer[2], answer[3]
end

describe("start_child with a body", function()
  it("gives the pid of a child linked to its supervisor", family.trapping(function()
    local sup, seen = dynsup.start_link {}, nil
    local pid = dynsup.start_child(sup, function()
      seen = dynsup.self()
      family.idle()
    end)
    assert.is_true(dynsup.is_pid(pid))
    assert.same(family.workers(1), dynsup.count_children(sup))
    dynsup.sleep(1)
    assert.equal(pid, seen)
    assert.equal(sup, dynsup.info(pid).parent)
    local ref = dynsup.monitor(pid)
    dynsup.exit(sup, "kill")
    assert.equal("killed", host.down(ref))
  end))

  it("returns without waiting for a body that takes its time", host.main(function()
    local sup = dynsup.start_link {}
    for _ = 1, 3 do
      assert.equal(0, (family.elapsed(dynsup.start_child, sup, function() dynsup.sleep(100) end)))
    end
  end))

  it("gives a pid also when the body crashes at once", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, function() error "boom" end)
    assert.is_true(dynsup.is_pid(pid))
    dynsup.sleep(1)
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("shows a crash object to those who monitor the child", host.main(function()
    local sup = dynsup.start_link {}
    local thrown = { "any value" }
    local pid = dynsup.start_child(sup, { body = family.mortal, restart = "temporary" })
    local reason = family.finish(pid, "crash", thrown)
    assert.equal(thrown, reason.error)
    assert.is_string(reason.traceback)
  end))

  it("puts the supervisor's extra arguments before those of the spec", host.main(function()
    local sup = dynsup.start_link { extra_arguments = { "a", "b" } }
    local got
    local function body(...) got = table.pack(...) end
    dynsup.start_child(sup, { body = body, args = { 1, 2 }, restart = "temporary" })
    dynsup.sleep(1)
    assert.same({ n = 4, "a", "b", 1, 2 }, got)
    dynsup.start_child(sup, body)
    dynsup.sleep(1)
    assert.same({ n = 2, "a", "b" }, got)
  end))

  it("puts them there, too, when the start was asked for while init ran", host.main(function()
    local got
    local Slow = { init = function()
      dynsup.sleep(5)
      return dynsup.init { extra_arguments = { "first" } }
    end }
    dynsup.spawn(function()
      dynsup.sleep(1)
      dynsup.start_child("slow", { args = { "second" }, body = function(...) got = { ... } end,
        restart = "temporary" })
    end)
    dynsup.start_link(Slow, nil, { name = "slow" })
    dynsup.sleep(5)
    assert.same({ "first", "second" }, got)
  end))

  it("passes the arguments as they were when it was called", host.main(function()
    local sup, args, got = dynsup.start_link {}, { 1, "two", { 3 } }, {}
    for _, restart in ipairs { "temporary", "permanent" } do
      args[1], args[2] = 1, "two"
      dynsup.start_child(sup, { args = args, restart = restart, body = function(...)
        got[restart] = { ... }
        dynsup.receive()
      end })
      args[1], args[2] = "changed", nil
      dynsup.sleep(1)
      assert.same({ 1, "two", { 3 } }, got[restart])
      assert.equal(args[3], got[restart][3])
    end
  end))

  it("keeps the function of a temporary child no longer than that runs", host.main(function()
    local sup, functions = dynsup.start_link {}, setmetatable({}, { __mode = "v" })
    for i = 1, 3 do
      functions[i] = function() return i end
      dynsup.start_child(sup, { restart = "temporary", body = functions[i] })
    end
    collectgarbage()
    assert.equal(3, #functions)
    dynsup.sleep(1)
    collectgarbage()
    assert.same({}, functions)
  end))

  it("passes nils when args has n", host.main(function()
    local sup = dynsup.start_link { extra_arguments = { "extra" } }
    local got
    dynsup.start_child(sup, {
      body = function(...) got = table.pack(...) end,
      args = { n = 3, nil, "two", nil },
      restart = "temporary",
    })
    dynsup.sleep(1)
    assert.same({ n = 4, "extra", nil, "two", nil }, got)
  end))

  it("passes no more than n arguments", host.main(function()
    local sup, got = dynsup.start_link {}, nil
    dynsup.start_child(sup, {
      body = function(...) got = table.pack(...) end,
      args = { n = 1, "one", "two" },
      restart = "temporary",
    })
    dynsup.sleep(1)
    assert.same({ n = 1, "one" }, got)
  end))
end)

describe("start_child checks", function()
  it("the spec, the supervisor, the number of children and the name, in this order",
    host.main(function()
      local sup = dynsup.start_link { max_children = 1 }
      local dead = dynsup.spawn(function() end)
      dynsup.sleep(1)
      dynsup.start_child(sup, { body = family.idle, name = "taken" })
      local spec = { body = family.idle, name = "taken", shutdown = -1 }
      assert.same({ nil, "invalid_shutdown", -1 }, { dynsup.start_child(dead, spec) })
      assert.same({ nil, "invalid_shutdown", -1 }, { dynsup.start_child(sup, spec) })
      spec.shutdown = 0
      assert.same({ nil, "noproc" }, { dynsup.start_child(dead, spec) })
      assert.same({ nil, "max_children" }, { dynsup.start_child(sup, spec) })
    end))

  it("that somebody is there", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    dynsup.stop(sup)
    assert.same({ nil, "noproc" }, { dynsup.start_child(sup, family.idle) })
    assert.same({ nil, "noproc" }, { dynsup.start_child("pool", family.idle) })
  end))

  it("that it is a supervisor", host.main(function()
    local pid = dynsup.spawn(family.idle)
    dynsup.register("worker", pid)
    assert.same({ nil, "not_a_supervisor" }, { dynsup.start_child(pid, family.idle) })
    assert.same({ nil, "not_a_supervisor" }, { dynsup.start_child("worker", family.idle) })
    assert.same({ nil, "not_a_supervisor" }, { dynsup.start_child(dynsup.self(), family.idle) })
  end))

  it("that it was called with what it needs", host.main(function()
    local sup = dynsup.start_link {}
    assert.error_matches(function() dynsup.start_child(42, family.idle) end, "#1")
    assert.error_matches(function() dynsup.start_child({}, family.idle) end, "#1")
    assert.error_matches(function() dynsup.start_child() end, "#1")
    assert.error_matches(function() dynsup.start_child(sup) end, "#2")
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))
end)

describe("max_children", function()
  it("of 0 refuses every child and runs nothing", host.main(function()
    local sup, ran = dynsup.start_link { max_children = 0 }, false
    local function note() ran = true end
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, note) })
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, { start = note }) })
    dynsup.sleep(1)
    assert.is_false(ran)
  end))

  it("lets another child in when one has ended", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    local pid = dynsup.start_child(sup, family.mortal)
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
    family.finish(pid, "return")
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, family.idle))))
  end))

  it("counts a child that was restarted", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    local pid = dynsup.start_child(sup, { body = family.mortal })
    family.finish(pid, "crash", "boom")
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
  end))

  it("counts a child that waits for its restart", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    local pid = dynsup.start_child(sup, { body = family.mortal, backoff = true })
    family.finish(pid, "crash", "boom")
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
  end))

  it("counts a child that is not ready yet", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    family.async(dynsup.start_child, sup, { body = family.idle, ready = true })
    dynsup.sleep(1)
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
  end))

  it("counts the child of a start function that callers wait behind", host.main(function()
    local sup, calls = dynsup.start_link { max_children = 1 }, 0
    local function start()
      calls = calls + 1
      dynsup.sleep(10)
      return family.link_idle()
    end
    local one = family.async(dynsup.start_child, sup, { start = start })
    local other = family.async(dynsup.start_child, sup, { start = start })
    assert.is_true(dynsup.is_pid((family.result(one))))
    assert.same({ nil, "max_children" }, { family.result(other) })
    assert.equal(1, calls)
  end))

  it("does not count a start that failed", host.main(function()
    local sup = dynsup.start_link { max_children = 1 }
    dynsup.start_child(sup, { start = family.fails })
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, family.idle))))
  end))
end)

describe("a start function", function()
  it("that returns a pid makes it the child", host.main(function()
    local sup, made = dynsup.start_link {}, nil
    local pid, info = dynsup.start_child(sup, { start = function()
      made = family.link_idle()
      return made
    end })
    assert.equal(made, pid)
    assert.is_nil(info)
    assert.equal(pid, family.only(sup).pid)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("may return info beside the pid", host.main(function()
    local sup, info = dynsup.start_link {}, { port = 80 }
    local pid, got = dynsup.start_child(sup, { start = function() return family.link_idle(), info end })
    assert.is_true(dynsup.is_pid(pid))
    assert.equal(info, got)
  end))

  it("gets the extra arguments and its own, nils included", host.main(function()
    local sup, got = dynsup.start_link { extra_arguments = { "extra" } }, nil
    dynsup.start_child(sup, { args = { n = 2, nil, 1 }, start = function(...)
      got = table.pack(...)
      return family.link_idle()
    end })
    assert.same({ n = 3, "extra", nil, 1 }, got)
  end))

  it("that says ignore leaves no child", host.main(function()
    assert.same({ "ignore" }, { refusal(function() return "ignore" end) })
    assert.same({ "ignore" }, { refusal(function() return nil, "ignore" end) })
  end))

  it("that returns nil and a reason has the reason handed on", host.main(function()
    assert.same({ "no port" }, { refusal(function() return nil, "no port" end) })
  end))

  it("that returns nil, a reason and a detail has both handed on", host.main(function()
    local detail = {}
    local reason, what = refusal(function() return nil, "no port", detail end)
    assert.equal("no port", reason)
    assert.equal(detail, what)
  end))

  it("that says already_started keeps the pid", host.main(function()
    local pid = dynsup.spawn(family.idle)
    local reason, who = refusal(function() return nil, "already_started", pid end)
    assert.equal("already_started", reason)
    assert.equal(pid, who)
  end))

  for _, value in ipairs { 42, true, "other", 0.5 } do
    it("that returns " .. tostring(value) .. " has it as the reason", host.main(function()
      assert.same({ value }, { refusal(function() return value end) })
    end))
  end

  it("that returns a table has it as the reason", host.main(function()
    local value = {}
    assert.equal(value, (refusal(function() return value end)))
  end))

  it("that returns its supervisor is a bad_return", host.main(function()
    local sup
    local reason, what = refusal(function()
      sup = dynsup.self()
      return sup
    end)
    assert.same({ "bad_return", sup }, { reason, what })
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("that returns nothing, nil or false is a bad_return", host.main(function()
    assert.same({ "bad_return" }, { refusal(function() end) })
    assert.same({ "bad_return" }, { refusal(function() return nil end) })
    assert.same({ "bad_return" }, { refusal(function() return false end) })
  end))

  it("that raises an error has its crash object as the reason", host.main(function()
    local thrown = { code = 7 }
    local reason = refusal(function() error(thrown) end)
    assert.equal(thrown, reason.error)
    assert.is_string(reason.traceback)
    local text = tostring((refusal(function() error "boom" end)))
    assert.matches("start_child_spec.lua:%d+: boom", text)
    assert.matches("traceback", text)
  end))

  it("that exits has the reason of the exit", host.main(function()
    local reason = { "shutdown", 1 }
    assert.equal("oops", (refusal(function() dynsup.exit("oops") end)))
    assert.equal("normal", (refusal(function() dynsup.exit("normal") end)))
    assert.equal(reason, (refusal(function() dynsup.exit(reason) end)))
  end))

  it("that exits is not held up by pcall", host.main(function()
    assert.equal("oops", (refusal(function()
      pcall(dynsup.exit, "oops")
      return family.link_idle()
    end)))
  end))

  it("may return a process that is not linked: its end is noticed", host.main(function()
    local sup, calls = dynsup.start_link {}, 0
    local pid = dynsup.start_child(sup, { start = function()
      calls = calls + 1
      return dynsup.spawn(family.idle)
    end })
    host.stop(pid, "kill")
    assert.same(family.workers(1), dynsup.count_children(sup))
    assert.are_not.equal(pid, family.only(sup).pid)
    assert.equal(2, calls)
  end))

  it("may return a process that has ended: then that end is handled", host.main(function()
    local sup, pids = dynsup.start_link {}, {}
    local function start()
      pids[#pids + 1] = dynsup.spawn(#pids == 0 and function() end or family.idle)
      dynsup.sleep(1)
      return pids[#pids]
    end
    local first = dynsup.start_child(sup, { start = start })
    assert.equal(pids[1], first)
    dynsup.sleep(5)
    assert.equal(2, #pids)
    assert.equal(pids[2], family.only(sup).pid)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("of a temporary child may return a process that has ended", host.main(function()
    local sup, dead = dynsup.start_link {}, dynsup.spawn(function() end)
    dynsup.sleep(1)
    local pid = dynsup.start_child(sup, { restart = "temporary",
      start = function() return dead end })
    assert.equal(dead, pid)
    dynsup.sleep(1)
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))
end)

describe("a supervisor", function()
  it("drops plain messages and goes on", host.main(function()
    local sup = dynsup.start_link {}
    for i = 1, 100 do assert.is_true(dynsup.send(sup, "plain", i)) end
    dynsup.sleep(1)
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, family.idle))))
  end))
end)
