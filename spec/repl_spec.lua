-- The prompt without a terminal: lines from a pipe or a file.

local cli = require "spec.support.cli"

local assert_has, assert_lacks = cli.assert_has, cli.assert_lacks

-- What the prompt makes of these lines.
local function type_in(text, words)
  cli.write("lines", text)
  return cli.shell("\"$DYNSUP\" repl " .. (words or "") .. " <lines")
end

cli.describe("a line", function()
  it("that is an expression prints its values", function()
    cli.assert_printed("2\n", type_in "1 + 1\n")
    cli.assert_printed('"a"\tnil\ttrue\n', type_in "'a', nil, true\n")
    cli.assert_printed('{ 1, 2, x = { "y" } }\n', type_in "{ 1, 2, x = { 'y' } }\n")
    cli.assert_printed("nil\n", type_in "nil\n")
  end)

  it("that is a statement runs", function()
    cli.assert_printed("5\n6\n", type_in "x = 5\nprint(x)\nx = x + 1\nx\n")
    cli.assert_printed("", type_in "\n   \n-- nothing\n")
  end)

  it("that is incomplete goes on in the next one", function()
    cli.assert_printed("1\n2\n", type_in "for i = 1, 2 do\nprint(i)\nend\n")
    cli.assert_printed("3\n", type_in "1 +\n\n2\n")
    cli.assert_printed('"a\\nb"\n', type_in "[[a\nb]]\n")
    cli.assert_printed("3\n", type_in "select('#',\n1, 2,\n3)")
  end)

  it("may begin a comment that goes on in the next one", function()
    cli.assert_printed("1\n", type_in "--[[ a\nb ]]\nprint(1)\n")
    cli.assert_printed("2\n", type_in "--[==[\n]]\n\n]==] 2\n--[[ whole ]]\n")
    cli.assert_printed("3\n", type_in "-- --[[ of one line\n--[ too\n3\n")
    local got = type_in "--[[ a\nprint(1)\n"
    assert_has("unfinished long comment (starting at line 1)", got.err)
    cli.assert_ended(1, got)
  end)

  it("may lack its end when it is the last one", function()
    cli.assert_printed("7\n", type_in "7")
  end)

  it("may be of any length", function()
    local text = ("0123456789"):rep(20000)
    cli.assert_printed("200000\n7\n", type_in("#'" .. text .. "'\n7\n"))
    cli.assert_printed("200000\n", type_in("#'" .. text .. "'"))
    cli.write("lines", "#'" .. text .. "'\n7\n")
    cli.assert_printed("200000\n7\n", cli.shell "cat lines | \"$DYNSUP\" repl")
  end)

  it("may be the first of a file, which has the mark of UTF-8 or says who runs it", function()
    cli.assert_printed("3\n4\n", type_in "\u{feff}3\n4\n")
    cli.assert_printed("3\n", type_in "\u{feff}#!/usr/bin/env dynsup\r\n3\r\n")
    cli.assert_printed("3\n4\n", type_in "#'abc'\n#'abcd'\n")
    cli.assert_ended(1, type_in "3\n\u{feff}4\n#!5\n")
  end)

  it("finds the last value in _", function()
    cli.assert_printed("4\tnil\n5\n5\n", type_in "4, nil\nx = 1\n_ + 1\n_\n")
  end)

  it("is run by the same process as all others", function()
    cli.assert_printed("true\n", type_in "me = dynsup.self()\nme == dynsup.self()\n")
  end)

  it("may wait", function()
    cli.assert_printed('"hello"\n', type_in [[
_ = dynsup.spawn(function(to) dynsup.sleep(1) dynsup.send(to, "hello") end, dynsup.self())
dynsup.receive()
]])
  end)

  it("may read the lines behind it", function()
    cli.assert_printed("foo bar\n2\n", type_in "print(io.read())\nfoo bar\n1 + 1\n")
    cli.assert_printed("abc\ndef\tnil\n", type_in "print(io.read 'a', io.read())\nabc\ndef")
  end)

  it("may yield to nobody", function()
    cli.assert_printed("nil\n1\n", type_in "(coroutine.yield())\n1\n")
  end)
end)

cli.describe("a line that fails", function()
  it("tells the error with a traceback of its own frames, and the session goes on", function()
    local got = type_in "function f() error 'boom' end\nf()\n'still here'\n"
    assert.equal('"still here"\n', got.out)
    assert.equal("stdin:1: boom\nstack traceback:\n\t[C]: in function 'error'\n\tstdin:1: in function 'f'\n"
      .. "\t(...tail calls...)\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("may throw what is no text", function()
    assert_has('{ code = 404 }\nstack', type_in "error { code = 404 }\n".err)
    assert_has("nil\nstack", type_in "error()\n".err)
    assert_has("mine\nstack",
      type_in "error(setmetatable({}, { __tostring = function() return 'mine' end }))\n".err)
  end)

  it("may have a mistake", function()
    local got = type_in "x y\n1\n"
    assert.equal("stdin:1: syntax error near 'y'\n", got.err)
    assert.equal("1\n", got.out)
    got = type_in "f(\n"
    assert.equal("stdin:1: unexpected symbol near <eof>\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("has its close handlers run", function()
    local got = type_in [[
function closer() return setmetatable({}, { __close = function() print "closed" end }) end
do local x <close> = closer() error "boom" end
do local x <close> = closer() dynsup.exit "enough" end
dynsup.self() == nil
]]
    assert.equal("closed\nclosed\nfalse\n", got.out)
    assert_has("exited with the reason enough\n", got.err)
    assert_lacks("traceback", got.err:match "exited.*")
  end)

  it("leaves what earlier lines, and it, have started", function()
    local got = type_in [[
sup = dynsup.start_link {}
dynsup.start_child(sup, { body = dynsup.sleep, name = "one" }) error "boom"
dynsup.count_children(sup).active, dynsup.is_alive "one"
]]
    assert.equal("1\ttrue\n", got.out)
  end)

  it("by the end of a linked process: that is a message", function()
    local got = type_in [[
pid = dynsup.spawn_link(function() error("boom", 0) end)
tag, who, reason = dynsup.receive()
tag, who == pid, reason.error
]]
    assert.equal('"EXIT"\ttrue\t"boom"\n', got.out)
    cli.assert_ended(0, got)
  end)

  it("may have a metamethod that fails", function()
    local got = type_in "setmetatable({}, { __tostring = function() error 'x' end })\n1\n"
    assert.equal("(its __tostring failed)\n1\n", got.out)
  end)
end)

cli.describe("a session", function()
  it("runs its file first", function()
    cli.write("app.lua", "print('file', arg, ...) function f() return 'of the file' end me = dynsup.self()")
    cli.assert_printed('file\tnil\ta\tb\n"of the file"\ttrue\n', type_in("f(), me == dynsup.self()\n", "app.lua a b"))
  end)

  it("goes on when its file fails, and ends with 1", function()
    cli.write("app.lua", "x = 1 error 'boom'")
    local got = type_in("x\n", "app.lua")
    assert.equal("1\n", got.out)
    assert_has("app.lua:1: boom\nstack traceback:\n", got.err)
    cli.assert_ended(1, got)
    cli.write("wrong.lua", "x y")
    got = type_in("1\n", "wrong.lua")
    assert.equal("1\n", got.out)
    assert.equal("dynsup: wrong.lua:1: syntax error near 'y'\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("shows and takes its messages by flush", function()
    cli.assert_printed('"a"\t1\n{ x = 1 }\nnil\t"timeout"\n', type_in [[
_ = dynsup.send(dynsup.self(), "a", 1), dynsup.send(dynsup.self(), { x = 1 })
flush()
flush()
dynsup.receive(0)
]])
  end)

  it("looks at what runs and acts on it by functions that are at hand", function()
    local got = type_in [[
sup = assert(dynsup.start_link { name = "jobs" })
worker = assert(dynsup.start_child(sup, { body = dynsup.receive, name = "worker" }))
tree()
kill(worker)
dynsup.sleep(1)
info(dynsup.whereis "worker").incarnation
]]
    assert_has("jobs", got.out)
    assert_has("worker", got.out)
    assert.matches("\n2\n$", got.out)
    cli.assert_ended(0, got)
  end)

  it("has the reference in help", function()
    local got = type_in "help(dynsup.start_child)\nhelp 'nothing'\n"
    assert_has("start_child(sup, child)\nStarts a child.", got.out)
    assert_has("There is no help on nothing", got.out)
    assert_has("help(f)", type_in "help()\n".out)
    cli.assert_ended(0, got)
  end)

  it("stops what was started in order when the input ends", function()
    cli.assert_printed("stopped\tshutdown\n", type_in [[
function worker()
dynsup.flag("trap_exit", true)
print("stopped", select(3, dynsup.receive()))
end
sup = dynsup.start_link {}
child = dynsup.start_child(sup, worker) dynsup.yield()
]])
  end)

  it("gives what is ready its turn before the end", function()
    cli.assert_printed("ran\n", type_in "_ = dynsup.spawn(print, 'ran') and nil\n")
  end)

  it("ends by halt with its code", function()
    cli.assert_ended(7, type_in "dynsup.halt(7)\nprint 'not reached'\n")
    cli.assert_ended(3, type_in "table.sort({ 1, 2 }, function() os.exit(3) end)\nprint 'not reached'\n")
    assert.equal("", type_in "dynsup.halt(7)\nprint 'not reached'\n".out)
  end)

  -- A process that tells how the session's ends; what is left after 5 s is killed, also this one.
  local ENDS = [[
_ = dynsup.spawn(function(session)
  dynsup.flag("trap_exit", true)
  dynsup.monitor(session)
  local tag, reason
  repeat tag, _, _, reason = dynsup.receive() until tag == "DOWN"
  print("ends: " .. tostring(reason))
end, dynsup.self()) and nil
]]
  local waits = { "dynsup.receive()", "dynsup.sleep 'infinity'", "dynsup.await(function() end)",
    "while true do pcall(dynsup.receive) end" }

  it("ends with 1, telling where, when a line waits for what cannot come", function()
    for _, wait in ipairs(waits) do
      local got = type_in(ENDS .. wait .. "\nprint 'not reached'\n")
      assert.matches("^dynsup: nothing can happen any more, but the main process waits\nstack traceback:\n", got.err)
      assert.equal("ends: normal\n", got.out)
      cli.assert_ended(1, got)
    end
  end)

  it("ends when another process halts the host, whatever a line waits for", function()
    for _, wait in ipairs(waits) do
      local halt = "_ = dynsup.spawn(function() dynsup.sleep(1) dynsup.halt(3) end) and nil\n"
      local got = type_in(ENDS .. halt .. wait .. "\nprint 'not reached'\n")
      assert.same({ "ends: normal\n", "" }, { got.out, got.err })
      cli.assert_ended(3, got)
    end
  end)

  it("ends by a signal, also while a line is begun", function()
    cli.write("begun", ENDS .. "print(math.tointeger(require 'luv'.os_getpid())) io.stdout:flush()\nprint(\n")
    local got = cli.shell [[
      mkfifo lines
      "$DYNSUP" repl <lines >out & exec 3>lines
      cat begun >&3
      until grep -q . out; do sleep 0.01; done
      kill -TERM $(cat out)
      wait $!; echo $?; tail -n +2 out]]
    assert.same({ "0\nends: normal\n", "" }, { got.out, got.err })
  end)

  it("leaves the standard input a blocking one", function()
    local line = "tonumber(io.open '/proc/self/fdinfo/0':read 'a':match 'flags:%s*(%d+)', 8) & 2048"
    cli.write("lines", line .. "\n")
    cli.assert_printed("0\n", cli.shell "cat lines | \"$DYNSUP\" repl")
  end)

  it("asks for no further line when nobody reads what it prints", function()
    local got = cli.shell [[{ yes 1 | timeout 60 "$DYNSUP" repl; echo "code $?" >&2; } | head -n 1]]
    assert.equal("1\n", got.out)
    assert_has("dynsup: cannot write to standard output: Broken pipe\ncode 1\n", got.err)
  end)

  it("goes on to the end of its lines when nobody reads and nothing is printed", function()
    local got = cli.shell [[{ until [ -e gone ]; do sleep 0.01; done; echo 'x = io.stderr:write "done"'; } |
      "$DYNSUP" repl | { exec <&-; : >gone; }]]
    assert.equal("done", got.err)
  end)

  it("reads from a pipe while others run", function()
    local got = cli.shell [[
      { echo 'dynsup.spawn(function() dynsup.sleep(5) print "worker" dynsup.send("main", 1) end)'
        echo 'dynsup.register("main", dynsup.self())'
        echo 'dynsup.receive()'; echo '"line"'; } | "$DYNSUP" repl]]
    assert.equal('<0.2.0>\ntrue\nworker\n1\n"line"\n', got.out)
  end)
end)

cli.describe("the command repl", function()
  it("says in one line what is wrong with its arguments", function()
    cli.assert_said(2, "unknown option '--log-levle': did you mean '--log-level'?", cli.run("repl", "--log-levle", "x"))
    cli.assert_said(2, "cannot open none.lua: No such file or directory", cli.run("repl", "none.lua"))
    cli.assert_said(2, "unknown option '--x': see 'dynsup help repl'", cli.run("repl", "--x"))
  end)

  it("is explained by help", function()
    assert_has("usage: dynsup repl [OPTION...] [FILE [ARG...]]\n", cli.run("help", "repl").out)
    assert_has("\n  repl [OPTION...]", cli.run("help").out)
  end)
end)

cli.describe("input that cannot be read", function()
  it("is told, with the code 2", function()
    cli.assert_said(2, "cannot read stdin: Is a directory", cli.shell [["$DYNSUP" repl <.]])
    cli.assert_said(2, "cannot read stdin: Bad file descriptor", cli.shell [["$DYNSUP" repl <&-]])
  end)

  it("is told behind what a file has done", function()
    cli.write("first.lua", "print 'first'")
    local got = cli.shell [["$DYNSUP" repl first.lua <.]]
    assert.same({ "first\n", "dynsup: cannot read stdin: Is a directory\n", 2 }, { got.out, got.err, got.code })
  end)

  it("may as well be empty", function()
    cli.assert_printed("", cli.shell [["$DYNSUP" repl </dev/null]])
  end)
end)
