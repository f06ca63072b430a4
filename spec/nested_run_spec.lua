local dynsup = require "dynsup"

-- A run on the real clock, in whose main process a callback of the loop was waited for: callback's
-- arguments of resume go to f, whose results are the run's.
local function run_after_callback(callback, f)
  return table.pack(dynsup.run(function()
    local timer = require "luv".new_timer()
    return f(dynsup.await(function(resume)
      timer:start(0, 0, function()
        timer:close()
        callback(resume)
      end)
    end))
  end))
end

local function results(...)
  return ...
end

local function at_once(resume)
  resume "told"
end

describe("a run inside a process", function()
  it("ends when nothing can happen in it, also after a callback has woken the outer host", function()
    assert.same({ true, true, "inside", n = 3 }, run_after_callback(at_once, function()
      return dynsup.run(results, "inside")
    end))
  end)

  it("turns the loop, whose callbacks reach the inner host", function()
    assert(dynsup.run(function()
      assert.same({ true, "told", n = 2 }, run_after_callback(at_once, results))
    end))
  end)
end)

describe("a run inside a callback", function()
  it("is refused on the real clock, for it would need the loop that called back", function()
    local outcome = run_after_callback(function(resume)
      resume(pcall(dynsup.run, results))
    end, results)
    assert.is_false(outcome[2])
    assert.matches("'run' on the real clock inside a callback of the loop", outcome[3])
  end)

  it("works on a virtual clock", function()
    assert.same({ true, true, "inside", n = 3 }, run_after_callback(function(resume)
      resume(dynsup.run({ clock = "virtual" }, function()
        dynsup.sleep(1000)
        return "inside"
      end))
    end, results))
  end)
end)
