--- dynsup.clock: trees of processes with a time of their own, which can be paused and stepped.
--
-- A clock and its timers are in the core (core/clock.c); this module checks options.

local native = ...

---@class dynsup.clock
local clock = {}

---@class dynsup.clock.handle
---@field pause fun(c: dynsup.clock.handle): true
---@field resume fun(c: dynsup.clock.handle): true
---@field paused fun(c: dynsup.clock.handle): boolean
---@field now fun(c: dynsup.clock.handle): number
---@field rate fun(c: dynsup.clock.handle, rate: number?): number
---@field step fun(c: dynsup.clock.handle, ms: number): true

local checks = {
  paused = function(value) return type(value) == "boolean" end,
  rate = function(value) return type(value) == "number" and value >= 0.001 and value <= 1000 end,
}

--- A new clock, at time 0. It is there as long as a process has it or somebody its handle.
---@param options? { paused: boolean?, rate: number? }
---@return dynsup.clock.handle|nil handle, string? reason, any detail
function clock.new(options)
  if options ~= nil and type(options) ~= "table" then
    error(("bad argument #1 to 'new' (table expected, got %s)"):format(type(options)), 2)
  end
  for name, value in next, options or {} do
    if not checks[name] then return nil, "invalid_option", name end
    if not checks[name](value) then return nil, "invalid_" .. name, value end
  end
  local handle = native.new(options and options.paused)
  if options and options.rate then handle:rate(options.rate) end
  return handle
end

clock.of = native.of
clock.now = native.now

return clock
