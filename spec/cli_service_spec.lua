-- The program under a service manager, which spec/support/service_manager.py plays.
local program = require "spec.support.program"

local MANAGER = ("python3 %s/spec/support/service_manager.py "):format(os.getenv "PWD")

describe("dynsup run under a service manager", function()
  local folder

  setup(function() folder = program.folder() end)
  teardown(function() program.remove_folder(folder) end)

  -- What the manager is told, in order, until it has heard `line` count times and stopped the run.
  local function told(script, line, count, socket, environment)
    program.write(folder, "app.lua", script)
    local command = ("%s %s%s '%s' %d \"$DYNSUP\" run app.lua"):format(
      environment or "unset WATCHDOG_USEC;", MANAGER, socket or "socket", line, count)
    local result = program.shell(folder, command .. "; rm -f socket")
    assert.equal("", result.err)
    return result.out
  end

  local idle = [[
    local dynsup = require "dynsup"
    dynsup.spawn(function() while true do dynsup.sleep(1000) end end)
  ]]

  it("tells READY when the script has set up everything, and STOPPING at its end", function()
    assert.equal("READY=1\nSTOPPING=1\ncode 0\n", told(idle, "READY=1", 1))
  end)

  it("knows sockets without a file", function()
    assert.equal("READY=1\nSTOPPING=1\ncode 0\n", told(idle, "READY=1", 1, "@dynsup-spec-" .. folder:match "[^/]+$"))
  end)

  it("tells READY once, also when the main process says so itself and goes on", function()
    assert.equal("READY=1\nSTOPPING=1\ncode 0\n", told([[
      local dynsup = require "dynsup"
      dynsup.ready()
      dynsup.ready()
      while true do dynsup.sleep(1000) end
    ]], "READY=1", 1))
  end)

  it("tells that it lives, as often as it is asked", function()
    local text = told(idle, "WATCHDOG=1", 3, nil, "unset WATCHDOG_PID; export WATCHDOG_USEC=4000;")
    assert.matches("READY=1\n.*WATCHDOG=1\nWATCHDOG=1\n.*STOPPING=1\ncode 0\n$", text)
  end)

  it("tells nobody that it lives whose time is none", function()
    for _, time in ipairs { "0", "''", "soon", "1000x", "-1000" } do
      local busy = "require('dynsup').sleep(20)" .. idle -- READY comes after many beats
      assert.equal("READY=1\nSTOPPING=1\ncode 0\n",
        told(busy, "READY=1", 1, nil, "unset WATCHDOG_PID; export WATCHDOG_USEC=" .. time .. ";"), time)
    end
  end)

  it("tells no other process's watchdog anything", function()
    assert.equal("READY=1\nSTOPPING=1\ncode 0\n",
      told(idle, "READY=1", 1, nil, "export WATCHDOG_PID=1 WATCHDOG_USEC=1;"))
  end)

  it("says once that nobody is there to be told, and runs", function()
    program.write(folder, "app.lua", "print 'done'")
    local result = program.shell(folder, "NOTIFY_SOCKET=nothing \"$DYNSUP\" run app.lua")
    assert.same({ "done\n", 0 }, { result.out, result.code })
    assert.equal("dynsup: the service manager cannot be told at 'nothing': No such file or directory\n", result.err)
  end)
end)
