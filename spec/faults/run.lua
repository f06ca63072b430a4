-- Runs the programs without a fault, each once: what is looked for is another Lua's errors.
-- Usage: dynsup.run(loadfile "spec/faults/run.lua" [, MODULE...])
local dynsup = require "dynsup"

local modules = { ... }
if #modules == 0 then
  modules = { "process", "supervisor", "static", "server", "task", "registry", "state", "watch", "files", "heaps",
    "socket" }
end

for _, module in ipairs(modules) do
  for _, program in ipairs(require("spec.faults." .. module)) do
    local title, run = table.unpack(program)
    local _, ref = dynsup.spawn_monitor(run)
    local _, _, _, reason = dynsup.receive_match(function(_, down) return down == ref end)
    print(("%s: %s: %s"):format(module, title, tostring(reason)))
  end
end
dynsup.halt(0)
