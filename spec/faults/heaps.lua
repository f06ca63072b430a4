-- Programs of workers in further heaps.
local dynsup = require "dynsup"

local WORKER = "spec.support.heap_worker:"

local function serving(sup, more)
  local spec = { body = WORKER .. "serve" }
  for key, value in pairs(more or {}) do spec[key] = value end
  return (dynsup.start_child(sup, spec))
end

local function ask(pid, ...)
  if not pid then return end
  dynsup.send(pid, dynsup.self(), ...)
  return select(2, dynsup.receive_match(pid, 50))
end

return {
  { "workers of two heaps that are asked", function()
    local sup = assert(dynsup.start_link { heaps = 2, extra_arguments = { {} } })
    local a, b = serving(sup), serving(sup, { args = { { 1 }, "text" }, name = "asked" })
    ask(a, "echo", { 1, { 2 } }, b, ("x"):rep(1000))
    ask(b, "echo", { 1 }, dynsup.monitor(a or sup))
    ask(b, "eval", "return require('dynsup').spawn(function() end)")
    dynsup.terminate_child(sup, "asked")
    dynsup.exit(a or sup, { "why" })
    dynsup.receive_match("DOWN", 10)
    dynsup.stop(sup)
  end },

  { "a heap of its own, for a body, one that is ready and a start function", function()
    local sup = assert(dynsup.start_link { max_restarts = 5 })
    local me = dynsup.self()
    ask(serving(sup, { heap = "own" }), "echo", {})
    dynsup.start_child(sup, { heap = "own", body = WORKER .. "ready", args = { 1 }, ready = true })
    dynsup.start_child(sup, { heap = "own", start = WORKER .. "start", args = { me } })
    dynsup.start_child(sup, { heap = "own", body = WORKER .. "crash", backoff = { min = 1 } })
    dynsup.sleep(3)
  end },

  { "a server in a heap", function()
    local sup = assert(dynsup.start_link { heaps = 1 })
    local pid = dynsup.start_child(sup, { start = WORKER .. "start_counter", args = { 1 } })
    if not pid then return end
    dynsup.server.call(pid, { "question" }, 50)
    dynsup.server.cast(pid, dynsup.self())
    dynsup.receive_match("cast", 50)
    dynsup.server.call(pid, "crash", 50)
  end },
}
