-- Programs of states that are saved, code that is reloaded, and clocks.
local dynsup = require "dynsup"
local clock = require "dynsup.clock"

local NAME = "spec.faults.reloaded"

return {
  { "a state that is saved for the next incarnation", function()
    local sup = assert(dynsup.start_link { max_restarts = 5 })
    dynsup.start_child(sup, { name = "keeper", body = function()
      local before = dynsup.previous()
      local state = before and before.state or { n = 0, list = { 1, { 2 } } }
      state.n = state.n + 1
      dynsup.save_state(state)
      if state.n < 3 then error {} end
      dynsup.save_state(nil)
      dynsup.receive()
    end })
    dynsup.sleep(1)
  end },

  { "code that is reloaded", function()
    local sup = assert(dynsup.start_link())
    for i = 1, 3 do dynsup.start_child(sup, { body = NAME .. ":idle", name = "renewed" .. i, args = { i } }) end
    dynsup.sleep(1)
    dynsup.reload(NAME)
    dynsup.reload(NAME, { restart = false })
    dynsup.reload "no.such.module"
  end },

  { "a clock that is stepped, paused and changed", function()
    local c = assert(clock.new { paused = true })
    local sup = assert(dynsup.start_link { clock = c })
    for i = 1, 3 do dynsup.start_child(sup, { body = dynsup.sleep, args = { i * 10 }, restart = "temporary" }) end
    c:step(15)
    c:resume()
    c:rate(100)
    dynsup.sleep(1)
    clock.of(sup)
    c:pause()
    c:step(100)
  end },
}
