-- dynsup.net: a process that is killed while it waits leaves nothing behind.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local support = require "spec.support.net"

local net = dynsup.net

local pair, listen, main = support.pair, support.listen, support.main

-- name -> a function that makes what it needs, owned by the caller, and returns one that waits
local waits = {}

function waits.accept()
  local listener = listen()
  return function()
    listener:accept()
  end
end

function waits.connect()
  return function()
    net.connect("192.0.2.1", 1) -- an address for documentation: nobody answers, or no route
    dynsup.sleep()
  end
end

waits["connect to a full backlog"] = function()
  local listener, port = listen()
  return function()
    dynsup.own(assert(net.connect("127.0.0.1", port)))
    dynsup.sleep()
    listener:close() -- until then it is not collected
  end
end

waits["connect by name"] = function()
  return function()
    net.connect("nobody.invalid", 1)
    dynsup.sleep()
  end
end

function waits.read()
  local _, server = pair()
  return function()
    server:read "some"
  end
end

waits["read with half an answer"] = function()
  local client, server = pair()
  client:write "abc"
  return function()
    server:read(4)
  end
end

function waits.write()
  local client = pair()
  return function()
    client:write(("x"):rep(16 << 20))
  end
end

waits["write of its own socket"] = function()
  local _, port = listen()
  return function()
    local client = assert(net.connect("127.0.0.1", port))
    client:write(("x"):rep(16 << 20))
  end
end

function waits.serve()
  local listener = listen()
  local sup = dynsup.start_link {}
  return function()
    net.serve(listener, sup, print)
  end
end

describe("a process that is killed in", function()
  for name, prepare in host.sorted(waits) do
    for _, time in ipairs { "at once", "later" } do
      it(name .. ", " .. time .. ", leaves nothing open", main(function()
        for _ = 1, 5 do
          local owner = dynsup.spawn(function()
            local wait = prepare()
            local pid = dynsup.spawn_link(wait)
            support.until_waiting(pid)
            if time == "later" then
              dynsup.sleep(3)
            end
            assert.equal("killed", host.stop(pid, "kill"))
          end)
          local ref = dynsup.monitor(owner)
          host.down(ref)
        end
      end, { log_level = "off" }))
    end
  end
end)

-- A halt ends a start function, whose supervisor then waits for this child; what is collected meanwhile has a
-- wait of the supervisor's own.
local function collecting(collected)
  return function()
    dynsup.flag("trap_exit", true)
    dynsup.receive()
    for _ = 1, 3 do
      collectgarbage()
      dynsup.sleep(1) -- libuv closes what was collected
    end
    collected[1] = true
  end
end

describe("a start function that a halt ends in", function()
  for name, prepare in host.sorted(waits) do
    it(name .. " leaves nothing to its supervisor", function()
      local collected = {}
      main(function()
        local sup, me = dynsup.start_link(), dynsup.self()
        assert(dynsup.start_child(sup, collecting(collected)))
        dynsup.spawn(dynsup.start_child, sup, { start = function()
          local wait = prepare()
          dynsup.send(me, "waits")
          wait()
          dynsup.sleep() -- the other end may have been collected
        end })
        assert.equal("waits", (dynsup.receive(10000)))
        support.until_waiting(sup)
        dynsup.halt(0)
      end)()
      assert.is_true(collected[1])
    end)
  end
end)

describe("a connection that has come", function()
  it("is closed when the acceptor is killed before it runs", main(function()
    local listener, port = listen()
    local acceptor = dynsup.spawn(function()
      listener:accept()
      dynsup.sleep()
    end)
    support.until_waiting(acceptor)
    local client = assert(net.connect("127.0.0.1", port))
    host.stop(acceptor, "kill")
    assert.same({ nil, "timeout" }, { listener:accept(0) })
    assert.same({ nil, "closed" }, { client:read("some", 10000) })
  end))

  it("stays for the next one when nobody waited", main(function()
    local listener, port = listen()
    local client = assert(net.connect("127.0.0.1", port))
    assert.is_true(client:write "x")
    local server = assert(listener:accept(10000))
    assert.equal("x", server:read(1))
  end))
end)

describe("everything that is open", function()
  it("is closed by a halt", main(function()
    for _ = 1, 10 do
      dynsup.spawn(function()
        local client = pair()
        client:read "some"
      end)
    end
    local _, server = pair()
    dynsup.sleep(5)
    dynsup.spawn(function()
      server:read "some"
    end)
    dynsup.sleep(1)
    dynsup.halt(0)
  end))

  it("is closed at the end of a run inside a run", main(function()
    assert.is_true(dynsup.run(function()
      pair()
      listen()
    end))
    dynsup.sleep(1)
  end))
end)

-- As many connections as the limit of open files allows, which is 1,024 for most users: both ends of
-- each are in this process.
local function connection_count()
  local pipe <close> = assert(io.popen "ulimit -n")
  return math.min(1000, ((pipe:read "n" or math.huge) - 100) // 2)
end

describe("up to a thousand connections", function()
  it("are served, killed at any time, and leave nothing open", main(function()
    local COUNT = math.tointeger(connection_count())
    local sup = dynsup.start_link { max_children = COUNT }
    local listener, port = listen()
    local server = dynsup.spawn(net.serve, listener, sup, function(socket)
      for line in socket:lines() do
        socket:write(line, "\n")
      end
    end)
    listener:give(server)
    local me = dynsup.self()
    for i = 1, COUNT do
      dynsup.spawn(function()
        local client = assert(net.connect("127.0.0.1", port))
        client:write(i, "\n")
        dynsup.send(me, client:read "line" == tostring(i))
        client:read "some" -- until the worker is killed
        dynsup.send(me, "ended")
      end)
    end
    local echoed, ended, kills = 0, 0, 0
    while echoed < COUNT do
      local message = dynsup.receive(20000)
      assert.is_true(message == true, tostring(message))
      echoed = echoed + 1
    end
    for child in dynsup.children(sup) do
      kills = kills + 1
      dynsup.send_after(kills % 7, me, "kill", child.pid)
    end
    while ended < COUNT do
      local tag, pid = dynsup.receive(20000)
      if tag == "kill" then
        dynsup.exit(pid, "kill")
      else
        assert.equal("ended", tag)
        ended = ended + 1
      end
    end
    assert.equal(0, dynsup.count_children(sup).active)
    assert.equal(COUNT, kills)
    dynsup.halt(0)
  end, { log_level = "off" }))
end)
