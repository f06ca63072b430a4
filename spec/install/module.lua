-- For a stock lua5.4: the module runs a supervised worker.
local dynsup = require "dynsup"

local function main()
  local sup = assert(dynsup.start_link())
  local self = dynsup.self()
  assert(dynsup.start_child(sup, function()
    dynsup.send(self, "up")
  end))
  return dynsup.receive(1000)
end

local ok, word = dynsup.run(main)
assert(ok and word == "up", word)
print("lua " .. dynsup.version .. ": " .. word)
