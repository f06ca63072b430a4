local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

-- Every way to end, and whether a transient child is restarted after it.
local ends = {
  { "it returned", false, function(pid) return family.finish(pid, "return") end },
  { "exit normal", false, function(pid) return family.finish(pid, "exit", "normal") end },
  { "exit shutdown", false, function(pid) return family.finish(pid, "exit", "shutdown") end },
  { "exit { shutdown, x }", false,
    function(pid) return family.finish(pid, "exit", { "shutdown", 1 }) end },
  { "exit with another reason", true,
    function(pid) return family.finish(pid, "exit", "oops") end },
  { "exit with a table of another kind", true,
    function(pid) return family.finish(pid, "exit", { "oops", "shutdown" }) end },
  { "an error", true, function(pid) return family.finish(pid, "crash", "boom") end },
  { "an error that throws shutdown", true,
    function(pid) return family.finish(pid, "crash", "shutdown") end },
  { "a kill", true, function(pid) return host.stop(pid, "kill") end },
  { "the signal shutdown", false, function(pid) return host.stop(pid, "shutdown") end },
  { "the signal { shutdown, x }", false,
    function(pid) return host.stop(pid, { "shutdown", "signal" }) end },
  { "another signal", true, function(pid) return host.stop(pid, "whatever") end },
}

local function restarted_after(restart, kind, finish)
  local spec = { restart = restart, id = "it" }
  if kind == "body" then spec.body = family.mortal else spec.start = family.up end
  local sup = dynsup.start_link {}
  local pid = dynsup.start_child(sup, spec)
  finish(pid)
  local specs = dynsup.count_children(sup).specs
  assert.same(family.workers(specs), dynsup.count_children(sup))
  if specs == 0 then
    assert.same({}, dynsup.which_children(sup))
    return false
  end
  local entry = family.only(sup)
  assert.equal("it", entry.id)
  assert.is_true(dynsup.is_alive(entry.pid))
  assert.are_not.equal(pid, entry.pid)
  return true
end

for _, kind in ipairs { "body", "start function" } do
  for _, case in ipairs(ends) do
    local what, transient, finish = table.unpack(case)
    local function check(restart, expected)
      local verdict = expected and "is" or "is not"
      it(("a %s child with a %s %s restarted after %s"):format(restart, kind, verdict, what),
        host.main(function()
          assert.equal(expected, restarted_after(restart, kind, finish))
        end))
    end
    check("temporary", false)
    check("transient", transient)
    check("permanent", true)
  end
end

describe("a restarted child", function()
  it("gets the same arguments again", host.main(function()
    local sup, got = dynsup.start_link { extra_arguments = { "extra" } }, {}
    local pid = dynsup.start_child(sup, { args = { n = 2, nil, "arg" }, body = function(...)
      got[#got + 1] = table.pack(...)
      family.mortal()
    end })
    dynsup.sleep(1)
    family.finish(pid, "crash", "boom")
    dynsup.sleep(1)
    local expected = { n = 3, "extra", nil, "arg" }
    assert.same({ expected, expected }, got)
  end))

  it("with a start function gets the same arguments again", host.main(function()
    local sup, got = dynsup.start_link { extra_arguments = { "extra" } }, {}
    local pid = dynsup.start_child(sup, { args = { "arg" }, start = function(...)
      got[#got + 1] = table.pack(...)
      return family.up()
    end })
    family.finish(pid, "crash", "boom")
    dynsup.count_children(sup)
    local expected = { n = 2, "extra", "arg" }
    assert.same({ expected, expected }, got)
  end))

  it("has an empty mailbox", host.main(function()
    local sup, got = dynsup.start_link {}, nil
    local pid = dynsup.start_child(sup, { args = { {} }, body = function(life)
      life.count = (life.count or 0) + 1
      if life.count == 1 then return dynsup.sleep("infinity") end
      got = table.pack(dynsup.receive(10))
      family.idle()
    end })
    dynsup.sleep(1)
    dynsup.send(pid, "unread")
    host.stop(pid, "kill")
    dynsup.sleep(20)
    assert.same({ n = 2, nil, "timeout" }, got)
  end))

  it("is the next incarnation of the child", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.mortal })
    assert.equal(1, dynsup.info(pid).incarnation)
    family.finish(pid, "crash", "boom")
    assert.equal(2, dynsup.info(family.only(sup).pid).incarnation)
  end))

  it("is restarted however often when the limit allows it", host.main(function()
    local sup = dynsup.start_link { max_restarts = 100000 }
    dynsup.start_child(sup, { body = family.mortal })
    for _ = 1, 1000 do host.stop(family.only(sup).pid, "kill") end
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("leaves its siblings alone", host.main(function()
    local sup = dynsup.start_link {}
    local sibling = dynsup.start_child(sup, { body = family.idle })
    local pid = dynsup.start_child(sup, { body = family.mortal })
    family.finish(pid, "crash", "boom")
    assert.is_true(dynsup.is_alive(sibling))
    assert.same(family.workers(2), dynsup.count_children(sup))
  end))

  it("comes back with all others when many die at once", host.main(function()
    local sup, pids, refs = dynsup.start_link { max_restarts = 100 }, {}, {}
    for i = 1, 100 do
      pids[i] = dynsup.start_child(sup, { body = family.idle })
      refs[i] = dynsup.monitor(pids[i])
    end
    for i = 1, 100 do dynsup.exit(pids[i], "kill") end
    for i = 1, 100 do assert.equal("killed", host.down(refs[i])) end
    assert.same(family.workers(100), dynsup.count_children(sup))
    for i = 1, 100 do assert.is_false(dynsup.is_alive(pids[i])) end
  end))
end)

describe("whoever has received a child's DOWN", function()
  it("finds the counts settled and a body restarted", host.main(function()
    local sup = dynsup.start_link { max_restarts = 100 }
    for i = 1, 20 do
      local permanent = dynsup.start_child(sup, { body = family.mortal, name = "p" .. i })
      local temporary = dynsup.start_child(sup, family.mortal)
      local refs = { dynsup.monitor(permanent), dynsup.monitor(temporary) }
      dynsup.exit(permanent, "kill")
      dynsup.exit(temporary, "kill")
      host.down(refs[2])
      assert.equal(i, dynsup.count_children(sup).specs)
      host.down(refs[1])
      assert.same(family.workers(i), dynsup.count_children(sup))
      assert.is_true(dynsup.is_alive(dynsup.whereis("p" .. i)))
    end
  end))

  it("finds so from a process that never waited for the supervisor", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.mortal, name = "worker" })
    local seen = {}
    dynsup.spawn(function()
      local ref = dynsup.monitor(pid)
      dynsup.exit(pid, "kill")
      host.down(ref)
      seen.counts, seen.pid = dynsup.count_children(sup), dynsup.whereis("worker")
    end)
    dynsup.sleep(1)
    assert.same(family.workers(1), seen.counts)
    assert.equal(family.only(sup).pid, seen.pid)
  end))

  it("finds the supervisor on its way out when it gives up", family.trapping(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local pid = dynsup.start_child(sup, { body = family.mortal })
    host.stop(pid, "kill")
    assert.same({ nil, "noproc" }, { dynsup.start_child(sup, family.idle) })
  end))
end)

describe("a restart that fails", function()
  it("is tried again until it succeeds", host.main(function()
    local sup = dynsup.start_link {}
    local start, calls = family.planned(family.up, family.fails, family.fails, family.up)
    local pid = dynsup.start_child(sup, { start = start })
    family.finish(pid, "crash", "boom")
    dynsup.sleep(1)
    assert.equal(4, calls())
    assert.same(family.workers(1), dynsup.count_children(sup))
    assert.are_not.equal(pid, family.only(sup).pid)
  end))

  for what, step in pairs {
    ["an error"] = function() error "boom" end,
    ["an exit"] = function() dynsup.exit("oops") end,
    ["another value"] = function() return 42 end,
    ["nothing"] = function() end,
  } do
    it("by " .. what .. " is tried again", host.main(function()
      local sup = dynsup.start_link {}
      local start, calls = family.planned(family.up, step, family.up)
      family.finish((dynsup.start_child(sup, { start = start })), "crash", "boom")
      dynsup.sleep(1)
      assert.equal(3, calls())
      assert.same(family.workers(1), dynsup.count_children(sup))
    end))
  end

  it("is tried again behind all that the supervisor had been asked before", host.main(function()
    local sup = dynsup.start_link {}
    local start, calls = family.planned(family.up, family.fails, family.up)
    local pid, seen = dynsup.start_child(sup, { start = start }), {}
    family.async(dynsup.start_child, sup, { start = function()
      dynsup.receive()
      return family.up()
    end })
    dynsup.sleep(1)
    host.stop(pid, "kill")
    for i = 1, 3 do
      family.async(dynsup.start_child, sup, { start = function()
        seen[i] = calls()
        return family.up()
      end })
    end
    dynsup.sleep(1)
    dynsup.send(sup, "go on")
    dynsup.sleep(1)
    assert.same({ 2, 2, 2 }, seen)
    assert.equal(3, calls())
    assert.same(family.workers(5), dynsup.count_children(sup))
  end))

  it("leaves the child restarting: it counts, but is not active", host.main(function()
    local sup = dynsup.start_link { max_restarts = 100000, max_children = 1 }
    local start = family.planned(family.up, family.fails)
    local pid = dynsup.start_child(sup, { start = start, id = "it" })
    family.finish(pid, "crash", "boom")
    assert.same(family.workers(1, 0), dynsup.count_children(sup))
    local entry = family.only(sup)
    assert.equal("restarting", entry.pid)
    assert.equal(pid, entry.last_pid)
    assert.equal("it", entry.id)
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("of a supervisor leaves it counted among the supervisors", host.main(function()
    local sup = dynsup.start_link { max_restarts = 100000 }
    local start = family.planned(family.up, family.fails)
    local pid = dynsup.start_child(sup, { start = start, type = "supervisor" })
    family.finish(pid, "crash", "boom")
    assert.same({ specs = 1, active = 0, supervisors = 1, workers = 0 },
      dynsup.count_children(sup))
    assert.is_true(dynsup.terminate_child(sup, pid))
  end))

  it("gives way to everything else that is ready", host.main(function()
    local sup = dynsup.start_link { max_restarts = 100000 }
    local allowed, turns = false, {}
    local start = family.planned(family.up, function()
      turns[#turns + 1] = "restart"
      if allowed then return family.up() end
      return nil, "not now"
    end)
    local pid = dynsup.start_child(sup, { start = start })
    local ref = dynsup.monitor(pid)
    dynsup.exit(pid, "kill")
    dynsup.spawn(function()
      for _ = 1, 5 do
        turns[#turns + 1] = "other"
        dynsup.yield()
      end
      allowed = true
    end)
    host.down(ref)
    dynsup.sleep(1)
    assert.same(family.workers(1), dynsup.count_children(sup))
    local most, row = 0, 0
    for _, turn in ipairs(turns) do
      row = turn == "restart" and row + 1 or 0
      most = math.max(most, row)
    end
    assert.is_true(most <= 3, table.concat(turns, " "))
  end))

  it("removes the child when it says ignore", host.main(function()
    local sup = dynsup.start_link {}
    local start, calls = family.planned(family.up, family.ignores)
    local pid = dynsup.start_child(sup, { start = start })
    family.finish(pid, "crash", "boom")
    assert.same(family.workers(0), dynsup.count_children(sup))
    assert.same({ nil, "not_found" }, { dynsup.terminate_child(sup, pid) })
    dynsup.sleep(10)
    assert.equal(2, calls())
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("counts towards max_restarts at each attempt", family.trapping(function()
    local sup = dynsup.start_link { max_restarts = 10 }
    local ref = dynsup.monitor(sup)
    local start, calls = family.planned(family.up, family.fails)
    local pid = dynsup.start_child(sup, { start = start })
    dynsup.exit(pid, "kill")
    assert.equal("shutdown", host.down(ref))
    assert.equal(11, calls())
  end))
end)

describe("the restart intensity", function()
  -- A supervisor with a child to be killed; kill(ms) waits, kills it and says whether the
  -- supervisor survived.
  local function set_up(options)
    local sup = dynsup.start_link(options)
    dynsup.start_child(sup, { body = family.idle, name = "victim" })
    return sup, function(ms)
      if ms > 0 then dynsup.sleep(ms) end
      host.stop(dynsup.whereis("victim"), "kill")
      dynsup.sleep(0.001)
      return dynsup.is_alive(sup)
    end
  end

  it("is 3 restarts in 5 seconds unless the options say otherwise", family.trapping(function()
    local _, kill = set_up {}
    assert.is_true(kill(0))
    assert.is_true(kill(2000))
    assert.is_true(kill(2000))
    assert.is_false(kill(900))
  end))

  it("forgets restarts that are longer ago than max_seconds", family.trapping(function()
    local _, kill = set_up {}
    assert.is_true(kill(0))
    assert.is_true(kill(0))
    assert.is_true(kill(0))
    assert.is_true(kill(5002))
    assert.is_true(kill(0))
    assert.is_true(kill(0))
    assert.is_false(kill(0))
  end))

  it("slides: it never counts by fixed periods", family.trapping(function()
    local _, kill = set_up { max_restarts = 1, max_seconds = 1 }
    assert.is_true(kill(900))
    assert.is_true(kill(1002))
    assert.is_false(kill(998))
  end))

  it("measures max_seconds in milliseconds", family.trapping(function()
    local _, kill = set_up { max_restarts = 1, max_seconds = 0.05 }
    assert.is_true(kill(0))
    assert.is_true(kill(52))
    assert.is_true(kill(52))
    assert.is_false(kill(48))
  end))

  it("of 0 lets no child be restarted", family.trapping(function()
    local _, kill = set_up { max_restarts = 0 }
    assert.is_false(kill(0))
  end))

  it("is that of the whole supervisor, not of one child", family.trapping(function()
    local sup = dynsup.start_link { max_restarts = 2 }
    local ref = dynsup.monitor(sup)
    local pids = {}
    for i = 1, 3 do pids[i] = dynsup.start_child(sup, { body = family.mortal }) end
    for i = 1, 3 do dynsup.exit(pids[i], "kill") end
    assert.equal("shutdown", host.down(ref))
  end))

  it("is not touched by children that are not restarted", host.main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    for _ = 1, 5 do
      host.stop((dynsup.start_child(sup, family.idle)), "kill")
      local pid = dynsup.start_child(sup, { body = family.mortal, restart = "transient" })
      family.finish(pid, "return")
    end
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("is not touched by children that fail to start", host.main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    for _ = 1, 5 do dynsup.start_child(sup, { start = family.fails }) end
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("may be a very large number", host.main(function()
    local sup, kill = set_up { max_restarts = 1000000000, max_seconds = 1e6 }
    for _ = 1, 100 do assert.is_true(kill(1)) end
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("exceeded, ends the supervisor with shutdown, and its children", family.trapping(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local sibling = dynsup.monitor((dynsup.start_child(sup, { body = family.idle })))
    local slow = dynsup.monitor((dynsup.start_child(sup, family.slow_spec(50))))
    dynsup.exit((dynsup.start_child(sup, { body = family.mortal })), "kill")
    local took = family.elapsed(function()
      assert.same({ "EXIT", sup, "shutdown" }, { dynsup.receive_match("EXIT") })
    end)
    assert.near(50, took, 0.001)
    assert.equal("shutdown", host.down(sibling))
    assert.equal("shutdown", host.down(slow))
  end))

  it("exceeded, takes a parent with it that traps nothing", host.main(function()
    local parent, ref = dynsup.spawn_monitor(function()
      local sup = dynsup.start_link { max_restarts = 0 }
      dynsup.exit((dynsup.start_child(sup, { body = family.idle })), "kill")
      family.idle()
    end)
    assert.equal("shutdown", host.down(ref))
    assert.is_false(dynsup.is_alive(parent))
  end))

  it("exceeded by a supervisor under another, has it restarted with no children",
    host.main(function()
      local top = dynsup.start_link {}
      local sub = dynsup.start_child(top, { dynsup, { name = "sub", max_restarts = 0 } })
      local ref = dynsup.monitor(sub)
      dynsup.exit((dynsup.start_child("sub", { body = family.idle })), "kill")
      assert.equal("shutdown", host.down(ref))
      assert.equal(1, dynsup.count_children(top).active)
      assert.are_not.equal(sub, dynsup.whereis("sub"))
      assert.same(family.workers(0), dynsup.count_children("sub"))
    end))
end)

describe("a temporary child", function()
  it("does not keep its arguments alive", host.main(function()
    local sup = dynsup.start_link {}
    local weak = setmetatable({}, { __mode = "k" })
    local function start()
      local argument = {}
      weak[argument] = true
      dynsup.start_child(sup, { start = function() return family.up() end, args = { argument },
        restart = "temporary" })
    end
    start()
    for _ = 1, 100 do
      if next(weak) == nil then break end
      collectgarbage()
      dynsup.sleep(1)
    end
    assert.is_nil(next(weak))
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))
end)
