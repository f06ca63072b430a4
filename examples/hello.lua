-- A worker under a dynamic supervisor, a message to it and its answer.
local dynsup = require "dynsup"

local function greeter(greeting)
  while true do
    local from, name = dynsup.receive()
    dynsup.send(from, greeting .. ", " .. name .. "!")
  end
end

local supervisor = assert(dynsup.start_link { strategy = "one_for_one" })
assert(dynsup.start_child(supervisor, { body = greeter, args = { "Hello" }, name = "greeter" }))

for _, name in ipairs { "world", "moon" } do
  dynsup.send("greeter", dynsup.self(), name)
  print(dynsup.receive(1000))
end

print("children:", dynsup.count_children(supervisor).active)
dynsup.stop(supervisor)
