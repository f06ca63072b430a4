--- Lines from an input that is not a terminal: without a prompt, and the host goes on while it waits for a
--- line. Once the output goes to a pipe that nobody reads any more, no further line is read.

local dynsup = require "dynsup"
local read = require "dynsup.repl.read"
local session = require "dynsup.repl.session"
local uv = require "luv"

local MUCH = 32768 -- bytes of a line that are taken before its end: the input has room for 65536
local UNREADABLE = 2 -- the exit code

local pipe = {}

-- What can be watched; luv loses memory where the system refuses. A file always has something, and of a
-- folder reading says what it is.
local function new_poll()
  local kind = uv.guess_handle(0) or "unknown"
  return kind ~= "file" and kind ~= "unknown" and uv.new_poll(0) or nil
end

-- Waits until there is something to read, or the host is halted.
local function wait_for(reader)
  local poll = reader.poll
  if poll then
    dynsup.await(function(resume)
      reader.resume = resume
      poll:start("r", function() resume() end)
    end)
    reader.resume = nil
    poll:stop()
  end
end

-- The host is halted, by whomever: the process traps exits, and is to wait for nothing any more.
local function watch(reader, current)
  local turn = uv.new_prepare()
  turn:start(function()
    if not session.halting() then
      return
    end
    turn:stop()
    if reader.resume then
      reader.resume()
    else
      current:unwind()
    end
  end)
  turn:unref()
end

-- The beginning of a long line.
local function take_part(input)
  local part = input.peek()
  if #part < MUCH then
    return ""
  end
  input.drop(#part)
  return part
end

-- A line, or the rest without a newline; nil: nothing.
local function next_line(reader, input)
  local parts, line = {}, input.line()
  while not line do
    parts[#parts + 1] = take_part(input)
    wait_for(reader)
    if session.halting() then
      return nil
    elseif not input.fill() then
      local text = table.concat(parts) .. (input.line(true) or "")
      return text ~= "" and text or nil
    end
    line = input.line()
  end
  return table.concat(parts) .. line
end

---@param input table the program's
---@param current table the session
---@return table reader its field code: what the program is to end with, where it cannot read
function pipe.new(input, current)
  local reader, is_first = { poll = new_poll() }, true
  input.settle()
  watch(reader, current)
  function reader.lines()
    return function()
      if session.halting() or input.unheard() then
        return nil
      end
      local line = next_line(reader, input)
      local failure = not line and input.failure()
      if failure then
        io.stderr:write("dynsup: cannot read stdin: ", failure, "\n")
        reader.code = UNREADABLE
      end
      line = is_first and line and read.beginning(line) or line
      is_first = false
      return line
    end
  end
  return reader
end

return pipe
