-- The commands that ask a running host: dynsup eval, tree and top.
local attach = require "spec.support.attach"
local cli = require "spec.support.cli"
local json = require "spec.support.json"
local program = require "spec.support.program"

local with_host = attach.with_host

local SCRIPT = [[
local dynsup = require "dynsup"
local sup = dynsup.start_link { name = "app" }
for i = 1, 3 do dynsup.start_child(sup, { body = dynsup.sleep, name = "w" .. i }) end
x = 5
]]

-- What the program prints, and its exit code.
local function outcome(folder, words)
  local run = attach.run(folder, words)
  return { run.code, run.out, run.err }
end

describe("dynsup eval", function()
  it("prints each value on a line", with_host(SCRIPT, function(_, folder)
    assert.same({ 0, "6\n", "" }, outcome(folder, { "eval", "x + 1" }))
    assert.same({ 0, "a\n{ 1, 2 }\nnil\n\n", "" }, outcome(folder, { "eval", "return 'a', { 1, 2 }, nil, ''" }))
    assert.same({ 0, "", "" }, outcome(folder, { "eval", "y = 1" }))
    assert.same({ 0, "1\n", "" }, outcome(folder, { "eval", "--", "-1 * -y" }))
  end))

  it("gives the code its arguments", with_host(SCRIPT, function(_, folder)
    assert.same({ 0, "a\n--json\n", "" }, outcome(folder, { "eval", "...", "a", "--json" }))
  end))

  it("tells where its socket is to be given", with_host(SCRIPT, function(host, folder)
    local told = "dynsup: '" .. host.socket .. "' is a socket where CODE is to stand: dynsup eval --socket "
      .. host.socket .. " CODE\n"
    assert.same({ 2, "", told }, outcome(folder, { "eval", host.socket, "x" }))
    assert.same({ 0, "5\n", "" }, outcome(folder, { "eval", "--socket", host.socket, "x" }))
  end))

  it("reads code from the standard input", with_host(SCRIPT, function(_, folder)
    local words = { "eval", "-", "b", input = "local a = ...\nreturn a .. x\n" }
    assert.same({ 0, "b5\n", "" }, outcome(folder, words))
    words.input = "\u{feff}#!/usr/bin/env dynsup\nprint(debug.traceback())\nreturn x"
    local run = attach.run(folder, words)
    assert.truthy(run.out:find("\teval:2: ", 1, true))
    assert.same({ 0, "5\n", "" }, { run.code, run.out:match "5\n$", run.err })
    words.input = ""
    assert.same({ 0, "", "" }, outcome(folder, words))
  end))

  it("prints JSON", with_host(SCRIPT, function(_, folder)
    local run = attach.run(folder, { "eval", "--json", "return dynsup.whereis 'app', { a = { 1 } }, nil" })
    assert.same({ 0, "" }, { run.code, run.err })
    assert.truthy(run.out:find '^"<0%.%d+%.0>"\n{"a":%[1%]}\nnull\n$')
    assert.same({ 0, '"a\u{fffd}b\u{fffd}\u{fffd}ä\u{fffd}"\n', "" }, outcome(folder, { "eval", "--json",
      "'a\\xffb\\xed\\xa0ä\\xe2'" }))
  end))

  it("prints what the code prints, as it comes", with_host(SCRIPT, function(host, folder)
    local code = "print 'begun' dynsup.register('it', dynsup.self()) dynsup.receive() return 7"
    local run = attach.start(folder, { "eval", code })
    run:wait_for "begun\n"
    local client = attach.client(host)
    client:line "dynsup.send('it', 1)"
    assert.equal(0, run:wait())
    assert.equal("begun\n7\n", run.out)
  end))

  it("tells how the code has failed", with_host(SCRIPT, function(_, folder)
    local run = attach.run(folder, { "eval", "print 'x' error 'bad'" })
    assert.same({ 1, "x\n" }, { run.code, run.out })
    assert.truthy(run.err:find "^eval:1: bad\nstack traceback:\n")
    local wrong = outcome(folder, { "eval", "for" })
    assert.same({ 1, "", "eval:1: <name> expected near <eof>\n" }, wrong)
    local exits = outcome(folder, { "eval", "dynsup.exit 'enough'" })
    assert.same({ 1, "", "exited with the reason enough\n" }, exits)
  end))

  it("leaves what the code has started", with_host(SCRIPT, function(_, folder)
    local code = "local s = dynsup.start_link { name = 's' } dynsup.start_child(s, { body = dynsup.sleep })"
    assert.same({ 0, "", "" }, outcome(folder, { "eval", code }))
    assert.same({ 0, "1\n", "" }, outcome(folder, { "eval", "dynsup.count_children('s').active" }))
  end))

  it("unwinds the code when it is interrupted", with_host(SCRIPT, function(_, folder)
    for signal, code in pairs { sigint = 130, sigterm = 143 } do
      local text = "dynsup.register('busy', dynsup.self()) print 'begun' while true do pcall(dynsup.sleep, 1000) end"
      local run = attach.start(folder, { "eval", text })
      run:wait_for "begun"
      assert.equal(code, run:stop(signal))
      local wait = "while dynsup.whereis 'busy' do dynsup.sleep(1) end"
      assert.same({ 0, "", "" }, outcome(folder, { "eval", wait }))
    end
  end))

  it("says that the host has ended", with_host(SCRIPT, function(host, folder)
    local got = outcome(folder, { "eval", "dynsup.halt(3)" })
    assert.same({ 1, "", "dynsup: the host has ended\n" }, got)
    assert.equal(3, host:wait())
  end))

  it("says that its session was killed, which is not the host", with_host(SCRIPT, function(_, folder)
    local words = { "eval", "dynsup.exit(dynsup.self(), 'kill')" }
    assert.same({ 1, "", "dynsup: the session was killed\n" }, outcome(folder, words))
    assert.same({ 0, "5\n", "" }, outcome(folder, { "eval", "x" }))
  end))

  it("refuses code that is too long", with_host(SCRIPT, function(_, folder)
    local code = ("\n"):rep(65535) .. "7"
    assert.same({ 0, "7\n", "" }, outcome(folder, { "eval", "-", input = code }))
    local got = outcome(folder, { "eval", "-", input = "\n" .. code })
    assert.same({ 2, "", "dynsup: the code has more than 65536 bytes\n" }, got)
    local words = { "eval", "select('#', ...)" }
    for i = 3, 6 do words[i] = ("x"):rep(100000) end
    assert.same({ 2, "", "dynsup: the code and its arguments make a request of more than 400000 bytes\n" },
      outcome(folder, words))
    words[6] = nil
    assert.same({ 0, "3\n", "" }, outcome(folder, words))
    for i = 3, 10003 do words[i] = "x" end
    assert.same({ 2, "", "dynsup: the code has more than 10000 arguments\n" }, outcome(folder, words))
    words[10003] = nil
    assert.same({ 0, "10000\n", "" }, outcome(folder, words))
  end))
end)

describe("dynsup tree", function()
  it("shows what tree() shows", with_host(SCRIPT, function(_, folder)
    local run = attach.run(folder, { "tree" })
    assert.same({ 0, "" }, { run.code, run.err })
    assert.truthy(run.out:find '^<0%.%d+%.0> "app" supervisor, 3 of 3 children active')
    assert.truthy(run.out:find '└─ <0%.%d+%.0> "w3" worker, waiting[^\n]*\n$')
  end))

  it("prints JSON", with_host(SCRIPT, function(host, folder)
    local run = attach.run(folder, { "tree", "--json", host.socket })
    assert.same({ 0, "" }, { run.code, run.err })
    local roots = json.read(run.out)
    assert.equal("app", roots[1].name)
    assert.equal("w2", roots[1].children[2].name)
    assert.equal("waiting", roots[1].children[2].status)
  end))

  it("tells how many that are nobody's children are missing, and stays an array", with_host([[
    for _ = 1, 1003 do require "dynsup".start_link() end
  ]], function(_, folder)
    local run = attach.run(folder, { "tree" })
    assert.same({ 0, "3 more", "" }, { run.code, run.out:match "\n([^\n]*)\n$", run.err })
    run = attach.run(folder, { "tree", "--json" })
    assert.same({ 0, "dynsup: 3 more supervisors are nobody's children, and not shown\n" }, { run.code, run.err })
    assert.equal(1000, #json.read(run.out))
  end))

  it("of a host without supervisors is empty", with_host("", function(_, folder)
    assert.same({ 0, "[]\n", "" }, outcome(folder, { "tree", "--json" }))
    assert.same({ 0, "\n", "" }, outcome(folder, { "tree" }))
  end))
end)

describe("dynsup top", function()
  it("shows the busiest processes", with_host(SCRIPT, function(host, folder)
    local run = attach.run(folder, { "top", "--limit", "2", "--by=memory", host.socket })
    assert.same({ 0, "" }, { run.code, run.err })
    assert.equal(2, cli.count("\n", run.out))
  end))

  it("prints JSON", with_host(SCRIPT, function(_, folder)
    local rows = json.read(attach.run(folder, { "top", "--json", "--by", "slices" }).out)
    assert.truthy(#rows >= 5)
    assert.truthy(rows[1].slices >= rows[2].slices)
  end))
end)

describe("a command that asks a host", function()
  it("says what is wrong with it", attach.main(function(folder)
    local function assert_said(line, words)
      assert.same({ 2, "", "dynsup: " .. line .. "\n" }, outcome(folder, words))
    end
    assert_said("eval needs CODE: see 'dynsup help eval'", { "eval" })
    assert_said("eval needs CODE: see 'dynsup help eval'", { "eval", "--json" })
    assert_said("unknown option '--jsn': did you mean '--json'?", { "eval", "--jsn", "1" })
    assert_said("--socket needs the path of a socket", { "eval", "--socket" })
    assert_said("--socket needs the path of a socket", { "tree", "--socket=" })
    assert_said("unknown option '--by': see 'dynsup help tree'", { "tree", "--by", "memory" })
    assert_said("tree does not take 'b': see 'dynsup help tree'", { "tree", "a", "b" })
    assert_said("options come before SOCKET, also '--json': see 'dynsup help tree'", { "tree", "a", "--json" })
    assert_said("top does not take 'b': see 'dynsup help top'", { "top", "--socket", "a", "b" })
    assert_said("--by needs slices, cpu_time, mailbox or memory, not 'size'", { "top", "--by", "size" })
    assert_said("--by needs slices, cpu_time, mailbox or memory", { "top", "--by" })
    for _, limit in ipairs { "0", "-1", "1.5", "x", "99999999999" } do
      local line = ("--limit needs a whole number from 1 to 999999999, not '%s'"):format(limit)
      assert_said(line, { "top", "--limit", limit })
    end
    assert_said("--json takes no value: see 'dynsup help top'", { "top", "--json=yes" })
    assert_said("the SOCKET has no name: see 'dynsup help tree'", { "tree", "" })
  end))

  it("says when there is no such host", attach.main(function(folder)
    local none = { 2, "", ("dynsup: no host of yours listens in %s/dynsup: 'dynsup run --listen FILE' starts one\n")
      :format(folder) }
    assert.same(none, outcome(folder, { "tree" }))
    local nothing = { 2, "", "dynsup: there is no socket at ./nothing: "
      .. "'dynsup run --listen SOCKET FILE' starts a host there\n" }
    assert.same(nothing, outcome(folder, { "eval", "--socket", "nothing", "1" }))
    program.write(folder, "file", "")
    local file = { 2, "", "dynsup: ./file is no socket\n" }
    assert.same(file, outcome(folder, { "top", "file" }))
    local host = attach.host(folder, "")
    host:stop "sigkill"
    assert.same(none, outcome(folder, { "tree" }))
    local stale = { 2, "", ("dynsup: nobody listens at %s any more\n"):format(host.socket) }
    assert.same(stale, outcome(folder, { "tree", host.socket }))
  end))

  it("says when its code cannot be read", with_host("", function(_, folder)
    local got = program.shell(folder, "XDG_RUNTIME_DIR=$PWD \"$DYNSUP\" eval - <.")
    assert.same({ 2, "", "dynsup: cannot read stdin: Is a directory\n" }, { got.code, got.out, got.err })
    got = program.shell(folder, "XDG_RUNTIME_DIR=$PWD \"$DYNSUP\" attach <.")
    assert.same({ 2, "", "dynsup: cannot read stdin: Is a directory\n" }, { got.code, got.out, got.err })
  end))

  it("lists the hosts when there are several", with_host("", function(host, folder)
    local other = attach.host(folder, "")
    local got = attach.run(folder, { "eval", "1" })
    assert.same({ 2, "" }, { got.code, got.out })
    cli.assert_has("dynsup: several hosts listen: say which one by its socket\n", got.err)
    cli.assert_has("  " .. host.socket .. "  (", got.err)
    cli.assert_has("  " .. other.socket .. "  (", got.err)
    cli.assert_has("run --log-level info --listen app.lua)\n", got.err)
    assert.same({ 0, "1\n", "" }, outcome(folder, { "eval", "--socket", other.socket, "1" }))
    assert.equal(0, other:stop())
    assert.same({ 0, "1\n", "" }, outcome(folder, { "eval", "1" }))
  end))
end)
