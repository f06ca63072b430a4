-- The prompt in a real terminal.

local prompt_tests = require "spec.support.prompt_tests"
local terminal = require "spec.support.terminal"

local enter, press, prompt, type_text, wait =
  terminal.enter, terminal.press, terminal.prompt, terminal.type, terminal.wait

local ticker = [[dynsup.spawn(function() for i = 1, 300 do dynsup.sleep(10) print("tick " .. i) end end)]]

terminal.describe("lines", function()
  prompt_tests.lines(prompt)
end)

terminal.describe("at the prompt", function()
  it("values are printed, and an incomplete line goes on", function()
    prompt()
    enter "1 + 1"
    wait "\n> 1 %+ 1\n2\n> $"
    enter "for i = 1, 2 do"
    wait "\n> for i = 1, 2 do\n>> $"
    enter "print(i)"
    enter "end"
    wait "\n>> print%(i%)\n>> end\n1\n2\n> $"
  end)

  it("a file runs first", function()
    terminal.write("app.lua", "print('of the file', ...)")
    prompt "app.lua a"
    wait "\nof the file     a\n> $"
  end)

  it("the usual keys edit the line", function()
    prompt()
    type_text "print('bc')"
    press("Left", "Left", "Left", "Left")
    type_text "a"
    press("C-e", "Enter")
    wait "\n> print%('abc'%)\nabc\n> $"
    type_text "xx 1 + 2 yy"
    press("BSpace", "BSpace", "C-a", "DC", "C-d", "Enter")
    wait "\n>  1 %+ 2\n3\n> $"
  end)

  it("keys that the editor would misunderstand do nothing", function()
    prompt()
    press "C-Space"
    type_text "'one'"
    press("C-Space", "M-x", "M-X", "Enter")
    wait "[^\n]\n> 'one'\n\"one\"\n> $"
  end)
end)

terminal.describe("output that arrives while a line is edited", function()
  prompt_tests.output(prompt)

  it("appears below what was there, also behind a prompt with control characters", function()
    prompt("", 40)
    enter "function late() repeat dynsup.sleep(5) until io.open 'go' print 'tick' end"
    enter "_PROMPT = '\\27[1m\\27[0m> ' dynsup.spawn(late) print 'kept'"
    wait "\nkept\n%?*%[1m%?*%[0m> $"
    type_text "'01234567890123456789012345'"
    wait "2345'$"
    terminal.write("go", "")
    wait "\nkept\ntick\n%?*%[1m%?*%[0m> '01234567890123456789012345'$"
  end)

  it("appears above a line of several rows, with the cursor within it", function()
    prompt("", 20)
    type_text "x = '0123456789012345678901234567890123456789'"
    press("C-a", "Right", "Right")
    enter ""
    wait "\n> $"
    enter "function late(file) repeat dynsup.sleep(5) until io.open(file) print(file, 1) print(file, 2) end"
    enter "dynsup.spawn(function() late 'go' late 'again' end)"
    wait "<0.2.0>\n> $"
    type_text "'0123456789012345678901234567890123456789'"
    press("C-a", "Right", "Right")
    wait "\n> '01234567890123456$"
    terminal.write("go", "")
    wait "\ngo +1\ngo +2\n> '01234567890123456$"
    type_text "x"
    wait "\n> '0x123456789012345$"
    press "C-e"
    wait "\n6789'$"
    terminal.write("again", "")
    wait "\ngo +2\nagain +1\nagain +2\n> '0x123456789012345\n67890123456789012345\n6789'$"
  end)

  it("is continued in its row when that has no end yet", function()
    prompt()
    enter [[function dots() for _ = 1, 3 do dynsup.sleep(20) io.write "." io.flush() end print " done" end]]
    enter "dynsup.spawn(dots)"
    type_text "edited"
    wait "\n%.%.%. done\n> edited$"
  end)

  it("may be the log's, and stderr's", function()
    prompt()
    enter "dynsup.spawn(function() io.stderr:write 'to stderr\\n' error 'boom' end)"
    type_text "edited"
    wait "\nto stderr\n%[error%] process <0.2.0> ended abnormally.*boom.*\n> edited$"
  end)
end)

terminal.describe("Ctrl-C", function()
  prompt_tests.interrupt(prompt)

  it("unwinds an endless loop, and what was started stays", function()
    prompt()
    enter "sup = dynsup.start_link {}"
    enter "dynsup.start_child(sup, dynsup.sleep)"
    enter "me = dynsup.self()"
    enter "while true do pcall(function() while true do end end) end"
    wait "end%) end\n$"
    press "C-c"
    wait "\ninterrupted\nstack traceback:\n.*\n> $"
    enter "dynsup.count_children(sup).active, me == dynsup.self()"
    wait "\n1 +true\n> $"
  end)

  it("halts a run inside a line", function()
    prompt()
    enter "dynsup.run(function() return 'returned' end)"
    wait '\ntrue +"returned"\n> $'
    enter "dynsup.run(function() print 'inside' while true do end end)"
    wait "end end%)\ninside\n$"
    press "C-c"
    wait "end end%)\ninside\ntrue\n> $"
    enter "'still here'"
    wait '\n"still here"\n> $'
  end)

  it("three times ends the program when it is stuck in a C function", function()
    prompt()
    enter "string.rep('a', 1e5):find(('.-'):rep(50) .. 'b')"
    wait "'b'%)\n"
    terminal.press_until("C-c", "ended with") -- the first may come before it is stuck
    wait "ended with 130\n.*terminal: echo"
  end)
end)

terminal.describe("a terminal that goes away", function()
  local function hang_up(line)
    terminal.open [[echo $$ >pid; exec "$DYNSUP" repl]]
    wait "\n> $"
    enter(line)
    wait "%)\n$"
    terminal.hang_up()
    return terminal.shell [[
      for i in $(seq 600); do
        grep -q '^State:.[^ZX]' /proc/$(cat pid)/status 2>/dev/null || exec echo ended
        sleep 0.05
      done]]
  end

  it("ends the prompt, also while a C function holds it up", function()
    assert.equal("ended\n", hang_up "dynsup.sleep('infinity')")
    assert.equal("ended\n", hang_up "string.rep('a', 1e5):find(('.-'):rep(50) .. 'b')")
  end)
end)

terminal.describe("Tab", function()
  it("completes and shows what there is to choose from", function()
    prompt()
    enter "alphabet = { soup = 1, soap = function() return 'washed' end }"
    type_text "alph"
    press "Tab"
    wait "> alphabet$"
    type_text "."
    press "Tab"
    wait "> alphabet.so$"
    press "Tab"
    wait "\nsoap  soup\n> alphabet.so$"
    type_text "u"
    press("Tab", "Enter")
    wait "\n> alphabet.soup\n1\n> $"
    type_text "alphabet:"
    press "Tab"
    type_text "()"
    press "Enter"
    wait '\n"washed"\n> $'
  end)

  it("indents a line that goes on", function()
    prompt()
    enter "do"
    press "Tab"
    type_text "print(1)"
    wait "\n>>   print%(1%)$"
  end)

  it("completes within the line, modules and names of processes", function()
    prompt()
    enter "dynsup.register('worker one', dynsup.spawn(dynsup.sleep))"
    type_text "dynsup.whereis('wor')"
    press("Left", "Left", "Tab")
    wait "> dynsup.whereis%('worker one'%)$"
    press "Enter"
    wait "\n<0.2.0>\n> $"
    type_text "require 'dynsup.lo"
    press "Tab"
    type_text "' == dynsup.log"
    press "Enter"
    wait "\n> require 'dynsup.log' == dynsup.log\ntrue\n> $"
  end)
end)

terminal.describe("help", function()
  it("shows the reference", function()
    prompt()
    enter "help(dynsup.is_pid)"
    wait "\nis_pid%(v%)\n  Type: fun%(v: any%): boolean\n  Arguments: any value\n  Returns: true for a pid, .*\n> $"
  end)
end)

terminal.describe("the history", function()
  it("is gone through by the arrow keys, in this session and the next", function()
    prompt()
    enter "'first'"
    enter "'second'"
    press("Up", "Up", "Enter")
    wait "\n\"second\"\n> 'first'\n\"first\"\n> $"
    press "C-d"
    wait "ended with 0"
    assert.equal("'first'\n'second'\n'first'\n", terminal.shell "cat .local/state/dynsup/history")
    assert.equal("600 700 700\n", terminal.shell
      "echo $(stat -c %a .local/state/dynsup/history .local/state/dynsup .local/state)")
    terminal.restart()
    wait "\n> $"
    press("Up", "Up", "Enter")
    wait "\n> 'second'\n\"second\"\n> $"
  end)

  it("does not grow for ever, and may be missing", function()
    terminal.shell "mkdir -p .local/state/dynsup; seq 4001 >.local/state/dynsup/history"
    prompt()
    press("Up", "Enter")
    wait "\n> 4001\n4001\n> $"
    assert.equal("2000\n2002\n", terminal.shell
      "cd .local/state/dynsup; wc -l <history; head -1 history")
    press "C-d"
    wait "ended with 0"
    terminal.shell "rm -r .local; touch .local"
    terminal.restart()
    wait "\n> $"
    enter "'kept'"
    wait '\n"kept"\n> $'
    press("Up", "Up", "C-a")
    wait "\n> 'kept'$"
  end)

  it("is searched by Ctrl-R", function()
    prompt()
    for _, line in ipairs { "'red one'", "'green'", "'red two'", "'blue'" } do enter(line) end
    wait "\"blue\"\n> $"
    type_text "typed"
    press "C-r"
    wait "%(search ''%) typed$"
    type_text "red"
    wait "%(search 'red'%) 'red two'$"
    press "C-r"
    wait "%(search 'red'%) 'red one'$"
    press "C-r"
    wait "%(failed search 'red'%) 'red one'$"
    press "BSpace"
    wait "%(search 're'%) 'red two'$"
    press "C-g"
    wait "\n> typed$"
    press("C-r", "g", "r", "Enter")
    wait "\n> 'green'\n\"green\"\n> $"
    press("C-r", "b", "l", "C-a", "C-d", "C-e", "BSpace")
    type_text "#'"
    press("C-a", "Enter")
    wait "stdin:1:"
  end)
end)

terminal.describe("the terminal", function()
  it("may change its size", function()
    prompt("", 60, 20)
    enter "'above'"
    type_text "'0123456789012345678901234567890123456789'"
    terminal.resize(30, 20)
    wait '\n"above"\n> .012345678901234567890123456\n7890123456789.$'
    type_text "..'end'"
    wait "\n7890123456789'..'end'$"
    terminal.resize(70, 20)
    wait '\n"above"\n> .0123456789012345678901234567890123456789....end.$'
    press "Enter"
    wait '\n> .0123456789012345678901234567890123456789....end.\n"0123456789012345678901234567890123456789end"\n> $'
  end)

  it("may have fewer rows than a line: what the line prints is not among its remains", function()
    prompt("", 60, 10)
    terminal.paste("#'" .. ("0123456789"):rep(100) .. "'")
    wait "6789'$"
    press("C-a", "Enter")
    wait "\n1000\n> $"
    assert.matches("\n1000\n>%s*$", terminal.screen())
  end)

  it("takes a paste of 200 columns, also while output arrives", function()
    prompt()
    local text = ("0123456789"):rep(20)
    enter(ticker)
    terminal.paste("#'" .. text .. "'")
    wait "tick %d+\n> #'0123456789.*9'$"
    press "Enter"
    wait "\n200\n"
    wait "tick 300\n> $"
  end)

  it("completes again after Ctrl-C in a paste, which takes away its end", function()
    prompt()
    type_text "\27[200~x\ty"
    wait "\n> x +y$"
    press "C-c"
    wait "%^C\n> $"
    type_text "dynsup.count_ch"
    press "Tab"
    wait "\n> dynsup.count_children$"
  end)

  it("takes a paste of several lines, with tabs in it", function()
    prompt()
    press "C-l"
    wait "^\n> $"
    terminal.paste "function double(x)\n\treturn 2 * x\nend\ndouble(4)\n"
    wait "^\n> function double%(x%)\n>> +return 2 %* x\n>> end\n> double%(4%)\n8\n> $"
  end)

  it("is as it was after Ctrl-D, halt, and signals", function()
    prompt()
    press "C-d"
    wait "\n>\nended with 0\nterminal: echo"
    for line, code in pairs { ["dynsup.halt(7)"] = 7, ["os.exit(5)"] = 5, ["kill 'sigterm'"] = 0, ["kill 'sighup'"] = 0,
      ["kill 'sigquit'"] = 131, ["kill 'sigabrt'"] = 134, ["dynsup.exit(dynsup.self(), 'kill')"] = 1,
      ["dynsup.spawn(dynsup.halt, 4) dynsup.receive()"] = 4 } do
      terminal.restart()
      wait "\n> $"
      enter "uv = require 'luv' function kill(signal) uv.kill(uv.os_getpid(), signal) end"
      enter(line)
      wait("ended with " .. code .. "\nterminal: echo")
    end
  end)

  it("stays a blocking one", function()
    prompt()
    enter "tonumber(io.open '/proc/self/fdinfo/0':read 'a':match 'flags:%s*(%d+)', 8) & 2048"
    wait "\n0\n> $"
  end)

  it("is given back before the rest is stopped, which may still print", function()
    prompt()
    enter "function slow() dynsup.flag('trap_exit', true) dynsup.receive() more() dynsup.sleep() end"
    enter "function more() io.stdout:write 'to stdout\\n' io.stderr:write 'to stderr\\n' print 'printed' end"
    enter "sup = dynsup.start_link {}"
    enter "dynsup.start_child(sup, { body = slow, shutdown = 'infinity' }) dynsup.yield()"
    press "C-d"
    wait "\n>\nto stdout\nto stderr\nprinted\n$"
    terminal.resize(60, 20)
    press "C-c"
    wait "\nprinted\n.*ended with 130\nterminal: echo"
  end)

  it("tells nothing of a session that ends before the rest does", function()
    prompt()
    enter "function slow() dynsup.flag('trap_exit', true) dynsup.receive() dynsup.sleep(50) end"
    enter "dynsup.spawn_link(slow) dynsup.yield()"
    press "C-d"
    wait "yield%(%)\n>\nended with 0\n"
  end)

  it("is given back while the program is stopped by Ctrl-Z", function()
    terminal.open "HISTFILE= PS1='shell$ ' bash --norc -i"
    wait "shell%$ $"
    enter [["$DYNSUP" repl]]
    wait "\n> $"
    type_text "1 + "
    wait "\n> 1 %+ $" -- Ctrl-Z takes away what was not read yet
    press "C-z"
    wait "Stopped.*shell%$ $"
    enter "echo in the shell"
    wait "\nin the shell\nshell%$ $"
    enter "fg"
    wait "\n> 1 %+ $"
    type_text "1"
    press "Enter"
    wait "\n2\n> $"
    press "C-d"
    wait "shell%$ $"
  end)

  it("is a script's that reads from it, and a program's that was started", function()
    prompt()
    enter "name = io.read()"
    wait "io.read%(%)\n$"
    enter "somebody"
    wait "\nsomebody\n.*> $" -- the host may have said that it had to wait
    enter "name"
    wait '\n"somebody"\n> $'
    enter "io.read()"
    wait "io.read%(%)\n$"
    terminal.wait_for_lines()
    press "C-d" -- ends what is read, and not the session
    wait "\n?nil\n.*> $"
    enter "1 + 1"
    wait "\n2\n> $"
    enter "os.execute 'printf no-end; stty -a | grep -o -- \"[-]*echo \"'"
    wait "\nno.endecho\ntrue +\"exit\" +0\n> $"
    enter "os.execute 'printf no-end'"
    wait "\nno.end\ntrue +\"exit\" +0\n> $"
  end)
end)

terminal.describe("the session of the source documents", function()
  it("runs as written", function()
    prompt(os.getenv "PWD" .. "/examples/auth_rules/main.lua")
    enter "my_service.start()"
    wait "\n<0.2.0>\n> $"
    for _ = 1, 2 do
      press "C-l"
      enter "my_service.update_auth_rules()"
      wait("^\n> my_service.update_auth_rules%(%)\nworker <[%d.]+> started with http://[%d.:]+/rules\n"
        .. "load data from http://[%d.:]+/rules\n<[%d.]+>\nsave data {rule_1, rule_2, rule_3}\nwork done\n> $")
    end
  end)
end)
