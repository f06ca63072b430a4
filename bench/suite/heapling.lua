-- Workers of bench/heaps.lua, which their heaps find by name.
local dynsup = require("dynsup")

local heapling = {}

function heapling.idle()
  dynsup.receive()
end

-- About 1 MB of tables a second, a few at a time.
function heapling.litter()
  while true do
    for i = 1, 10 do
      local _ = { i, tostring(i) }
    end
    dynsup.sleep(1)
  end
end

-- Runs cycles of its heap's collector; sends the longest pause.
function heapling.cycle(to, file)
  dynsup.send(to, dofile(file)(dynsup.now))
end

function heapling.pong()
  local send, receive = dynsup.send, dynsup.receive
  while true do
    local from, value = receive()
    send(from, value)
  end
end

-- Plays a number of rounds with the other; sends the ms.
function heapling.ping(to, other, rounds, value)
  local self, send, receive = dynsup.self(), dynsup.send, dynsup.receive
  local begun = dynsup.now()
  for _ = 1, rounds do
    send(other, self, value)
    receive()
  end
  send(to, dynsup.now() - begun)
end

return heapling
