-- A server whose callbacks are what the messages say. It also runs f(state) for a message that begins with a
-- function, and keeps others; ended lists what terminate was called with.

local any_server = require "spec.support.any_server"

return function(ended)
  return any_server {
    handle_info = function(message, state)
      if type(message[1]) == "function" then
        return message[1](state)
      end
      state[#state + 1] = message
      return "noreply", state
    end,
    terminate = function(reason, state)
      if ended then
        ended[#ended + 1] = { reason, state }
      end
    end,
  }
end
