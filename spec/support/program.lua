-- Runs the program `dynsup` as a user does, with scripts in a folder of their own. What it prints,
-- what it says on stderr and how it ends come back when it has ended.

local path = assert(os.getenv "DYNSUP_PROGRAM", "DYNSUP_PROGRAM is not set")

local program = { path = path }

---@param word string
---@return string
function program.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local quote = program.quote

local function read_file(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

--- A new empty folder.
---@return string
function program.folder()
  local name = os.tmpname()
  assert(os.remove(name))
  assert(os.execute("mkdir " .. quote(name)))
  return name
end

---@param folder string
function program.remove_folder(folder)
  assert(os.execute("rm -rf " .. quote(folder)))
end

--- Writes a file into a folder and returns its path.
---@param folder string
---@param name string
---@param text string
---@return string
function program.write(folder, name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  assert(file:write(text))
  return folder .. "/" .. name
end

--- Runs a shell command in a folder, without the libraries that a sanitizer build loads into the
--- interpreter, without what could colour the output, and with a log for people; DYNSUP stands for
--- the program. Output goes to files: redirections in the command come first.
---@param folder string
---@param command string
---@return { out: string, err: string, how: "exit"|"signal", code: integer }
function program.shell(folder, command)
  local out, err = folder .. "/.out", folder .. "/.err"
  local script = ("unset LD_PRELOAD LUA_INIT NO_COLOR; export DYNSUP_LOG_FORMAT=text\n"
    .. "DYNSUP=%s; cd %s || exit 99\n%s"):format(quote(path), quote(folder), command)
  local _, how, code = os.execute(("sh -c %s >%s 2>%s </dev/null"):format(quote(script), quote(out), quote(err)))
  return { out = read_file(out), err = read_file(err), how = how, code = code }
end

--- Runs the program with these arguments in a folder.
---@param folder string
---@param ... string
function program.run(folder, ...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = quote(word) end
  return program.shell(folder, "\"$DYNSUP\" " .. table.concat(words, " "))
end

return program
