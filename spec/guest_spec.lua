-- Start functions as guests: the coroutine in which a supervisor runs one.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

describe("a guest", function()
  it("has the identity of its supervisor", host.main(function()
    local sup, seen = dynsup.start_link {}, nil
    dynsup.start_child(sup, { start = function()
      seen = dynsup.self()
      return family.link_idle()
    end })
    assert.equal(sup, seen)
  end))

  it("links what it spawns to the supervisor", family.trapping(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { start = family.link_idle })
    local ref = dynsup.monitor(pid)
    dynsup.exit(sup, "kill")
    assert.equal("killed", host.down(ref))
  end))

  it("may wait, and keeps its caller waiting", host.main(function()
    local sup = dynsup.start_link {}
    local took, pid = family.elapsed(dynsup.start_child, sup, { start = function()
      dynsup.sleep(50)
      return family.link_idle()
    end })
    assert.is_true(dynsup.is_pid(pid))
    assert.near(50, took, 0.001)
  end))

  it("receives plain messages to the supervisor, and no exits of children", host.main(function()
    local sup = dynsup.start_link {}
    local other = dynsup.start_child(sup, family.idle)
    local job = family.async(dynsup.start_child, sup, { start = function()
      local message = table.pack(dynsup.receive())
      return family.link_idle(), message
    end })
    dynsup.sleep(1)
    host.stop(other, "kill")
    dynsup.sleep(1)
    dynsup.send(sup, "hello", 1)
    local pid, message = family.result(job)
    assert.is_true(dynsup.is_pid(pid))
    assert.same({ n = 2, "hello", 1 }, message)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  -- What start_link says of an init that returns flags with a value whose __pack is the function.
  local function start_packing(pack)
    local supervisor = require "dynsup.supervisor"
    local value = setmetatable({}, { __pack = pack })
    local inits = {
      dynamic = { dynsup, function() return dynsup.init { heaps = 1, extra_arguments = { value } } end },
      static = { supervisor, function()
        return supervisor.init({ { id = 1, body = "no:where", heap = "own", args = { value } } }, {})
      end },
    }
    local told = {}
    for name, case in pairs(inits) do
      told[name] = table.pack(pcall(case[1].start_link, { init = case[2] }, 1))
    end
    return told
  end

  it("fails with the error that a __pack of its flags has raised", family.trapping(function()
    local problem = { code = 7 }
    for _, told in pairs(start_packing(function() error(problem) end)) do
      assert.is_nil(told[2])
      assert.equal(problem, told[3].error)
      assert.matches("^stack traceback:", told[3].traceback)
    end
    for _, told in pairs(start_packing(function() error "it does not pack" end)) do
      assert.matches("guest_spec.lua:%d+: it does not pack$", told[3].error)
    end
    for _, told in pairs(start_packing(function() error("not enough memory", 0) end)) do
      assert.is_false(told[1])
      assert.matches("not enough memory$", told[2])
    end
  end))

  it("finds no message that came before it", host.main(function()
    local sup = dynsup.start_link {}
    dynsup.send(sup, "too early")
    dynsup.sleep(1)
    local pid, got = dynsup.start_child(sup, { start = function()
      return family.link_idle(), table.pack(dynsup.receive(5))
    end })
    assert.is_true(dynsup.is_pid(pid))
    assert.same({ n = 2, nil, "timeout" }, got)
  end))

  it("delays requests and child exits, which then follow in order", host.main(function()
    local sup = dynsup.start_link {}
    local doomed = dynsup.start_child(sup, family.mortal)
    local order = {}
    family.async(function()
      dynsup.start_child(sup, { start = function()
        dynsup.sleep(10)
        order[#order + 1] = "guest"
        return family.link_idle()
      end })
    end)
    dynsup.sleep(1)
    local second = family.async(function()
      dynsup.start_child(sup, { body = family.idle })
      order[#order + 1] = "second"
    end)
    dynsup.sleep(1)
    dynsup.send(doomed, "return")
    dynsup.sleep(1)
    assert.same({}, order)
    assert.same(family.workers(2), dynsup.count_children(sup))
    family.result(second)
    assert.same({ "guest", "second" }, order)
  end))

  it("exits alone", host.main(function()
    local sup = dynsup.start_link {}
    local other = dynsup.start_child(sup, family.idle)
    assert.same({ nil, "shutdown" },
      { dynsup.start_child(sup, { start = function() dynsup.exit("shutdown") end }) })
    assert.is_true(dynsup.is_alive(sup))
    assert.is_true(dynsup.is_alive(other))
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("cannot make its supervisor stop trapping exits", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { restart = "temporary", start = function()
      pcall(dynsup.flag, "trap_exit", false)
      return family.up()
    end })
    assert.is_true(dynsup.is_pid(pid))
    family.finish(pid, "crash", "boom")
    assert.is_true(dynsup.is_alive(sup))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("cannot ask its own supervisor", host.main(function()
    local requests = {
      start_child = function(sup) dynsup.start_child(sup, family.idle) end,
      ensure_child = function(sup) dynsup.ensure_child(sup, { body = print, name = "x" }) end,
      terminate_child = function(sup) dynsup.terminate_child(sup, "x") end,
      which_children = function(sup) dynsup.which_children(sup) end,
      count_children = function(sup) dynsup.count_children(sup) end,
      stop = function(sup) dynsup.stop(sup) end,
    }
    local sup = dynsup.start_link { name = "pool" }
    for name, request in pairs(requests) do
      for _, dest in ipairs { sup, "pool" } do
        local _, message = dynsup.start_child(sup, { start = function()
          local fine, message = pcall(request, dest)
          return nil, not fine and message
        end })
        assert.matches("calls itself", name .. ": " .. tostring(message))
      end
    end
    assert.is_true(dynsup.is_alive(sup))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("may ask other supervisors", host.main(function()
    local sup, other = dynsup.start_link {}, dynsup.start_link {}
    local pid = dynsup.start_child(sup, { start = function()
      dynsup.start_child(other, family.idle)
      return family.link_idle()
    end })
    assert.is_true(dynsup.is_pid(pid))
    assert.equal(1, dynsup.count_children(other).active)
  end))

  it("runs alone: callers are served one after the other", host.main(function()
    local sup, running, most, order = dynsup.start_link {}, 0, 0, {}
    local function start(i)
      running = running + 1
      most = math.max(most, running)
      order[#order + 1] = i
      dynsup.sleep(10)
      running = running - 1
      return family.link_idle()
    end
    local jobs = {}
    for i = 1, 5 do
      jobs[i] = family.async(dynsup.start_child, sup, { start = start, args = { i } })
    end
    local took = family.elapsed(function()
      for i = 1, 5 do assert.is_true(dynsup.is_pid((family.result(jobs[i])))) end
    end)
    assert.equal(1, most)
    assert.same({ 1, 2, 3, 4, 5 }, order)
    assert.near(50, took, 0.001)
  end))

  it("goes on when its caller dies, and its child is kept", host.main(function()
    local sup = dynsup.start_link {}
    local caller = family.async(dynsup.start_child, sup, { start = function()
      dynsup.sleep(10)
      return family.link_idle()
    end })
    dynsup.sleep(1)
    dynsup.exit(caller, "kill")
    dynsup.sleep(20)
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("is closed when its supervisor is killed, and its caller is told noproc",
    family.trapping(function()
      local sup, closed = dynsup.start_link {}, false
      local job = family.async(dynsup.start_child, sup, { start = function()
        local _ <close> = host.closer(function() closed = true end)
        dynsup.sleep("infinity")
      end })
      local waiting = family.async(dynsup.start_child, sup, { body = family.idle })
      dynsup.sleep(1)
      dynsup.exit(sup, "kill")
      assert.same({ nil, "noproc" }, { family.result(job) })
      assert.same({ nil, "noproc" }, { family.result(waiting) })
      assert.is_true(closed)
    end))
end)
