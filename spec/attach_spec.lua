-- What a client attached to a host can do: docs/attach.md, "The protocol".
local attach = require "spec.support.attach"
local program = require "spec.support.program"

local with_host = attach.with_host

describe("a host that listens", function()
  it("says hello", with_host("", function(host)
    local hello = attach.client(host).hello
    assert.equal("dynsup", hello.hello)
    assert.equal(1, hello.protocol)
    assert.equal(host.pid, hello.pid)
    assert.equal("app.lua", hello.script)
    assert.equal("> ", hello.prompt)
  end))

  it("runs lines as the prompt does", with_host("x = 4", function(host)
    local client = attach.client(host)
    assert.equal("5\n", (client:line "x + 1"))
    assert.equal("6\n", (client:line "_ + 1"))
    assert.equal('{ 1, "a" }\tnil\n', (client:line "{ 1, 'a' }, nil"))
    assert.equal("", (client:line "y = 7"))
    assert.equal("7\n", (client:line "print(_G.y)"))
  end))

  it("runs lines that are incomplete when they are complete", with_host("", function(host)
    local client = attach.client(host)
    local out, _, done = client:line "for i = 1, 2 do"
    assert.same({ "", true, ">> " }, { out, done.incomplete, done.prompt })
    out, _, done = client:line "print(i) end"
    assert.same({ "1\n2\n", false, "> " }, { out, done.incomplete, done.prompt })
    client:line "for i = 1, 2 do"
    client:ask { ["do"] = "drop" }
    assert.equal("3\n", (client:line "3"))
  end))

  it("tells how a line has failed", with_host("", function(host)
    local client = attach.client(host)
    local _, err, done = client:line "error 'bad'"
    assert.is_false(done.ok)
    assert.equal("stdin:1: bad\nstack traceback:\n\t[C]: in function 'error'\n\tstdin:1: in main chunk\n", err)
    _, err, done = client:line "x x"
    assert.is_false(done.ok)
    assert.truthy(err:find "syntax error")
    _, _, done = client:line "1"
    assert.is_true(done.ok)
  end))

  it("unwinds a line that is interrupted", with_host("", function(host)
    local client = attach.client(host)
    client:send { ["do"] = "line", text = "print 'begun' while true do pcall(dynsup.sleep, 1000) end" }
    client:receive_until "out"
    client:send { ["do"] = "interrupt" }
    local done, before = client:receive_until "done"
    assert.is_false(done.ok)
    assert.truthy(attach.join(before, "err"):find "^interrupted\n")
    assert.equal("1\n", (client:line "1"))
  end))

  it("completes, also while a line runs", with_host("", function(host)
    local client = attach.client(host)
    client:send { ["do"] = "line", text = "dynsup.receive()" }
    local _, done = client:ask { ["do"] = "complete", text = "dynsup.start_c", id = "c" }
    assert.same({ done = "complete", insertion = "hild", candidates = { "start_child" }, id = "c" }, done)
    client:send { ["do"] = "interrupt" }
    assert.equal("line", client:receive_until("done").done)
  end))

  it("evaluates code with arguments", with_host("", function(host)
    local client = attach.client(host)
    local values, _, done = client:eval("return 'a', { 1, x = 2 }, ...", { args = { "b", "c" } })
    assert.same({ "a", "{ 1, x = 2 }", "b", "c" }, values)
    assert.same({ true, 4 }, { done.ok, done.values })
    values = client:eval("dynsup.self(), { 1, 2 }, { x = 1 / 0 }, 'a\"', nil, 1.5, 3", { json = true })
    assert.truthy(values[1]:find '^"<0%.%d+%.0>"$')
    table.remove(values, 1)
    assert.same({ "[1,2]", '{"x":"infinity"}', '"a\\""', "null", "1.5", "3" }, values)
    local _, err
    _, err, done = client:eval "error 'bad'"
    assert.is_false(done.ok)
    assert.truthy(err:find("eval:1: bad\nstack traceback:", 1, true))
  end))

  it("leaves its socket behind for nobody", attach.main(function(folder)
    local host = attach.host(folder, "")
    assert.equal(folder .. "/dynsup/" .. host.pid .. ".sock", host.socket)
    assert.equal(0, host:stop())
    assert.equal("", program.shell(folder, "ls dynsup").out)
  end))

  it("tells its clients when it ends", attach.main(function(folder)
    local host = attach.host(folder, "")
    local client = attach.client(host)
    client:send { ["do"] = "line", text = "dynsup.halt(7)" }
    local bye = client:receive_until "bye"
    assert.same({ bye = "halted", code = 7 }, bye)
    assert.equal(7, host:wait())
  end))
end)
