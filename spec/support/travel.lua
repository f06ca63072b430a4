-- Values that go through dynsup.codec and back, for its specs.

local codec = require "dynsup.codec"
local assert = require "luassert"

local travel = {
  --- What is said of a type whose name nobody has registered.
  UNKNOWN = "the type %s is not known in this heap: see dynsup.codec.register",
}

--- What arrives of the values.
function travel.arrive(...)
  local bytes, _, detail = codec.pack(...)
  return codec.unpack(bytes or error(detail, 2))
end

--- What is said of values that cannot travel.
function travel.refused(...)
  local bytes, reason, detail = codec.pack(...)
  assert.is_nil(bytes)
  assert.equal("cannot_travel", reason)
  return detail
end

return travel
