-- What a client attached to a host can do: docs/attach.md, "The protocol".
local attach = require "spec.support.attach"
local program = require "spec.support.program"
local uv = require "luv"

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

  it("is asked for lines with what _PROMPT is, but calls nothing for that", with_host("", function(host)
    local client = attach.client(host)
    local function prompt_after(line)
      return (select(3, client:line(line))).prompt
    end
    assert.equal("mine: ", prompt_after "_PROMPT = 'mine: '")
    assert.equal("7", prompt_after "_PROMPT = 7")
    assert.equal(("x"):rep(1000), prompt_after "_PROMPT = ('x'):rep(1000)")
    assert.equal("> ", prompt_after "_PROMPT = ('x'):rep(1001)")
    local object = "setmetatable({}, { __tostring = function() called = true return '' end })"
    assert.equal("> ", prompt_after("_PROMPT = " .. object))
    assert.equal("> ", attach.client(host).hello.prompt)
    assert.equal("nil\n", (client:line "called"))
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
    for args, count in pairs { ["[null,null]"] = 2, ['["a",null]'] = 2, ["[]"] = 0, ["7"] = 0, ['{"n":1e9}'] = 0,
      ['{"n":1000000000}'] = 0, ["[[1,null]]"] = 1 } do
      client.socket:write(('{"do":"eval","text":"select(\'#\', ...)","args":%s}\n'):format(args))
      assert.equal(tostring(count), client:receive_until("value").text)
      client:receive_until "done"
    end
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

describe("a client", function()
  it("has globals of its own in front of everybody's", with_host("shared = 1", function(host)
    local a, b = attach.client(host), attach.client(host)
    a:line "shared = shared + 1"
    assert.equal("7\n", (a:line "7"))
    assert.equal("nil\n", (b:line "_"))
    assert.equal("2\n", (b:line "shared"))
    assert.equal("", (a:line "print = nil"))
    assert.equal("2\n", (b:line "print(shared)"))
    assert.equal("true\ttrue\n", (b:line "_G.print ~= nil, _G ~= _ENV"))
  end))

  it("gets what its own lines print, and no other", with_host("function say(f) f('said') end", function(host)
    local a, b = attach.client(host), attach.client(host)
    assert.equal("said", (a:line "say(io.write)"))
    assert.equal("x\ty\n", (b:line "print('x', 'y')"))
    local out, err = a:line "io.stdout:write('a', 1) io.stderr:write 'b' io.write(2.5, '\\n')"
    assert.same({ "a12.5\n", "b" }, { out, err })
    a:line "dynsup.spawn(function() dynsup.sleep(1) print 'from a worker' end)"
    local message = a:receive()
    assert.same({ out = "from a worker\n" }, message)
    assert.equal("1\n", (b:line "1"))
    a:line "_G.print 'to the host'"
    host:wait_for "to the host\n"
  end))

  it("may run hosts in a line, which end by themselves", with_host("", function(host)
    local client = attach.client(host)
    local other = attach.client(host)
    local out = client:line "dynsup.run(function() print 'inside' dynsup.sleep(1) return 5 end)"
    assert.equal("inside\ntrue\t5\n", out)
    assert.equal("1\n", (other:line "1"))
  end))

  it("has no standard input", with_host("", function(host, folder)
    local client = attach.client(host)
    assert.equal('nil\t"an attached session has no standard input"\n', (client:line "io.read()"))
    assert.equal('"file"\t"file"\tnil\n', (client:line "io.type(io.stdout), io.type(io.stderr), io.type(1)"))
    local _, err = client:line "io.write({})"
    assert.truthy(err:find("bad argument #1 to 'write' (string expected, got table)", 1, true))
    for _, line in ipairs { "io.lines()", "io.stdin:lines()", "dofile()", "loadfile()" } do
      _, err = client:line("print(1, " .. line .. ")")
      assert.equal("stdin:1: an attached session has no standard input", err:match "^[^\n]*")
    end
    assert.equal("true\n", (client:line "io.input() == io.stdin"))
    program.write(folder, "lines", "return 1\nlast\n")
    assert.equal("return 1\tlast\tnil\n", (client:line(("io.input '%s/lines' print(io.read(), io.lines()(), io.read())")
      :format(folder))))
    client:line "io.input():close() io.input(io.stdin)"
    program.write(folder, "file.lua", "return ...")
    assert.equal("1\n", (client:line(("#{ loadfile '%s/file.lua' }"):format(folder))))
    assert.equal("true\n", (client:line(("dofile '%s/file.lua' == nil"):format(folder))))
  end))

  it("writes where io.output says", with_host("", function(host, folder)
    local client = attach.client(host)
    client:line("io.output '" .. folder .. "/out' io.write 'text' io.output():close() io.output(io.stdout)")
    assert.equal("back", (client:line "_ = io.write 'back'"))
    assert.equal("text", program.shell(folder, "cat out").out)
  end))

  it("closes its own output by io.close, and never the host's", with_host("io.output 'log'", function(host, folder)
    local client = attach.client(host)
    local refused = 'nil\t"cannot close standard file"\n'
    for _, code in ipairs { "io.close()", "io.close(io.stdout)", "io.stderr:close()", "io.stdin:close()" } do
      assert.equal(refused, (client:line(code)))
    end
    assert.equal("true\n", (client:line("io.output '" .. folder .. "/out' io.write 'text' return io.close()")))
    local _, err = client:line "io.write 'more'"
    assert.truthy(err:find("closed file", 1, true))
    client:line "io.output(io.stdout) _G.io.write('of the host'):flush()"
    _, err = client:line "io.close(1)"
    assert.truthy(err:find("bad argument #1 to 'close'", 1, true))
    _, err = client:line "io.close(nil)"
    assert.truthy(err:find("bad argument #1 to 'close'", 1, true))
    assert.same({ "text", "of the host" },
      { program.shell(folder, "cat out").out, program.shell(folder, "cat log").out })
  end))

  it("finds help and the observer", with_host("", function(host)
    local client = attach.client(host)
    assert.truthy((client:line "help(dynsup.start_child)"):find("start_child(sup, child)", 1, true))
    assert.truthy((client:line "info(dynsup.self())"):find("worker, running", 1, true))
    client:line "dynsup.send(dynsup.self(), 'a', 1)"
    assert.equal('"a"\t1\n', (client:line "flush()"))
  end))

  it("gets long outputs whole", with_host("", function(host)
    local client = attach.client(host)
    local out = client:line "io.write(('ä'):rep(100000)) print(('x'):rep(3000000))"
    assert.equal(("ä"):rep(100000) .. ("x"):rep(3000000) .. "\n", out)
    local values = client:eval("('\\n'):rep(200000)", { json = true })
    assert.equal('"' .. ("\\n"):rep(200000) .. '"', values[1])
  end))

  it("may ask ahead, up to a number", with_host("", function(host)
    local client = attach.client(host)
    client:send { ["do"] = "line", text = "dynsup.receive()" }
    for i = 1, 20 do
      client:send { ["do"] = "line", text = tostring(i), id = i }
    end
    for i = 17, 20 do
      assert.same({ error = "too many requests wait: at most 16", id = i }, client:receive_until "error")
    end
    client:send { ["do"] = "interrupt" }
    client:receive_until "done"
    for i = 1, 16 do
      local done = client:receive_until "done"
      assert.same({ i, false }, { done.id, done.ok })
    end
    assert.equal("1\n", (client:line "1"))
  end))

  it("is told what is wrong with a request", with_host("", function(host)
    local client = attach.client(host)
    local function assert_refused(problem, request)
      client:send(request)
      assert.same({ error = problem, id = request.id }, client:receive())
    end
    assert_refused("unknown request", { ["do"] = "dance", id = "x" })
    assert_refused("unknown request", { id = 1.5 })
    assert_refused("unknown request", { ["do"] = { 1 }, id = true })
    assert_refused("a text is missing", { ["do"] = "line" })
    assert_refused("a text is missing", { ["do"] = "eval", text = 7 })
    assert_refused("a text is missing", { ["do"] = "complete" })
    assert_refused("a level is off, error, warning, info or debug", { ["do"] = "watch", level = "loud" })
    assert.equal("1\n", (client:line "1"))
  end))

  it("may name its requests, but not at any length", with_host("", function(host)
    local client = attach.client(host)
    local function answer(id)
      client.socket:write(('{"do":"watch","level":"off","id":%s}\n'):format(id))
      return (client.socket:read "line")
    end
    local long = '"' .. ("\127"):rep(256) .. '"'
    for _, id in ipairs { "false", "1.5", "9223372036854775807", "-9223372036854775808", "1e+300", '""' } do
      assert.equal(('{"done":"watch","id":%s}'):format(id), answer(id))
    end
    assert.equal(('{"done":"watch","id":"%s"}'):format(("\\u007f"):rep(256)), answer(long))
    assert.equal('{"done":"watch"}', answer "null")
    for _, id in ipairs { "[1]", "{}", "1e999", "-1e999" } do
      assert.equal('{"error":"an id is a string, a finite number or a boolean"}', answer(id))
    end
    assert.equal('{"error":"an id has at most 256 bytes"}', answer('"' .. ("\127"):rep(257) .. '"'))
    client.socket:write(('{"do":"dance","id":"%s"}\n'):format(("x"):rep(257)))
    assert.same({ error = "an id has at most 256 bytes" }, client:receive())
    assert.equal("1\n", (client:line "1"))
  end))

  it("may give an eval up to 10,000 arguments, as a list", with_host("", function(host)
    local client = attach.client(host)
    local function count(args)
      client.socket:write(('{"do":"eval","text":"select(\'#\', ...)","args":%s,"id":7}\n'):format(args))
      local message = client:receive()
      return message.value and client:receive_until "done" and message.text or message
    end
    local refused = { error = "args has at most 10000 values", id = 7 }
    assert.equal("10000", count("[" .. ("1,"):rep(9999) .. "1]"))
    assert.equal("10000", count("[" .. ("null,"):rep(9999) .. "null]"))
    assert.equal("1", count("[[" .. ("1,"):rep(20000) .. "1]]"))
    assert.same(refused, count("[" .. ("1,"):rep(10000) .. "1]"))
    assert.same(refused, count("[" .. ("null,"):rep(10000) .. "null]"))
    assert.equal("0", count '{"n":3}')
    assert.equal("0", count '{"n":400000}')
  end))

  it("cannot tell the host what is its own to know", with_host("", function(host)
    local client = attach.client(host)
    for _, action in ipairs { "line", "eval" } do
      client:send { ["do"] = action, text = "print(5)", is_unwanted = true, width = "wide", columns = 1 }
      local done, before = client:receive_until "done"
      assert.same({ true, "5\n" }, { done.ok, attach.join(before, "out") })
    end
  end))

  it("is told of an eval that failed or never began by its ok alone", with_host("", function(host)
    local client = attach.client(host)
    for _, code in ipairs { "error 'bad'", "return +", "for" } do
      assert.same({ done = "eval", ok = false }, select(3, client:eval(code)))
    end
    client:send { ["do"] = "line", text = "dynsup.receive()" }
    client:send { ["do"] = "eval", text = "1" }
    client:send { ["do"] = "interrupt" }
    client:receive_until "done"
    assert.same({ done = "eval", ok = false }, (client:receive_until "done"))
  end))

  it("is told when its session is killed", with_host("", function(host)
    local client = attach.client(host)
    client:send { ["do"] = "line", text = "dynsup.exit(dynsup.self(), 'kill')" }
    assert.same({ bye = "killed" }, client:receive())
    assert.is_nil(client:receive())
    assert.equal("1\n", (attach.client(host):line "1"))
  end))

  it("drops a text that gets too long", with_host("", function(host)
    local client = attach.client(host)
    local _, _, done = client:line("x = [[" .. ("a"):rep(40000))
    assert.is_true(done.incomplete)
    local _, err
    _, err, done = client:line(("a"):rep(40000))
    assert.same({ false, false, "a line has at most 65536 bytes\n" }, { done.ok, done.incomplete, err })
    assert.equal("nil\n", (client:line "x"))
    local text = ("x"):rep(65537)
    for _, action in ipairs { "line", "eval", "complete" } do
      client:send { ["do"] = action, text = text, id = action }
      assert.same({ error = "a text has at most 65536 bytes", id = action }, client:receive())
    end
  end))
end)

describe("watching", function()
  local SCRIPT = [[
local dynsup = require "dynsup"
function warn_twice() dynsup.log.warning("hot", { at = 5 }) dynsup.log.error "burning" dynsup.log.debug "x" end
function crash() dynsup.spawn(function() error "crashed" end) end
]]

  -- Runs a line that logs so much; what it logs may come before its end or after it.
  local function logs_of(client, line, count)
    local logs, done = {}, nil
    client:send { ["do"] = "line", text = line }
    while #logs < count or not done do
      local message = assert(client:receive())
      if message.log then
        logs[#logs + 1] = message
      end
      done = done or message.done
    end
    return logs
  end

  local hot, burning = { log = "hot at=5", level = "warning" }, { log = "burning", level = "error" }

  it("tells lines of the log and reports", with_host(SCRIPT, function(host)
    local client = attach.client(host)
    client:ask { ["do"] = "watch", level = "warning" }
    assert.same({ hot, burning }, logs_of(client, "warn_twice()", 2))
    local report = logs_of(client, "crash()", 1)[1]
    assert.equal("error", report.level)
    assert.truthy(report.log:find "crashed")
    client:ask { ["do"] = "watch", level = "error" }
    assert.same({ burning }, logs_of(client, "warn_twice()", 1))
    client:ask { ["do"] = "watch", level = "off" }
    client:line "warn_twice()"
    assert.equal("1\n", (client:line "1"))
  end))

  it("tells text, whatever the format of the log", attach.main(function(folder)
    local host = attach.host(folder, SCRIPT)
    host:stop()
    host = attach.host(folder, SCRIPT, "--log-format", "json")
    local client = attach.client(host)
    client:ask { ["do"] = "watch", level = "debug" }
    assert.same({ hot, burning }, logs_of(client, "warn_twice()", 2))
    host:wait_for '"message":"burning"'
    assert.equal(0, host:stop())
  end))

  it("costs the log nothing when the client has gone", with_host(SCRIPT, function(host)
    local client = attach.client(host)
    client:ask { ["do"] = "watch", level = "warning" }
    client:close()
    client = attach.client(host)
    assert.equal("true\n", (client:line [[
while #processes() > 5 do dynsup.sleep(1) end warn_twice() return true]]))
    host:wait_for "burning"
  end))
end)

describe("detaching", function()
  it("interrupts the line that runs", with_host("", function(host)
    local client = attach.client(host)
    client:send { ["do"] = "line", text = "dynsup.register('busy', dynsup.self()) print 'x' dynsup.sleep(1e9)" }
    client:receive_until "out"
    client:close()
    client = attach.client(host)
    assert.equal("nil\n", (client:line "while dynsup.whereis 'busy' do dynsup.sleep(1) end return nil"))
    assert.is_nil(host.err:find "interrupted")
  end))

  it("leaves running what lines have started", with_host("", function(host)
    local client = attach.client(host)
    client:line "sup = dynsup.start_link { name = 'started' }"
    client:line "worker = dynsup.start_child(sup, { body = dynsup.sleep })"
    client:line "linked = dynsup.spawn_link(function() dynsup.receive() print 'goes to the host' io.stdout:flush() end)"
    client:line "alone = dynsup.spawn(dynsup.sleep)"
    client:line "parent = dynsup.self()"
    client:close()
    client = attach.client(host)
    client:line "dynsup.sleep(5)"
    client:line "function alive(p) io.write(tostring(dynsup.is_alive(p)), ' ') end"
    local out = client:line "alive(sup) alive(worker) alive(linked) alive(alone) alive(parent)"
    assert.equal("true true true true true ", out)
    client:line "dynsup.send(linked, 'go')"
    host:wait_for "goes to the host\n"
    client:line "dynsup.stop(sup)"
    out = client:line "while dynsup.is_alive(parent) do dynsup.sleep(1) end return dynsup.is_alive(alone)"
    assert.equal("true\n", out)
  end))

  it("ends a session that has started nothing", with_host("", function(host)
    local client = attach.client(host)
    client:line "parent = dynsup.self()"
    client:close()
    client = attach.client(host)
    client:line "while dynsup.is_alive(parent) do dynsup.sleep(1) end"
    assert.equal("3\n", (client:line "#processes() - 2"))
  end))

  it("does not hold up the end", attach.main(function(folder)
    local host = attach.host(folder, "")
    for _ = 1, 3 do
      local client = attach.client(host)
      client:line "dynsup.start_link {} dynsup.spawn_link(dynsup.sleep)"
      client:close()
    end
    local client = attach.client(host)
    client:line "dynsup.start_link {}"
    client:send { ["do"] = "line", text = "print 'x' while true do pcall(dynsup.sleep, 1) end" }
    client:receive_until "out"
    local begun = uv.hrtime()
    assert.equal(0, host:stop())
    assert.is_true(uv.hrtime() - begun < 4e9)
    assert.same({ bye = "halted", code = 0 }, client:receive_until "bye")
  end))
end)

describe("a host that listens", function()
  it("has at most 32 clients", with_host("", function(host)
    local clients = {}
    for i = 1, 32 do clients[i] = attach.client(host) end
    local client = attach.client(host)
    assert.same({ error = "there are 32 clients already" }, client.hello)
    assert.is_nil(client:receive())
    assert.equal("32\n", (clients[32]:line "32"))
    clients[1]:close()
    clients[2]:line "while #processes() > 31 * 3 + 2 do dynsup.sleep(1) end"
    assert.equal("1\n", (attach.client(host):line "1"))
  end))

  it("ends when its main process fails", attach.main(function(folder)
    local host = attach.host(folder, "error 'at once'")
    assert.equal(1, host:wait())
    assert.truthy(host.err:find "at once")
    assert.equal("", program.shell(folder, "ls dynsup").out)
  end))
end)

describe("the protocol", function()
  it("is what docs/attach.md says", attach.main(function(folder)
    local host = attach.host(folder, "require 'dynsup'.start_link { name = 'sup' }")
    local path = package.searchpath("spec.support.attach_client", "./?.py")
    local words = { "python3", path, host.socket }
    for i, word in ipairs(words) do words[i] = program.quote(word) end
    local got = program.shell(folder, "cd " .. program.quote(uv.cwd()) .. " && " .. table.concat(words, " "))
    assert.equal("", got.err)
    assert.equal([[
True "ä"
>>  ['1', '2']
{'candidates': ['count_children'], 'done': 'complete', 'id': 7, 'insertion': 'hildren'}
[[1, {'a': 'b'}], 'c', 'infinity']
sup
100000
{'done': 'watch'}
True {'level': 'warning', 'log': 'beware'}
[{'error': 'unknown request', 'id': 'a'}]
>
{'bye': 'halted', 'code': 3} None
]], (got.out:gsub(" +\n", "\n")))
    assert.equal(3, host:wait())
  end))
end)
