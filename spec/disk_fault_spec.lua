-- Disks that are full: what cannot be written is told, and what was there before is not lost.

local cli = require "spec.support.cli"

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
