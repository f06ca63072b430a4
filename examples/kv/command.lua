--- Commands: a line from a client becomes the text of the answer.
local command = {}

local bucket = require "bucket"

local OK = "OK\r\n"
local NOT_FOUND = "NOT FOUND\r\n"

command.UNKNOWN = "UNKNOWN COMMAND\r\n"

-- name -> the number of its arguments, and what it does with them
local commands = {
  CREATE = { 1, function(name) return assert(bucket.create(name)) and OK end },
  PUT = { 3, function(...) return bucket.put(...) and OK or NOT_FOUND end },
  DELETE = { 2, function(...) return bucket.delete(...) and OK or NOT_FOUND end },
  GET = { 2, function(...)
    local is_there, value = bucket.get(...)
    return is_there and (value or "") .. "\r\n" .. OK or NOT_FOUND
  end },
}

--- Carries out the line, without its end.
---@param line string
---@return string answer
function command.run(line)
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  local found = commands[words[1]]
  if not found or found[1] ~= #words - 1 then return command.UNKNOWN end
  return found[2](table.unpack(words, 2))
end

return command
