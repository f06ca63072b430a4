--- libuv's functions as calls that wait: the calling process sleeps, the others go on.
local dynsup = require "dynsup"

local async = {}

--- "ENOENT: no such file or directory: x" -> "no such file or directory"
---@param message string
---@return string
function async.reason_of(message)
  return message:match("^%u[%u%d]*: ([^:]+)") or message
end

--- Calls a function of luv once for each item of the list, all at the same time.
---@async
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

--- Something to be opened, used and closed. Keep it in a <close> variable: then it is closed
--- however the process ends. When the process ends while it waits for a call, a thread of libuv is
--- still at work on the resource, so it is closed after that.
---@class Resource
---@field private close_handle function
---@field private handle any
---@field private busy boolean whether a call is under way
---@field private closed boolean
local Resource = {}
Resource.__index = Resource

---@param close_handle fun(handle: any)
---@return Resource
function async.resource(close_handle)
  return setmetatable({ close_handle = close_handle, busy = false, closed = false }, Resource)
end

local function close_if_idle(self)
  if self.handle and not self.busy then
    self.close_handle(self.handle)
  end
end

local function wait_for(self, f, ...)
  local arguments = table.pack(...)
  self.busy = true
  local err, value = dynsup.await(function(resume)
    arguments[arguments.n + 1] = function(err, value)
      self.busy = false
      self.handle = self.handle or value -- the first call opens it
      if self.closed then
        close_if_idle(self)
      end
      resume(err, value)
    end
    f(table.unpack(arguments, 1, arguments.n + 1))
  end)
  if err then
    return nil, async.reason_of(err)
  end
  return value
end

--- Opens it by f(..., callback).
---@async
---@param f function
---@return any handle or nil
---@return string? reason
function Resource:open(f, ...)
  return wait_for(self, f, ...)
end

--- Calls f(handle, ..., callback) and waits for what the callback gets.
---@async
---@param f function
---@return any value or nil
---@return string? reason
function Resource:call(f, ...)
  return wait_for(self, f, self.handle, ...)
end

function Resource:__close()
  self.closed = true
  close_if_idle(self)
end

return async
