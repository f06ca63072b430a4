-- Programs of servers.
local dynsup = require "dynsup"
local server = require "dynsup.server"

local M = server.use {}

function M.init(arg)
  if arg == "slow" then dynsup.sleep(1) end
  if arg == "stop" then return "stop", { "why" } end
  return "ok", { arg }, { continue = {} }
end

function M.handle_continue(_, state) return "noreply", state end

function M.handle_call(request, from, state)
  if request == "slow" then dynsup.sleep(1) end
  if request == "crash" then error {} end
  if request == "stop" then return "stop", "normal", {}, state end
  if request == "never" then return "noreply", state end
  if request == "later" then
    dynsup.send_after(1, dynsup.self(), "answer", from)
    return "noreply", state
  end
  return "reply", { request }, state
end

function M.handle_cast(request, state)
  dynsup.sleep(1)
  return "noreply", { request, state[1] }
end

function M.handle_info(message, state)
  if message[1] == "answer" then server.reply(message[2], {}) end
  return "noreply", state
end

function M.terminate() dynsup.sleep(1) end

return {
  { "calls of each kind", function()
    local pid = assert(server.start_link(M, "slow", { name = "served", timeout = 50 }))
    server.call(pid, {}, 50)
    server.call(pid, "slow", 50)
    server.call("served", "later", 50)
    server.call("served", "never", 1)
    server.call("nobody", {}, 1)
    server.cast(pid, {})
    server.call(pid, {}, 50)
    server.stop(pid)
  end },

  { "servers that fail", function()
    dynsup.flag("trap_exit", true)
    server.start_link(M, "stop")
    for _, request in ipairs { "crash", "stop" } do
      local pid = assert(server.start_link(M))
      server.call(pid, request, 50)
      dynsup.receive_match("EXIT", 10)
    end
    server.start_link(M, "slow", { timeout = 0 }) -- one without a link would outlive who is killed meanwhile
    dynsup.sleep(2)
  end },

  { "a server below a supervisor", function()
    local sup = assert(dynsup.start_link())
    dynsup.start_child(sup, server.child_spec(M, 1, { name = "served" }))
    server.call("served", "crash", 50)
    server.call("served", {}, 50)
    dynsup.terminate_child(sup, "served")
  end },
}
