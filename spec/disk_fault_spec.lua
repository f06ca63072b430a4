-- Disks that are full: what cannot be written is told, and what was there before is not lost.

local cli = require "spec.support.cli"
local missing_lines = require "spec.support.missing_lines"

local script, shell, write = cli.script, cli.shell, cli.write
local assert_ended, assert_has = cli.assert_ended, cli.assert_has

-- A limit on the size of files, in units of 512 bytes: the system's answer beyond it is a signal that
-- ends programs, or EFBIG.
local LIMITED = "ulimit -f 8; \"$DYNSUP\" run "

cli.describe("when the disk is full,", function()
  it("a worker's write fails and says why", function()
    local got = script [[
      local fs = require "dynsup.fs"
      print(select(2, fs.write("/dev/full", "x")))
      local file = fs.open("/dev/full", "w")
      print(select(2, file:write("x")))
      print(file:close())]]
    cli.assert_printed("enospc\t/dev/full: no space left on device\n"
      .. "enospc\t/dev/full: no space left on device\ntrue\n", got)
  end)

  it("standard output that cannot be written is told by the exit code", function()
    write("script.lua", "print(('x'):rep(100000))")
    local got = shell "\"$DYNSUP\" run script.lua >/dev/full"
    assert_ended(1, got)
    assert_has("cannot write to standard output", got.err)
  end)

  it("a log that cannot be written ends nobody", function()
    write("script.lua", [[
      local dynsup = require "dynsup"
      for i = 1, 1000 do dynsup.log.error("a line", { i = i }) end
      print "done"]])
    local got = shell "\"$DYNSUP\" run script.lua 2>/dev/full"
    cli.assert_printed("done\n", got)
  end)

  it("an event log that cannot be written is told", function()
    local text = "for _ = 1, 300 do require('dynsup').spawn(function() end) end"
    local got = script(text, "--event-log", "/dev/full")
    assert_ended(1, got)
    assert_has("the event log '/dev/full' could not be written: No space left on device", got.err)
  end)

  it("an event log is told that lost lines while a limit was in force", function()
    write("script.lua", [[
      local dynsup = require "dynsup"
      local function burst()
        for _ = 1, 300 do dynsup.spawn(function() end) end
        dynsup.sleep(1)
      end
      burst()
      os.execute "prlimit --fsize=1000: --pid $PPID"
      burst()
      os.execute "prlimit --fsize=unlimited: --pid $PPID"
      burst()]])
    local got = shell "\"$DYNSUP\" run --event-log events script.lua"
    assert_has("the event log 'events' could not be written: File too large", got.err)
    assert_ended(1, got)
  end)

  it("an event log that lost lines in between is told, too", function()
    write("script.lua", [[
      local dynsup = require "dynsup"
      while not io.open "left" do end -- the reader of the pipe
      for _ = 1, 300 do dynsup.spawn(function() end) end
      dynsup.sleep(1)
      io.open("pipe"):setvbuf "no" -- the next reader
      dynsup.spawn(function() end)]])
    local got = shell [[
      mkfifo pipe
      { : <pipe; : >left; } &
      "$DYNSUP" run --event-log pipe script.lua]]
    assert_has("the event log 'pipe' could not be written", got.err)
    assert_ended(1, got)
  end)
end)

cli.describe("beyond the limit on the size of files", function()
  it("a worker's write fails, and the host goes on", function()
    write("script.lua", [[
      local fs = require "dynsup.fs"
      print(fs.write("big", ("x"):rep(100000)))
      print(#fs.read "big")
      local file = io.open("bigger", "w")
      file:setvbuf "no"
      print(file:write(("x"):rep(100000)))]])
    local got = shell(LIMITED .. "script.lua")
    cli.assert_printed("nil\tefbig\tbig: file too large\n4096\nnil\tFile too large\t27\n", got)
  end)

  it("an event log that cannot be written is told", function()
    write("script.lua", "for _ = 1, 300 do require('dynsup').spawn(function() end) end")
    local got = shell(LIMITED .. "--event-log events script.lua")
    assert_ended(1, got)
    assert_has("the event log 'events' could not be written: File too large", got.err)
  end)

  it("a long history is kept as it is", function()
    write("script.lua", [[
      local file = io.open("home/dynsup/history")
      local size = file:seek "end"
      file:close()
      require("dynsup.repl.history").open():add "one more"
      file = io.open "home/dynsup/history"
      print(file:seek "end" == size)]])
    local got = shell([[
      mkdir -p home/dynsup
      i=0
      while [ $i -lt 5000 ]; do echo "a line that was typed: $i"; i=$((i + 1)); done >home/dynsup/history
      export XDG_STATE_HOME="$PWD/home"
      ]] .. LIMITED .. "script.lua")
    cli.assert_printed("true\n", got)
  end)
end)

-- limit(n): from now on no file grows beyond n bytes; limit(): that is over. It takes a program and waits for it,
-- which on a busy machine is long enough for a warning: so these run with the log's errors alone.
local RUN = "\"$DYNSUP\" run --log-level error "
local LIMIT = [[
  local pid = require("luv").os_getpid()
  local function limit(n)
    assert(os.execute(("prlimit --pid %d --fsize=%s:"):format(pid, n or "unlimited")))
  end
  local function content(path)
    local file <close> = io.open(path, "rb")
    return file and file:read "a"
  end
]]

cli.describe("when the disk is full after any number of bytes,", function()
  it("what a worker has written is all there, or it is told", function()
    write("script.lua", LIMIT .. [[
      local fs = require "dynsup.fs"
      local text, told = ("0123456789"):rep(4), 0
      local function check(n, what, ok, reason, expected)
        limit()
        local got = content "file"
        assert((ok ~= nil) == (got == expected), what .. " " .. n)
        assert(expected:sub(1, #got) == got, what .. " " .. n)
        assert(ok or reason == "efbig", reason)
        told = told + (ok and 0 or 1)
      end
      for n = 0, 41 do
        os.remove "file"
        limit(n)
        local ok, reason = fs.write("file", text)
        check(n, "write", ok, reason, text)
        assert(fs.write("file", "first "))
        limit(6 + n)
        ok, reason = fs.write("file", text, { append = true })
        check(n, "append", ok, reason, "first " .. text)
        os.remove "file"
        limit(n)
        local file = assert(fs.open("file", "w"))
        for i = 1, #text, 4 do
          ok, reason = file:write(text:sub(i, i + 3))
          if not ok then break end
        end
        file:close()
        check(n, "pieces", ok, reason, text)
      end
      print(told)]])
    cli.assert_printed("120\n", shell(RUN .. "script.lua"))
  end)

  it("the lines of the history stay lines", function()
    write("script.lua", LIMIT .. [[
      local history = require "dynsup.repl.history"
      local path = "home/dynsup/history"
      for n = 0, 20 do
        os.remove(path)
        local h = history.open()
        h:add "first = 1"
        limit(10 + n)
        h:add "second = 2"
        h:add "third = 3"
        limit()
        local later = n % 2 == 0 and h or history.open() -- another session finds the cut line
        later:add "last = 4"
        local kept = {}
        for _, line in ipairs(history.open().lines) do kept[line] = true end
        assert(kept["first = 1"] and kept["last = 4"], n)
        assert(not kept[""])
        assert(n < 11 or kept["second = 2"], n)
      end
      print "kept"]])
    cli.assert_printed("kept\n", shell("export XDG_STATE_HOME=\"$PWD/home\"; " .. RUN .. "script.lua"))
  end)

  it("an event log is whole, or that it is not is told", function()
    write("script.lua", "for _ = 1, 60 do require('dynsup').spawn(function() end) end")
    local command = "prlimit --fsize=%s: \"$DYNSUP\" run --clock virtual --event-log events script.lua; "
      .. "code=$?; wc -c <events; exit $code"
    local whole = shell(command:format "unlimited")
    assert_ended(0, whole)
    local size = math.tointeger(tonumber(whole.out))
    for _, n in ipairs { 0, 1, 4095, 4096, 4097, size - 1 } do
      local got = shell(command:format(n))
      assert_ended(1, got)
      if n >= 4095 then -- else stderr, a file here, is too small as well
        assert_has("the event log 'events' could not be written: File too large", got.err)
      end
      assert.is_true(tonumber(got.out) <= n)
    end
    assert_ended(0, shell(command:format(size)))
  end)

  it("the log says how many lines are missing, and cuts none into the next", function()
    write("script.lua", LIMIT .. [[
      local dynsup = require "dynsup"
      for n = 0, 120, 3 do
        dynsup.log.error("begin " .. n)
        limit(#content "log" + n)
        for i = 1, 3 do dynsup.log.error(("line %d of %d"):format(i, n)) end
        limit(#content "log" + 30) -- for a line, not for how many are missing
        dynsup.log.error("line 4 of " .. n)
        limit()
        dynsup.log.error("end " .. n)
      end]])
    assert_ended(0, shell(RUN .. "--log-format text script.lua 2>log; cat log"))
    local groups = {}
    for n = 0, 120, 3 do groups[#groups + 1] = n end
    local missing, told = missing_lines(shell("cat log").out, groups, 4)
    assert.is_true(missing > 30)
    assert.equal(missing, told)
  end)

  it("the log says so with the time of the run's clock", function()
    write("script.lua", LIMIT .. [[
      local dynsup = require "dynsup"
      limit(#content "log")
      dynsup.log.error "is not written"
      limit()
      dynsup.sleep(1000)
      dynsup.log.error "is written"]])
    assert_ended(0, shell "\"$DYNSUP\" run --clock virtual --log-format logfmt script.lua 2>log")
    local time = "time=1970-01-01T00:00:01.000Z level=error event="
    assert.equal("\n" .. time .. 'log message="is written" pid=<0.1.0>\n' .. time
      .. 'log_lost message="1 line of the log before could not be written"\n', shell("cat log").out)
  end)
end)
