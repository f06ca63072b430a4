-- Servers that join a supervisor at run time, whatever that is and is doing meanwhile.

local dynsup = require "dynsup"
local host = require "spec.support.host"

local server, supervisor = dynsup.server, dynsup.supervisor

-- A module for { M, arg }; its servers say who they are.
local function module_of(init)
  local M = { init = init or function(arg)
    return "ok", arg
  end }
  server.use(M)
  function M.handle_call(_, _, state)
    return "reply", dynsup.self(), state
  end
  function M.handle_cast()
    error "the server breaks"
  end
  return M
end

local function idle()
  return dynsup.spawn_link(function()
    dynsup.receive()
  end)
end

local function waiting()
  dynsup.receive()
end

local kinds = {
  static = function(options)
    return assert(supervisor.start_link({}, options))
  end,
  dynamic = function(options)
    return assert(dynsup.start_link(options))
  end,
}

-- How a supervisor of a kind can be met: the function returns it, and when that is over.
local moments = {
  idle = function(kind)
    return kinds[kind]()
  end,
  busy = function(kind)
    local sup = kinds[kind]()
    dynsup.spawn(function()
      dynsup.start_child(sup, { id = "slow", start = function()
        dynsup.sleep(10)
        return idle()
      end })
    end)
    dynsup.sleep(1)
    return sup
  end,
  ["still in its init"] = function(kind)
    local module = {
      init = function()
        dynsup.sleep(10)
        return kind == "static" and supervisor.init({}, {}) or dynsup.init {}
      end,
    }
    local start_link = kind == "static" and supervisor.start_link or dynsup.start_link
    dynsup.spawn(function()
      start_link(module, nil, { name = "met" })
      dynsup.receive()
    end)
    dynsup.sleep(1)
    return assert(dynsup.whereis "met")
  end,
}

local function pid_of(sup, id)
  for _, child in ipairs(dynsup.which_children(sup)) do
    if child.id == id then
      return child.pid
    end
  end
end

for kind in pairs(kinds) do
  for moment, meet in pairs(moments) do
    describe(("under a %s supervisor that is %s"):format(kind, moment), function()
      for _, how in ipairs { "start_child", "ensure_child" } do
        it("a server is started by " .. how .. " and restarted", host.main(function()
          local M = module_of()
          local sup = meet(kind)
          local pid, detail = dynsup[how](sup, { M, 1 })
          assert.is_true(dynsup.is_pid(pid), tostring(detail))
          assert.not_equal(sup, pid)
          assert.equal(pid, pid_of(sup, M))
          assert.equal(pid, server.call(pid, "who"))
          server.cast(pid, "break")
          dynsup.sleep(1)
          local again = pid_of(sup, M)
          assert.not_equal(pid, again)
          assert.equal(again, server.call(again, "who"))
          assert.is_true(dynsup.terminate_child(sup, again))
          assert.is_false(dynsup.is_alive(again))
          assert.is_true(dynsup.stop(sup))
        end, { log_level = "off" }))
      end
    end)
  end

  it(("a server that failed under a %s supervisor is started again by restart_child"):format(kind), host.main(function()
    local M = module_of()
    local sup = kinds[kind]()
    local spec = M.child_spec(1)
    spec.max_restarts = 0
    local pid = assert(dynsup.start_child(sup, spec))
    server.cast(pid, "break")
    dynsup.sleep(1)
    assert.equal("failed", pid_of(sup, M))
    local again = assert(dynsup.restart_child(sup, pid))
    assert.equal(again, server.call(again, "who"))
    assert.equal(again, pid_of(sup, M))
    assert.is_true(dynsup.stop(sup))
  end, { log_level = "off" }))
end

for moment, meet in pairs(moments) do
  describe(("a static supervisor that is %s"):format(moment), function()
    it("knows a server by its id", host.main(function()
      local M = module_of()
      local sup = meet "static"
      local pid = assert(dynsup.start_child(sup, { M, 1 }))
      assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, { M, 1 }) })
      assert.is_true(supervisor.terminate_child(sup, M))
      assert.same({ nil, "already_present" }, { dynsup.start_child(sup, { M, 1 }) })
      local again = assert(supervisor.restart_child(sup, M))
      assert.equal(again, server.call(again, "who"))
      assert.is_true(supervisor.terminate_child(sup, M))
      assert.is_true(supervisor.delete_child(sup, M))
      assert.is_true(dynsup.stop(sup))
    end))

    it("forgets a server that fails to start", host.main(function()
      local M = module_of(function()
        return "stop", "no"
      end)
      local sup = meet "static"
      local before = #dynsup.which_children(sup)
      assert.same({ nil, "no" }, { dynsup.start_child(sup, { M, 1 }) })
      assert.equal(before, #dynsup.which_children(sup))
      assert.is_true(dynsup.stop(sup))
    end))
  end)
end

-- What a supervisor is, and what it gives to its children, is known when its init is done.
describe("a child that is asked for while its supervisor's init is at work", function()
  local function initialising(start_link, flags)
    dynsup.spawn(function()
      start_link({
        init = function()
          dynsup.sleep(10)
          return flags()
        end,
      }, nil, { name = "met" })
      dynsup.receive()
    end)
    dynsup.sleep(1)
  end

  for how, child in pairs { server = { module_of(), 1 }, body = { body = function() end }, ["function"] = idle } do
    it("lives in one of its heaps: a " .. how, host.main(function()
      initialising(dynsup.start_link, function()
        return dynsup.init { heaps = 1 }
      end)
      local pid, reason = dynsup.start_child("met", child)
      assert.same({ nil, "invalid_mfa" }, { pid, reason })
    end))
  end

  it("gets its extra arguments", host.main(function()
    initialising(dynsup.start_link, function()
      return dynsup.init { extra_arguments = { module_of(), "extra" } }
    end)
    local pid = assert(dynsup.start_child("met", { start = server.start_link, args = {} }))
    assert.equal(pid, server.call(pid, "who"))
  end))

  it("may be significant", host.main(function()
    initialising(supervisor.start_link, function()
      return supervisor.init({}, { auto_shutdown = "any_significant" })
    end)
    local spec = { id = 1, body = waiting, significant = true, restart = "temporary" }
    assert.is_true(dynsup.is_pid((dynsup.start_child("met", spec))))
  end))

  it("is not, when that fails", host.main(function()
    initialising(dynsup.start_link, function()
      return "ignore"
    end)
    assert.same({ nil, "noproc" }, { dynsup.start_child("met", { body = waiting }) })
  end))
end)

-- A supervisor that starts somebody waits for its init: who asks it meanwhile would wait for ever.
describe("an init", function()
  local requests = {
    start_child = function(sup) return dynsup.start_child(sup, { id = 1, body = waiting }) end,
    ensure_child = function(sup) return dynsup.ensure_child(sup, { id = 1, body = waiting }) end,
    terminate_child = function(sup) return dynsup.terminate_child(sup, dynsup.self()) end,
    which_children = dynsup.which_children,
    stop = dynsup.stop,
  }

  -- The errors of the requests, in an init; each request is named once.
  local function asks(sup, heard)
    for name, request in pairs(requests) do
      local ok, message = pcall(request, sup)
      heard[#heard + 1] = ok and name .. " was served" or not tostring(message):find "calls itself" and message or nil
    end
    heard.times = (heard.times or 0) + 1
  end

  for kind, start_link in pairs(kinds) do
    it(("of a server cannot ask the %s supervisor that starts it, at any start"):format(kind), host.main(function()
      local sup, heard = start_link(), {}
      local M = module_of(function(arg)
        asks(sup, heard)
        return "ok", arg
      end)
      local pid = assert(dynsup.start_child(sup, { M, 1 }))
      server.cast(pid, "break")
      dynsup.sleep(1)
      assert.same({ times = 2 }, heard)
      assert.equal(pid_of(sup, M), server.call(pid_of(sup, M), "who"))
      assert.is_true(dynsup.stop(sup))
    end, { log_level = "off" }))

    it(("of a supervisor, and what that starts, cannot ask the %s one above"):format(kind), host.main(function()
      local sup, heard = start_link(), {}
      local M = module_of(function(arg)
        asks(sup, heard)
        return "ok", arg
      end)
      local middle = { init = function()
        asks(sup, heard)
        return supervisor.init({ { M, 1 } }, {})
      end }
      assert(dynsup.start_child(sup, { id = 1, start = supervisor.start_link, args = { middle }, type = "supervisor" }))
      assert.same({ times = 2 }, heard)
      assert.is_true(dynsup.stop(sup))
    end))
  end

  it("of a server can ask another supervisor", host.main(function()
    local other, pid = kinds.dynamic(), nil
    local M = module_of(function(arg)
      pid = assert(dynsup.start_child(other, { body = waiting }))
      return "ok", arg
    end)
    local sup = kinds.static()
    assert(dynsup.start_child(sup, { M, 1 }))
    assert.is_true(dynsup.is_pid(pid))
  end))

  it("that has returned is followed by handle_continue, which may ask", host.main(function()
    local sup, pid = kinds.static(), nil
    local M = module_of(function(arg)
      return "ok", arg, { continue = "helper" }
    end)
    function M.handle_continue(_, state)
      pid = dynsup.start_child(sup, { id = "helper", body = waiting })
      return "noreply", state
    end
    assert(dynsup.start_child(sup, { M, 1 }))
    dynsup.sleep(1)
    assert.equal(pid_of(sup, "helper"), pid)
  end))
end)
