-- dynsup.net.serve: a worker for each connection.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local support = require "spec.support.net"

local net = dynsup.net

local listen, main = support.listen, support.main

describe("net.serve", function()
  local function echo(socket)
    for line in socket:lines() do
      assert(socket:write(line, "\n"))
    end
  end

  local function serve(worker, options)
    local sup = assert(dynsup.start_link(options or {}))
    local listener, port = listen()
    local server = dynsup.spawn(net.serve, listener, sup, worker)
    assert(listener:give(server))
    return sup, port, listener, server
  end

  it("gives each connection a worker of a dynamic supervisor", main(function()
    local sup, port = serve(echo)
    local clients = {}
    for i = 1, 5 do
      clients[i] = assert(net.connect("127.0.0.1", port))
      clients[i]:write(i, "\n")
      assert.equal(tostring(i), clients[i]:read "line")
    end
    assert.equal(5, dynsup.count_children(sup).active)
    for _, client in ipairs(clients) do
      client:close()
    end
    while dynsup.count_children(sup).active > 0 do
      dynsup.sleep(1)
    end
    dynsup.halt(0)
  end))

  it("takes a spec, whose arguments come first", main(function()
    local _, port = serve { args = { "hello" }, body = function(word, socket)
      socket:write(word, "\n")
    end }
    local client = assert(net.connect("127.0.0.1", port))
    assert.equal("hello", client:read "line")
    assert.same({ nil, "closed" }, { client:read "line" })
    dynsup.halt(0)
  end))

  it("closes the connection of a worker that was not started, and goes on", main(function()
    local _, port = serve(echo, { max_children = 1 })
    local first = assert(net.connect("127.0.0.1", port))
    first:write "a\n"
    assert.equal("a", first:read "line")
    local second = assert(net.connect("127.0.0.1", port))
    assert.same({ nil, "closed" }, { second:read "line" })
    first:write "b\n"
    assert.equal("b", first:read "line")
    dynsup.halt(0)
  end))

  it("closes the connection of a worker that crashes", main(function()
    local _, port = serve(error)
    local client = assert(net.connect("127.0.0.1", port))
    assert.same({ nil, "closed" }, { client:read "line" })
    dynsup.halt(0)
  end, { log_level = "off" }))

  -- Each connection's first line is how its worker ends before it has started.
  local unstarted = {
    ["a body that was to be ready"] = { ready = true, body = function(socket)
      local word = socket:read "line"
      if not word then error "hung up" end
      if word ~= "ready" then dynsup.exit(word) end
      assert.same({ nil, "not_owner" }, { socket:give(dynsup.self()) })
      dynsup.ready()
      socket:write "started\n"
    end },
    ["a start function"] = { start = function(socket)
      local word = socket:read "line"
      if not word then error "hung up" end
      if word ~= "ready" then return nil, word end
      return dynsup.spawn_link(function() socket:write "started\n" end)
    end },
  }
  for name, worker in host.sorted(unstarted) do
    it("goes on behind the failed start of " .. name, main(function()
      local _, port, _, server = serve(worker)
      assert(net.connect("127.0.0.1", port)):close()
      for _, word in ipairs { "normal", "shutdown", "odd", "noproc", "not_a_supervisor", "invalid_name",
        "invalid_body", "invalid_args", "invalid_mfa", "unknown_registry" } do
        local client = assert(net.connect("127.0.0.1", port))
        client:write(word, "\n")
        assert.same({ nil, "closed" }, { client:read "line" })
        assert.is_true(dynsup.is_alive(server))
      end
      local client = assert(net.connect("127.0.0.1", port))
      client:write "ready\n"
      assert.equal("started", client:read "line")
      dynsup.halt(0)
    end, { log_level = "off" }))
  end

  it("logs the starts that fail, once a second", function()
    local lines = {}
    main(function()
      local words = { "normal", "shutdown", "odd", "even", "prime" }
      local c = dynsup.clock.new { paused = true }
      local sup, listener, port = assert(dynsup.start_link { clock = c }), listen()
      local server = assert(dynsup.start_child(sup, function()
        net.serve(listener, sup, { start = function(socket) return nil, socket:read "line" end })
      end))
      assert(listener:give(server))
      for i, word in ipairs(words) do
        if i == #words then c:step(1000) end
        local client = assert(net.connect("127.0.0.1", port))
        client:write(word, "\n")
        assert.same({ nil, "closed" }, { client:read "line" })
      end
      dynsup.halt(0)
    end, { log_format = "logfmt", log = function(_, line) lines[#lines + 1] = line end })()
    assert.equal(2, #lines)
    assert.matches("level=warning event=not_served .*reason=odd", lines[1])
    assert.matches("others=1 reason=prime", lines[2])
  end)

  it("ends with the listener or the supervisor", main(function()
    local listener = listen()
    local sup = dynsup.start_link {}
    listener:close()
    assert.same({ nil, "closed" }, { net.serve(listener, sup, echo) })
    local port
    listener, port = listen()
    dynsup.stop(sup)
    dynsup.spawn(function()
      net.connect("127.0.0.1", port)
    end)
    assert.same({ nil, "noproc" }, { net.serve(listener, sup, echo) })
    assert.error_matches(function()
      net.serve(listener, sup)
    end, "#3 to 'serve'")
  end))

  it("ends with what is wrong with the spec", main(function()
    local sup = dynsup.start_link {}
    for _, args in ipairs { 5, true, "x", { n = -1 }, { n = "1" }, { n = 1 << 40 } } do
      local listener, port = listen()
      dynsup.spawn(function()
        net.connect("127.0.0.1", port)
      end)
      local result, reason, detail = net.serve(listener, sup, { body = echo, args = args })
      assert.same({ nil, "invalid_mfa" }, { result, reason })
      assert.equal(args, detail)
      listener:close()
    end
  end))
end)

describe("misuse of net.serve", function()
  it("names what is no listener", main(function()
    for _, listener in ipairs { {}, 42, "name" } do
      local _, message = pcall(function() return (dynsup.net.serve(listener, dynsup.self(), print)) end)
      assert.matches("^spec/net_serve_spec.lua:%d+: bad argument #1 to 'serve' %(listener expected", message)
    end
  end))
end)
