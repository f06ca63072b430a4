--- The log of the host for an attached client: the process that is told its lines and hands them on.

local native = ...
local dynsup = require "dynsup"

local watch = {}

local function hand_on(outbox, line)
  if line.lost then
    outbox:put { lost = line.lost }
  end
  outbox:put { log = line.text, level = line.level }
end

--- The body of that process. It gets "LEVEL", name: from which level on; and "LOG", line.
---@async
---@param outbox dynsup.attach.outbox
function watch.serve(outbox)
  while not outbox.is_over do
    local tag, value = dynsup.receive()
    if tag == "LOG" then
      hand_on(outbox, value)
    elseif tag == "LEVEL" then
      native.tap(value)
    end
  end
end

return watch
