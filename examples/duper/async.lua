--- libuv's functions as calls that wait: the calling process sleeps, the others go on.
local dynsup = require "dynsup"

local async = {}

--- "ENOENT: no such file or directory: x" -> "no such file or directory"
---@param message string
---@return string
function async.reason_of(message)
  return message:match("^%u[%u%d]*: ([^:]+)") or message
end

--- Calls a function of luv that takes a callback (err, value) as its last argument.
---@param f function
---@return any value what the callback got, or nil
---@return string? reason
function async.call(f, ...)
  local arguments = table.pack(...)
  local err, value = dynsup.await(function(resume)
    arguments[arguments.n + 1] = resume
    f(table.unpack(arguments, 1, arguments.n + 1))
  end)
  if err then
    return nil, async.reason_of(err)
  end
  return value
end

--- Calls the function once for each item of the list, all at the same time.
---@param f fun(item: any, callback: fun(err: string?, value: any))
---@param items any[]
---@return table<integer, any> values by the item's index
---@return table<integer, string> reasons by the index of the items that failed
function async.call_each(f, items)
  local values, reasons, left = {}, {}, #items
  if left > 0 then
    dynsup.await(function(resume)
      for i, item in ipairs(items) do
        f(item, function(err, value)
          values[i], reasons[i] = value, err and async.reason_of(err)
          left = left - 1
          if left == 0 then
            resume()
          end
        end)
      end
    end)
  end
  return values, reasons
end

---@class Resource
---@field handle any what was opened
---@field private close function
---@field private closed boolean
local Resource = {}
Resource.__index = Resource

--- Something to be opened and closed. Keep it in a <close> variable: it is closed however the
--- process ends, also when it ends while it waits for the opening.
---@param close fun(handle: any)
---@return Resource
function async.resource(close)
  return setmetatable({ close = close, closed = false }, Resource)
end

---@param start fun(callback: fun(err: string?, handle: any)) begins to open it
---@return true? ok
---@return string? reason
function Resource:open(start)
  local err = dynsup.await(function(resume)
    start(function(err, handle)
      if handle and self.closed then
        self.close(handle) -- nobody waits for it any more
      else
        self.handle = handle
        resume(err)
      end
    end)
  end)
  if err then
    return nil, async.reason_of(err)
  end
  return true
end

function Resource:__close()
  self.closed = true
  if self.handle then
    self.close(self.handle)
  end
end

return async
