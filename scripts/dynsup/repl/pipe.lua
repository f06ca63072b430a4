--- Lines from what is no terminal: no prompt, and the host goes on while none is there.

local dynsup = require "dynsup"
local uv = require "luv"

local pipe = {}

-- Waits until there is something to read. A file always has something.
local function wait_for(poll)
  if poll then
    dynsup.await(function(resume)
      poll:start("r", function()
        poll:stop()
        resume()
      end)
    end)
  end
end

---@param input table the program's
---@return table reader
function pipe.new(input)
  local poll = uv.guess_handle(0) ~= "file" and uv.new_poll(0) or nil
  local reader = {}
  input.settle()

  function reader.lines()
    return function()
      local line = input.line()
      while not line do
        wait_for(poll)
        if not input.fill() then
          return input.line(true)
        end
        line = input.line()
      end
      return line
    end
  end

  return reader
end

return pipe
