-- Programs of tasks.
local dynsup = require "dynsup"
local task = require "dynsup.task"

local function work(ms, ...)
  dynsup.sleep(ms)
  return ...
end

return {
  { "tasks that are awaited, in time and too late", function()
    task.await(task.async(work, 1, {}, nil), 50)
    task.await(task.async(work, 100), 1)
    local t = task.async(work, 2, 1)
    task.yield(t, 1)
    task.yield(t, 50)
    task.await_many({ task.async(work, 1), task.async(work, 2) }, 50)
    task.yield_many({ task.async(work, 1), task.async(work, 100) }, 2)
  end },

  { "tasks that are given up", function()
    task.shutdown(task.async(work, 100), 5)
    task.shutdown(task.async(work, 100), "brutal_kill")
    task.ignore(task.async(work, 2))
    dynsup.sleep(3)
  end },

  { "tasks below a supervisor", function()
    local sup = assert(dynsup.start_link())
    task.start_child(sup, work, 1)
    task.await(task.async_nolink(sup, error, {}), 50)
    task.await(assert(task.async_link(sup, work, 1, 2)), 50)
    dynsup.start_child(sup, { task, work })
  end },

  { "streams", function()
    for _, result in task.async_stream(nil, { 1, 2, 3, 4 }, work, { max_concurrency = 2 }) do
      if result == 3 then break end
    end
    local options = { timeout = 2, on_timeout = "kill_task", ordered = false }
    for _ in task.async_stream(nil, { 1, 100 }, work, options) do dynsup.yield() end
    local sup = assert(dynsup.start_link())
    for _ in task.async_stream(sup, { 1, 2 }, work) do dynsup.yield() end
  end },
}
