--- The dynamic supervisor of the workers.
local dynsup = require "dynsup"

local Worker = require "worker"

local NAME = "duper.worker_supervisor"

local WorkerSupervisor = {}
dynsup.use(WorkerSupervisor)

---@return userdata? pid
---@return string? reason
function WorkerSupervisor.start_link()
  return dynsup.start_link(WorkerSupervisor, "no_args", { name = NAME })
end

function WorkerSupervisor.init()
  return dynsup.init { strategy = "one_for_one" }
end

---@return userdata? pid
---@return string? reason
function WorkerSupervisor.add_worker()
  return dynsup.start_child(NAME, Worker)
end

return WorkerSupervisor
