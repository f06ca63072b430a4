-- A real terminal for specs: tmux, to which keys are sent and whose screen is read. What a test waits for is
-- checked repeatedly, up to a generous limit.

local busted = require "busted"
local program = require "spec.support.program"

local LIMIT = require "spec.support.patience"
local quote = program.quote

local terminal = {}

local folder
local target -- the terminal that is meant: there may be several

local function capture(command)
  local pipe = assert(io.popen("unset LD_PRELOAD; " .. command .. " 2>&1", "r"))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function tmux(words)
  return capture(("tmux -f /dev/null -S %s/tmux %s"):format(folder, words))
end

-- Does it in the terminal that is meant.
local function tmux_here(command, words)
  return tmux(("%s -t %s %s"):format(command, target, words))
end

--- All that follows is done in the terminal of this name.
---@param name string
function terminal.choose(name)
  target = name
end

--- Opens a terminal in which a shell command runs in the test's folder; DYNSUP stands for the
--- program. When it has ended, its exit code is shown, and whether the terminal echoes.
---@param command string
---@param columns? integer
---@param rows? integer
function terminal.open(command, columns, rows)
  local script = ([[
unset LD_PRELOAD LUA_INIT TMUX; export HOME=%s XDG_STATE_HOME= LC_ALL=C.UTF-8 DYNSUP=%s; cd "$HOME"
trap : INT QUIT
: >%s.begun
%s
echo "ended with $?"; trap '' INT; stty -a | grep -o '[-]\?echo ' | sed 's/^/terminal: /'; exec sleep 1000
]]):format(quote(folder), quote(program.path), target, command)
  program.write(folder, target .. ".sh", script)
  terminal.shell(("rm -f %s.begun"):format(target))
  -- a server that ends with its last terminal would take the next one along
  tmux(("set-option -g exit-empty off ';' new-session -d -s %s -x %d -y %d sh %s/%s.sh")
    :format(target, columns or 80, rows or 24, folder, target))
  terminal.wait_for_file(target .. ".begun") -- else Ctrl-C would end it
end

--- Takes the terminal away.
function terminal.hang_up()
  tmux_here("kill-session", "")
end

--- Runs the command again, on an empty screen.
function terminal.restart()
  tmux_here("respawn-pane", ("-k sh %s/%s.sh"):format(folder, target))
end

--- Opens a terminal with the prompt. Of the log it shows errors alone, for a busy machine has warnings.
function terminal.prompt(words, columns, rows)
  terminal.open("\"$DYNSUP\" repl --log-level error " .. (words or ""), columns, rows)
  terminal.wait "\n> $"
end

--- The screen's rows, each after a newline, without trailing blanks and without empty rows at the end.
---@return string
function terminal.screen()
  return ("\n" .. tmux_here("capture-pane", "-p")):gsub("[ ]+\n", "\n"):gsub("%s+$", function(tail)
    return tail:sub(1, 1) == " " and " " or ""
  end)
end

-- The screen up to the cursor, which says where a prompt ends.
local function screen_to_cursor()
  local x, y = tmux_here("display-message", "-p '#{cursor_x} #{cursor_y}'"):match "(%d+) (%d+)"
  local rows, n = {}, 0
  for row in (tmux_here("capture-pane", "-p")):gmatch "([^\n]*)\n" do
    rows[#rows + 1] = row
    n = n + 1
    if n > tonumber(y) then break end
  end
  local last = rows[#rows] or ""
  local width = utf8.len(last) or #last
  if width < tonumber(x) then
    last = last .. (" "):rep(tonumber(x) - width)
  end
  rows[#rows] = last
  return "\n" .. table.concat(rows, "\n")
end

--- Waits until the screen up to the end of the cursor's row matches a pattern; returns it.
---@param pattern string
---@return string
function terminal.wait(pattern)
  local deadline = os.time() + LIMIT
  local screen = screen_to_cursor()
  while not screen:find(pattern) and os.time() <= deadline do
    os.execute "sleep 0.02"
    screen = screen_to_cursor()
  end
  if screen:find(pattern) then
    return screen
  end
  error(("no %q on the screen:%s\n"):format(pattern, screen), 2)
end

--- Waits until the terminal gives whole lines, as for a script that reads, and not each key at once as at
--- the prompt. That is a little after the line is on the screen; a Ctrl-D that comes before is nobody's.
function terminal.wait_for_lines()
  local tty = tmux_here("display-message", "-p '#{pane_tty}'"):gsub("%s+$", "")
  local gives = terminal.shell(([[timeout %d sh -c 'until stty -a -F %s | grep -q "[^-]icanon"; do sleep 0.01; done' ]]
    .. "&& echo lines"):format(LIMIT, tty))
  assert(gives == "lines\n", "the terminal gives no whole lines: " .. gives)
end

--- The cursor's column, from 0 on.
function terminal.column()
  return tonumber((tmux_here("display-message", "-p '#{cursor_x}'")))
end

--- Sends a text as it is.
function terminal.type(text)
  tmux_here("send-keys", "-l -- " .. quote(text))
end

--- Sends keys by tmux's names: "Enter", "C-c", "Left".
function terminal.press(...)
  tmux_here("send-keys", table.concat({ ... }, " "))
end

--- Presses a key again and again until this is on the screen: presses that come fast may count as one.
---@param key string
---@param pattern string
function terminal.press_until(key, pattern)
  local tries = 0
  repeat
    terminal.press(key)
    tries = tries + 1
  until terminal.screen():find(pattern) or tries == 1000
end

--- Types a line.
function terminal.enter(text)
  terminal.type(text)
  terminal.press "Enter"
end

--- Gives the terminal another size.
function terminal.resize(columns, rows)
  tmux_here("resize-window", ("-x %d -y %d"):format(columns, rows))
end

--- Pastes a text in one go.
function terminal.paste(text)
  program.write(folder, "paste", text)
  tmux(("load-buffer %s/paste"):format(folder))
  tmux_here("paste-buffer", "-r -p")
end

function terminal.write(name, text)
  return program.write(folder, name, text)
end

function terminal.folder()
  return folder
end

--- Runs a shell command in the test's folder and returns what it prints.
function terminal.shell(command)
  return capture(("cd %s || exit 1; %s"):format(quote(folder), command))
end

--- Waits until there is a file of this name in the test's folder.
---@param name string
function terminal.wait_for_file(name)
  local there = terminal.shell(("timeout %d sh -c 'until test -e %s; do sleep 0.01; done' && echo there")
    :format(LIMIT, name))
  assert(there == "there\n", "there is no file " .. name)
end

-- A line whose worker prints until a line has said how many more there are to be (left = 5): then the
-- screen comes to rest.
terminal.ticker = "dynsup.spawn(function() local i = 0 repeat i = i + 1 dynsup.sleep(50) print('tick ' .. i) "
  .. "left = left and left - 1 until left == 0 end)"

--- None of the ticker's lines is missing on the screen.
---@param screen string
function terminal.check_ticks(screen)
  local last
  for number in screen:gmatch "tick (%d+)" do
    assert(last == nil or tonumber(number) == last + 1, screen)
    last = tonumber(number)
  end
  assert(last, screen)
end

--- A group of tests, each with a folder and a terminal of its own.
---@param name string
---@param tests function
---@param finish? function called after each test
function terminal.describe(name, tests, finish)
  busted.describe(name, function()
    busted.before_each(function() folder, target = program.folder(), "first" end)
    busted.after_each(function()
      if finish then
        finish()
      end
      -- a program may be stuck, and not notice that its terminal is gone
      tmux "list-panes -a -F '#{pane_pid}' 2>/dev/null | sed 's/^/-/' | xargs -r kill -9 --"
      tmux "kill-server"
      -- what ends now may still write
      capture(("until rm -rf %s 2>/dev/null; do sleep 0.02; done"):format(quote(folder)))
    end)
    tests()
  end)
end

return terminal
