-- dynsup.server: calls, casts, messages and what callbacks return.

local any_server = require "spec.support.any_server"
local dynsup = require "dynsup"
local host = require "spec.support.host"

local server = dynsup.server

local Any = any_server()

local function get(state)
  return "reply", state, state
end

local quiet = { log = function() end }

describe("a server", function()
  it("has the state that init returns", host.main(function()
    local pid = server.start_link(Any, 7)
    assert.equal(7, server.call(pid, get))
  end))

  it("has the argument as state without an init", host.main(function()
    local state = {}
    local pid = server.start_link({ handle_call = Any.handle_call }, state)
    assert.equal(state, server.call(pid, get))
  end))

  it("goes on with the state that each callback returns", host.main(function()
    local pid = server.start_link(Any, 1)
    server.cast(pid, function(n)
      return "noreply", n + 1
    end)
    assert.equal(2, server.call(pid, get))
    assert.equal("x", server.call(pid, function()
      return "reply", "x", { "table" }
    end))
    assert.same({ "table" }, server.call(pid, get))
    server.cast(pid, function()
      return "noreply", nil
    end)
    assert.is_nil(server.call(pid, get))
  end))

  it("may have the same table as state again and again", host.main(function()
    local state = { n = 0 }
    local pid = server.start_link(Any, state)
    for _ = 1, 10 do
      server.cast(pid, function(s)
        s.n = s.n + 1
        return "noreply", s
      end)
    end
    assert.equal(state, server.call(pid, get))
    assert.equal(10, state.n)
  end))

  it("finds its callbacks in the module at each message", host.main(function()
    local module = {}
    local pid = server.start_link(module)
    function module.handle_call(_, _, s)
      return "reply", "newer", s
    end
    assert.equal("newer", server.call(pid, "x"))
  end))

  it("finds them by the module's metatable", host.main(function()
    local inherits = setmetatable({}, { __index = Any })
    local pid = server.start_link(inherits, 5)
    assert.equal(5, server.call(pid, get))
  end))

  it("handles plain messages as packed tables", host.main(function()
    local me = dynsup.self()
    local pid = server.start_link {
      handle_info = function(message, state)
        dynsup.send(me, message)
        return "noreply", state
      end,
    }
    dynsup.send(pid, "a", nil, 3, nil)
    assert.same({ n = 4, "a", nil, 3, nil }, (dynsup.receive()))
    dynsup.send(pid, "$call", 1, 2)
    assert.same({ n = 3, "$call", 1, 2 }, (dynsup.receive()))
  end))

  it("drops them with a warning without a handle_info", function()
    local lines = {}
    host.run(function()
      local pid = server.start_link(Any, 1)
      dynsup.send(pid, "lost")
      assert.equal(1, server.call(pid, get))
    end, {
      log = function(level, text)
        lines[#lines + 1] = level .. " " .. text
      end,
    })
    assert.equal(1, #lines)
    assert.matches("^warning .*dropped a plain message", lines[1])
  end)

  it("handles one message after the other, also while a callback waits", host.main(function()
    local seen = {}
    local pid = server.start_link(Any)
    for i = 1, 3 do
      server.cast(pid, function(state)
        dynsup.sleep(10)
        seen[#seen + 1] = i
        return "noreply", state
      end)
    end
    assert.equal("ok", server.call(pid, function(state)
      return "reply", "ok", state
    end))
    assert.same({ 1, 2, 3 }, seen)
    assert.equal(30, dynsup.now())
  end))

  it("may take messages out of its mailbox in a callback", host.main(function()
    local pid = server.start_link(Any)
    server.cast(pid, function(state)
      local _, value = dynsup.receive_match "wanted"
      return "noreply", value or state
    end)
    server.cast(pid, function(state)
      return "noreply", state + 1
    end)
    dynsup.send(pid, "wanted", 41)
    assert.equal(42, server.call(pid, get))
  end))

  it("may call another server in a callback", host.main(function()
    local inner = server.start_link(Any, "inner")
    local outer = server.start_link(Any, "outer")
    assert.equal("inner", server.call(outer, function(state)
      return "reply", server.call(inner, get), state
    end))
  end))

  it("keeps its dict from callback to callback", host.main(function()
    local pid = server.start_link(Any)
    server.cast(pid, function(state)
      dynsup.dict().x = 5
      return "noreply", state
    end)
    assert.equal(5, server.call(pid, function(state)
      return "reply", dynsup.dict().x, state
    end))
  end))

  it("keeps its dict while a callback waits, and if that makes it", host.main(function()
    local pid = server.start(Any)
    server.call(pid, function(state)
      dynsup.sleep(1)
      dynsup.dict().x = 5
      return "reply", nil, state
    end)
    assert.same({ 5, 6 }, server.call(pid, function(state)
      local dict = dynsup.dict()
      dict.y = dict.x + 1
      dynsup.sleep(1)
      return "reply", { dynsup.dict().x, dynsup.dict().y }, state
    end))
    assert.equal(6, server.call(pid, function(state)
      return "reply", dynsup.dict().y, state
    end))
    local seen
    server.cast(pid, function()
      dynsup.sleep(1)
      local _ <close> = setmetatable({}, { __close = function() seen = dynsup.dict().y end })
      dynsup.receive()
    end)
    dynsup.sleep(5)
    host.stop(pid, "stop")
    assert.equal(6, seen)
  end))

  it("is preempted in a callback", host.main(function()
    local pid = server.start_link(Any)
    local ticks = 0
    dynsup.spawn(function()
      while true do
        ticks = ticks + 1
        dynsup.yield()
      end
    end)
    server.call(pid, function(state)
      local n = 0
      while ticks < 3 do
        n = n + 1
      end
      return "reply", n, state
    end)
    assert.is_true(ticks >= 3)
    dynsup.halt(0)
  end))
end)

describe("a call", function()
  it("tells a reply of nil from a failure", host.main(function()
    local pid = server.start_link(Any)
    local results = table.pack(server.call(pid, get))
    assert.equal(1, results.n)
    assert.is_nil(results[1])
  end))

  it("of a dead or unknown server fails at once", host.main(function()
    local pid = server.start(Any)
    server.stop(pid)
    assert.same({ nil, "noproc" }, { server.call(pid, get) })
    assert.same({ nil, "noproc" }, { server.call("nobody", get) })
    assert.equal(0, dynsup.now())
  end))

  it("returns the reason of a server that ends meanwhile", host.main(function()
    local pid = server.start(Any)
    assert.same({ nil, "bye" }, { server.call(pid, function(state)
      return "stop", "bye", state
    end) })
    pid = server.start(Any)
    dynsup.send_after(10, dynsup.self(), "go")
    dynsup.spawn(function()
      dynsup.sleep(10)
      dynsup.exit(pid, "kill")
    end)
    assert.same({ nil, "killed" }, { server.call(pid, function(state)
      dynsup.sleep(1000)
      return "reply", 1, state
    end) })
  end, quiet))

  it("lasts 5 s, or as long as it is told", host.main(function()
    local function never(state)
      return "noreply", state
    end
    local pid = server.start_link(Any)
    assert.same({ nil, "timeout" }, { server.call(pid, never) })
    assert.equal(5000, dynsup.now())
    assert.same({ nil, "timeout" }, { server.call(pid, never, 0) })
    assert.same({ nil, "timeout" }, { server.call(pid, never, 7) })
    assert.equal(5007, dynsup.now())
  end))

  it("whose time is over never gets its reply, and no other call gets it", host.main(function()
    local froms = {}
    local pid = server.start_link(Any, "state")
    local function keep(state, from)
      froms[#froms + 1] = from
      return "noreply", state
    end
    assert.same({ nil, "timeout" }, { server.call(pid, keep, 5) })
    dynsup.spawn(function()
      dynsup.sleep(5)
      server.reply(froms[1], "late")
      server.reply(froms[2], "in time")
      server.reply(froms[2], "twice")
    end)
    assert.equal("in time", server.call(pid, keep))
    assert.same({ nil, "timeout" }, { dynsup.receive(10) })
  end))

  it("may be replied to by another process", host.main(function()
    local pid = server.start_link(Any)
    assert.equal("from afar", server.call(pid, function(state, from)
      dynsup.spawn(function()
        dynsup.sleep(3)
        server.reply(from, "from afar")
      end)
      return "noreply", state
    end))
  end))

  it("is done by the first reply, also when handle_call replies again", host.main(function()
    local pid = server.start_link(Any)
    assert.equal("first", server.call(pid, function(state, from)
      server.reply(from, "first")
      return "reply", "second", state
    end))
    assert.same({ nil, "timeout" }, { dynsup.receive(1) })
  end))

  it("of itself is an error", host.main(function()
    local pid = server.start_link(Any)
    assert.matches("a process calls itself", server.call(pid, function(state)
      return "reply", select(2, pcall(server.call, dynsup.self(), get)), state
    end))
  end))

  it("reaches any process as a message", host.main(function()
    local pid = dynsup.spawn(function()
      local tag, from, request = dynsup.receive()
      server.reply(from, tag .. request)
    end)
    assert.equal("$call!", server.call(pid, "!"))
  end))

  it("of a supervisor fails at once", host.main(function()
    local sup = dynsup.start_link()
    assert.same({ nil, "not_a_server" }, { server.call(sup, get) })
    dynsup.spawn(dynsup.start_child, sup, { start = function()
      dynsup.sleep("infinity")
    end })
    dynsup.sleep(1)
    assert.same({ nil, "not_a_server" }, { server.call(sup, get, "infinity") })
  end))

  it("leaves nothing behind when its process is killed", host.main(function()
    local from
    local pid = server.start_link(Any, 1)
    local caller = dynsup.spawn(function()
      server.call(pid, function(state, f)
        from = f
        return "noreply", state
      end)
    end)
    dynsup.sleep(1)
    assert.equal("killed", host.stop(caller, "kill"))
    assert.is_true(server.reply(from, 1))
    assert.equal(1, server.call(pid, get))
    assert.equal(0, dynsup.info(pid).monitored_by)
  end))

  it("leaves no monitor when it has ended", host.main(function()
    local pid = server.start_link(Any, 1)
    server.call(pid, get)
    server.call(pid, function(state)
      return "noreply", state
    end, 1)
    assert.equal(0, dynsup.info(pid).monitored_by)
    assert.same({}, dynsup.info(dynsup.self()).monitors)
  end))

  it("checks its arguments", host.main(function()
    assert.error_matches(function()
      server.call()
    end, "bad argument #1")
    assert.error_matches(function()
      server.call("x")
    end, "bad argument #2")
    assert.error_matches(function()
      server.call("x", 1, -1)
    end, "bad argument #3")
    assert.error_matches(function()
      server.call({}, 1)
    end, "bad argument #1")
    assert.error_matches(function()
      server.reply(1, 2)
    end, "bad argument #1")
  end))
end)

describe("a cast", function()
  it("is true, also to the dead, and fails for an unknown name", host.main(function()
    local pid = server.start(Any)
    assert.is_true(server.cast(pid, function(s)
      return "noreply", s
    end))
    server.stop(pid)
    assert.is_true(server.cast(pid, 1))
    assert.same({ nil, "noproc" }, { server.cast("nobody", 1) })
  end))
end)
