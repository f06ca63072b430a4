--- Lines of Lua as they are typed at a prompt: complete or not, an expression or statements.

local read = {}

-- Lua names the end of the text where it would have gone on.
local function is_incomplete(message)
  return message:sub(-5) == "<eof>"
end

--- Compiles the text that was typed so far. A string may not go on in the next line.
---@param text string
---@param name string the name of the chunk
---@param env? table its globals
---@return function? chunk it returns the values of an expression; nil: see below
---@return "incomplete"|"wrong"|nil problem
---@return string? message for a wrong text
function read.compile(text, name, env)
  env = env or _G
  local expression, expression_error = load("return " .. text .. "\n", name, "t", env)
  if expression then
    return expression
  end
  local chunk, message = load(text .. "\n", name, "t", env)
  if chunk then
    return chunk
  elseif is_incomplete(message) or is_incomplete(expression_error) then
    return nil, "incomplete"
  end
  return nil, "wrong", message
end

-- One of a single line is; how far a long one goes only the compiler knows.
local function without(comment)
  return comment:find "^%-%-%[=*%[" and comment or ""
end

--- The text without what Lua skips at the beginning of a file: the UTF-8 byte order mark, and a line that
--- begins with "#".
---@param text string
---@return string
function read.beginning(text)
  return (text:gsub("^\u{feff}", ""):gsub("^#![^\n]*", ""))
end

--- True for a text without code: nothing but blanks and comments of one line.
---@param text string
---@return boolean
function read.is_empty(text)
  return not text:gsub("%-%-[^\n]*", without):find "%S"
end

return read
