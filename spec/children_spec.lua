local dynsup = require "dynsup"
local family = require "spec.support.family"
local finalizer = require "spec.support.finalizer"
local host = require "spec.support.host"

-- How often each pid comes up.
local function tally(sup, each)
  local seen = {}
  for child in dynsup.children(sup) do
    seen[child.pid] = (seen[child.pid] or 0) + 1
    if each then each(child) end
  end
  return seen
end

local function start_many(sup, count)
  local pids = {}
  for i = 1, count do pids[i] = dynsup.start_child(sup, { body = family.idle, id = i }) end
  return pids
end

describe("which_children", function()
  it("is empty without children", host.main(function()
    assert.same({}, dynsup.which_children(dynsup.start_link {}))
  end))

  it("lists every child once", host.main(function()
    local sup = dynsup.start_link {}
    local by_pid = {}
    for i, pid in ipairs(start_many(sup, 50)) do by_pid[pid] = i end
    local list = dynsup.which_children(sup)
    assert.equal(50, #list)
    for _, child in ipairs(list) do
      assert.equal(by_pid[child.pid], child.id)
      assert.equal("worker", child.type)
      by_pid[child.pid] = nil
    end
    assert.is_nil(next(by_pid))
  end))

  it("gives id, pid, type, modules and name", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.idle, id = "the id", name = "the name",
      type = "supervisor", modules = { "m" } })
    local child = family.only(sup)
    assert.equal("the id", child.id)
    assert.equal(pid, child.pid)
    assert.equal("supervisor", child.type)
    assert.same({ "m" }, child.modules)
    assert.equal("the name", child.name)
  end))

  it("gives restarting and the last pid of a child that waits for its restart", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.mortal, id = "it", backoff = true })
    family.finish(pid, "crash", "boom")
    local child = family.only(sup)
    assert.equal("restarting", child.pid)
    assert.equal(pid, child.last_pid)
    assert.equal("it", child.id)
    assert.equal("worker", child.type)
  end))

  it("gives tables that are the caller's", host.main(function()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { body = family.idle, id = "it" })
    family.only(sup).id = "changed"
    assert.equal("it", family.only(sup).id)
  end))

  it("lists no child of a supervisor that a finalizer ends in the middle of the call", host.main(function()
    local sup = dynsup.start_link {}
    start_many(sup, 3)
    dynsup.unlink(sup)
    local list, why = finalizer.within(function() dynsup.exit(sup, "kill") end, dynsup.which_children, sup)
    if list then
      assert.same({}, list)
    else -- a Lua that checks itself looks whenever C is called: before this call, then
      assert.equal("noproc", why)
    end
  end))

  it("waits for a start function that is running", host.main(function()
    local sup = dynsup.start_link {}
    local job = family.async(dynsup.start_child, sup, { start = function()
      dynsup.sleep(50)
      return family.up()
    end })
    dynsup.sleep(10)
    local took, list = family.elapsed(dynsup.which_children, sup)
    assert.near(40, took, 0.001)
    assert.equal(1, #list)
    assert.equal(family.result(job), list[1].pid)
  end))
end)

describe("count_children", function()
  it("counts specs, active, supervisors and workers", host.main(function()
    local sup = dynsup.start_link {}
    assert.same({ specs = 0, active = 0, supervisors = 0, workers = 0 },
      dynsup.count_children(sup))
    dynsup.start_child(sup, family.idle)
    dynsup.start_child(sup, { start = family.up })
    dynsup.start_child(sup, { dynsup, {} })
    local pid = dynsup.start_child(sup, { body = family.mortal, backoff = true })
    assert.same({ specs = 4, active = 4, supervisors = 1, workers = 3 },
      dynsup.count_children(sup))
    family.finish(pid, "crash", "boom")
    assert.same({ specs = 4, active = 3, supervisors = 1, workers = 3 },
      dynsup.count_children(sup))
    dynsup.terminate_child(sup, pid)
    assert.same({ specs = 3, active = 3, supervisors = 1, workers = 2 },
      dynsup.count_children(sup))
  end))

  it("counts a worker that says it is a supervisor as one", host.main(function()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { body = family.idle, type = "supervisor" })
    assert.same({ specs = 1, active = 1, supervisors = 1, workers = 0 },
      dynsup.count_children(sup))
  end))

  it("follows a thousand starts and ends", host.main(function()
    local sup = dynsup.start_link {}
    local pids = {}
    for i = 1, 1000 do pids[i] = dynsup.start_child(sup, family.mortal) end
    assert.same(family.workers(1000), dynsup.count_children(sup))
    for i = 1, 1000, 2 do family.finish(pids[i], "return") end
    assert.same(family.workers(500), dynsup.count_children(sup))
    for i = 2, 1000, 2 do dynsup.terminate_child(sup, pids[i]) end
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))
end)

describe("which_children and count_children", function()
  it("say noproc and not_a_supervisor", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    local pid = dynsup.spawn(family.idle)
    dynsup.stop(sup)
    for _, ask in ipairs { dynsup.which_children, dynsup.count_children } do
      assert.same({ nil, "noproc" }, { ask(sup) })
      assert.same({ nil, "noproc" }, { ask("pool") })
      assert.same({ nil, "not_a_supervisor" }, { ask(pid) })
    end
  end))

  it("refuse wrong arguments as misuse", host.main(function()
    for _, ask in ipairs { dynsup.which_children, dynsup.count_children, dynsup.children } do
      assert.error_matches(function() ask(42) end, "#1")
      assert.error_matches(function() ask() end, "#1")
      assert.error_matches(function() ask {} end, "#1")
    end
  end))
end)

describe("children", function()
  it("yields the same as which_children", host.main(function()
    local sup = dynsup.start_link {}
    start_many(sup, 10)
    local waiting = dynsup.start_child(sup, { body = family.mortal, id = 11, backoff = true })
    family.finish(waiting, "crash", "boom")
    local listed, iterated = {}, {}
    for _, child in ipairs(dynsup.which_children(sup)) do listed[child.id] = child end
    for child in dynsup.children(sup) do
      assert.is_nil(iterated[child.id])
      iterated[child.id] = child
    end
    assert.equal("restarting", iterated[11].pid)
    assert.same(listed, iterated)
  end))

  it("yields nothing without children", host.main(function()
    assert.same({}, tally(dynsup.start_link {}))
  end))

  it("may be left half-way and begun again", host.main(function()
    local sup = dynsup.start_link {}
    start_many(sup, 10)
    for round = 1, 100 do
      local count, last = 0, round % 10 + 1
      for _ in dynsup.children(sup) do
        count = count + 1
        if count == last then break end
      end
      assert.equal(last, count)
    end
  end))

  it("may run within another", host.main(function()
    local sup, pairs_seen = dynsup.start_link {}, 0
    start_many(sup, 5)
    for _ in dynsup.children(sup) do
      for _ in dynsup.children(sup) do pairs_seen = pairs_seen + 1 end
    end
    assert.equal(25, pairs_seen)
  end))

  it("yields each child once when each is terminated as it comes", host.main(function()
    local sup = dynsup.start_link {}
    local pids = start_many(sup, 50)
    local seen = tally(sup, function(child)
      assert.is_true(dynsup.terminate_child(sup, child.pid))
    end)
    for _, pid in ipairs(pids) do assert.equal(1, seen[pid]) end
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("yields no child that was terminated before its turn", host.main(function()
    local sup = dynsup.start_link {}
    local pids = start_many(sup, 50)
    local visited, terminated = {}, {}
    for child in dynsup.children(sup) do
      assert.is_nil(terminated[child.pid])
      visited[child.pid] = true
      for _, pid in ipairs(pids) do
        if not visited[pid] and not terminated[pid] then
          dynsup.terminate_child(sup, pid)
          terminated[pid] = true
          break
        end
      end
    end
    for _, pid in ipairs(pids) do
      assert.is_true((visited[pid] or terminated[pid]) and not (visited[pid] and terminated[pid]))
    end
  end))

  it("yields each child that stays once while others come", host.main(function()
    local sup, more = dynsup.start_link {}, 20
    local pids = start_many(sup, 50)
    local seen = tally(sup, function()
      if more > 0 then dynsup.start_child(sup, family.idle) end
      more = more - 1
    end)
    for _, pid in ipairs(pids) do assert.equal(1, seen[pid]) end
    for _, count in pairs(seen) do assert.equal(1, count) end
    assert.same(family.workers(70), dynsup.count_children(sup))
  end))

  it("goes on while the caller waits and children crash", host.main(function()
    local sup = dynsup.start_link {}
    local stay, pids = start_many(sup, 20), {}
    for i = 1, 20 do pids[i] = dynsup.start_child(sup, family.mortal) end
    local i = 0
    local seen = tally(sup, function()
      i = i + 1
      if pids[i] then dynsup.send(pids[i], "return") end
      dynsup.sleep(1)
    end)
    for _, pid in ipairs(stay) do assert.equal(1, seen[pid]) end
    for _, pid in ipairs(pids) do assert.is_true((seen[pid] or 0) <= 1) end
  end))

  it("yields nothing any more after the run", function()
    local after, state
    host.run(function()
      local sup = dynsup.start_link()
      dynsup.start_child(sup, dynsup.receive)
      after, state = dynsup.children(sup)
    end)
    assert.is_nil(after(state))
    host.run(function()
      assert.is_nil(after(state))
    end)
  end)

  it("ends when the supervisor ends", host.main(function()
    local sup, count = dynsup.start_link {}, 0
    start_many(sup, 10)
    for _ in dynsup.children(sup) do
      count = count + 1
      if count == 3 then dynsup.stop(sup) end
    end
    assert.equal(3, count)
  end))
end)
