-- `dynsup check` of scripts that talk to the servers that they have started.

local cli = require "spec.support.cli"

local WAITS = "script.lua:%d: note: the main process waits here for what no check brings: "
  .. "what follows was not checked\n"

local PRELUDE = [[
local dynsup = require "dynsup"
local server = dynsup.server
local counter = server.use { init = function(start) return "ok", start end }
function counter.handle_call(_, _, count) return "reply", count, count end
local sup = assert(dynsup.start_link())
]]

local BEGIN = select(2, PRELUDE:gsub("\n", "\n")) + 1 -- the line of what follows

local function script(text)
  cli.write("script.lua", PRELUDE .. text)
end

local function check(text)
  script(text)
  return cli.run("check", "script.lua")
end

-- The check ends in that line of the text, with a note and nothing else.
local function assert_waits(line, got)
  assert.equal(WAITS:format(BEGIN + line - 1), got.err)
  assert.matches("^%d child specs? checked: all right\n$", got.out)
  cli.assert_ended(0, got)
end

cli.describe("dynsup check ends with a note where main calls", function()
  it("a server that it has started itself", function()
    assert_waits(2, check [[
local pid = assert(server.start_link(counter, 5))
print(assert(server.call(pid, "get")))]])
    assert_waits(2, check [[
assert(server.start_link(counter, 5, { name = "counter" }))
if server.call("counter", "get") ~= 5 then error "it does not answer" end]])
  end)

  it("a child of a supervisor", function()
    assert_waits(2, check [[
local pid = assert(dynsup.start_child(sup, { counter, 5 }))
print(assert(server.call(pid, "get")))]])
    assert_waits(4, check [[
assert(dynsup.supervisor.start_link { { counter, 5 },
  { id = "x", start = function() return server.start_link(counter, 6, { name = "six" }) end },
})
print(assert(server.call("six", "get")))]])
  end)

  it("a worker that is idle since some time", function()
    assert_waits(3, check [[
local pid = assert(dynsup.start_child(sup, { body = function() end }))
dynsup.sleep(1)
print(assert(server.call(pid, "get", 10)))]])
    assert_waits(3, check [[
local pid = assert(dynsup.start_child(sup, { body = function() end }))
dynsup.sleep(1)
print(assert(server.stop(pid)))]])
  end)

  it("one in a start function, which waits there", function()
    local got = check [[
assert(server.start_link(counter, 5, { name = "counter" }))
assert(dynsup.start_child(sup, { start = function()
  assert(server.call("counter", "get"))
end }))]]
    assert.equal(("script.lua:%d: note: a start function waits here for what no check brings: what follows "
      .. "was not checked\n"):format(BEGIN + 2) .. WAITS:format(BEGIN + 1), got.err)
    cli.assert_ended(0, got)
  end)
end)

cli.describe("dynsup check still tells of a call", function()
  it("of what is no server, and of nobody", function()
    local got = check [[
print(server.call(sup, "get"))
print(server.call("nobody", "get"))
print(server.stop "nobody")
print(pcall(server.call, dynsup.self(), "get"))]]
    assert.equal("nil\tnot_a_server\nnil\tnoproc\nnil\tnoproc\nfalse\ta process calls itself\n"
      .. "0 child specs checked: all right\n", got.out)
    assert.equal("", got.err)
  end)
end)

cli.describe("dynsup check ends a server that is stopped", function()
  it("as a run does", function()
    script [[
local pid = assert(server.start_link(counter, 5, { name = "counter" }))
print(server.stop(pid), dynsup.is_alive(pid), dynsup.whereis "counter")
pid = server.start_link(counter, 5)
local ref = dynsup.monitor(pid)
dynsup.flag("trap_exit", true)
print(server.stop(pid, { "shutdown", "now" }, 100))
local function reason_of(what, who, reason)
  return type(reason) == "table" and reason[2] or reason
end
print(reason_of(dynsup.receive_match "EXIT"), select(2, dynsup.receive_match "DOWN") == ref)
print(server.stop(pid))
local child = assert(dynsup.start_child(sup, { id = 1, start = server.start_link, args = { counter, 1 },
  restart = "temporary" }))
print(server.stop(child, "shutdown"), dynsup.count_children(sup).active)]]
    local checked = cli.run("check", "script.lua")
    local ran = cli.run("run", "script.lua")
    assert.equal("", checked.err)
    assert.equal("", ran.err)
    assert.equal(ran.out .. "1 child spec checked: all right\n", checked.out)
    cli.assert_ended(0, checked)
  end)

  it("and its link ends main, where the reason is a failure", function()
    script [[
local pid = assert(server.start_link(counter, 5))
server.stop(pid, "broken")
print "not reached"]]
    local checked, ran = cli.run("check", "script.lua"), cli.run("run", "script.lua")
    assert.equal("", ran.out)
    assert.equal("0 child specs checked: 1 mistake\n", checked.out)
    cli.assert_ended(1, ran)
    cli.assert_ended(1, checked)
  end)

  it("before its first slice, too", function()
    cli.assert_printed("true\tfalse\n1 child spec checked: all right\n", check [[
local pid
local restart = "temporary"
assert(dynsup.supervisor.start_link { { id = 1, start = function(...)
  pid = assert(server.start_link(...))
  return pid
end, args = { counter, 1 }, restart = restart } })
print(server.stop(pid), dynsup.is_alive(pid))]])
  end)
end)
