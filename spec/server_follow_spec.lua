-- dynsup.server: what a callback may ask for behind the state, a time or to continue.

local any = require "spec.support.keeping_server"
local dynsup = require "dynsup"
local host = require "spec.support.host"

local server = dynsup.server

local quiet = { log = function() end }

local function get(state)
  return "reply", state, state
end

describe("what follows the state", function()
  it("may be a time after which handle_info gets a timeout", host.main(function()
    local pid = server.start_link(any(), {})
    server.call(pid, function(state)
      return "reply", 1, state, 10
    end)
    dynsup.sleep(9)
    assert.same({}, server.call(pid, get)) -- and this ends the time
    dynsup.sleep(20)
    server.cast(pid, function(state)
      return "noreply", state, 10
    end)
    dynsup.sleep(11)
    assert.same({ { n = 1, "timeout" } }, server.call(pid, get))
    server.cast(pid, function(state)
      return "noreply", state, "infinity"
    end)
    server.cast(pid, function(state)
      return "noreply", state, "hibernate"
    end)
    dynsup.sleep(1000)
    assert.equal(1, #server.call(pid, get))
  end))

  it("may be a time after any number of messages at once", host.main(function()
    for _, count in ipairs { 63, 64, 65, 128 } do
      local pid = server.start_link(any(), {})
      for _ = 1, count do
        server.cast(pid, function(state) return "noreply", state, 10 end)
      end
      dynsup.sleep(11)
      assert.same({ { n = 1, "timeout" } }, server.call(pid, get), count)
    end
  end))

  it("may be a time after a callback that has waited, or after init", host.main(function()
    local pid = server.start_link(any(), function()
      return "ok", {}, 5
    end)
    dynsup.sleep(6)
    assert.equal(1, #server.call(pid, get))
    server.call(pid, function(state)
      dynsup.sleep(3)
      return "reply", 1, state, 5
    end)
    dynsup.sleep(6)
    assert.equal(2, #server.call(pid, get))
  end))

  it("with 0 lets only what is in the mailbox come before", host.main(function()
    local pid = server.start_link(any(), {})
    server.cast(pid, function(state)
      dynsup.sleep(5)
      return "noreply", state, 0
    end)
    dynsup.send(pid, "first")
    dynsup.sleep(6)
    assert.same({ { n = 1, "first" } }, server.call(pid, get))
    server.cast(pid, function(state)
      return "noreply", state, 0
    end)
    dynsup.sleep(1)
    assert.equal("timeout", server.call(pid, get)[2][1])
  end))

  it("may ask to continue, before any other message", host.main(function()
    local order = {}
    local module = any()
    module.handle_continue = function(x, state)
      order[#order + 1] = x
      if x < 3 then
        return "noreply", state + 1, { continue = x + 1 }
      end
      return "noreply", state + 1
    end
    local pid = server.start_link(module, function()
      return "ok", 0, { continue = 1 }
    end)
    assert.equal(3, server.call(pid, get))
    server.cast(pid, function(state)
      return "noreply", state, { continue = 2 }
    end)
    assert.equal(5, server.call(pid, function(state)
      return "reply", state, state, { continue = 3 }
    end))
    assert.equal(6, server.call(pid, get))
    assert.same({ 1, 2, 3, 2, 3, 3 }, order)
  end))

  it("may ask to continue after the start was told", host.main(function()
    local module = any()
    module.handle_continue = function(_, state)
      dynsup.sleep(50)
      return "stop", "enough", state
    end
    local pid = server.start(module, function()
      return "ok", 0, { continue = 1 }
    end)
    assert.equal(0, dynsup.now())
    assert.same({ nil, "enough" }, { server.call(pid, get) })
    assert.equal(50, dynsup.now())
  end, quiet))
end)
