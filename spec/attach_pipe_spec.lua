-- `dynsup attach` without a terminal: lines from a pipe or a file.

local attached = require "spec.support.attached"
local cli = require "spec.support.cli"

-- What a client makes of these lines, and the host of this script.
local function type_in(text, words, host)
  cli.write("lines", text)
  return attached.with_host(host or "", "\"$DYNSUP\" attach " .. (words or "") .. " socket <lines")
end

cli.describe("lines from a file", function()
  it("print values, and what they print", function()
    cli.assert_printed('2\n5\t"x"\nprinted\nwritten\n', type_in [[
1 + 1
5, "x"
print "printed"
x = io.write "written\n"
]])
  end)

  it("may go on in the next one, and lack an end", function()
    cli.assert_printed("1\n2\n7\n", type_in "for i = 1, 2 do\nprint(i)\nend\n7")
  end)

  it("may begin with the mark of UTF-8, or with who runs them", function()
    cli.assert_printed("3\n", type_in "\u{feff}#!/usr/bin/env dynsup\n3\n")
  end)

  it("find what the script has made", function()
    cli.assert_printed('"of the script"\n', type_in("x\n", "", "x = 'of the script'"))
  end)

  it("tell errors on stderr and go on; the exit code tells that, too", function()
    local got = type_in "error 'boom'\nx y\n'still here'\n"
    assert.equal('"still here"\n', got.out)
    assert.equal("stdin:1: boom\nstack traceback:\n\t[C]: in function 'error'\n\tstdin:1: in main chunk\n"
      .. "stdin:1: syntax error near 'y'\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("may be incomplete at the end", function()
    local got = type_in "1\nf(\n2,\n"
    assert.equal("1\n", got.out)
    assert.equal("stdin:2: unexpected symbol near <eof>\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("may have 64 KiB, whatever bytes these are", function()
    for _, byte in ipairs { "x", '"', "\t", "\1" } do
      local got = type_in("#'" .. byte:rep(65533) .. "'\n1\n")
      assert.same({ "65533\n1\n", "" }, { got.out, got.err })
    end
  end)

  it("may be too long for the host", function()
    local got = type_in("#'" .. ("x"):rep(65534) .. "'\n1\n")
    assert.equal("1\n", got.out)
    assert.equal("dynsup: the line is too long: a host takes up to 64 KiB\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("may print a lot", function()
    local got = type_in "for i = 1, 20000 do print('line', i) end ('x'):rep(300000)\n"
    assert.equal("", got.err)
    assert.truthy(got.out:find "^line\t1\nline\t2\n")
    assert.truthy(got.out:find("line\t19999\nline\t20000\n", 1, true))
    assert.equal(20000, cli.count("line\t", got.out))
    got = type_in "#print(('x'):rep(300000))\n"
    assert.truthy(got.out:find("x\n", 1, true))
    got = type_in "print(('äö'):rep(100000))\n"
    assert.equal(("äö"):rep(100000) .. "\n", got.out)
  end)

  it("are read no further than a host takes them, as code", function()
    local limit = os.getenv "LD_PRELOAD" and "" or "ulimit -v 4000000; " -- a sanitizer maps more than there is
    local got = attached.with_host("", limit .. "yes | \"$DYNSUP\" eval --socket socket -")
    cli.assert_said(2, "the code has more than 65536 bytes", got)
  end)

  it("carry any bytes", function()
    cli.assert_printed("\xff\0\27[2J\127é\n", type_in "x = io.write '\\xff\\0\\27[2J\\127é\\n'\n")
    cli.assert_printed("2\n", type_in "#'\xff\xfe'\n")
  end)

  it("may halt the host", function()
    local got = type_in "1\ndynsup.halt(3)\n'not any more'\n"
    assert.equal("1\n", got.out)
    assert.equal("dynsup: the host has ended with code 3\n", got.err)
    cli.assert_ended(0, got)
    got = type_in "error 'boom'\ndynsup.halt()\n"
    assert.truthy(got.err:find("dynsup: the host has ended", 1, true))
    cli.assert_ended(1, got)
  end)
end)

cli.describe("the host's log", function()
  it("is not shown unless it is asked for, and no more than the host logs", function()
    local lines = "dynsup.log.warning('watch out', { what = 'it' }) dynsup.log.info 'by the way'\ndynsup.sleep(1)\n"
    assert.equal("", type_in(lines).err)
    assert.equal("[warning] watch out what=it\n", type_in(lines, "--log-level info").err)
    lines = "x = dynsup.log.level 'info'\n" .. lines
    assert.equal("[warning] watch out what=it\n", type_in(lines, "--log-level warning").err)
    assert.equal("[warning] watch out what=it\n[info] by the way\n", type_in(lines, "--log-level info").err)
  end)
end)

cli.describe("without the path of a socket", function()
  local function with_hosts(n, command)
    local lines = { 'export XDG_RUNTIME_DIR="$PWD"' }
    for i = 1, n do
      cli.write("app" .. i .. ".lua", ("assert(io.open('ready%d', 'w')):close()"):format(i))
      lines[#lines + 1] = ([["$DYNSUP" run --listen app%d.lua & pids="$pids $!"
until test -e ready%d; do sleep 0.01; done]]):format(i, i)
    end
    lines[#lines + 1] = command .. "; code=$?; kill $pids 2>/dev/null; wait; exit $code"
    return cli.shell(table.concat(lines, "\n"))
  end

  it("the only host is meant", function()
    cli.assert_printed("1\n", with_hosts(1, "echo 1 | \"$DYNSUP\" attach"))
  end)

  it("a host's pid will do", function()
    cli.assert_printed("1\n", with_hosts(2, "echo 1 | \"$DYNSUP\" attach ${pids##* }"))
  end)

  it("several hosts are told, but not those that have died", function()
    local got = with_hosts(3, [[
kill -9 ${pids##* }; until ! kill -0 ${pids##* } 2>/dev/null; do sleep 0.01; done
echo 1 | "$DYNSUP" attach]])
    local list = got.err:match "^dynsup: several hosts listen: say which one by its socket\n(.*)$"
    assert(list, got.err)
    assert.truthy(list:find "/dynsup/%d+.sock  %([^\n]* run %-%-listen app1.lua%)\n")
    assert.truthy(list:find "/dynsup/%d+.sock  %([^\n]* run %-%-listen app2.lua%)\n")
    assert.falsy(list:find "app3")
    cli.assert_ended(2, got)
  end)
end)
