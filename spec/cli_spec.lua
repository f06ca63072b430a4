-- The program `dynsup` as its users meet it: arguments, exit codes, and what it prints.

local cli = require "spec.support.cli"

local run, script, shell, count = cli.run, cli.script, cli.shell, cli.count
local assert_ended, assert_printed = cli.assert_ended, cli.assert_printed
local assert_said, assert_has, assert_lacks = cli.assert_said, cli.assert_has, cli.assert_lacks

cli.describe("dynsup version", function()
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

cli.describe("dynsup help", function()
  it("lists the commands", function()
    local got = run "help"
    assert_printed(got.out, got)
    assert_has("run [OPTION...] FILE [ARG...]", got.out)
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

cli.describe("misuse is one line on stderr and code 2:", function()
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
    cli.write("server", "")
    assert_said(2, line:format("server", "server"), run "server")
  end)

  it("an unknown option", function()
    assert_said(2, "unknown option '--hlep': did you mean '--help'?", run "--hlep")
    assert_said(2, "unknown option '-x': see 'dynsup help'", run "-x")
    assert_said(2, "unknown option '--log-lvel': did you mean '--log-level'?", run("run", "--log-lvel", "off", "x"))
    assert_said(2, "unknown option '--fnord': see 'dynsup help run'", run("run", "--fnord", "x"))
  end)

  it("a value where there is none", function()
    for _, option in ipairs { "--copy-messages", "--memory-accounts", "--allow-bytecode", "--help" } do
      assert_said(2, option .. " takes no value: see 'dynsup help run'", run("run", option .. "=yes", "x"))
    end
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

cli.describe("the script", function()
  local show = [[
    local words = {}
    for i = 0, #arg do words[#words + 1] = i .. "=" .. arg[i] end
    print(table.concat(words, " ") .. " | " .. table.concat({ ... }, " "))]]

  it("finds itself and its arguments in arg, and the arguments in ...", function()
    cli.write("app.lua", show)
    assert_printed("0=app.lua | \n", run("run", "app.lua"))
    assert_printed("0=app.lua 1=a 2=b c 3= | a b c \n", run("run", "app.lua", "a", "b c", ""))
  end)

  it("finds what stands before it at negative indices of arg, as with lua", function()
    cli.write("app.lua", "print(arg[-3], arg[-2], arg[-1], arg[-4] == nil, arg[-5] == nil)")
    assert_printed("run\t--log-level\tinfo\tfalse\ttrue\n", run("run", "--log-level", "info", "app.lua"))
  end)

  it("gets all that follows it, also what looks like an option", function()
    cli.write("app.lua", show)
    assert_printed("0=app.lua 1=--log-level 2=x 3=-- 4=-h | --log-level x -- -h\n",
      run("run", "app.lua", "--log-level", "x", "--", "-h"))
  end)

  it("may have a name that begins with a dash, behind --", function()
    cli.write("-app.lua", show)
    assert_printed("0=-app.lua 1=a | a\n", run("run", "--", "-app.lua", "a"))
  end)

  it("gets many arguments", function()
    cli.write("app.lua", "print(#arg, select('#', ...), (select(-1, ...)))")
    local words = {}
    for i = 1, 10000 do words[i] = tostring(i) end
    assert_printed("10000\t10000\t10000\n", run("run", "app.lua", table.unpack(words)))
  end)

  it("may begin with a line for the shell", function()
    cli.write("app.lua", "#!/usr/bin/env -S dynsup run\nprint 'hello'\nerror 'line 3'")
    local got = run("run", "app.lua")
    assert.equal("hello\n", got.out)
    assert_has("app.lua:3: line 3", got.err)
  end)

  it("is read from the standard input when it is called -", function()
    cli.write("app.lua", show)
    assert_printed("0=- 1=a | a\n", shell "cat app.lua | \"$DYNSUP\" run - a")
  end)

  it("is a process", function()
    assert_printed("true\ttrue\n", script [[
      local dynsup = require "dynsup"
      print(dynsup.is_pid(dynsup.self()), dynsup.is_alive(dynsup.self()))]])
  end)

  it("has dynsup and luv without any LUA_PATH", function()
    cli.write("app.lua", [[print(type(require "dynsup".start_child), type(require "luv".new_timer))]])
    assert_printed("function\tfunction\n", shell [[
      export LUA_PATH=/nowhere/?.lua LUA_CPATH=/nowhere/?.so
      "$DYNSUP" run app.lua]])
  end)

  it("may leave work of luv's threads behind", function()
    assert_printed("", script [[
      local uv = require "luv"
      uv.new_work(function()
        local started = os.clock()
        while os.clock() - started < 0.2 do end
      end, function() print "not told any more" end):queue()
      require "dynsup".halt(0)]])
  end)

  it("finds modules of its own by LUA_PATH", function()
    cli.write("mine.lua", "return 'found'")
    cli.write("app.lua", "print((require 'mine'))")
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

  it("keeps accounts of memory with --memory-accounts", function()
    local text = [[
      local dynsup = require "dynsup"
      local kept = {}
      for i = 1, 1000 do kept[i] = { i } end
      print(dynsup.info(dynsup.self()).memory > 50000)]]
    assert_printed("false\n", script(text))
    assert_printed("true\n", script(text, "--memory-accounts"))
    assert_said(2, "unknown option '--memory-account': did you mean '--memory-accounts'?",
      script(text, "--memory-account"))
  end)

  it("does not make SIGPIPE something that programs it starts ignore", function()
    assert_printed("signal\t13\n", script [[print(select(2, os.execute "kill -PIPE $$"))]])
  end)

  it("may open as many files as the system allows it", function()
    local got = shell [[
      ulimit -Sn 100; ulimit -Hn 500
      echo 'for line in io.lines "/proc/self/limits" do print(line:match "^Max open files *(%d+ *%d+)") end' >limits.lua
      $DYNSUP run limits.lua | grep -v nil]]
    assert.matches("^500 +500\n$", got.out)
  end)
end)

cli.describe("a run ends with", function()
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

  it("1 also for a syntax error whose text is that of precompiled code", function()
    assert_said(1, "script.lua:1: unexpected symbol near ''attempt to load a binary chunk''",
      script "x = 1 'attempt to load a binary chunk'")
  end)

  it("1 and a traceback, told once, when the script fails", function()
    local got = script "local function f() error 'boom' end\nf()"
    assert_ended(1, got)
    assert.matches("^dynsup: script.lua:1: boom\nstack traceback:\n", got.err)
    assert_has("script.lua:2: in", got.err)
    assert.equal(1, count("boom", got.err))
    assert.equal("", got.out)
  end)

  it("1 and who knows more, where assert tells why a spec or an option was refused, and not which", function()
    local function hint(line)
      local got = script("local dynsup = require 'dynsup'\n" .. line)
      assert_ended(1, got)
      local last = got.err:match "([^\n]*)\n$"
      return last == "this may tell which value that is: dynsup check script.lua"
    end
    assert.True(hint "assert(dynsup.start_link { max_restart = 3 })")
    assert.True(hint "assert(dynsup.start_child(dynsup.start_link(), { boby = print }))")
    assert.True(hint "assert(dynsup.server.start_link({}, nil, { timeout = 'x' }))")
    assert.False(hint "assert(dynsup.start_child(dynsup.self(), { body = print }))")
    assert.False(hint "error 'invalid_thing'")
    assert.False(hint "require = nil; error 'boom'")
    assert.False(hint "error { 'invalid_option' }")
    assert.False(hint "dynsup.exit 'invalid_option'")
    assert_has("script.lua:2: invalid_option\n",
      script("local dynsup = require 'dynsup'\nrequire = nil; error 'invalid_option'").err)
  end)

  it("1 and how to ask who knows more, unless the script is gone", function()
    local text = "assert(require 'dynsup'.start_link { max_restart = 3 })"
    cli.write("-a b.lua", text)
    local got = shell [["$DYNSUP" run --allow-bytecode -- '-a b.lua' 1 "it's" '']]
    assert_has([[dynsup check --allow-bytecode -- '-a b.lua' 1 'it'\''s' '']] .. "\n", got.err)
    got = shell [["$DYNSUP" run - <'-a b.lua']]
    assert_ended(1, got)
    assert_has("invalid_option", got.err)
    assert_lacks("check", got.err)
  end)

  it("1 and all of an error, also behind a zero byte", function()
    local got = script "error 'a\\0b\\27[1mc\\u{9b}1mü€😀 \\x9b1m\\xe2\\x82\\xff\\xe0\\x82\\x9b\\xed\\xa0\\x80'"
    assert_has("dynsup: script.lua:1: a\\000b\\027[1mc\\194\\1551mü€😀 \\1551m\\226\\130\\255\\224\\130\\155"
      .. "\\237\\160\\128\n", got.err)
    assert_has("\nstack traceback:\n\t[C]: in function 'error'\n", got.err)
    for format, zero in pairs { logfmt = "a\\u0000b", json = "a\\u0000b", text = "a\\000b" } do
      local err = script("error 'a\\0b'", "--log-format", format).err
      assert_has(zero, err)
      assert_has("stack traceback:", err)
    end
    assert_said(1, "the main process ended with the reason a\\000b", script "require 'dynsup'.exit 'a\\0b'")
  end)

  it("1 also for errors that are no strings", function()
    local got = script "error(setmetatable({}, { __tostring = function() return 'an object' end }))"
    assert_ended(1, got)
    assert.matches("^dynsup: an object\nstack traceback:\n", got.err)
    assert_ended(1, script "error()")
    for _, raise in ipairs { "error('no text', 0)", "error {}" } do
      got = script(("error(setmetatable({ code = 1 }, { __tostring = function() %s end }))"):format(raise))
      assert_ended(1, got)
      assert.matches("^dynsup: { code = 1 }\nstack traceback:\n", got.err)
    end
    local own = "require('dynsup').exit(setmetatable({ traceback = '' }, { __tostring = function() %s end }))"
    assert_said(1, "no text", script(own:format "error('no text', 0)"))
    assert_said(1, "the error cannot be told: it has no text", script(own:format "error {}"))
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
    cli.write("app.lua", [[
      local block = ("x"):rep(65536)
      local ok, message
      repeat ok, message = io.write(block) until not ok
      io.stderr:write(message, "\n")]])
    local got = shell [[{ "$DYNSUP" run app.lua; echo "code $?" >&2; } | true]]
    assert.matches("^Broken pipe\ndynsup: cannot write to standard output[^\n]*\ncode 1\n$", got.err)
  end)
end)
