-- Runs inside a run on the real clock: they share the loop of libuv.
local dynsup = require "dynsup"
local host = require "spec.support.host"

local REAL = { clock = "real" }

-- An inner run that has nothing to do; it would last for ever if anything of the outer run's kept
-- the loop going.
local function run_inside()
  assert.same({ true, "done" }, { dynsup.run({ clock = "real" }, function()
    dynsup.sleep(1)
    return "done"
  end) })
end

describe("a run inside a run ends by itself", function()
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
