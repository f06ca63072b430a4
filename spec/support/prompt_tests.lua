-- What holds at every prompt: that of `dynsup repl` and that of an attached client. Each function adds tests
-- to the group that calls it; `open` opens the prompt in a terminal.

local it = require "busted".it
local terminal = require "spec.support.terminal"

local enter, press, type_text, wait = terminal.enter, terminal.press, terminal.type, terminal.wait

local prompt_tests = {}

--- Lines are typed.
---@param open fun(words?: string, columns?: integer, rows?: integer)
function prompt_tests.lines(open)
  it("may be typed while another one runs", function()
    open()
    enter "repeat dynsup.sleep(5) until io.open 'go'"
    enter "'typed ahead'"
    type_text "1 + "
    wait "'go'\n$"
    terminal.write("go", "")
    wait "'go'\n> 'typed ahead'\n\"typed ahead\"\n> 1 %+ $"
  end)

  it("that fail are told with their traceback, without the prompt's own frames", function()
    open()
    enter "error 'boom'"
    wait("\n> error 'boom'\nstdin:1: boom\nstack traceback:\n +%[C%]: in function 'error'\n"
      .. " +stdin:1: in main chunk\n> $")
    enter "x y"
    wait "\n> x y\nstdin:1: syntax error near 'y'\n> $"
  end)

  it("have characters beyond ASCII", function()
    open()
    type_text "#'äöü€日本'"
    press("Left", "Left", "BSpace", "Left", "Left", "BSpace", "C-e", "Enter")
    wait "\n> #'äü€本'\n10\n> $"
    enter "'日本', '\\xff'"
    wait "\n> '日本', '\\xff'\n\"日本\" +\"\\xff\"\n> $"
  end)
end

--- Output arrives while a line is edited.
---@param open fun(words?: string, columns?: integer, rows?: integer)
function prompt_tests.output(open)
  it("appears above the line, which stays as it is", function()
    open("", 80, 60)
    enter(terminal.ticker)
    wait "tick %d+\n> $"
    for letter in ("print 'edited' left = 5"):gmatch "." do
      type_text(letter)
    end
    wait "\ntick %d+\n> print 'edited' left = 5$"
    press "Enter"
    -- one may come between the line and what it prints
    terminal.check_ticks(wait "> print 'edited' left = 5\n.-edited\n.*tick %d+\n")
  end)

  it("may be a lot", function()
    open()
    enter "dynsup.spawn(function() for i = 1, 20000 do print('line', i) dynsup.yield() end end)"
    type_text "edited"
    wait "\nline    19999\nline    20000\n> edited$"
  end)
end

--- Ctrl-C is pressed.
---@param open fun(words?: string, columns?: integer, rows?: integer)
function prompt_tests.interrupt(open)
  it("drops the line that is being edited, and what was begun", function()
    open()
    type_text "not this"
    wait "\n> not this$" -- Ctrl-C takes away what was not read yet
    press "C-c"
    wait "\n> not this^C\n> $"
    enter "for i = 1, 2 do"
    wait ">> $"
    press "C-c"
    wait "\n>> ^C\n> $"
    enter "'still here'"
    wait '\n"still here"\n> $'
  end)

  it("unwinds a line that waits", function()
    open()
    for _, line in ipairs { "dynsup.receive()", "dynsup.sleep()", "dynsup.await(print)" } do
      press "C-l"
      enter(line)
      wait(line:gsub("%p", "%%%0") .. "\n.*$")
      press "C-c"
      wait "\ninterrupted\nstack traceback:\n.*stdin:1: in main chunk\n> $"
    end
  end)
end

return prompt_tests
