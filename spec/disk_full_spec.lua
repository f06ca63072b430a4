-- A disk of a few pages that is full, in truth: a file system in memory, mounted where only the test sees it.
-- There what does not fit is cut off at the end of a page, and then nothing can be written (ENOSPC). What
-- is under a limit on the size of files is in spec/disk_fault_spec.lua.

local cli = require "spec.support.cli"
local missing_lines = require "spec.support.missing_lines"

local write, assert_ended, assert_has = cli.write, cli.assert_ended, cli.assert_has

-- Runs a command in which `small` is such a disk, of eight pages of 4 KiB. It is gone with the command.
local MOUNTED = [[export DYNSUP; unshare --map-root-user --mount sh -c '
  mkdir -p small && mount -t tmpfs -o size=32k,mode=755 none small && . ./inner.sh']]

local function on_small(command)
  write("inner.sh", command)
  return cli.shell(MOUNTED)
end

-- leave(n): n pages of the disk stay free; without n all but what is used is free again.
local LEAVE = [[
  local function leave(n)
    for i = 1, 8 do os.remove("small/page" .. i) end
    local pages = 0
    while n do
      local file = io.open("small/page" .. pages + 1, "w")
      if not file then break end
      local whole = file:setvbuf "no" and file:write(("x"):rep(4096))
      file:close()
      if not whole then os.remove("small/page" .. pages + 1) break end
      pages = pages + 1
    end
    for i = 1, n or 0 do os.remove("small/page" .. i) end
  end
  local function content(path)
    local file <close> = io.open(path, "rb")
    return file and file:read "a"
  end
]]

cli.describe("on a small disk that is full", function()
  -- Who may not mount, as in most containers, cannot run these.
  local function it(name, test)
    require("busted").it(name, function()
      if on_small "true".code ~= 0 then pending "nothing can be mounted here" end
      test()
    end)
  end

  it("what a worker writes is all there, or it is told", function()
    write("script.lua", LEAVE .. [[
      local fs = require "dynsup.fs"
      local text, told = ("0123456789"):rep(1000), 0 -- needs three pages
      local function check(what, n, ok, reason, expected)
        local got = content "small/file"
        assert((ok ~= nil) == (got == expected), what .. n)
        assert(expected:sub(1, #got) == got, what .. n)
        assert(ok or reason == "enospc", reason)
        told = told + (ok and 0 or 1)
        os.remove "small/file"
      end
      for n = 0, 4 do
        leave(n)
        local ok, reason = fs.write("small/file", text)
        check("write", n, ok, reason, text)
        leave()
        assert(fs.write("small/file", "first "))
        leave(n)
        ok, reason = fs.write("small/file", text, { append = true })
        check("append", n, ok, reason, "first " .. text)
        leave(n)
        local file = assert(fs.open("small/file", "w"))
        for i = 1, #text, 1000 do
          ok, reason = file:write(text:sub(i, i + 999))
          if not ok then break end
        end
        file:close()
        check("pieces", n, ok, reason, text)
        leave()
        assert(fs.write("small/file", text))
        check("again", n, true, nil, text)
      end
      print(told)]])
    cli.assert_printed("8\n", on_small "\"$DYNSUP\" run script.lua")
  end)

  it("standard output that cannot be written is told by the exit code", function()
    write("script.lua", "print(('x'):rep(100000))")
    local got = on_small "\"$DYNSUP\" run script.lua >small/out"
    assert_ended(1, got)
    assert_has("cannot write to standard output", got.err)
  end)

  it("an event log is whole, or that it is not is told", function()
    write("fill.lua", LEAVE .. "leave(math.tointeger(tonumber(arg[1])))")
    write("script.lua", "for _ = 1, 60 do require('dynsup').spawn(function() end) end")
    local command = "\"$DYNSUP\" run fill.lua %d && \"$DYNSUP\" run --clock virtual --event-log small/events "
      .. "script.lua; code=$?; wc -c <small/events; exit $code"
    local whole = on_small(command:format(8))
    assert_ended(0, whole)
    local pages = (math.tointeger(tonumber(whole.out)) + 4095) // 4096
    assert.is_true(pages > 1 and pages < 8)
    for n = 0, pages do
      local got = on_small(command:format(n))
      assert.equal(n < pages and 1 or 0, got.code, got.err)
      if n < pages then
        assert_has("the event log 'small/events' could not be written: No space left on device", got.err)
        assert.equal(n * 4096, tonumber(got.out))
      end
    end
  end)

  it("the log says how many lines are missing, and cuts none into the next", function()
    write("script.lua", LEAVE .. [[
      local dynsup = require "dynsup"
      local long = ("x"):rep(100)
      for n = 1, 5 do
        leave()
        dynsup.log.error("begin " .. n)
        leave(n % 2)
        for i = 1, 100 do dynsup.log.error(long .. ("line %d of %d"):format(i, n)) end
        leave()
        dynsup.log.error("end " .. n)
        local file = io.open("all", "a")
        file:write(content "small/log")
        file:close()
        io.open("small/log", "w"):close() -- the log goes on at the beginning of its file
      end]])
    assert_ended(0, on_small "\"$DYNSUP\" run --log-format text script.lua 2>>small/log")
    local missing, told = missing_lines(cli.shell("cat all").out, { 1, 2, 3, 4, 5 }, 100)
    assert.is_true(missing > 100)
    assert.equal(missing, told)
  end)

  it("the lines of the history stay lines, and a long one is kept as it is", function()
    write("script.lua", LEAVE .. [[
      local history = require "dynsup.repl.history"
      local path = "small/dynsup/history"
      local h = history.open()
      h:add "first = 1"
      for n = 1, 300 do h:add("line = " .. n) end
      leave(0)
      for n = 301, 1000 do h:add("line = " .. n) end
      leave()
      history.open():add "last = 1"
      local seen = {}
      for _, line in ipairs(history.open().lines) do seen[line] = true end
      assert(seen["first = 1"] and seen["last = 1"] and seen["line = 300"] and not seen["line = 1000"])
      assert(not seen[""])
      local file = io.open(path, "w")
      for n = 1, 4100 do file:write(n % 10, "\n") end
      file:close()
      local before = content(path)
      leave(0)
      history.open()
      assert(content(path) == before, "a history that cannot be shortened stays")
      assert(not io.open(path .. ".new"))
      leave()
      history.open()
      assert(#content(path) < #before)
      print "kept"]])
    cli.assert_printed("kept\n", on_small "XDG_STATE_HOME=\"$PWD/small\" \"$DYNSUP\" run script.lua")
  end)
end)
