-- dynsup.observer: processes, the tree, top and the last events, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local observer = dynsup.observer

local function pids_of(rows)
  local pids = {}
  for i, row in ipairs(rows) do pids[i] = row.pid end
  return pids
end

local function spawn_many(count, f)
  local pids = {}
  for i = 1, count do pids[i] = dynsup.spawn(f or dynsup.receive) end
  dynsup.sleep(1)
  return pids
end

-- All processes by pages of that size.
local function all_processes(limit)
  local pids, after, pages = {}, nil, 0
  repeat
    local rows
    rows, after = observer.processes { after = after, limit = limit }
    assert.is_true(#rows <= limit)
    for _, row in ipairs(rows) do pids[#pids + 1] = row.pid end
    pages = pages + 1
  until not after
  return pids, pages
end

describe("observer.processes", function()
  it("shows each process once, in pages", host.main(function()
    local expected = { dynsup.self(), table.unpack(spawn_many(50)) }
    for _, limit in ipairs { 1, 7, 51, 52, 1000 } do
      assert.same(expected, (all_processes(limit)))
    end
    assert.equal(3, select(2, all_processes(25)))
  end))

  it("tells what is known of each", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    local pid = dynsup.start_child(sup, { body = family.mortal, name = "it" })
    dynsup.sleep(5)
    observer.pause(pid)
    dynsup.send(pid, "x")
    local rows = observer.processes()
    local row = rows[3]
    assert.same({ pid, "it", "runnable", "worker", "coroutine", 1, true, sup, 1, false },
      { row.pid, row.name, row.status, row.type, row.label, row.slices, row.paused, row.supervisor,
        row.incarnation, row.trap_exit })
    assert.is_true(row.mailbox <= 1) -- it may have the message already
    assert.equal("supervisor", rows[2].type)
    assert.is_true(row.memory > 0)
    assert.equal(0, row.started_at)
    assert.matches("^<0%.1%.0> main process, running.*\n<0.-> \"pool\" supervisor.*\n"
      .. "<0.-> \"it\" worker, runnable, paused", tostring(rows))
  end))

  it("survives the end of processes between two pages", host.main(function()
    local pids = spawn_many(30)
    local _, after = observer.processes { limit = 10 }
    for i = 1, 25 do dynsup.exit(pids[i], "kill") end
    dynsup.sleep(1)
    local rows, last = observer.processes { limit = 10, after = after }
    assert.same({ table.unpack(pids, 26) }, pids_of(rows))
    assert.is_nil(last)
  end))

  it("costs a bounded number of places a page, over many that have ended", host.main(function()
    local pids = spawn_many(5000)
    for _, pid in ipairs(pids) do dynsup.exit(pid, "kill") end
    dynsup.sleep(1)
    assert.same({ dynsup.self() }, (all_processes(10)))
  end))
end)

describe("observer.info", function()
  it("is what is known of a process, where it is, and whose child", host.main(function()
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { id = "the id", name = "it", body = function() dynsup.receive(1000) end })
    dynsup.sleep(1)
    local info = observer.info "it"
    assert.equal(pid, info.pid)
    assert.equal(sup, info.supervisor)
    assert.same({ sup }, info.links)
    assert.same({ "the id", "permanent", 5000, "running" },
      { info.child.id, info.child.restart, info.child.shutdown, info.child.state })
    assert.matches("look_spec%.lua:%d+$", info.child.func)
    assert.matches("^stack traceback:\n", info.traceback)
    assert.same({ pid = pid, what = "message", left = 999 }, info.waits)
    for _, part in ipairs { "child of ", "restart permanent", "look_spec.lua:", "waits for message, 999 ms more",
      "stack traceback" } do
      assert.truthy(tostring(info):find(part, 1, true), part)
    end
    dynsup.stop(sup)
  end))

  it("shows at most 100 links of a supervisor with many children", host.main(function()
    local sup = dynsup.start_link()
    for _ = 1, 300 do dynsup.start_child(sup, family.idle) end
    local info = observer.info(sup)
    assert.equal(100, #info.links)
    assert.same({ 300, 300, 0, 3, 5 }, { info.specs, info.active, info.restarts, info.max_restarts, info.max_seconds })
    assert.is_nil(info.max_children)
  end))

  it("fails for the dead", host.main(function()
    assert.same({ nil, "noproc" }, { observer.info "nobody" })
    local pid = dynsup.spawn(function() end)
    dynsup.sleep(1)
    assert.same({ nil, "noproc" }, { observer.info(pid) })
    assert.error_matches(function() observer.info(1) end, "pid or registered name expected")
  end))
end)

describe("observer.top", function()
  it("is the processes with most of something, the greatest first", host.main(function()
    local pids = spawn_many(40, family.idle)
    for i, pid in ipairs(pids) do
      for _ = 1, i * 7 % 41 do dynsup.send(pid, "x") end
    end
    local rows = observer.top { by = "mailbox", limit = 5 }
    local sizes = {}
    for i, row in ipairs(rows) do sizes[i] = row.mailbox end
    assert.same({ 40, 39, 38, 37, 36 }, sizes)
    assert.equal(41, #observer.top { by = "memory", limit = 1000 })
    assert.equal(rows[1].pid, observer.top({ by = "memory", limit = 1 })[1].pid)
    assert.matches("^ +40  <", tostring(rows))
  end))

  it("knows slices and time", host.main(function()
    local busy = dynsup.spawn(function() for _ = 1, 50 do dynsup.yield() end dynsup.receive() end)
    spawn_many(10)
    assert.equal(busy, observer.top({ by = "slices", limit = 1 })[1].pid)
    assert.equal(10, #observer.top())
    assert.same({ nil, "invalid_by", "fame" }, { observer.top { by = "fame" } })
    assert.same({ nil, "invalid_by", 1 }, { observer.top { by = 1 } })
  end))
end)

-- A supervisor "a" with two workers and a supervisor "b" with one.
local function plant()
  local a = dynsup.start_link { name = "a" }
  local first = dynsup.start_child(a, { body = family.idle, id = 1 })
  local second = dynsup.start_child(a, { body = family.idle, name = "second" })
  dynsup.start_child(a, { dynsup, { name = "b" } })
  local inner = dynsup.start_child("b", family.idle)
  dynsup.sleep(1)
  return a, first, second, inner
end

describe("observer.tree", function()
  it("is each supervisor with its children", host.main(function()
    local a, first, second, inner = plant()
    local other = dynsup.start_link()
    local tree = observer.tree()
    assert.same({ a, other }, pids_of(tree))
    assert.same({ first, second, dynsup.whereis "b" }, pids_of(tree[1].children))
    assert.same({ inner }, pids_of(tree[1].children[3].children))
    assert.equal(1, tree[1].children[1].id)
    assert.equal("temporary", tree[1].children[3].children[1].restart)
    assert.same({ 3, 3, 1, 2 }, { tree[1].specs, tree[1].active, tree[1].supervisors, tree[1].workers })
    assert.is_nil(tree[1].more)
  end))

  it("is text, too", host.main(function()
    plant()
    local lines = {}
    for line in (tostring(observer.tree()) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    local starts = { '^<.-> "a" supervisor, 3 of 3 children active, 0 restarts of 3 in 5 s, ',
      "^├─ <.-> worker, waiting, 0 messages, ", '^├─ <.-> "second" worker, ',
      '^└─ <.-> "b" supervisor, 1 of 1 child active, ', "^   └─ <.-> worker, " }
    assert.equal(#starts, #lines)
    for i, start in ipairs(starts) do assert.matches(start, lines[i]) end
  end))

  it("spells out what in a name could steer a terminal", host.main(function()
    local names = { ["a\27[31m\n"] = "a\\027[31m\\010", ["b\u{9b}31m€"] = "b\\194\\15531m€",
      ["c\xe4€"] = "c\\228\\226\\130\\172" }
    for name, shown in next, names do
      dynsup.start_link { name = name }
      assert.equal(('%s "%s" supervisor, '):format(dynsup.whereis(name), shown),
        tostring(observer.tree()):match "^.- supervisor, ")
      dynsup.stop(name)
    end
  end))

  it("tells how old each is", host.main(function()
    dynsup.start_link()
    local ages = { { 0, "0 ms" }, { 0.5, "0.5 ms" }, { 5, "5 ms" }, { 10, "10 ms" }, { 100, "100 ms" },
      { 500, "500 ms" }, { 999, "999 ms" }, { 1000, "1 s" }, { 10000, "10 s" }, { 100000, "1.7 min" },
      { 600000, "10 min" }, { 36000000, "10 h" }, { 360000000, "100 h" } }
    for _, age in ipairs(ages) do
      dynsup.sleep(age[1] - dynsup.now())
      assert.equal(age[2], tostring(observer.tree()):match "up (.*)$")
    end
  end))

  it("tells how old each was, whatever else is written meanwhile", host.main(function()
    dynsup.start_link()
    dynsup.start_link()
    local early = observer.tree()
    dynsup.sleep(1000)
    local late = observer.tree()
    early[1].pid = setmetatable({}, { __tostring = function() return #tostring(late) .. "" end })
    assert.matches("up 0 ms\n.*up 0 ms$", tostring(early))
  end))

  it("begins where it is told to", host.main(function()
    local _, first = plant()
    assert.same({ dynsup.whereis "b" }, pids_of(observer.tree { root = "b" }))
    assert.same({ first }, pids_of(observer.tree { root = first }))
    assert.same({ nil, "noproc" }, { observer.tree { root = "nobody" } })
  end))

  it("shows restarting children and those that stop", family.trapping(function()
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { body = family.idle, backoff = true, name = "it" })
    local stubborn = dynsup.start_child(sup, family.slow_spec(50))
    host.stop(pid, "oops")
    family.async(dynsup.terminate_child, sup, stubborn)
    dynsup.sleep(1)
    local children = observer.tree()[1].children
    assert.same({ "restarting", "it", pid }, { children[1].state, children[1].name, children[1].last_pid })
    assert.is_nil(children[1].pid)
    assert.equal("stopping", children[2].state)
    assert.matches("worker, restarting", tostring(observer.tree()))
  end))

  it("is cut to what was asked for, and says how much is missing", host.main(function()
    local sup = dynsup.start_link()
    for _ = 1, 500 do dynsup.start_child(sup, family.idle) end
    local function shown(options)
      local root = observer.tree(options)[1]
      return { #root.children, root.more }
    end
    assert.same({ 100, 400 }, shown())
    assert.same({ 3, 497 }, shown { width = 3 })
    assert.same({ 7, 493 }, shown { limit = 7 })
    assert.matches("\n└─ 497 more$", tostring(observer.tree { width = 3 }))
  end))

  it("shows the oldest of those that are nobody's children, and says how many are missing", host.main(function()
    local sups = {}
    for i = 1, 30 do
      sups[i] = dynsup.start_link()
      dynsup.sleep(i % 3)
    end
    for _, limit in ipairs { 1, 2, 7, 29 } do
      local tree = observer.tree { limit = limit }
      assert.same({ table.unpack(sups, 1, limit) }, pids_of(tree))
      assert.equal(30 - limit, tree.more)
      assert.matches("\n" .. 30 - limit .. " more$", tostring(tree))
    end
    for _, limit in ipairs { 30, 31, math.maxinteger } do
      local tree = observer.tree { limit = limit }
      assert.same(sups, pids_of(tree))
      assert.is_nil(tree.more)
    end
  end))

  it("stops at a depth", host.main(function()
    plant()
    local root = observer.tree({ depth = 1 })[1]
    assert.equal(3, #root.children)
    assert.equal(0, #root.children[3].children)
    assert.equal(1, root.children[3].more)
  end))

  it("never waits for a busy supervisor", host.main(function()
    local sup = dynsup.start_link()
    family.async(dynsup.start_child, sup, { start = function() dynsup.receive() end })
    dynsup.sleep(1)
    local before = dynsup.now()
    local tree = observer.tree()
    assert.is_true(tree[1].starting)
    assert.equal(0, #observer.children(sup))
    assert.matches("runs a start function", tostring(tree))
    assert.equal(before, dynsup.now())
    dynsup.unlink(sup)
    observer.kill(sup)
  end))

  it("works in a callback", host.main(function()
    plant()
    local text
    dynsup.spawn(function()
      local _ <close> = host.closer(function() text = tostring(observer.tree()) .. tostring(observer.top()) end)
    end)
    dynsup.sleep(1)
    assert.matches("\"second\"", text)
  end))
end)

describe("observer.children", function()
  it("are those of a supervisor, in pages that survive their coming and going", host.main(function()
    local sup = dynsup.start_link()
    local pids = {}
    for i = 1, 10 do pids[i] = dynsup.start_child(sup, family.idle) end
    local page, after = observer.children(sup, { limit = 4 })
    assert.same({ table.unpack(pids, 1, 4) }, pids_of(page))
    dynsup.terminate_child(sup, pids[4])
    dynsup.terminate_child(sup, pids[5])
    page, after = observer.children(sup, { limit = 4, after = after })
    assert.same({ table.unpack(pids, 6, 9) }, pids_of(page))
    page, after = observer.children(sup, { limit = 4, after = after })
    assert.same({ pids[10] }, pids_of(page))
    assert.is_nil(after)
  end))

  it("fail for what is no supervisor", host.main(function()
    assert.same({ nil, "noproc" }, { observer.children "nobody" })
    assert.same({ nil, "not_a_supervisor" }, { observer.children(dynsup.self()) })
  end))
end)

describe("observer.events", function()
  local function names()
    local list = {}
    for i, event in ipairs(observer.events()) do list[i] = event.event end
    return list
  end

  it("are none until somebody asks for them to be kept", host.main(function()
    host.reason(function() end)
    assert.same({}, observer.events())
  end))

  it("are the last ones, the oldest first, up to now", family.trapping(function()
    assert.is_true(observer.record(3))
    local sup = dynsup.start_link()
    local pid = dynsup.start_child(sup, { body = family.mortal })
    assert.same({ "started" }, names())
    family.finish(pid, "exit", "oops")
    assert.same({ "started", "child_terminated", "restarted" }, names())
    dynsup.start_child(sup, family.idle)
    assert.same({ "child_terminated", "restarted", "started" }, names())
    assert.equal(2, #observer.events(2))
    assert.equal("started", observer.events(1)[1].event)
    assert.matches("^ *0%.000  child_terminated *<.-> of <.->: oops\n", tostring(observer.events()))
  end))

  it("are those of the filter", host.main(function()
    observer.record(100, { events = "exited" })
    for _ = 1, 3 do dynsup.spawn(function() end) end
    dynsup.sleep(1)
    assert.same({ "exited", "exited", "exited" }, names())
    assert.same({ nil, "invalid_level", "loud" }, { observer.record(1, { level = "loud" }) })
    assert.equal(3, #names())
  end))

  it("end with 0, and with the run", function()
    host.run(function()
      observer.record(5)
      dynsup.start_child(dynsup.start_link(), family.idle)
      dynsup.sleep(1)
      assert.equal(1, #observer.events())
      observer.record(0)
      assert.same({}, names())
      observer.record(5)
      dynsup.start_child(dynsup.start_link(), family.idle)
    end)
    assert.same({}, names()) -- also where no host runs
    assert.equal("", tostring(observer.events(1)))
    host.run(function() assert.same({}, names()) end)
  end)

  it("are those of the run, also where one runs inside another", host.main(function()
    observer.record(5)
    dynsup.start_child(dynsup.start_link(), family.idle)
    dynsup.sleep(1)
    host.run(function()
      assert.same({}, names())
      observer.record(7)
      assert.same({}, names())
      dynsup.start_child(dynsup.start_link { max_children = 0 }, family.idle)
      assert.same({ "refused" }, names())
    end)
    assert.same({ "started" }, names())
  end))

  it("are text whatever a reason is, without what could steer a terminal", host.main(function()
    observer.record(5)
    local bad = setmetatable({}, { __tostring = function() error "no" end })
    local reasons = { [bad] = "(its __tostring failed)", ["a\27[31m\tb\nc"] = "a\\027[31m\\009b",
      ["b\u{9b}31m€"] = "b\\194\\15531m€", ["c\xe4€"] = "c\\228\\226\\130\\172" }
    local sup = dynsup.start_link()
    for reason, shown in next, reasons do
      dynsup.start_child(sup, { restart = "temporary", body = function() dynsup.exit(reason) end })
      dynsup.sleep(1)
      assert.equal(shown, tostring(observer.events()):match "child_terminated [^\n]*>: ([^\n]*)\n[^\n]*$")
    end
  end))

  it("include refused starts", host.main(function()
    observer.record(5)
    local sup = dynsup.start_link { max_children = 0 }
    dynsup.start_child(sup, family.idle)
    assert.same({ "refused" }, names())
    assert.matches("max_children", tostring(observer.events()))
  end))
end)

describe("misuse of the observer's functions", function()
  it("names the option or argument", host.main(function()
    for _, name in ipairs { "processes", "top", "tree" } do
      assert.error_matches(function() observer[name](1) end, "'" .. name .. "' %(table expected, got number%)")
      assert.error_matches(function() observer[name] { fame = 1 } end, "unknown option 'fame'")
      for _, limit in ipairs { 0, -1, 1.5, "2", false } do
        assert.error_matches(function() observer[name] { limit = limit } end, "bad option 'limit' of '" .. name .. "'")
      end
    end
    for _, limit in ipairs { -1, 1.5, "x", {} } do
      assert.error_matches(function() observer.record(limit) end, "bad argument #1 to 'record'")
    end
    assert.error_matches(function() observer.record(1, 2) end, "bad argument #2 to 'record'")
    assert.error_matches(function() observer.waits(1) end, "bad argument #1 to 'waits'")
    for _, count in ipairs { -1, 1.5, "x", {} } do
      assert.error_matches(function() observer.events(count) end, "bad argument #1 to 'events'")
    end
  end))

  it("names a root and a place to go on that are none, and the line", host.main(function()
    local function misused(f, message)
      local _, problem = pcall(f)
      assert.matches("look_spec.lua:%d+: " .. message .. "$", problem)
    end
    misused(function() local _ = observer.tree { root = 5 } end,
      "bad option 'root' of 'tree' %(pid or registered name expected, got number%)")
    local wrong = { 5, "x", io.stdout, setmetatable({}, { __name = "dynsup.cursor" }), dynsup.self(), false }
    for _, after in ipairs(wrong) do
      misused(function() local _ = observer.children(dynsup.self(), { after = after }) end,
        "bad option 'after' of 'children' %(what it has returned expected, got %a+%)")
    end
  end))

  it("is to call them outside of a run", function()
    for _, name in ipairs { "processes", "tree", "top", "waits", "deadlocks" } do
      assert.error_matches(observer[name], "no host is running")
    end
  end)
end)
