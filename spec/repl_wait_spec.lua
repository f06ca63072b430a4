-- What a line waited for when it was unwound: its process goes on, and nothing is left in it.

local dynsup = require "dynsup"
local host = require "spec.support.host"
local net = require "spec.support.net"
local session = require "dynsup.repl.session"

-- Runs f as a line of the calling process, and interrupts it once it waits. Linked: who waits here for
-- one that fails ends with it.
local function interrupted(f, ...)
  local me = dynsup.self()
  dynsup.spawn_link(function()
    net.until_waiting(me)
    session.interrupt(me)
  end)
  assert.equal("interrupted", (session.attempt(f, ...)))
end

local function resident_bytes()
  local file <close> = assert(io.open "/proc/self/statm")
  return tonumber(file:read "a":match "^%d+ (%d+)") * 4096
end

local function big_file(size)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:seek("set", size - 1)
  file:write "x"
  return path
end

local server = {}

function server.init()
  return "ok", {}
end

function server.handle_call(request, from, state)
  if request == "last" then return "reply", state.from, state end
  return "noreply", { from = from }
end

describe("an interrupted line gives up", function()
  it("an accept: the next connection is not for it", net.main(function()
    local listener <close>, port = net.listen()
    interrupted(listener.accept, listener)
    local client <close> = assert(dynsup.net.connect("127.0.0.1", port, 10000))
    local accepted <close> = assert(listener:accept(10000))
    assert(client:write "hello\n")
    assert.equal("hello", accepted:read("line", 10000))
  end))

  -- Whether the connection had come already when the accept was interrupted: who is ready first
  -- after the loop's turn is the loop's choice.
  local function accept_is_interrupted_late(listener, port)
    local me = dynsup.self()
    dynsup.spawn_link(function()
      net.until_waiting(me)
      repeat dynsup.yield() until dynsup.info(me).status ~= "waiting"
      session.interrupt(me)
    end)
    dynsup.spawn_link(function()
      net.until_waiting(me)
      local client <close> = assert(dynsup.net.connect("127.0.0.1", port, 10000))
      dynsup.send(me, "told", client:read("some", 10000))
    end)
    local outcome, accepted = session.attempt(listener.accept, listener)
    if outcome == "returned" then accepted:close() end
    assert.same({ "told", nil, "closed" }, { dynsup.receive(20000) })
    return outcome == "interrupted"
  end

  it("an accept whose connection has come already, which is closed", net.main(function()
    local listener <close>, port = net.listen()
    local rounds = 0
    repeat rounds = rounds + 1 until accept_is_interrupted_late(listener, port) or rounds == 1000
    assert.is_true(rounds < 1000)
  end))

  it("a read: the socket is not busy", net.main(function()
    local a, b = net.pair()
    interrupted(a.read, a, "line")
    assert(b:write "one\n")
    assert.equal("one", a:read("line", 10000))
    a:close()
    b:close()
  end))

  it("a write: its bytes belong to libuv alone", net.main(function()
    local a, b = net.pair()
    interrupted(a.write, a, ("x"):rep(1 << 24))
    assert.same({ nil, "busy" }, { a:write "more" })
    a:close()
    b:close()
  end))

  it("a connect: its socket is closed", net.main(function()
    local listener <close>, port = net.listen()
    interrupted(dynsup.net.connect, "127.0.0.1", port, 10000)
    local accepted <close> = assert(listener:accept(10000))
    assert.same({ nil, "closed" }, { accepted:read("some", 10000) })
  end))

  it("a file that is being read: its bytes are freed", net.main(function()
    local path = big_file(60 << 20)
    interrupted(dynsup.fs.read, path)
    local before = resident_bytes()
    for _ = 1, 12 do interrupted(dynsup.fs.read, path) end
    assert(dynsup.fs.hash(path)) -- those before it are done by then
    os.remove(path)
    assert.is_true(resident_bytes() < before + (300 << 20))
  end))

  it("a call: its reply finds nobody, and no monitor is left", host.main(function()
    local s = dynsup.server.start_link(server, nil)
    interrupted(dynsup.server.call, s, "wait", "infinity")
    assert.same({}, dynsup.info(dynsup.self()).monitors)
    local from = dynsup.server.call(s, "last")
    dynsup.server.reply(from, "late")
    assert.same({ nil, "timeout" }, { dynsup.receive(1) })
    dynsup.halt()
  end))

  it("a stop: no monitor is left, and the server ends all the same", host.main(function()
    local stays = dynsup.spawn(function() dynsup.flag("trap_exit", true) dynsup.sleep() end)
    interrupted(dynsup.server.stop, stays)
    assert.same({}, dynsup.info(dynsup.self()).monitors)
    dynsup.halt()
  end))

  it("the start of a server, which goes on and is linked", host.main(function()
    local slow = {}
    function slow.init()
      dynsup.sleep(10)
      return "ok", true
    end
    interrupted(dynsup.server.start_link, slow, nil, { name = "slow" })
    dynsup.sleep(20)
    local s = assert(dynsup.whereis "slow")
    assert.same({ s }, dynsup.info(dynsup.self()).links)
    assert.same({}, dynsup.info(dynsup.self()).monitors)
    dynsup.halt()
  end))
end)
