--- flush(): shows and takes the messages that wait for the calling process.

local dynsup = require "dynsup"
local show = require "dynsup.repl.show"

local function next_message()
  local message = table.pack(dynsup.receive(0))
  return message[1] ~= nil and message or nil
end

--- The function flush of a session.
---@param streams table where it writes: with stdout, as io has it
---@return function
return function(streams)
  return function()
    for message in next_message do
      streams.stdout:write(show.values(message), "\n")
    end
  end
end
