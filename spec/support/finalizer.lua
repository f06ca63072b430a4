-- Finalizers that run in the middle of what is called: in the first thing that it makes in Lua.
local finalizer = {}

-- What the collector does by default.
local function collect_as_ever()
  collectgarbage("incremental", 200, 100, 13)
end

-- Calls call(...), and f by a finalizer as soon as the call looks whether the collector has something
-- to do: that goes through all of its work in one step then.
function finalizer.within(f, call, ...)
  local arguments = table.pack(...)
  collectgarbage "stop"
  setmetatable({}, { __gc = f })
  collectgarbage("incremental", 100, 1000, 40)
  collectgarbage "restart"
  for i = 1, 64 do
    arguments[arguments.n + i] = i -- it grows, which is no moment at which the collector looks
  end
  local results = table.pack(call(table.unpack(arguments, 1, arguments.n)))
  collect_as_ever()
  return table.unpack(results, 1, results.n)
end

return finalizer
