-- dynsup.server: how servers end.

local any = require "spec.support.keeping_server"
local dynsup = require "dynsup"
local host = require "spec.support.host"

local server = dynsup.server

local quiet = { log = function() end }

local function get(state)
  return "reply", state, state
end

-- Starts a server, sends it f as a cast, and returns its exit reason.
local function reason_after(module, f)
  local pid = server.start(module, "state")
  local ref = dynsup.monitor(pid)
  server.cast(pid, f)
  return host.down(ref)
end

describe("a server ends", function()
  it("when a callback says stop, after terminate", host.main(function()
    local ended = {}
    assert.equal("bye", reason_after(any(ended), function()
      return "stop", "bye", "last state"
    end))
    assert.same({ { "bye", "last state" } }, ended)
  end, quiet))

  it("with a reply that comes after terminate", host.main(function()
    local order = {}
    local module = any()
    module.terminate = function()
      dynsup.sleep(5)
      order[#order + 1] = "terminate"
    end
    local pid = server.start(module)
    local value = server.call(pid, function(state)
      return "stop", "normal", "reply", state
    end)
    order[#order + 1] = value
    assert.same({ "terminate", "reply" }, order)
    dynsup.sleep(0)
    assert.is_false(dynsup.is_alive(pid))
  end))

  it("without a terminate of its own", host.main(function()
    local module = any()
    module.terminate = nil
    local pid = server.start(module)
    assert.equal("reply", server.call(pid, function(state)
      return "stop", "normal", "reply", state
    end))
    assert.equal("bye", reason_after(module, function(state)
      return "stop", "bye", state
    end))
    assert.is_true(server.stop(server.start(module)))
  end, quiet))

  it("by an error, with the state from before and the last message", host.main(function()
    local ended = {}
    local crash = reason_after(any(ended), function()
      error("boom", 0)
    end)
    assert.equal("boom", crash.error)
    assert.equal("handle_cast", crash.callback)
    assert.equal("function", type(crash.last_message))
    assert.same({ { crash, "state" } }, ended)
    local pid = server.start({
      handle_info = function()
        error "boom"
      end,
    })
    local ref = dynsup.monitor(pid)
    dynsup.send(pid, "one", nil, 3)
    crash = host.down(ref)
    assert.equal("handle_info", crash.callback)
    assert.same({ n = 3, "one", nil, 3 }, crash.last_message)
    local watching = server.start {
      init = function()
        return "ok", dynsup.monitor(dynsup.spawn(function() end))
      end,
      handle_info = function(_, down)
        error({ down = down })
      end,
    }
    crash = host.down(dynsup.monitor(watching))
    local message = crash.last_message
    assert.same({ "DOWN", crash.error.down, "normal", 4 }, { message[1], message[2], message[4], message.n })
    local ending = server.start {
      handle_info = function(_, state)
        return "stop", "seen", state
      end,
      terminate = function()
        error "boom"
      end,
    }
    ref = dynsup.monitor(ending)
    dynsup.send(ending, "one", 2)
    crash = host.down(ref)
    assert.same({ "terminate", { n = 2, "one", 2 } }, { crash.callback, crash.last_message })
    watching = server.start {
      init = function()
        return "ok", dynsup.monitor(dynsup.spawn(function() end))
      end,
      handle_info = function(_, down)
        return "stop", "seen", down
      end,
      terminate = function(_, down)
        error({ down = down })
      end,
    }
    crash = host.down(dynsup.monitor(watching))
    message = crash.last_message
    assert.same({ "DOWN", crash.error.down, "normal", 4 }, { message[1], message[2], message[4], message.n })
  end, quiet))

  it("by an error also after its callback has waited, and closes what is open", host.main(function()
    local ended, closed = {}, false
    local crash = reason_after(any(ended), function()
      local _ <close> = host.closer(function()
        closed = #ended == 0
      end)
      dynsup.sleep(5)
      error("late", 0)
    end)
    assert.equal("late", crash.error)
    assert.is_true(closed)
    assert.equal(1, #ended)
  end, quiet))

  it("reports a crash with its traceback and the last message", function()
    local lines = {}
    host.run(function()
      local pid = server.start {
        handle_call = function()
          error "boom"
        end,
      }
      server.call(pid, { "get", "key" })
    end, {
      log = function(_, text)
        lines[#lines + 1] = text
      end,
    })
    assert.equal(1, #lines)
    assert.matches("boom", lines[1])
    assert.matches("stack traceback", lines[1])
    assert.matches("in handle_call, last message: { get, key }", lines[1], 1, true)
  end)

  it("reports where the module of a child is, not the start function that all servers share", function()
    local lines = {}
    local module = { init = function() return "ok", {} end, handle_cast = function() error "boom" end }
    local line = debug.getinfo(module.init, "S").linedefined
    host.run(function()
      local sup = assert(dynsup.start_link())
      server.cast(assert(dynsup.start_child(sup, server.child_spec(module))), 1)
      dynsup.sleep(1)
    end, {
      log = function(_, text)
        lines[#lines + 1] = text
      end,
    })
    assert.matches("function: [^\n]*server_end_spec.lua:" .. line .. "\n", lines[1])
  end)

  it("by exit in a callback, which closes what is open and calls terminate", host.main(function()
    for _, ms in ipairs { 0, 5 } do
      local ended, closed = {}, false
      assert.equal("out", reason_after(any(ended), function()
        local _ <close> = host.closer(function()
          closed = true
        end)
        if ms > 0 then
          dynsup.sleep(ms)
        end
        pcall(dynsup.exit, "out")
      end))
      assert.same({ { "out", "state" } }, ended)
      assert.is_true(closed)
    end
  end, quiet))

  for _, case in ipairs {
    { "nothing" },
    { "a number", 5 },
    { "no state", "noreply" },
    { "no reply to a cast", "reply", 1, 2 },
    { "a stop without a state", "stop", "reason" },
    { "a stop whose reason is a number", "stop", 5, 1 },
    { "a stop of a cast with a reply", "stop", "reason", 1, 2 },
    { "a wrong extra", "noreply", 1, {} },
    { "a negative time", "noreply", 1, -1 },
    { "too many values", "noreply", 1, 2, 3 },
  } do
    it("by a bad return value: " .. case[1], host.main(function()
      local ended = {}
      local reason = reason_after(any(ended), function()
        return table.unpack(case, 2)
      end)
      assert.same({ "bad_return_value", table.unpack(case, 2) }, reason)
      assert.same({ { reason, "state" } }, ended)
    end, quiet))
  end

  it("by a bad return value of handle_call", host.main(function()
    for _, value in ipairs { "reply", "ok" } do
      local pid = server.start(any())
      local none, reason = server.call(pid, function()
        return value, 1
      end)
      assert.is_nil(none)
      assert.same({ "bad_return_value", value, 1 }, reason)
    end
  end, quiet))

  it("without the callback that it needs", host.main(function()
    local pid = server.start {}
    local none, crash = server.call(pid, 1)
    assert.is_nil(none)
    assert.matches("no function handle_call", crash.error)
    pid = server.start {}
    local ref = dynsup.monitor(pid)
    server.cast(pid, 1)
    assert.matches("no function handle_cast", host.down(ref).error)
    dynsup.flag("trap_exit", true)
    pid = server.start_link {
      init = function()
        return "ok", 1, { continue = 1 }
      end,
    }
    local _, from, reason = dynsup.receive()
    assert.equal(pid, from)
    assert.matches("no function handle_continue", reason.error)
  end, quiet))

  it("with the error of its terminate", host.main(function()
    local module = any()
    module.terminate = function()
      error("worse", 0)
    end
    local crash = reason_after(module, function()
      return "stop", "bye", 1
    end)
    assert.equal("worse", crash.error)
    assert.equal("terminate", crash.callback)
    module.terminate = function()
      dynsup.exit "other"
    end
    assert.equal("other", reason_after(module, function()
      return "stop", "bye", 1
    end))
  end, quiet))
end)

describe("an exit signal", function()
  it("ends a server that does not trap exits, without terminate", host.main(function()
    local ended = {}
    local pid = server.start(any(ended))
    assert.equal("signal", host.stop(pid, "signal"))
    pid = server.start(any(ended))
    assert.equal("killed", host.stop(pid, "kill"))
    assert.same({}, ended)
  end, quiet))

  it("ends it in the middle of a callback, and closes what is open", host.main(function()
    local closed = 0
    local function wait(state)
      local _ <close> = host.closer(function()
        closed = closed + 1
      end)
      dynsup.sleep(1000)
      return "noreply", state
    end
    local pid = server.start(any())
    server.cast(pid, wait)
    dynsup.sleep(1)
    assert.equal("killed", host.stop(pid, "kill"))
    assert.equal(1, closed)
  end, quiet))

  it("comes as a message when it traps exits, unless it is the parent's", host.main(function()
    local ended = {}
    local function trap()
      dynsup.flag("trap_exit", true)
      return "ok", {}
    end
    local pid, down
    local parent = dynsup.spawn(function()
      pid = server.start_link(any(ended), trap)
      dynsup.receive()
    end)
    dynsup.sleep(1)
    down = dynsup.monitor(pid)
    dynsup.exit(pid, "from another")
    dynsup.send(pid, "EXIT", parent, "forged")
    local state = server.call(pid, get)
    assert.same({
      { n = 3, "EXIT", dynsup.self(), "from another" },
      { n = 3, "EXIT", parent, "forged" },
    }, state)
    dynsup.exit(parent, "over")
    assert.equal("over", host.down(down))
    assert.same({ { "over", state } }, ended)
  end, quiet))

  it("of who started it without a link is one of others", host.main(function()
    local pid = server.start(any(), function()
      dynsup.flag("trap_exit", true)
      return "ok", {}
    end)
    dynsup.exit(pid, "mine")
    assert.equal("mine", server.call(pid, get)[1][3])
    server.stop(pid)
  end))
end)

describe("stop", function()
  it("ends a server after what it was sent before", host.main(function()
    local ended = {}
    local pid = server.start(any(ended), 1)
    for _ = 1, 3 do
      server.cast(pid, function(n)
        dynsup.sleep(2)
        return "noreply", n + 1
      end)
    end
    assert.is_true(server.stop(pid, "done"))
    assert.same({ { "done", 4 } }, ended)
    assert.is_false(dynsup.is_alive(pid))
  end, quiet))

  it("is true for the very reason that was asked for", host.main(function()
    assert.is_true(server.stop(server.start(any())))
    assert.is_true(server.stop(server.start(any()), { "shutdown", 1 }))
    assert.is_true(server.stop(server.start(any()), "normal", 10))
  end))

  it("tells another reason, and the time that is over", host.main(function()
    local module = any()
    module.terminate = function()
      dynsup.exit "otherwise"
    end
    assert.same({ nil, "otherwise" }, { server.stop(server.start(module)) })
    module.terminate = function()
      dynsup.sleep(100)
    end
    local pid = server.start(module)
    assert.same({ nil, "timeout" }, { server.stop(pid, "normal", 10) })
    assert.is_true(dynsup.is_alive(pid))
    dynsup.sleep(91)
    assert.is_false(dynsup.is_alive(pid))
    assert.same({}, host.drain())
    assert.same({ nil, "noproc" }, { server.stop(pid) })
    assert.same({ nil, "noproc" }, { server.stop "nobody" })
  end, quiet))

  it("of itself is an error", host.main(function()
    local pid = server.start(any())
    assert.matches("a process calls itself", server.call(pid, function(state)
      return "reply", select(2, pcall(server.stop, dynsup.self())), state
    end))
    server.stop(pid)
  end))
end)

describe("info of a server", function()
  it("says what it is, and where it stands in a callback", host.main(function()
    local pid = server.start_link(any(), {})
    local info = dynsup.info(pid)
    assert.equal("server", info.label)
    assert.equal("waiting", info.status)
    assert.is_nil(info.traceback)
    server.cast(pid, function(state)
      dynsup.sleep(10)
      return "noreply", state
    end)
    dynsup.sleep(1)
    info = dynsup.info(pid)
    assert.equal("server", info.label)
    assert.matches("server_end_spec", info.traceback)
  end))
end)
