-- Clients of `dynsup attach` and what they make of hosts that are not there or misbehave.

local attached = require "spec.support.attached"
local cli = require "spec.support.cli"
local patience = require "spec.support.patience"

local client = "printf '1\\n' | \"$DYNSUP\" attach socket"
local answer = [[
  local line = socket:read "line"
  assert(line:find '"do":"line"', 1, true) assert(line:find '"text":"1"', 1, true)
]]

cli.describe("a client", function()
  it("says that there is no host", function()
    local got = cli.shell "XDG_RUNTIME_DIR=$PWD \"$DYNSUP\" attach"
    local place = cli.shell("pwd").out:match "^[^\n]*" .. "/dynsup"
    cli.assert_said(2, "no host of yours listens in " .. place .. ": 'dynsup run --listen FILE' starts one", got)
    cli.assert_said(2, "there is no socket at ./nowhere: 'dynsup run --listen SOCKET FILE' starts a host there",
      cli.run("attach", "nowhere"))
  end)

  it("says which pid nobody has, unless a socket has such a name", function()
    local got = cli.shell "XDG_RUNTIME_DIR=$PWD \"$DYNSUP\" attach 4194305"
    local place = cli.shell("pwd").out:match "^[^\n]*" .. "/dynsup"
    cli.assert_said(2, "no host with the pid 4194305 listens in " .. place .. ", and no socket has that name", got)
    cli.write("4194305", "")
    cli.assert_said(2, "./4194305 is no socket", cli.shell "XDG_RUNTIME_DIR=$PWD \"$DYNSUP\" attach 4194305")
    local long = ("x"):rep(200)
    cli.assert_said(2, ("cannot connect to ./%s: the path of a socket has at most 107 bytes"):format(long),
      cli.run("attach", long))
  end)

  it("says that a file is no socket, and that nobody listens", function()
    cli.write("file", "")
    cli.assert_said(2, "./file is no socket", cli.run("attach", "file"))
    local stale = attached.with_stub("", "kill -9 $host; until ! kill -0 $host 2>/dev/null; do :; done; "
      .. "\"$DYNSUP\" attach socket")
    cli.assert_said(2, "nobody listens at ./socket any more", stale)
  end)

  it("refuses what is wrong in its command", function()
    cli.assert_said(2, "attach takes one SOCKET, not also 'b': see 'dynsup help attach'", cli.run("attach", "a", "b"))
    cli.assert_said(2, "attach takes one SOCKET, not also 'b': see 'dynsup help attach'",
      cli.run("attach", "a", "--socket=b"))
    cli.assert_said(2, "the SOCKET has no name: see 'dynsup help attach'", cli.run("attach", ""))
    cli.assert_said(2, "the SOCKET has no name: see 'dynsup help attach'", cli.run("attach", "--socket"))
    cli.assert_said(2, "there is no socket at ./b: 'dynsup run --listen SOCKET FILE' starts a host there",
      cli.run("attach", "--socket", "b"))
    cli.assert_said(2, "unknown option '--log-levle': did you mean '--log-level'?", cli.run("attach", "--log-levle"))
    cli.assert_said(2, "--log-level needs a level: off, error, warning, info or debug",
      cli.run("attach", "--log-level"))
    cli.assert_said(2, "unknown log level 'x': it is one of off, error, warning, info, debug",
      cli.run("attach", "--log-level=x"))
    cli.assert_said(2, "there is no socket at ./-x: 'dynsup run --listen SOCKET FILE' starts a host there",
      cli.run("attach", "--", "-x"))
  end)

  it("tells what is no host of dynsup", function()
    for _, said in ipairs { "220 mail ready", "[]", '{"hello":"other"}', "" } do
      local got = attached.with_stub(("say %q"):format(said), client)
      cli.assert_said(2, "no host is at ./socket but another program", got)
    end
    cli.assert_said(2, "no host is at ./socket but another program",
      attached.with_stub("socket:write(('x'):rep(1 << 21))", client))
    cli.assert_said(2, "the host at ./socket has closed the connection", attached.with_stub("socket:close()", client))
  end)

  it("tells a host that speaks another protocol, and what a host refuses", function()
    local got = attached.with_stub([[say '{"hello":"dynsup","version":"9.1","protocol":2}']], client)
    cli.assert_said(2, "the host at ./socket speaks protocol 2, this program 1: "
      .. "use the dynsup that it runs with, 9.1", got)
    got = attached.with_stub([[say '{"error":"there are too many clients\\u001b[2J"}']], client)
    cli.assert_said(2, "the host at ./socket: there are too many clients\\x1b[2J", got)
  end)

  it("does not trust a host of another user", function()
    if cli.shell("id -u").out ~= "0\n" then
      pending "needs root, to be another user"
      return
    end
    local got = attached.with_stub("hello()", "chmod 666 socket; echo 1 >lines; cp \"$DYNSUP\" copy; chmod 755 copy\n"
      .. "setpriv --reuid 65534 --clear-groups ./copy attach socket <lines")
    cli.assert_said(2, "the host at ./socket belongs to somebody else", got)
  end)

  it("tells that the connection is lost", function()
    local got = attached.with_stub("hello()" .. answer .. [[say '{"out":"half a line"}' socket:close()]], client)
    assert.equal("half a line", got.out)
    assert.equal("dynsup: the connection is lost: the host has gone\n", got.err)
    cli.assert_ended(1, got)
    got = attached.with_stub("hello()" .. answer .. [[say '{"out":']], client)
    assert.equal("dynsup: the connection is given up: the host has sent what is no message\n", got.err)
    cli.assert_ended(1, got)
  end)

  it("tells that the host has ended", function()
    local got = attached.with_stub("hello()" .. answer .. [[say '{"bye":"halted","code":3}']], client)
    cli.assert_said(0, "the host has ended with code 3", got)
  end)

  it("tells what was left out", function()
    local got = attached.with_stub("hello()" .. answer .. [[say '{"lost":12}'
      say '{"done":"line","id":1,"ok":true,"incomplete":false,"prompt":"> "}']], client)
    cli.assert_said(0, "12 messages of the host are left out: they came faster than they were taken", got)
  end)

  it("of a command tells what was left out, and fails", function()
    local eval = [[hello() socket:read "line" say '{"out":"a\\n"}' say '{"lost":12}' say '{"done":"eval","ok":true}']]
    local got = attached.with_stub(eval, "\"$DYNSUP\" eval --socket=socket 1")
    assert.same({ 1, "a\n" }, { got.code, got.out })
    assert.equal("dynsup: 12 messages of the host are left out: they came faster than they were taken\n", got.err)
  end)

  it("of a command gives up a host that sends what makes no answer", function()
    local function assert_given_up(printed, said)
      local got = attached.with_stub("hello() socket:read 'line' " .. said, "timeout " .. patience
        .. " \"$DYNSUP\" eval --socket=socket 1")
      assert.equal("dynsup: the connection is given up: the host has sent what is no message\n", got.err)
      assert.same({ 1, printed }, { got.code, got.out })
    end
    for _, values in ipairs { '"x"', "1e9", "-1", "1.5", "[]", "true" } do
      assert_given_up("", ("say '{\"done\":\"eval\",\"ok\":true,\"values\":%s}'"):format(values))
      assert_given_up("", ("say '{\"value\":%s,\"text\":\"a\"}'"):format(values == "-1" and "0" or values))
    end
    local first = [[say '{"value":2,"text":"b"}' ]]
    assert_given_up("\nb\n", first .. [[say '{"value":1,"text":"a"}']])
    assert_given_up("\nb\n", first .. [[say '{"done":"eval","ok":true,"values":1}']])
    for _, message in ipairs { '{"value":1}', '{"value":1,"text":7}', '{"out":{}}', '{"err":[]}', '{"error":{}}',
      '{"lost":[]}', "garbage" } do
      assert_given_up("", ("say %q"):format(message))
    end
    assert_given_up("", "socket:write(('x'):rep(1 << 21))")
  end)

  it("of a command prints an empty line for each value without a text", function()
    local got = attached.with_stub([[hello() socket:read "line" say '{"value":2,"text":"b"}'
      say '{"news":1}' say '{"done":"eval","ok":true,"values":3}']], "\"$DYNSUP\" eval --socket=socket 1")
    cli.assert_printed("\nb\n\n", got)
  end)

  it("of a command ends when nobody reads what it prints", function()
    local pour = [[hello() socket:read "line" while socket:write('{"out":"more\\n"}\n') do end]]
    local command = "{ timeout %d \"$DYNSUP\" eval --socket=socket 1; echo $? >code; } | head -1; cat code"
    local got = attached.with_stub(pour, command:format(patience))
    assert.equal("more\n1\n", got.out)
  end)

  it("is not confused by messages that it does not know", function()
    local got = attached.with_stub("hello()" .. answer .. [[say '{"news":1}' say '{"done":"line","id":99}'
      say '{"done":"complete","id":7}' say '{"out":7}' say '{"done":"watch"}' say '{"log":true}'
      say '{"done":"line","id":1,"ok":true,"incomplete":false}']], client)
    assert.equal("7", got.out)
    assert.equal("[nil] true\n", got.err)
    cli.assert_ended(0, got)
  end)

  it("ends with 1 when the host refuses a line", function()
    local got = attached.with_stub("hello()" .. answer .. [[say '{"error":"too much","id":1}']], client)
    cli.assert_said(1, "the host says: too much", got)
  end)

  it("does not let lines of the log steer the terminal", function()
    local got = attached.with_stub("hello()" .. [[
      assert(socket:read "line" == '{"do":"watch","level":"info"}')
      say '{"log":"a\\u001b[2J\\u0007\\u009bb\\tc\\nd \\u00e9\\u007f","level":"er\\u001bror"}']] .. answer ..
      [[say '{"done":"line","id":1,"ok":true,"incomplete":false,"prompt":"> "}']], client .. " --log-level info")
    assert.equal("[er\\x1bror] a\\x1b[2J\\x07\\u{9b}b\tc\nd é\\x7f\n", got.err)
  end)

  it("shows levels of the log in colour on a terminal", function()
    local function on_terminal(environment)
      return attached.with_stub([[hello() socket:read "line"
        say '{"log":"watch out","level":"warning"}' say '{"bye":"halted"}']],
        "mkfifo keys; exec 3<>keys; " .. environment -- no key comes, nor the end of them
        .. " timeout " .. patience .. " script -qec \"'$DYNSUP' attach socket\" /dev/null <&3").out
    end
    cli.assert_has("\27[33m[warning]\27[0m watch out\r\n", on_terminal "TERM=xterm")
    cli.assert_has("[warning] watch out\r\n", on_terminal "TERM=xterm NO_COLOR=1")
  end)
end)
