-- The prompt of a host that runs elsewhere, in real terminals.

local attached = require "spec.support.attached"
local prompt_tests = require "spec.support.prompt_tests"
local terminal = require "spec.support.terminal"

local choose, enter, press, type_text, wait =
  terminal.choose, terminal.enter, terminal.press, terminal.type, terminal.wait

-- A terminal in which a client is attached; by default to errors alone, for a busy machine has warnings.
local function attach_in(name, words, columns, rows)
  choose(name)
  terminal.open("\"$DYNSUP\" attach socket " .. (words or "--log-level error"), columns, rows)
  wait "Ctrl%-D detaches.*\n> $"
end

-- A host that runs this script, and a client in the first terminal.
local function begin(text, columns, rows)
  attached.start(terminal, text)
  attach_in("first", nil, columns, rows)
end

local function describe(name, tests)
  terminal.describe(name, tests, function() attached.kill(terminal) end)
end

-- Nothing happens any more in the host, until the file "go" is there.
local function hold_up()
  enter "os.execute 'touch stuck; until test -e go; do sleep 0.01; done'"
  wait "done'\n$"
  terminal.wait_for_file "stuck"
end

describe("lines of a client", function()
  prompt_tests.lines(begin)

  it("are run by the host, and an incomplete one goes on", function()
    begin "words = { 'of the host' }"
    wait "^\nattached to host.lua %(pid %d+%): help%(%) tells what there is, Ctrl%-D detaches\n> $"
    enter "words"
    wait '\n> words\n{ "of the host" }\n> $'
    enter "for i = 1, 2 do"
    wait "\n>> $"
    press "Tab"
    type_text "print(i)"
    wait "\n>>   print%(i%)$"
    press "Enter"
    enter "end"
    wait "\n>> end\n1\n2\n> $"
    enter "_[1], dynsup.self() == dynsup.self()"
    wait '\n"of the host" +true\n> $'
  end)

  it("may be too long for a host", function()
    begin()
    terminal.paste("#'" .. ("x"):rep(66000) .. "'")
    press("Tab", "Enter")
    wait "\ndynsup: the line is too long: a host takes up to 64 KiB\n> $"
    enter "'still here'"
    wait '\n"still here"\n> $'
  end)

  it("have the prompt of the host", function()
    begin()
    enter "_PROMPT = 'mine> '"
    wait "\nmine> $"
    enter "do"
    wait "\n>> $"
    press "C-c"
    wait "\nmine> $"
    enter "end"
    wait "near 'end'\nmine> $"
  end)

  it("find the reference of the host", function()
    begin()
    enter "help(dynsup.is_pid)"
    wait "\nis_pid%(v%)\n  Type: fun%(v: any%): boolean\n  Arguments: any value\n  Returns: true for a pid, .*\n> $"
  end)
end)

describe("what arrives while a line is edited", function()
  prompt_tests.output(begin)

  it("may be the log's", function()
    attached.start(terminal)
    attach_in("first", "")
    enter "dynsup.spawn(function() error 'boom\\27[2J' end)"
    type_text "edited"
    wait "\n%[error%] .*boom.*\n> edited$"
    attached.run(terminal, "dynsup.log.warning 'watch out'")
    wait "\n%[warning%] watch out\n> edited$"
  end)
end)

describe("Ctrl-C", function()
  prompt_tests.interrupt(begin)

  it("unwinds an endless loop in the host", function()
    begin()
    enter "while true do pcall(function() while true do end end) end"
    wait "end%) end\n$"
    press "C-c"
    wait "\ninterrupted\nstack traceback:\n.*\n> $"
    enter "while true do print 'flood' end"
    wait "\nflood\nflood\n"
    press "C-c"
    wait "\ninterrupted\nstack traceback:\n.*\n> $"
  end)

  it("detaches when the host does not answer", function()
    begin()
    hold_up()
    press "C-c"
    terminal.press_until("C-c", "\ndynsup: the host does not answer; Ctrl%-C once more detaches\n")
    terminal.press_until("C-c", "ended with")
    wait "\ndynsup: detached: the host does not answer\n[%^C]*ended with 1\n.*terminal: echo" -- presses too many echo
    terminal.write("go", "")
    attach_in "second"
    enter "'goes on'"
    wait '\n"goes on"\n> $'
  end)
end)

describe("code that is typed for dynsup eval", function()
  it("may be given up by Ctrl-C", function()
    attached.start(terminal)
    terminal.open [["$DYNSUP" eval --socket ./socket -]]
    terminal.enter "return 1 +"
    wait "1 %+\n$"
    terminal.press_until("C-c", "ended with 130\n") -- the first may come before it has begun
  end)
end)

describe("Tab", function()
  it("completes what the host has", function()
    begin "alphabet = { soup = 1, soap = function() return 'washed' end } dynsup.register('worker one', dynsup.self())"
    type_text "alph"
    press "Tab"
    wait "> alphabet$"
    type_text "."
    press "Tab"
    wait "> alphabet.so$"
    press "Tab"
    wait "\nsoap  soup\n> alphabet.so$"
    type_text "u"
    press "Tab"
    wait "\n> alphabet.soup$"
    press "Enter"
    wait "\n> alphabet.soup\n1\n> $"
    type_text "dynsup.whereis('wor')"
    press("Left", "Left", "Tab")
    wait "> dynsup.whereis%('worker one'%)$"
  end)

  it("changes nothing when more was typed before the answer came", function()
    begin "alphabet = 'letters'"
    attach_in "second"
    hold_up()
    choose "first"
    type_text "alph"
    press "Tab"
    type_text "x"
    wait "\n> alphx$"
    terminal.write("go", "")
    choose "second"
    wait 'true +"exit" +0\n.*> $' -- the host says that it was held up
    choose "first"
    press "Enter"
    wait '\n> alphx\nnil\n> $'
    type_text "alph"
    press "Tab"
    wait "\n> alphabet$"
  end)
end)

describe("the history", function()
  it("is that of the prompt", function()
    attached.start(terminal)
    terminal.prompt()
    enter "'first'"
    press "C-d"
    wait "ended with 0"
    attach_in "second"
    press("Up", "Enter")
    wait "\n> 'first'\n\"first\"\n> $"
    enter "'second'"
    wait '\n"second"\n> $'
    press("C-r", "f", "i", "Enter")
    wait "\n> 'first'\n\"first\"\n> $"
    assert.equal("'first'\n'second'\n'first'\n", terminal.shell "cat .local/state/dynsup/history")
  end)
end)

describe("several clients", function()
  it("do not disturb each other", function()
    begin()
    attach_in "second"
    enter "shared = 'by the second' 'mine'"
    enter "shared = 'by the second'"
    enter "print 'for the second alone' 2"
    enter "repeat dynsup.sleep(5) until io.open 'go'"
    wait "'go'\n$"
    choose "first"
    enter "shared, _"
    wait '\n"by the second" +nil\n> $'
    assert.falsy(terminal.screen():find "alone")
    terminal.write("go", "")
    choose "second"
    wait "'go'\n> $"
    press "C-d"
    wait "ended with 0"
    choose "first"
    enter "'still here'"
    wait '\n"still here"\n> $'
  end)
end)

describe("detaching", function()
  it("leaves everything running", function()
    begin()
    enter "sup = dynsup.start_link { name = 'workers' }"
    wait "> $"
    enter "dynsup.start_child(sup, { body = dynsup.sleep, name = 'one' })"
    wait "\n<[%d.]+>\n> $"
    press "C-d"
    wait "\n>\ndynsup: detached: host.lua %(pid %d+%) goes on\nended with 0\nterminal: echo"
    attach_in "second"
    enter "dynsup.count_children 'workers', dynsup.is_alive 'one'"
    wait "\n{ active = 1, .*}%s+true\n> $"
  end)

  it("unwinds the line that runs, and leaves the terminal as it was", function()
    begin [[
      function closer(name)
        return setmetatable({}, { __close = function() io.open(name, "w"):close() end })
      end]]
    for signal, code in pairs { TERM = 0, HUP = 0, KILL = 137 } do
      choose(signal)
      terminal.open "sh -c 'echo $$ >client.pid; exec \"$DYNSUP\" attach socket'"
      wait "\n> $"
      enter(("do local x <close> = closer '%s' dynsup.sleep() end"):format(signal))
      wait "end\n$"
      terminal.shell(("kill -%s $(cat client.pid)"):format(signal))
      terminal.wait_for_file(signal)
      local screen = wait("ended with " .. code .. (code == 0 and "\nterminal: echo" or ""))
      assert.falsy(screen:find "the session was killed", screen)
    end
  end)
end)

describe("the end of the host", function()
  it("is told while a line is edited, and the terminal is as it was", function()
    begin()
    type_text "edited"
    wait "> edited$"
    attached.kill(terminal)
    wait "\ndynsup: the connection is lost: the host has gone\n> edited\nended with 1\nterminal: echo"
  end)

  it("is told while a line runs", function()
    begin()
    enter "dynsup.sleep()"
    wait "> dynsup.sleep%(%)\n$"
    attached.kill(terminal)
    wait "\ndynsup: the connection is lost: the host has gone\nended with 1\nterminal: echo"
  end)

  it("is told when it is halted, by a line or by others", function()
    begin()
    attach_in "second"
    type_text "edited"
    wait "> edited$"
    choose "first"
    enter "dynsup.halt(3)"
    wait "\ndynsup: the host has ended with code 3\nended with 0\nterminal: echo"
    choose "second"
    wait "\ndynsup: the host has ended with code 3\n> edited\nended with 0\nterminal: echo"
  end)
end)

describe("the terminal of a client", function()
  it("may change its size", function()
    begin("", 60, 20)
    enter "'above'"
    wait '"above"\n> $'
    type_text "'0123456789012345678901234567890123456789'"
    terminal.resize(30, 20)
    wait '\n"above"\n> .012345678901234567890123456\n7890123456789.$'
    type_text "..'end'"
    press "Enter"
    wait "\n7890123456789'..'end'\n\"0123456789.*end\"\n> $"
    enter "{ ('x'):rep(12), ('y'):rep(12) }"
    wait '\n{\n  "xxxxxxxxxxxx",\n  "yyyyyyyyyyyy",\n}\n> $'
  end)

  it("takes a paste of 200 columns, also while output arrives", function()
    begin("", 80, 60)
    enter(terminal.ticker)
    terminal.paste("left = 5 return #'" .. ("0123456789"):rep(20) .. "'")
    wait "tick %d+\n> left = 5 return #'0123456789.*9'$"
    press "Enter"
    wait "\n200\ntick %d+\n"
    press "C-l"
    enter "'still here'"
    wait '\n"still here"\n.*> $'
  end)

  it("is given back while the client is stopped by Ctrl-Z, and the host goes on", function()
    attached.start(terminal)
    terminal.open "HISTFILE= PS1='shell$ ' bash --norc -i"
    wait "shell%$ $"
    enter [["$DYNSUP" attach socket]]
    wait "\n> $"
    type_text "1 + "
    wait "\n> 1 %+ $" -- Ctrl-Z takes away what was not read yet
    press "C-z"
    wait "Stopped.*shell%$ $"
    attached.run(terminal, "2 + 2")
    enter "fg"
    wait "\n> 1 %+ $"
    type_text "1"
    press "Enter"
    wait "\n2\n> $"
    press "C-d"
    wait "goes on\nshell%$ $"
  end)
end)
