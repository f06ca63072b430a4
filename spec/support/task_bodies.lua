--- What specs of tasks share: functions for tasks to run, and checks of their owner.

local assert = require "luassert"
local dynsup = require "dynsup"
local host = require "spec.support.host"

local bodies = {}

--- A task that does not end by itself.
function bodies.forever()
  dynsup.sleep "infinity"
end

--- A task that takes its time.
---@param ms number
---@param ... any
---@return any ...
function bodies.after(ms, ...)
  dynsup.sleep(ms)
  return ...
end

--- A task that fails.
---@param value any
function bodies.crash(value)
  error(value, 0)
end

--- f as a main process that traps exits.
---@param f function
---@return function
function bodies.trapping(f)
  return host.main(function()
    dynsup.flag("trap_exit", true)
    return f()
  end)
end

--- Lets time go by and asserts that nothing is in the mailbox but exits of linked bodies.
function bodies.assert_quiet()
  dynsup.sleep(100000)
  for _, message in ipairs(host.drain()) do assert.equal("EXIT", message[1]) end
end

return bodies
