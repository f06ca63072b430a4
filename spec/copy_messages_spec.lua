local dynsup = require "dynsup"
local host = require "spec.support.host"

local copying = { copy_messages = true }

-- What a process receives of the values sent to it.
local function echoed(...)
  local me = dynsup.self()
  local pid = dynsup.spawn(function()
    dynsup.send(me, "echo", dynsup.receive())
  end)
  dynsup.send(pid, ...)
  return select(2, dynsup.receive())
end

describe("with copy_messages", function()
  it("a table arrives as a copy that its sender no longer reaches", host.main(function()
    local sent = { 1, nested = { "x" } }
    local got = echoed(sent)
    assert.same(sent, got)
    assert.are_not.equal(sent, got)
    assert.are_not.equal(sent.nested, got.nested)
  end, copying))

  it("shared and cyclic references keep their shape", host.main(function()
    local shared = {}
    local sent = { a = shared, b = shared }
    sent.self = sent
    sent[shared] = "key"
    local got, second = echoed(sent, shared)
    assert.equal(got, got.self)
    assert.equal(got.a, got.b)
    assert.equal(got.a, second)
    assert.equal("key", got[got.a])
  end, copying))

  it("metatables are shared, and functions stay what they are", host.main(function()
    local meta = { __index = { field = 1 } }
    local got, f = echoed(setmetatable({}, meta), print)
    assert.equal(meta, getmetatable(got))
    assert.equal(print, f)
  end, copying))

  it("no depth of nesting is too much", host.main(function()
    local deep = {}
    for _ = 1, 100000 do
      deep = { deep }
    end
    local got, depth = echoed(deep), 0
    while got do
      got, depth = got[1], depth + 1
    end
    assert.equal(100001, depth)
  end, copying))

  it("a server ends with its own reason, whatever is collected while its reply is copied", host.main(function()
    local sink = dynsup.spawn(dynsup.sleep)
    local big = {}
    for i = 1, 5000 do
      big[i] = { i }
    end
    local module = {
      init = function() return "ok", {} end,
      handle_call = function(n, _, state)
        setmetatable({}, { __gc = function()
          for i = 1, 3 + n * 7919 % 31 % 5 do dynsup.send(sink, { i }) end
        end })
        return "stop", { "shutdown", n }, big, state
      end,
    }
    collectgarbage("generational", 5)
    for n = 1, 500 do
      local pid = dynsup.server.start(module)
      local ref = dynsup.monitor(pid)
      assert.equal(5000, #dynsup.server.call(pid, n))
      assert.same({ "shutdown", n }, host.down(ref))
    end
    collectgarbage "incremental"
  end, copying))

  it("what is asked of a server and what it replies are copies", host.main(function()
    local server = dynsup.server
    local state, seen = { 1 }, nil
    local module = {
      init = function() return "ok", state end,
      handle_call = function(request, from, now)
        seen = request
        if request.way == "later" then
          dynsup.spawn(server.reply, from, now)
          return "noreply", now
        elseif request.way == "stop" then
          return "stop", "normal", now, now
        end
        return "reply", now, now
      end,
      handle_cast = function(request, now)
        seen = request
        return "noreply", now
      end,
    }
    local pid = server.start_link(module)
    for _, way in ipairs { "at once", "later", "stop" } do
      local request = { way = way }
      local got = server.call(pid, request)
      assert.same(request, seen)
      assert.are_not.equal(request, seen)
      assert.same(state, got)
      assert.are_not.equal(state, got)
    end
    pid = server.start_link(module)
    local sent = { "cast" }
    server.cast(pid, sent)
    server.call(pid, { way = "at once" })
    assert.same({ way = "at once" }, seen)
    server.cast(pid, sent)
    server.stop(pid)
    assert.same(sent, seen)
    assert.are_not.equal(sent, seen)
  end, copying))

  it("a delayed message is a copy of what it was when it was sent", host.main(function()
    local sent = { "before" }
    dynsup.send_after(1, dynsup.self(), sent)
    sent[1] = "after"
    assert.same({ "before" }, (dynsup.receive()))
  end, copying))
end)

describe("without copy_messages", function()
  it("a table arrives itself", host.main(function()
    local sent = {}
    assert.equal(sent, (echoed(sent)))
  end))
end)
