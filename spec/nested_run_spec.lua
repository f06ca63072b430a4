local dynsup = require "dynsup"
local host = require "spec.support.host"

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

local REAL = { clock = "real" }

-- An inner run that has nothing to do; it would last for ever if something of the outer run kept the loop
-- going: on the real clock the two share libuv's loop.
local function run_inside()
  assert.same({ true, "done" }, { dynsup.run({ clock = "real" }, function()
    dynsup.sleep(1)
    return "done"
  end) })
end

describe("a run inside a process ends by itself", function()
  it("at once", host.main(run_inside, REAL))

  it("after the outer process has slept", host.main(function()
    dynsup.sleep(2)
    run_inside()
  end, REAL))

  it("after a callback has woken the outer process", host.main(function()
    local uv = require "luv"
    local timer = dynsup.own(uv.new_timer())
    dynsup.await(function(resume)
      timer:start(2, 0, resume)
    end)
    timer:close()
    run_inside()
  end, REAL))

  it("while others in the outer run sleep", host.main(function()
    dynsup.spawn(dynsup.sleep, 3600000)
    dynsup.sleep(2)
    run_inside()
    dynsup.halt(0)
  end, REAL))
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
