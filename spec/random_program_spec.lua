-- Random programs (fuzz/lua, tools/campaign), a few of them: what the library tells must agree with
-- itself, nothing may be left at the end, and two runs of a program are the same.
local dynsup = require "dynsup"
local colony = require "fuzz.lua.colony"
local world = require "fuzz.lua.world"

local observer = dynsup.observer
local ACTORS, STEPS = 25, 30

-- Reads the log of a program, which must have found nothing wrong.
local function play(seed)
  local log, wrong, spawned = world.run(seed, ACTORS, STEPS)
  assert.is_nil(wrong)
  return log, spawned
end

describe("a random program", function()
  play(1) -- loads what is loaded when it is first used

  it("is the same when it runs again, interrupted at the same instructions", function()
    local processes = 0
    for seed = 1, 12 do
      local log, spawned = play(seed)
      assert.same(log, (play(seed)))
      processes = processes + spawned
    end
    assert.is_true(processes > 500)
  end)

  it("is another one with another seed", function()
    assert.not_same((play(20)), (play(21)))
  end)

  it("tells when an invariant does not hold", function()
    local processes = observer.processes
    observer.processes = function(options)
      local page, after = processes(options)
      page[#page + 1] = { pid = dynsup.self() } -- somebody who does not end
      return page, after
    end
    local _, wrong = world.run(3, ACTORS, STEPS)
    observer.processes = processes
    assert.matches("processes are left", wrong)
  end)
end)

describe("a random program in further heaps", function()
  it("leaves nothing, whatever heaps are lost", function()
    local processes, lost = 0, 0
    for seed = 1, 12 do
      local log, wrong, spawned = colony.run(seed, 8, 20)
      assert.is_nil(wrong)
      processes = processes + spawned
      for _, line in ipairs(log) do
        lost = lost + (line:find(" event=heap_lost ", 1, true) and 1 or 0)
      end
    end
    assert.is_true(processes > 500)
    assert.is_true(lost > 5)
  end)

  it("tells when an invariant does not hold", function()
    local heaps = dynsup.heaps
    dynsup.heaps = function()
      local rows = heaps()
      rows[#rows].processes = 1 -- in one that nobody lives in
      rows[#rows].heap = 1000
      return rows
    end
    local _, wrong = colony.run(3, 8, 20)
    dynsup.heaps = heaps
    assert.matches("heap 1000 has 1 processes, and 0 live in it", wrong)
  end)
end)
