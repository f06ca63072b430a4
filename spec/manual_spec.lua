-- Holds the manual page, docs/dynsup.1, against what the program says of itself: each command with its
-- arguments and options, exit codes, signals and environment variables, in both directions.

local program = require "spec.support.program"

local PAGE = "docs/dynsup.1"

-- Commands that the page may know before the program does, and options of run: they come together. As
-- soon as the program has one of these commands, all must be there.
local TOGETHER = { attach = true, tree = true, top = true, eval = true }
local TOGETHER_OPTION = "--listen"

-- ---- the page ----

-- A line without macros, fonts and escapes.
local function plain(line)
  return (line:gsub("^%.[BIR]+ ", ""):gsub("\\f.", ""):gsub("\\%-", "-"):gsub("\\%(dq", '"'))
end

-- heading -> { text = all of it, items = what stands behind each .TP }; of .SS within .SH as well.
local function read_page()
  local sections, section, is_item = {}, nil, false
  for line in io.lines(PAGE) do
    local heading = line:match '^%.S[HS] "?([^"]*)"?$'
    if heading then
      section = { text = "", items = {} }
      sections[plain(heading)] = section
    elseif section and not line:find '^%.\\"' then
      if is_item then table.insert(section.items, (plain(line):gsub('"', ""))) end
      section.text = section.text .. plain(line) .. "\n"
      is_item = line == ".TP"
    end
  end
  return sections
end

local page = read_page()

-- The words of all items of a section that have this form.
local function items(heading, pattern)
  local words = {}
  for _, item in ipairs(page[heading].items) do
    for word in item:gmatch(pattern) do words[word] = true end
  end
  return words
end

-- ---- what the program says ----

local folder = program.folder()

local function help(...)
  return program.run(folder, "help", ...).out
end

-- name -> { usage = with its arguments, text = its help }
local function read_commands()
  local commands = {}
  for name in help():gmatch "\n  (%l+) [^\n]*" do
    local text = help(name)
    commands[name] = { text = text, usage = text:match "^usage: dynsup ([^\n]*)\n" }
  end
  return commands
end

local commands = read_commands()
program.remove_folder(folder)

local is_together = false
for name in pairs(TOGETHER) do is_together = is_together or commands[name] ~= nil end

-- ---- comparing ----

local function all_matches(text, pattern)
  local found = {}
  for word in text:gmatch(pattern) do found[word] = true end
  return found
end

local function assert_each_in(words, among, what)
  for word in pairs(words) do assert(among[word], what:format(word)) end
end

-- The exit codes of a help: numbers in its last paragraph.
local function codes_of(text)
  return all_matches(text:match "\nexit code:.*" or "", "%f[%w]%d+%f[%W]")
end

local function source_of(command)
  local pipe <close> = assert(io.popen("unset LD_PRELOAD; " .. command))
  return pipe:read "a"
end

describe(PAGE, function()
  it("has a section for each command, with its arguments", function()
    for name, command in pairs(commands) do
      assert(page[command.usage], ("no section '%s' of the command %s"):format(command.usage, name))
    end
  end)

  it("has no section for what is no command", function()
    for heading in pairs(page) do
      local name = heading:match "^%l+"
      local may_come = TOGETHER[name] and not is_together
      assert(not name or commands[name] or may_come, ("there is no command %s"):format(name))
    end
  end)

  for name, command in pairs(commands) do
    it("has the options of " .. name .. ", and no others", function()
      local known = all_matches(command.text, "%-%-%a[%w-]*")
      local written = all_matches(page[command.usage].text, "%-%-%a[%w-]*")
      if not is_together then written[TOGETHER_OPTION] = nil end
      assert_each_in(known, written, "the page lacks %s")
      assert_each_in(written, known, "help lacks %s")
    end)
  end

  it("has the exit codes that help tells of, and no others", function()
    local written, known = items("EXIT STATUS", "%d+"), {}
    for _, command in pairs(commands) do
      for code in pairs(codes_of(command.text)) do known[code] = true end
    end
    assert_each_in(known, written, "the page lacks the exit code %s")
    assert_each_in(written, known, "no help tells of the exit code %s")
  end)

  it("has the signals that help tells of", function()
    local written = items("SIGNALS", "SIG%u+")
    for _, command in pairs(commands) do
      assert_each_in(all_matches(command.text, "SIG%u+"), written, "the page lacks %s")
    end
  end)

  it("has the environment variables that the program looks at, and only those or its libraries'", function()
    local written = items("ENVIRONMENT", "[%a_]+")
    local source = source_of "cat cli/*.c scripts/dynsup/*.lua scripts/dynsup/*/*.lua"
    local known = all_matches(source, 'getenv[ (]+"([%w_]+)"')
    assert_each_in(known, written, "the page lacks %s")
    for name in ("LUA_PATH LUA_CPATH UV_THREADPOOL_SIZE http_proxy https_proxy no_proxy"):gmatch "%S+" do
      known[name] = true
    end
    if not is_together then known.XDG_RUNTIME_DIR = true end
    assert_each_in(written, known, "the program does not look at %s")
  end)

  -- Commands that look for mistakes in pages, and print them.
  for name, command in pairs {
    groff = "groff -man -Tutf8 -ww -z %s 2>&1",
    man = "LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z %s 2>&1 >/dev/null",
    mandoc = "mandoc -Tlint %s 2>&1",
  } do
    it("is a page in which " .. name .. " finds no mistake", function()
      if not os.execute("command -v " .. name .. " >/dev/null 2>&1") then pending(name .. " is not installed") end
      assert.equal("", source_of(command:format(PAGE)))
    end)
  end
end)
