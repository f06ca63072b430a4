-- What several processes share, preempted at every point: with a slice of n instructions, for each
-- n of many, a process is interrupted in the middle of whatever it does.
local dynsup = require "dynsup"
local host = require "spec.support.host"

local INSTRUCTION = 1e-5 -- the slice in ms that has one, on a virtual clock

-- Runs f(n) as the main process of a run for each length of a slice.
local function everywhere(f)
  return function()
    for n = 1, 300 do
      host.run(function() f(n) end, { slice = n * INSTRUCTION })
    end
  end
end

-- Runs f in so many processes and waits until all have ended; an abnormal end is an error.
local function together(count, f)
  for _ = 1, count do
    dynsup.spawn_monitor(f)
  end
  for _ = 1, count do
    local _, _, _, reason = dynsup.receive_match("DOWN", 10000)
    assert.equal("normal", reason)
  end
end

describe("whenever processes are interrupted,", function()
  it("a module that several require is loaded once", everywhere(function()
    local loads = 0
    package.loaded["interleaving_spec.module"] = nil
    package.preload["interleaving_spec.module"] = function()
      loads = loads + 1
      dynsup.yield()
      return { number = loads }
    end
    together(4, function()
      assert.equal(1, require("interleaving_spec.module").number)
    end)
    assert.equal(1, loads)
  end))

  it("a module that fails to load is tried by each who requires it", everywhere(function()
    local loads = 0
    package.preload["interleaving_spec.broken"] = function()
      loads = loads + 1
      dynsup.yield()
      error "broken"
    end
    together(3, function()
      assert.is_false((pcall(require, "interleaving_spec.broken")))
    end)
    assert.equal(3, loads)
  end))

  it("a task that was let go of sends its owner nothing", everywhere(function()
    local task = dynsup.task.async(function()
      dynsup.sleep(1)
      return "late"
    end)
    dynsup.task.await(task, 1)
    dynsup.sleep(1)
    assert.is_nil((dynsup.receive(0)))
  end))
end)
