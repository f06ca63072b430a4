-- The log of the program `dynsup` as its users meet it: what is shown, and how it looks.

local cli = require "spec.support.cli"
local json = require "spec.support.json"

local script, shell, count = cli.script, cli.shell, cli.count
local assert_ended, assert_printed = cli.assert_ended, cli.assert_printed
local assert_has, assert_lacks = cli.assert_has, cli.assert_lacks

cli.describe("the log", function()
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

  it("has the whole of an error in a callback, or shows by dots that it is cut", function()
    local failing = [[
      local timer = require "luv".new_timer()
      timer:start(0, 0, function() error(%s) end)
      require "dynsup".sleep(1)
      timer:close()]]
    local whole = script(failing:format "('x'):rep(1000)").err
    assert_has("error in a callback: script.lua:2: " .. ("x"):rep(1000) .. "\nstack traceback:", whole)
    local cut = script(failing:format "('€'):rep(5000)").err
    assert_has("€...\n", cut)
    assert_lacks("stack traceback", cut)
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
    cli.write("app.lua", noisy)
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
    cli.write("app.lua", noisy)
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

cli.describe("the log's format", function()
  local text = [[
    local dynsup = require "dynsup"
    dynsup.log.warning("hello \"you\"", { n = 1 })
    dynsup.start_child(dynsup.start_link(), { restart = "temporary", body = function() error "boom" end })
    dynsup.sleep(1)
    warn "a warning"
    error "the end"]]

  local function lines_of(got)
    local lines = {}
    for line in got.err:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
    assert_ended(1, got)
    return lines
  end

  local function events_of(got)
    local events = {}
    for i, line in ipairs(lines_of(got)) do
      local record = json.read(line)
      events[i] = record.event .. " " .. record.level
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", record.time)
    end
    return events
  end

  local expected = { "log warning", "child_terminated error", "warning warning",
    "crashed error", -- the supervisor, along its link to the main process
    "failed error" }

  it("json is one object a line, whatever it tells", function()
    assert.same(expected, events_of(script(text, "--log-format", "json")))
    assert.same(expected, events_of(script(text, "--log-format=json")))
  end)

  it("has the time of a virtual clock in each line", function()
    local late = "require('dynsup').sleep(1000)\n" .. text
    local lines = lines_of(script(late, "--log-format", "json", "--clock", "virtual"))
    assert.equal(#expected, #lines)
    for i, line in ipairs(lines) do
      assert.equal(i < 3 and "1970-01-01T00:00:01.000Z" or "1970-01-01T00:00:01.001Z", json.read(line).time)
    end
  end)

  it("logfmt is one line an event", function()
    local lines = lines_of(script(text, "--log-format", "logfmt"))
    assert.equal(#expected, #lines)
    for i, event in ipairs(expected) do
      local name, level = event:match "(%S+) (%S+)"
      assert.matches("^time=%S+Z level=" .. level .. " event=" .. name .. " message=", lines[i])
    end
  end)

  it("is logfmt where stderr is no terminal, unless the environment or an option says otherwise", function()
    cli.write("app.lua", text)
    local function first(command) return lines_of(shell(command))[1] end
    assert.matches("^time=", first "unset DYNSUP_LOG_FORMAT; \"$DYNSUP\" run app.lua")
    assert.matches("^time=", first "DYNSUP_LOG_FORMAT= \"$DYNSUP\" run app.lua")
    assert.matches("^{", first "DYNSUP_LOG_FORMAT=json \"$DYNSUP\" run app.lua")
    assert.equal("[warning] hello \"you\" n=1",
      first "DYNSUP_LOG_FORMAT=json \"$DYNSUP\" run --log-format text app.lua")
  end)

  it("is told once of a format in the environment that is none, and goes on without it", function()
    cli.write("app.lua", text)
    local told = "dynsup: DYNSUP_LOG_FORMAT is 'nonsense', which is none of text, logfmt, json: it is left out"
    for _, options in ipairs { "run", "run --clock virtual", "check", "repl" } do
      local got = shell(('DYNSUP_LOG_FORMAT=nonsense "$DYNSUP" %s app.lua </dev/null'):format(options))
      assert.equal(told, lines_of(got)[1])
      assert.matches("^time=", lines_of(got)[2])
      assert.equal(1, count("nonsense", got.err))
    end
  end)

  it("tells why the program ends as text, unless another format was asked for", function()
    cli.write("app.lua", "error 'broken'")
    assert.matches("^dynsup: app.lua:1: broken\n", shell("unset DYNSUP_LOG_FORMAT; \"$DYNSUP\" run app.lua").err)
    assert.matches("event=failed", shell("DYNSUP_LOG_FORMAT=logfmt \"$DYNSUP\" run app.lua").err)
    assert.matches("event=failed", shell("\"$DYNSUP\" run --log-format logfmt app.lua").err)
  end)

  it("is text on a terminal", function()
    if not shell("command -v script").out:find "script" then return pending "needs the program script" end
    cli.write("app.lua", text)
    local got = shell [[unset DYNSUP_LOG_FORMAT; TERM=dumb script -qec "'$DYNSUP' run app.lua" /dev/null]]
    assert_has("[warning] hello \"you\" n=1", got.out)
  end)

  it("has no colours but in text", function()
    if not shell("command -v script").out:find "script" then return pending "needs the program script" end
    cli.write("app.lua", text)
    assert_lacks("\27", shell [[TERM=xterm script -qec "'$DYNSUP' run --log-format json app.lua" /dev/null]].out)
  end)

  it("is one of three", function()
    cli.assert_said(2, "unknown log format 'jsn': did you mean 'json'?", script(text, "--log-format", "jsn"))
    cli.assert_said(2, "--log-format needs a format: text, logfmt or json", cli.run("run", "--log-format"))
  end)

  it("is off with the log, but for why the program ends", function()
    assert_has("dynsup: script.lua:6: the end\n", script(text, "--log-level", "off", "--log-format", "json").err)
  end)
end)
