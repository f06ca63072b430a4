-- Runs programs as a user does, dynsup run FILE, in a directory of the test's.

local busted = require "busted"

local program = assert(os.getenv "DYNSUP_PROGRAM", "DYNSUP_PROGRAM is not set")

local example = { program = program }

local directory

function example.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

function example.command_line(words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = example.quote(word)
  end
  return table.concat(quoted, " ")
end

-- Commands do not inherit the libraries that a sanitizer build loads into the interpreter.
function example.open_shell(command)
  return assert(io.popen("unset LD_PRELOAD; export DYNSUP_LOG_FORMAT=text; " .. command))
end

function example.shell(command)
  local pipe = example.open_shell(command)
  local text = pipe:read "a"
  pipe:close()
  return text
end

function example.read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

function example.write_file(path, content)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
end

-- The path of a file in the test's directory.
function example.path_of(name)
  return directory .. "/" .. name
end

-- Makes files there: name -> content.
function example.make(files)
  for name, content in pairs(files) do
    example.shell("mkdir -p " .. example.quote(example.path_of(name):match "^(.*)/"))
    example.write_file(example.path_of(name), content)
  end
end

-- Runs a shell command in the test's directory.
function example.inside(command)
  return example.shell("cd " .. example.quote(directory) .. " && " .. command)
end

-- Runs `dynsup run FILE WORDS...`; prefix is shell text before it. Returns code, stdout, stderr.
function example.run(file, words, prefix)
  local line = example.command_line { program, "run", file, table.unpack(words or {}) }
  local out, err = example.path_of ".out", example.path_of ".err"
  local outputs = (">%s 2>%s"):format(example.quote(out), example.quote(err))
  local code = example.shell(("(%s %s) %s; echo $?"):format(prefix or "", line, outputs))
  return tonumber(code), example.read_file(out), example.read_file(err)
end

-- The directory of the test that runs.
function example.directory()
  return directory
end

-- A group of tests, each with a directory of its own.
function example.describe(name, tests)
  busted.describe(name, function()
    busted.before_each(function()
      directory = example.shell("mktemp -d"):match "%S+"
    end)

    busted.after_each(function()
      example.shell("chmod -R u+rwX " .. example.quote(directory) .. "; rm -rf " .. example.quote(directory))
    end)

    tests()
  end)
end

return example
