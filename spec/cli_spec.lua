-- The program `dynsup` as its users meet it: arguments, exit codes, what it prints, and signals.
-- Scripts send signals to themselves, so that nothing here depends on how long anything takes.

local program = require "spec.support.program"

local folder

-- Runs the program in the test's folder.
local function run(...)
  return program.run(folder, ...)
end

-- Runs a script, after options, if any.
local function script(text, ...)
  program.write(folder, "script.lua", text)
  local words = { ... }
  words[#words + 1] = "script.lua"
  return run("run", table.unpack(words))
end

local function shell(command)
  return program.shell(folder, command)
end

local function assert_ended(code, got)
  assert.equal("exit", got.how)
  assert.equal(code, got.code, got.err)
end

-- It ended with 0 and printed this; nothing was said on stderr.
local function assert_printed(expected, got)
  assert.equal("", got.err)
  assert_ended(0, got)
  assert.equal(expected, got.out)
end

-- One line on stderr, nothing printed, and this code.
local function assert_said(code, line, got)
  assert.equal("dynsup: " .. line .. "\n", got.err)
  assert.equal("", got.out)
  assert_ended(code, got)
end

local function assert_has(part, text)
  assert.truthy(text:find(part, 1, true), ("no %q in:\n%s"):format(part, text))
end

local function assert_lacks(part, text)
  assert.falsy(text:find(part, 1, true), ("%q in:\n%s"):format(part, text))
end

local function count(part, text)
  local n, at = 0, 1
  while true do
    local _, last = text:find(part, at, true)
    if not last then return n end
    n, at = n + 1, last + 1
  end
end

local function describe_in_folder(name, tests)
  describe(name, function()
    before_each(function() folder = program.folder() end)
    after_each(function() program.remove_folder(folder) end)
    tests()
  end)
end

describe_in_folder("dynsup version", function()
  it("prints the versions of dynsup and Lua", function()
    for _, word in ipairs { "version", "--version" } do
      local got = run(word)
      assert.matches("^dynsup %d+%.%d+%.%d+ %(Lua 5%.4%.%d+%)\n$", got.out)
      assert_printed(got.out, got)
    end
  end)

  it("takes no arguments", function()
    assert_said(2, "version does not take 'x': see 'dynsup help'", run("version", "x"))
  end)
end)

describe_in_folder("dynsup help", function()
  it("lists the commands", function()
    local got = run "help"
    assert_printed(got.out, got)
    assert_has("run [--log-level LEVEL] [--copy-messages] FILE [ARG...]", got.out)
    assert_has("version", got.out)
    assert_has("help [COMMAND]", got.out)
  end)

  it("is what -h and --help do", function()
    local help = run("help").out
    assert_printed(help, run "-h")
    assert_printed(help, run "--help")
  end)

  it("explains a command", function()
    local got = run("help", "run")
    assert_printed(got.out, got)
    assert_has("usage: dynsup run", got.out)
    assert_has("--log-level", got.out)
    assert_has("exit code", got.out)
    assert_printed(got.out, run("run", "--help"))
    assert_printed(got.out, run("run", "-h"))
    local version = run("help", "version")
    assert_printed(version.out, version)
    assert_has("usage: dynsup version\n", version.out)
  end)

  it("does not know other commands", function()
    assert_said(2, "unknown command 'rum': did you mean 'run'?", run("help", "rum"))
    assert_said(2, "unknown command 'fnord': see 'dynsup help'", run("help", "fnord"))
    assert_said(2, "help does not take 'x': see 'dynsup help'", run("help", "run", "x"))
  end)
end)

describe_in_folder("misuse is one line on stderr and code 2:", function()
  it("no command", function()
    assert_said(2, "a command is missing: see 'dynsup help'", run())
  end)

  it("an unknown command", function()
    assert_said(2, "unknown command 'rnu': did you mean 'run'?", run("rnu", "x.lua"))
    assert_said(2, "unknown command 'versoin': did you mean 'version'?", run "versoin")
    assert_said(2, "unknown command 'fnord': see 'dynsup help'", run "fnord")
    assert_said(2, "unknown command '': see 'dynsup help'", run "")
    local long = ("run"):rep(1000)
    assert_said(2, ("unknown command '%s': see 'dynsup help'"):format(long), run(long))
  end)

  it("a script in place of a command", function()
    local line = "unknown command '%s': to run a script, type 'dynsup run %s'"
    assert_said(2, line:format("x.lua", "x.lua"), run "x.lua")
    program.write(folder, "server", "")
    assert_said(2, line:format("server", "server"), run "server")
  end)

  it("an unknown option", function()
    assert_said(2, "unknown option '--hlep': did you mean '--help'?", run "--hlep")
    assert_said(2, "unknown option '-x': see 'dynsup help'", run "-x")
    assert_said(2, "unknown option '--log-lvel': did you mean '--log-level'?", run("run", "--log-lvel", "off", "x"))
    assert_said(2, "unknown option '--fnord': see 'dynsup help run'", run("run", "--fnord", "x"))
  end)

  it("run without FILE", function()
    local line = "run needs a FILE: see 'dynsup help run'"
    assert_said(2, line, run "run")
    assert_said(2, line, run("run", "--log-level", "off"))
    assert_said(2, line, run("run", "--"))
  end)

  it("a wrong log level", function()
    local none = "--log-level needs a level: off, error, warning, info or debug"
    assert_said(2, none, run("run", "--log-level"))
    local wrong = "unknown log level '%s': it is one of off, error, warning, info, debug"
    assert_said(2, wrong:format "loud", run("run", "--log-level", "loud", "x.lua"))
    assert_said(2, wrong:format "", run("run", "--log-level=", "x.lua"))
    assert_said(2, "unknown log level 'warn1ng': did you mean 'warning'?", run("run", "--log-level=warn1ng", "x.lua"))
  end)

  it("a FILE that cannot be read", function()
    assert_said(2, "cannot open none.lua: No such file or directory", run("run", "none.lua"))
    assert_said(2, "run needs a FILE: see 'dynsup help run'", run("run", ""))
    assert_said(2, "cannot read .: Is a directory", run("run", "."))
  end)
end)

describe_in_folder("the script", function()
  local show = [[
    local words = {}
    for i = 0, #arg do words[#words + 1] = i .. "=" .. arg[i] end
    print(table.concat(words, " ") .. " | " .. table.concat({ ... }, " "))]]

  it("finds itself and its arguments in arg, and the arguments in ...", function()
    program.write(folder, "app.lua", show)
    assert_printed("0=app.lua | \n", run("run", "app.lua"))
    assert_printed("0=app.lua 1=a 2=b c 3= | a b c \n", run("run", "app.lua", "a", "b c", ""))
  end)

  it("finds what stands before it at negative indices of arg, as with lua", function()
    program.write(folder, "app.lua", "print(arg[-3], arg[-2], arg[-1], arg[-4] == nil, arg[-5] == nil)")
    assert_printed("run\t--log-level\tinfo\tfalse\ttrue\n", run("run", "--log-level", "info", "app.lua"))
  end)

  it("gets all that follows it, also what looks like an option", function()
    program.write(folder, "app.lua", show)
    assert_printed("0=app.lua 1=--log-level 2=x 3=-- 4=-h | --log-level x -- -h\n",
      run("run", "app.lua", "--log-level", "x", "--", "-h"))
  end)

  it("may have a name that begins with a dash, behind --", function()
    program.write(folder, "-app.lua", show)
    assert_printed("0=-app.lua 1=a | a\n", run("run", "--", "-app.lua", "a"))
  end)

  it("gets many arguments", function()
    program.write(folder, "app.lua", "print(#arg, select('#', ...), (select(-1, ...)))")
    local words = {}
    for i = 1, 10000 do words[i] = tostring(i) end
    assert_printed("10000\t10000\t10000\n", run("run", "app.lua", table.unpack(words)))
  end)

  it("may begin with a line for the shell", function()
    program.write(folder, "app.lua", "#!/usr/bin/env -S dynsup run\nprint 'hello'\nerror 'line 3'")
    local got = run("run", "app.lua")
    assert.equal("hello\n", got.out)
    assert_has("app.lua:3: line 3", got.err)
  end)

  it("is read from the standard input when it is called -", function()
    program.write(folder, "app.lua", show)
    assert_printed("0=- 1=a | a\n", shell "cat app.lua | \"$DYNSUP\" run - a")
  end)

  it("is a process", function()
    assert_printed("true\ttrue\n", script [[
      local dynsup = require "dynsup"
      print(dynsup.is_pid(dynsup.self()), dynsup.is_alive(dynsup.self()))]])
  end)

  it("has dynsup and luv without any LUA_PATH", function()
    program.write(folder, "app.lua", [[print(type(require "dynsup".start_child), type(require "luv".new_timer))]])
    assert_printed("function\tfunction\n", shell [[
      export LUA_PATH=/nowhere/?.lua LUA_CPATH=/nowhere/?.so
      "$DYNSUP" run app.lua]])
  end)

  it("finds modules of its own by LUA_PATH", function()
    program.write(folder, "mine.lua", "return 'found'")
    program.write(folder, "app.lua", "print((require 'mine'))")
    assert_printed("found\n", shell [[LUA_PATH='./?.lua;;' "$DYNSUP" run app.lua]])
  end)

  it("has its messages copied with --copy-messages", function()
    local text = [[
      local dynsup = require "dynsup"
      local sent = {}
      dynsup.send(dynsup.self(), sent)
      print(dynsup.receive() == sent)]]
    assert_printed("true\n", script(text))
    assert_printed("false\n", script(text, "--copy-messages"))
    assert_printed("false\n", script(text, "--copy-messages", "--log-level", "off"))
    assert_said(2, "unknown option '--copy-mesages': did you mean '--copy-messages'?", script(text, "--copy-mesages"))
  end)

  it("does not make SIGPIPE something that programs it starts ignore", function()
    assert_printed("signal\t13\n", script [[print(select(2, os.execute "kill -PIPE $$"))]])
  end)
end)

describe_in_folder("a run ends with", function()
  it("0 when nothing can happen any more", function()
    assert_printed("", script "")
    assert_printed("", script "return 1, 'ignored'")
    assert_printed("main\nworker\n", script [[
      local dynsup = require "dynsup"
      dynsup.spawn(function() dynsup.sleep(5) print "worker" end)
      print "main"]])
  end)

  it("0 although children failed", function()
    local got = script [[
      local dynsup = require "dynsup"
      dynsup.start_child(dynsup.start_link {}, function() error "boom" end)]]
    assert_ended(0, got)
    assert_has("boom", got.err)
  end)

  it("the code of halt", function()
    assert_printed("", script [[require "dynsup".halt()]])
    for _, code in ipairs { 1, 7, 255 } do
      assert_ended(code, script(("require 'dynsup'.halt(%d)"):format(code)))
    end
    assert_ended(3, script [[
      local dynsup = require "dynsup"
      dynsup.spawn(function() dynsup.halt(3) end)
      dynsup.receive()]])
  end)

  it("the code of os.exit, which is halt", function()
    assert_ended(5, script "os.exit(5)")
    assert_ended(0, script "os.exit(true)")
    assert_ended(1, script "os.exit(false)")
    local got = script "local x <close> = setmetatable({}, { __close = function() print 'closed' end }) os.exit(4)"
    assert_ended(4, got)
    assert.equal("closed\n", got.out)
  end)

  it("1 and one line that says where, for a syntax error", function()
    assert_said(1, "script.lua:2: unexpected symbol near '='", script "local x = 1\nx = = 2")
    local got = script "x = 'a\ny = 'b'"
    assert.equal(1, count("\n", got.err))
    assert_has("dynsup: script.lua:1: unfinished string", got.err)
    got = script "x = 1 [[a\nb]] = 2\n)"
    assert.equal(1, count("\n", got.err))
    assert_ended(1, got)
  end)

  it("1 and a traceback, told once, when the script fails", function()
    local got = script "local function f() error 'boom' end\nf()"
    assert_ended(1, got)
    assert.matches("^dynsup: script.lua:1: boom\nstack traceback:\n", got.err)
    assert_has("script.lua:2: in", got.err)
    assert.equal(1, count("boom", got.err))
    assert.equal("", got.out)
  end)

  it("1 also for errors that are no strings", function()
    local got = script "error(setmetatable({}, { __tostring = function() return 'an object' end }))"
    assert_ended(1, got)
    assert.matches("^dynsup: an object\nstack traceback:\n", got.err)
    assert_ended(1, script "error()")
    assert_said(1, "no text", script "error(setmetatable({}, { __tostring = function() error('no text', 0) end }))")
    assert_said(1, "the error cannot be told: it has no text",
      script "error(setmetatable({}, { __tostring = function() error {} end }))")
    assert_ended(1, script "error {}")
  end)

  it("1 and the reason when the main process exits abnormally", function()
    assert_said(1, "the main process ended with the reason oops", script "require 'dynsup'.exit 'oops'")
    assert_said(1, "the main process ended with the reason shutdown", script "require 'dynsup'.exit 'shutdown'")
    assert_said(1, "the main process ended with the reason { shutdown, 1 }",
      script "require 'dynsup'.exit { 'shutdown', 1 }")
    assert_has("the reason { code = 1 }", script("require 'dynsup'.exit { code = 1 }").err)
    assert_printed("", script "require 'dynsup'.exit 'normal'")
  end)

  it("1 and the crash of a process linked to the main process, told once", function()
    local got = script [[
      local dynsup = require "dynsup"
      dynsup.spawn_link(function() error "boom" end)
      dynsup.receive()]]
    assert_ended(1, got)
    assert_has("dynsup: script.lua:2: boom\nstack traceback:\n", got.err)
  end)

  it("1 and where the main process waits for what cannot come", function()
    local got = script "local dynsup = require 'dynsup'\n\ndynsup.receive()"
    assert_ended(1, got)
    assert.matches("^dynsup: nothing can happen any more, but the main process waits\n", got.err)
    assert_has("script.lua:3:", got.err)
  end)

  it("1 when output is lost", function()
    local got = shell "echo 'print(1)' >app.lua; \"$DYNSUP\" run app.lua >/dev/full"
    assert_ended(1, got)
    assert.matches("^dynsup: cannot write to standard output[^\n]*\n$", got.err)
    assert_ended(1, shell "\"$DYNSUP\" help >/dev/full")
    assert_ended(1, shell "\"$DYNSUP\" run app.lua >&-")
    assert_ended(1, shell "echo 'io.write(1)' >app.lua; \"$DYNSUP\" run app.lua >/dev/full")
  end)

  it("its own code when output is lost as well", function()
    assert_ended(7, shell "echo 'print(1) os.exit(7)' >app.lua; \"$DYNSUP\" run app.lua >/dev/full")
  end)

  it("0 without a standard output that it does not need", function()
    assert_printed("", shell "echo 'x = 1' >app.lua; \"$DYNSUP\" run app.lua >&-")
  end)

  it("no signal when the reader of its output has gone", function()
    program.write(folder, "app.lua", [[
      local block = ("x"):rep(65536)
      local ok, message
      repeat ok, message = io.write(block) until not ok
      io.stderr:write(message, "\n")]])
    local got = shell [[{ "$DYNSUP" run app.lua; echo "code $?" >&2; } | true]]
    assert.matches("^Broken pipe\ndynsup: cannot write to standard output[^\n]*\ncode 1\n$", got.err)
  end)
end)

describe_in_folder("the log", function()
  -- An error, a warning, an info and a debug line each have something that the others lack.
  local noisy = [[
    local dynsup = require "dynsup"
    local sup = dynsup.start_link { name = "pool" }
    dynsup.start_child(sup, { body = function() error "boom" end, restart = "temporary", name = "fragile" })
    dynsup.send(sup, "plain")
    dynsup.sleep(1)
    io.stderr:write "last\n"]]
  local marks = { error = "(child_terminated)", warning = "[warning] ", info = "[info] ", debug = "[debug] " }
  local order = { "error", "warning", "info", "debug" }

  local function assert_level(level, got)
    local is_shown = level ~= "off"
    for _, each in ipairs(order) do
      if is_shown then assert_has(marks[each], got.err) else assert_lacks(marks[each], got.err) end
      if each == level then is_shown = false end
    end
    assert_ended(0, got)
    assert.equal("", got.out)
  end

  it("shows errors and warnings on stderr", function()
    assert_level("warning", script(noisy))
  end)

  it("shows as much as --log-level says", function()
    for _, level in ipairs { "off", "error", "warning", "info", "debug" } do
      assert_level(level, script(noisy, "--log-level", level))
      assert_level(level, script(noisy, "--log-level=" .. level))
    end
    assert_level("error", script(noisy, "--log-level", "debug", "--log-level", "error"))
  end)

  it("is silent when off, but for what the script and dynsup say", function()
    assert.equal("last\n", script(noisy, "--log-level", "off").err)
    assert_has("boom", script("error 'boom'", "--log-level", "off").err)
  end)

  it("begins a report with its level and indents its other lines", function()
    local got = script(noisy, "--log-level", "error")
    local first, rest = got.err:match "^(%[error%] worker <0%.%d+%.%d+> \"fragile\" of [^\n]*)\n(.-)\nlast\n$"
    assert.truthy(first, got.err)
    assert_has("supervisor <0.", first)
    assert_has("\"pool\"", first)
    for line in (rest .. "\n"):gmatch "([^\n]*)\n" do
      assert.equal("    ", line:sub(1, 4), got.err)
    end
    assert_has("reason: script.lua:3: boom\n", rest)
    assert_has("stack traceback:", rest)
  end)

  it("cannot be forged by the text of an error", function()
    local got = script [[
      local dynsup = require "dynsup"
      dynsup.start_child(dynsup.start_link {}, function() error("a\n[error] b\27[31m\r", 0) end)]]
    assert.equal(1, count("\n[error]", "\n" .. got.err))
    assert_lacks("\27", got.err)
    assert_lacks("\r", got.err)
  end)

  it("has the warnings of Lua, such as errors in finalizers", function()
    local text = [[
      warn("one ", "warning")
      setmetatable({}, { __gc = function() error "lost?" end })
      collectgarbage()
      warn "@off"
      warn "not shown"
      warn "@on"
      setmetatable({}, { __gc = function() error "at the very end" end })]]
    local got = script(text)
    assert_ended(0, got)
    assert.matches("^%[warning%] one warning\n%[warning%] error in __gc[^\n]*lost%?[^\n]*\n"
      .. "%[warning%] error in __gc[^\n]*at the very end[^\n]*\n$", got.err)
    assert_printed("", script(text, "--log-level", "error"))
  end)

  it("cuts a warning that is too long", function()
    local got = script "warn(('x'):rep(2000), 'y') warn 'next'"
    assert.equal("[warning] " .. ("x"):rep(1000) .. "\n[warning] next\n", got.err)
  end)

  it("has colours on a terminal only, and not with NO_COLOR", function()
    if not shell("command -v script").out:find "script" then return pending "needs the program script" end
    program.write(folder, "app.lua", noisy)
    local function on_terminal(environment)
      return shell(environment .. [[ script -qec "'$DYNSUP' run app.lua" /dev/null]]).out
    end
    assert_lacks("\27", script(noisy).err)
    assert_has("\27[31m[error]\27[0m worker", on_terminal "TERM=xterm")
    assert_lacks("\27", on_terminal "TERM=xterm NO_COLOR=1")
    assert_has("\27[31m", on_terminal "TERM=xterm NO_COLOR=")
    assert_lacks("\27", on_terminal "TERM=dumb")
  end)

  it("can be lost without harm", function()
    program.write(folder, "app.lua", noisy)
    assert_ended(0, shell "\"$DYNSUP\" run --log-level debug app.lua 2>&-")
    assert_ended(0, shell "\"$DYNSUP\" run --log-level debug app.lua 2>/dev/full")
    assert_ended(0, shell "{ \"$DYNSUP\" run --log-level debug app.lua; echo $? >&3; } 3>&1 2>&1 >/dev/null | true")
  end)

  it("does not go into a file that the script opened while stderr is closed", function()
    local text = ("cat >app.lua <<'EOF'\nlocal file = io.open('data', 'w')\n%s\nfile:write 'mine'\nEOF\n"):format(noisy)
    local got = shell(text .. "\"$DYNSUP\" run app.lua 2>&- <&-; cat data")
    assert_ended(0, got)
    assert.equal("mine", got.out)
  end)
end)

describe_in_folder("SIGINT and SIGTERM", function()
  -- What signals tests begin with: a process that tells its end, and a signal to the program itself.
  local prelude = [[
    local dynsup, uv = require "dynsup", require "luv"
    io.stdout:setvbuf "no"
    local function telling(name)
      return setmetatable({}, { __close = function() print(name) end })
    end
    local function worker(name)
      local closed <close> = telling(name)
      dynsup.ready()
      dynsup.sleep "infinity"
    end
    local function raise(signal)
      uv.kill(uv.os_getpid(), signal)
    end
  ]]

  local function signalled(signal, text)
    return script(prelude .. text:gsub("SIGNAL", signal))
  end

  it("stop the supervisors in reverse order of start, then the rest, and end with 0", function()
    for _, signal in ipairs { "sigint", "sigterm" } do
      assert_printed("third\nsecond\nfirst\nmain\n", signalled(signal, [[
        local closed <close> = telling "main"
        local function slow(name, ms)
          dynsup.flag("trap_exit", true)
          dynsup.ready()
          dynsup.receive()
          dynsup.sleep(ms)
          print(name)
        end
        for ms, name in ipairs { "first", "second", "third" } do
          dynsup.start_child(dynsup.start_link {}, { body = slow, args = { name, ms * 5 }, ready = true,
            restart = "temporary" })
        end
        raise "SIGNAL"
        dynsup.sleep(60000)]]))
    end
  end)

  it("come from outside, too", function()
    for _, signal in ipairs { "INT", "TERM" } do
      assert_printed("worker\n", signalled(signal, [[
        dynsup.spawn(worker, "worker")
        dynsup.yield()
        io.popen("kill -SIGNAL $PPID"):close()
        dynsup.sleep(60000)]]))
    end
  end)

  it("that are pending already come before the judgement that nothing can happen", function()
    assert_printed("", signalled("sigterm", [[
      raise "SIGNAL"
      dynsup.receive()]]))
  end)

  it("reach a run inside the run that is always busy", function()
    for _, clock in ipairs { "virtual", "real" } do
      assert_printed("inner\nworker\n", signalled("sigterm", ([[
        dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
        dynsup.run({ clock = "%s" }, function()
          dynsup.spawn(worker, "inner")
          dynsup.spawn(function() while true do end end)
          dynsup.yield()
          raise "SIGNAL"
          dynsup.sleep "infinity"
        end)]]):format(clock)))
    end
  end)

  it("SIGHUP stops everything like SIGTERM", function()
    assert_printed("worker\n", signalled("sighup", [[
      dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
      raise "SIGNAL"
      dynsup.sleep(60000)]]))
  end)

  it("reach a main process that has returned", function()
    assert_printed("worker\n", signalled("sigterm", [[
      dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
      dynsup.send_after(1, dynsup.spawn(function()
        dynsup.receive()
        raise "SIGNAL"
        dynsup.sleep(60000)
      end), "now")]]))
  end)

  it("end processes that never wait", function()
    assert_printed("worker\n", signalled("sigint", [[
      dynsup.spawn(function()
        local closed <close> = telling "worker"
        while true do end
      end)
      dynsup.spawn(function() while true do pcall(function() while true do end end) end end)
      dynsup.sleep(2)
      raise "SIGNAL"
      while true do end]]))
  end)

  it("give children the time that their specs allow", function()
    assert_printed("asked\nwell done\n", signalled("sigterm", [[
      dynsup.start_child(dynsup.start_link {}, { ready = true, body = function()
        dynsup.flag("trap_exit", true)
        dynsup.ready()
        dynsup.receive()
        print "asked"
        dynsup.sleep(5)
        print "well done"
        dynsup.exit "shutdown"
      end })
      raise "SIGNAL"
      dynsup.sleep(60000)]]))
  end)

  it("keep the code of a halt that came before", function()
    assert_ended(7, signalled("sigint", [[
      dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        dynsup.receive()
        raise "SIGNAL"
        dynsup.sleep(5)
      end)
      dynsup.yield()
      dynsup.halt(7)]]))
  end)

  local stubborn = [[
    dynsup.start_child(dynsup.start_link {}, { shutdown = "infinity", ready = true, body = function()
      local closed <close> = telling "never"
      dynsup.flag("trap_exit", true)
      dynsup.ready()
      dynsup.receive()
      print "asked"
      raise "SIGNAL"
      dynsup.sleep(60000)
    end })
    raise "sigint"
    dynsup.sleep(60000)]]

  it("end the run at once when SIGINT comes a second time while a C function runs", function()
    local got = script [[
      shell = io.popen "while kill -INT $PPID 2>/dev/null; do :; done"
      string.find(("a"):rep(2500), ".-.-.-b")]]
    assert.equal(130, got.code)
  end)

  it("end the run at once with 130 when SIGINT comes a second time", function()
    local got = signalled("sigint", stubborn)
    assert_ended(130, got)
    assert.equal("asked\n", got.out)
    assert.equal("", got.err)
  end)
end)
