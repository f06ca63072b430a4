-- dynsup.net: connections, and how they are made.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local support = require "spec.support.net"
local uv = require "luv"

local net = dynsup.net

local pair, listen, main = support.pair, support.listen, support.main

describe("net.connect and net.listen", function()
  it("make a connection with names at both ends", main(function()
    local listener, port = listen()
    local client = assert(net.connect("127.0.0.1", port))
    local server = assert(listener:accept())
    assert.same({ "127.0.0.1", port }, { client:peername() })
    assert.same({ "127.0.0.1", port }, { server:sockname() })
    assert.same({ client:sockname() }, { server:peername() })
  end))

  it("know IPv6", main(function()
    local listener, reason = net.listen("::1", 0)
    if not listener then
      assert.equal("eaddrnotavail", reason)
      return
    end
    local _, port = listener:sockname()
    local client = assert(net.connect("::1", port))
    assert.equal("::1", (client:peername()))
  end))

  it("look names up, and try each address", main(function()
    local listener, port = listen()
    local client = assert(net.connect("localhost", port, 10000))
    assert.is_truthy(listener:accept(10000))
    assert.same({ "127.0.0.1", port }, { client:peername() })
  end))

  it("give each address its share of the time that is left", host.main(function()
    local failures, given
    local fake = assert(loadfile "scripts/dynsup/net.lua") {
      resolve = function()
        dynsup.sleep(100)
        return { "one", "two", "three" }
      end,
      connect = function(_, _, ms)
        given[#given + 1] = ms or "infinity"
        local failure = failures[#given]
        dynsup.sleep(failure == "timeout" and ms or 0)
        return nil, failure
      end,
    }
    for reasons, expected in pairs {
      ["timeout timeout timeout"] = { 300, 300, 300 },
      ["timeout econnrefused timeout"] = { 300, 300, 600 },
      ["econnrefused timeout econnrefused"] = { 300, 450, 450 },
    } do
      failures, given = {}, {}
      for reason in reasons:gmatch "%S+" do failures[#failures + 1] = reason end
      assert.same({ nil, failures[3] }, { fake.connect("name", 1, 1000) })
      assert.same(expected, given)
    end
    failures, given = { "etimedout", "etimedout", "etimedout" }, {}
    assert.same({ nil, "etimedout" }, { fake.connect("name", 1, "infinity") })
    assert.same({ "infinity", "infinity", "infinity" }, given)
    failures, given = { "timeout" }, {}
    assert.same({ nil, "timeout" }, { fake.connect("name", 1, 50) })
    assert.same({ 0 }, given)
  end))

  it("tell link-local addresses with their network", main(function()
    for name, addresses in pairs(uv.interface_addresses()) do
      for _, address in ipairs(addresses) do
        if address.ip:match "^fe80:" then
          local place = address.ip:match "^[^%%]+" .. "%" .. name
          local listener <close> = assert(net.listen(place, 0))
          local _, port = listener:sockname()
          local client <close> = assert(net.connect(place, port, 10000))
          local server <close> = assert(listener:accept(10000))
          assert.same({ place, port }, { listener:sockname() })
          assert.same({ place, port }, { client:peername() })
          assert.same({ client:sockname() }, { server:peername() })
          assert.is_truthy(net.connect(client:peername()))
        end
      end
    end
  end))

  it("work at a path of the file system", main(function()
    local path = os.tmpname()
    os.remove(path)
    local listener = assert(net.listen(path))
    local client = assert(net.connect(path))
    local server = assert(listener:accept())
    assert.is_true(client:write "hello")
    assert.equal("hello", server:read(5))
    assert.equal(path, listener:sockname())
    assert.equal(path, client:peername())
    listener:close()
    assert.is_nil(io.open(path))
  end))

  it("leave a file at the path alone that is another one by then", main(function()
    local path = os.tmpname()
    os.remove(path)
    local first = assert(net.listen(path))
    os.remove(path)
    local second = assert(net.listen(path))
    first:close()
    local client = assert(net.connect(path))
    assert.is_truthy(second:accept(10000))
    client:close()
    os.remove(path)
    assert(io.open(path, "w")):close()
    second:close()
    assert.is_true(os.remove(path))
  end))

  it("give the file of a path a mode", main(function()
    local path = os.tmpname()
    for _, mode in ipairs { 384, 511, 0 } do
      os.remove(path)
      local listener <close> = assert(net.listen(path, { mode = mode }))
      assert.equal(path, listener:sockname())
      assert.equal(mode, uv.fs_lstat(path).mode & 511)
    end
    for _, mode in ipairs { -1, 512, "rw", 1.5 } do
      assert.same({ nil, "invalid_option", "mode" }, { net.listen(path, { mode = mode }) })
    end
    assert.same({ nil, "invalid_option", "mode" }, { net.listen("127.0.0.1", 0, { mode = 384 }) })
  end))

  it("tell who is at the other end of a Unix socket", main(function()
    local path = os.tmpname()
    os.remove(path)
    local listener = assert(net.listen(path))
    local client = assert(net.connect(path))
    local server = assert(listener:accept())
    local me = { pid = math.tointeger(uv.os_getpid()), uid = uv.getuid(), gid = uv.getgid() }
    assert.same(me, server:credentials())
    assert.same(me, client:credentials())
    client:close()
    assert.same(me, server:credentials())
    assert.same({ nil, "closed" }, { client:credentials() })
    assert.same({ nil, "not_a_unix_socket" }, { (pair()):credentials() })
    assert.is_nil(listener.credentials)
    listener:close()
  end))

  it("keep no run going in the background", main(function()
    local listener, port = listen { background = true }
    assert.same({ true }, { dynsup.run({ clock = "real" }, function()
      dynsup.spawn(function() net.listen("127.0.0.1", 0, { background = true }):accept() end)
    end) })
    local client = assert(net.connect("127.0.0.1", port))
    local server = assert(listener:accept(10000))
    local reader = dynsup.spawn(function() server:read(1) end)
    support.until_waiting(reader)
    assert.same({ true, 5 }, { dynsup.run({ clock = "real" }, function() return 5 end) })
    client:close()
  end))

  it("say by libuv's names why not", main(function()
    local listener, port = listen()
    assert.same({ nil, "eaddrinuse" }, { net.listen("127.0.0.1", port) })
    listener:close()
    assert.same({ nil, "econnrefused" }, { net.connect("127.0.0.1", port) })
    assert.same({ nil, "enoent" }, { net.connect "/nowhere/socket" })
    assert.same({ nil, "enoent" }, { net.listen "/nowhere/socket" })
    assert.same({ nil, "enotdir" }, { net.listen "/dev/null/socket" })
    assert.same({ nil, "eaddrinuse" }, { net.listen "/dev/null" })
    assert.same({ nil, "enametoolong" }, { net.connect("/" .. ("x"):rep(200)) })
    assert.same({ nil, "enametoolong" }, { net.listen("/" .. ("x"):rep(200)) })
    local socket, reason = net.connect("nobody.invalid", 80, 10000)
    assert.is_nil(socket)
    assert.matches("^eai_", reason)
  end))

  it("refuse a wrong option", main(function()
    local _, port = listen()
    for name, value in pairs { nodelay = 1, keepalive = 0, send_timeout = -1, nonsense = true } do
      assert.same({ nil, "invalid_option", name }, { net.listen("127.0.0.1", 0, { [name] = value }) })
      local options = { [name] = value }
      assert.same({ nil, "invalid_option", name }, { net.connect("127.0.0.1", port, 1000, options) })
    end
  end))

  it("raise for misuse, and blame the caller", main(function()
    local function message(f, ...)
      local ok, text = pcall(f, ...)
      assert.is_false(ok)
      return text
    end
    assert.matches("#1 to 'connect' %(string", message(net.connect))
    assert.matches("#2 to 'connect' %(port", message(net.connect, "localhost"))
    assert.matches("#2 to 'connect' %(port", message(net.connect, "localhost", 0))
    assert.matches("#2 to 'listen' %(port", message(net.listen, "localhost", 65536))
    assert.matches("#3 to 'connect' %(mill", message(net.connect, "localhost", 1, "soon"))
    assert.matches("#2 to 'connect' %(mill", message(net.connect, "/a", -1))
    assert.matches("#3 to 'listen' %(table", message(net.listen, "localhost", 1, 1))
    assert.matches("#3 to 'listen' %(no value", message(net.listen, "/a", {}, 1))
    assert.matches("#1 to 'listen' %(an address has no zero bytes", message(net.listen, "/tmp/none\0more"))
    assert.matches("#1 to 'connect' %(an address has no zero bytes", message(net.connect, "127.0.0.1\0x", 1))
    assert.matches("^spec/net_spec", message(function()
      net.connect "localhost"
    end))
  end))

  it("need the real clock", host.main(function()
    assert.error_matches(function()
      net.listen("127.0.0.1", 1)
    end, "sockets need the real clock")
  end))

  it("need a process", function()
    assert.error_matches(function()
      net.listen("127.0.0.1", 1)
    end, "no host is running")
  end)
end)

describe("accept", function()
  it("is out of time", main(function()
    local listener = listen()
    assert.same({ nil, "timeout" }, { listener:accept(1) })
    assert.same({ nil, "timeout" }, { listener:accept(0) })
  end))

  it("without time takes what has come", main(function()
    local listener, port = listen()
    local client = assert(net.connect("127.0.0.1", port))
    assert.is_truthy(listener:accept(0))
    client:close()
  end))

  it("serves those who wait first come, first served", main(function()
    local listener, port = listen()
    local me = dynsup.self()
    for i = 1, 3 do
      support.until_waiting(dynsup.spawn_link(function()
        assert(listener:accept())
        dynsup.send(me, i)
      end))
    end
    for i = 1, 3 do
      local client = assert(net.connect("127.0.0.1", port))
      assert.equal(i, dynsup.receive())
      client:close()
    end
  end))

  it("ends when another closes the listener", main(function()
    local listener = listen()
    local me = dynsup.self()
    support.until_waiting(dynsup.spawn(function()
      dynsup.send(me, "result", listener:accept())
    end))
    listener:close()
    assert.same({ "result", nil, "closed" }, { dynsup.receive() })
    assert.same({ nil, "closed" }, { listener:accept() })
  end))

  it("ends when the owner of the listener ends", main(function()
    local me = dynsup.self()
    local owner = dynsup.spawn(function()
      dynsup.send(me, (listen()))
      dynsup.receive()
    end)
    local listener = dynsup.receive()
    dynsup.send_after(5, owner, "end")
    assert.same({ nil, "closed" }, { listener:accept() })
  end))

  it("hands the listener's options on", main(function()
    local client, server = pair { nodelay = true, keepalive = 7, send_timeout = 1 }
    local piece = ("x"):rep(1 << 20)
    local ok, reason
    repeat
      ok, reason = server:write(piece)
    until not ok
    assert.equal("timeout", reason)
    client:close()
  end))

  it("does not keep a run going when nobody waits for it", function()
    local outcome = { host.outcome(function()
      listen()
      pair()
    end, { clock = "real" }) }
    assert.same({ true }, outcome)
    outcome = { host.outcome(function()
      listen()
      dynsup.receive()
    end, { clock = "real" }) }
    assert.same({ nil, "deadlock" }, { outcome[1], outcome[2] })
  end)

  it("does not keep a run going when who waited was killed", function()
    assert.same({ true }, { host.outcome(function()
      local client = pair()
      local listener = listen()
      local waits = {
        function() client:read "some" end,
        function() listener:accept() end,
      }
      for _, wait in ipairs(waits) do
        local pid = dynsup.spawn(wait)
        support.until_waiting(pid)
        host.stop(pid, "kill")
      end
    end, { clock = "real", log_level = "off" }) })
  end)
end)

describe("a socket", function()
  it("is closed by close, <close>, or when it is forgotten", main(function()
    local client, server = pair()
    assert.is_true(client:close())
    assert.is_true(client:close())
    assert.is_true(client:is_closing())
    assert.same({ nil, "closed" }, { client:read "some" })
    assert.same({ nil, "closed" }, { client:write "x" })
    assert.same({ nil, "closed" }, { client:shutdown() })
    assert.same({ nil, "closed" }, { client:sockname() })
    assert.same({ nil, "closed" }, { client:set {} })
    assert.same({ nil, "closed" }, { client:give(dynsup.self()) })
    assert.same({ nil, "closed" }, { server:read "some" })
    local function other_end(end_of)
      local one, other = pair()
      end_of(one)
      return other
    end
    assert.same({ nil, "closed" }, { other_end(function(socket)
      local _ <close> = socket
    end):read "some" })
    server = other_end(function() end)
    collectgarbage()
    collectgarbage()
    assert.same({ nil, "closed" }, { server:read "some" })
  end))

  it("is closed when its owner ends", main(function()
    local listener, port = listen()
    local owner = dynsup.spawn_link(function()
      assert(net.connect("127.0.0.1", port))
      dynsup.sleep()
    end)
    local server = assert(listener:accept())
    assert.same({ nil, "timeout" }, { server:read("some", 1) })
    dynsup.unlink(owner)
    dynsup.exit(owner, "kill")
    assert.same({ nil, "closed" }, { server:read "some" })
  end))

  it("can be given away by its owner", main(function()
    local client, server = pair()
    local function idle()
      dynsup.sleep()
    end
    local pid = dynsup.spawn(idle)
    assert.is_true(server:give(pid))
    assert.same({ nil, "not_owner" }, { server:give(dynsup.self()) })
    assert.same({ nil, "timeout" }, { client:read("some", 1) })
    host.stop(pid, "kill")
    assert.same({ nil, "closed" }, { client:read "some" })
    assert.same({ nil, "closed" }, { server:read "some" })
  end))

  it("stays its owner's when it is given to nobody", main(function()
    local client, server = pair()
    local dead = dynsup.spawn(function() end)
    dynsup.sleep(0)
    assert.same({ nil, "noproc" }, { server:give(dead) })
    assert.same({ nil, "noproc" }, { server:give "nobody" })
    assert.is_true(server:write "x")
    assert.equal("x", client:read(1))
    assert.has_error(function()
      server:give(1)
    end)
  end))

  it("takes options", main(function()
    local client = pair()
    assert.is_true(client:set { nodelay = true, keepalive = true, send_timeout = 5 })
    assert.is_true(client:set { nodelay = false, keepalive = 30, send_timeout = "infinity" })
    assert.same({ nil, "invalid_option", "x" }, { client:set { x = 1 } })
  end))

  it("is not for runs inside the run, nor for later ones", main(function()
    local client = pair()
    local listener = listen()
    assert(dynsup.run(function()
      for _, call in ipairs {
        function() client:read "some" end,
        function() client:write "x" end,
        function() client:give(dynsup.self()) end,
        function() listener:accept() end,
      } do
        assert.error_matches(call, "belongs to another run")
      end
    end))
    local old
    assert(dynsup.run(function()
      old = pair()
    end))
    assert.same({ nil, "closed" }, { old:read "some" })
    assert.same({ nil, "closed" }, { old:write "x" })
    assert.same({ nil, "closed" }, { old:give(dynsup.self()) })
  end))

  it("of one kind has not the methods of the other", main(function()
    local client = pair()
    local listener = listen()
    assert.is_nil(client.accept)
    assert.is_nil(listener.read)
    assert.error_matches(function()
      listener.accept(client)
    end, "dynsup.net.listener expected")
  end))
end)
