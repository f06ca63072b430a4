-- What the specs of the program `dynsup` share: runs in a folder of the test's, and what is
-- asserted of how they ended.

local assert = require "luassert"
local busted = require "busted"
local program = require "spec.support.program"

local cli = {}

local folder

--- Runs the program in the test's folder.
---@param ... string
---@return table
function cli.run(...)
  return program.run(folder, ...)
end

--- Runs a script, after options, if any.
---@param text string
---@param ... string
---@return table
function cli.script(text, ...)
  program.write(folder, "script.lua", text)
  local words = { ... }
  words[#words + 1] = "script.lua"
  return cli.run("run", table.unpack(words))
end

--- Runs a shell command in the test's folder.
---@param command string
---@return table
function cli.shell(command)
  return program.shell(folder, command)
end

--- Writes a file in the test's folder.
---@param name string
---@param text string
function cli.write(name, text)
  program.write(folder, name, text)
end

---@param code integer
---@param got table
function cli.assert_ended(code, got)
  assert.equal("exit", got.how)
  assert.equal(code, got.code, got.err)
end

-- The text on stderr, except the watchdog's lines when a busy machine has other work for long.
local function said(got)
  return (got.err:gsub("[^\n]*a process was stuck for %d+ ms[^\n]*\n", ""))
end

--- It ended with 0 and printed this; nothing was said on stderr.
---@param expected string
---@param got table
function cli.assert_printed(expected, got)
  assert.equal("", said(got))
  cli.assert_ended(0, got)
  assert.equal(expected, got.out)
end

--- One line on stderr, nothing printed, and this code.
---@param code integer
---@param line string
---@param got table
function cli.assert_said(code, line, got)
  assert.equal("dynsup: " .. line .. "\n", said(got))
  assert.equal("", got.out)
  cli.assert_ended(code, got)
end

---@param part string
---@param text string
function cli.assert_has(part, text)
  assert.truthy(text:find(part, 1, true), ("no %q in:\n%s"):format(part, text))
end

---@param part string
---@param text string
function cli.assert_lacks(part, text)
  assert.falsy(text:find(part, 1, true), ("%q in:\n%s"):format(part, text))
end

--- How often the part is in the text.
---@param part string
---@param text string
---@return integer
function cli.count(part, text)
  local n, at = 0, 1
  while true do
    local _, last = text:find(part, at, true)
    if not last then return n end
    n, at = n + 1, last + 1
  end
end

--- A group of tests, each with a folder of its own.
---@param name string
---@param tests function
function cli.describe(name, tests)
  busted.describe(name, function()
    busted.before_each(function() folder = program.folder() end)
    busted.after_each(function() program.remove_folder(folder) end)
    tests()
  end)
end

return cli
