-- Children that save their state, for the specs of that.

local dynsup = require "dynsup"

local keeping = {}

-- A body that sends the main process what the previous incarnation has left, then follows messages: "save" a
-- value, "exit" with a reason, "crash".
function keeping.keeper(main)
  dynsup.send(main, "began", dynsup.previous() or false)
  while true do
    local what, value = dynsup.receive()
    if what == "save" then
      dynsup.send(main, "saved", dynsup.save_state(value))
    elseif what == "exit" then
      dynsup.exit(value)
    elseif what == "crash" then
      error(value, 0)
    elseif what == "return" then
      return
    end
  end
end

-- Waits for the next incarnation: what it was left, or false.
function keeping.began()
  local tag, previous = dynsup.receive_match("began", 1000)
  assert(tag == "began", "no incarnation has begun")
  return previous
end

-- A keeper under a new supervisor. Returns a function that sends it a message, and the supervisor.
function keeping.start(fields, options)
  local spec = { body = keeping.keeper, args = { dynsup.self() }, name = "keeper" }
  for name, value in pairs(fields or {}) do spec[name] = value end
  local sup = dynsup.start_link(options or { max_restarts = 1000 })
  assert(dynsup.start_child(sup, spec))
  assert(keeping.began() == false, "the first incarnation was left something")
  return function(...) dynsup.send("keeper", ...) end, sup
end

-- Saves, and returns what save_state said.
function keeping.save(tell, value)
  tell("save", value)
  return select(2, dynsup.receive_match("saved", 1000))
end

-- Ends it, and returns what the next incarnation was left.
function keeping.crash(tell, reason)
  tell("crash", reason or "boom")
  return keeping.began()
end

return keeping
