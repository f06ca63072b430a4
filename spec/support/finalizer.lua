-- Finalizers that run in the middle of what is called: in the first thing that it makes in Lua.
local finalizer = {}

-- From here on f runs as soon as code looks whether the collector has something to do: that goes
-- through all of its work in one step then.
function finalizer.set(f)
  local filler = {}
  collectgarbage "stop"
  setmetatable({}, { __gc = f })
  collectgarbage("incremental", 100, 1000, 40)
  collectgarbage "restart"
  for i = 1, 64 do
    filler[i] = i -- it grows, which is no moment at which the collector looks
  end
  return filler
end

-- The collector works as it does by default.
function finalizer.unset()
  collectgarbage("incremental", 200, 100, 13)
end

-- Calls call(...), and f by a finalizer in the middle of that.
function finalizer.within(f, call, ...)
  local arguments = table.pack(...)
  finalizer.set(f)
  local results = table.pack(call(table.unpack(arguments, 1, arguments.n)))
  finalizer.unset()
  return table.unpack(results, 1, results.n)
end

return finalizer
