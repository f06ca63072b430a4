-- What the specs of supervisors share: bodies that end on demand, start functions that follow a
-- plan, and calls made from other processes. All but trapping are for code that runs in a host.

local dynsup = require "dynsup"
local host = require "spec.support.host"

local family = {}

--- As host.main, with a main process that survives the ends of its supervisors.
---@param f function
---@param options table?
---@return function
function family.trapping(f, options)
  return host.main(function()
    dynsup.flag("trap_exit", true)
    return f()
  end, options)
end

--- A body that waits for ever.
function family.idle()
  dynsup.sleep("infinity")
end

--- A start function whose worker waits for ever.
function family.link_idle()
  return dynsup.spawn_link(family.idle)
end

--- A body that ends on request: see family.finish.
function family.mortal()
  local how, reason = dynsup.receive()
  if how == "exit" then dynsup.exit(reason) end
  if how == "crash" then error(reason, 0) end
end

--- A body for a spec with ready: traps exits and takes its time, in ms, to end after the first.
---@param ms number|string
---@param reason any
function family.slow(ms, reason)
  dynsup.flag("trap_exit", true)
  dynsup.ready()
  dynsup.receive()
  dynsup.sleep(ms)
  dynsup.exit(reason or "shutdown")
end

--- A spec with the body slow.
---@param ms number|string how long it takes to end
---@param fields table? further fields of the spec
---@return table
function family.slow_spec(ms, fields)
  local spec = { body = family.slow, args = { ms }, ready = true }
  for key, value in pairs(fields or {}) do spec[key] = value end
  return spec
end

--- Lets a mortal end and waits for it.
---@param pid any
---@param how "exit"|"crash"|"return"
---@param reason any
---@return any reason with which it ended
function family.finish(pid, how, reason)
  local ref = dynsup.monitor(pid)
  dynsup.send(pid, how, reason)
  return host.down(ref)
end

--- Start functions' steps, for family.planned.
function family.up() return dynsup.spawn_link(family.mortal) end
function family.fails() return nil, "not now" end
function family.ignores() return "ignore" end

--- A start function that takes one step at each call, and the last again and again.
---@param ... function
---@return function start
---@return fun(): integer calls
function family.planned(...)
  local steps, calls = { ... }, 0
  local function start()
    calls = calls + 1
    return steps[math.min(calls, #steps)]()
  end
  return start, function() return calls end
end

--- How long a call takes on the host's clock.
---@param f function
---@param ... any
---@return number ms
---@return any ... what f returned
function family.elapsed(f, ...)
  local from = dynsup.now()
  local results = table.pack(f(...))
  return dynsup.now() - from, table.unpack(results, 1, results.n)
end

--- Calls f in a process of its own; family.result waits for what it returns.
---@param f function
---@param ... any
---@return any pid
function family.async(f, ...)
  local caller, arguments = dynsup.self(), table.pack(...)
  return dynsup.spawn(function()
    local results = table.pack(f(table.unpack(arguments, 1, arguments.n)))
    dynsup.send(caller, "result", dynsup.self(), results)
  end)
end

---@param job any from family.async
---@return any ...
function family.result(job)
  local _, _, results = dynsup.receive_match(function(tag, pid)
    return tag == "result" and pid == job
  end)
  return table.unpack(results, 1, results.n)
end

--- The counts of a supervisor that has workers only.
---@param specs integer
---@param active integer? all, unless given
---@return table
function family.workers(specs, active)
  return { specs = specs, active = active or specs, supervisors = 0, workers = specs }
end

--- The entry of a supervisor's only child.
---@param sup any
---@return table
function family.only(sup)
  local list = dynsup.which_children(sup)
  assert(#list == 1, "one child expected")
  return list[1]
end

return family
