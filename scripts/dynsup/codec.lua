--- dynsup.codec: values as bytes, as they travel to other heaps; and how types of yours travel.
--
-- The work is done in C (bindings/codec/codec.h).

local native = ...

---@class dynsup.codec
local codec = {}

--- The values as bytes that unpack makes equal values of.
---@param ... any
---@return string|nil bytes, string? reason, any detail
codec.pack = native.pack

--- The values that pack made the bytes of. Bytes from anywhere may be given.
---@param bytes string
---@return any ... nil, "cannot_unpack", detail when they are no such bytes
codec.unpack = native.unpack

--- Defines what values become in this heap whose metatable's __pack gives that name.
---@param name string
---@param what table|function|nil the metatable that their tables get; or what makes a value of what has travelled
codec.register = native.register

return codec
