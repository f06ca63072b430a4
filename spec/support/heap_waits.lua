-- What a worker in a further heap may wait in, by name; for tests that lose the heap meanwhile. Each gets what
-- the test has made for it.
local dynsup = require "dynsup"

local kinds = {}

function kinds.accept()
  assert(dynsup.net.listen("127.0.0.1", 0)):accept()
end

function kinds.connect()
  dynsup.net.connect("192.0.2.1", 1) -- an address for documentation: nobody answers, or no route
  dynsup.sleep()
end

kinds["connect by name"] = function()
  dynsup.net.connect("nobody.invalid", 1)
  dynsup.sleep()
end

function kinds.read(port)
  assert(dynsup.net.connect("127.0.0.1", port)):read "some"
end

kinds["read of lines"] = function(port)
  for _ in assert(dynsup.net.connect("127.0.0.1", port)):lines() do end
end

function kinds.write(port)
  local socket = assert(dynsup.net.connect("127.0.0.1", port))
  repeat until not socket:write(("x"):rep(1 << 20))
end

function kinds.hash(_, path)
  dynsup.fs.hash(path)
end

kinds["read of a file"] = function(_, path)
  dynsup.fs.read(path)
end

kinds["work of luv's threads"] = function()
  local uv = require "luv"
  for _ = 1, 50 do
    uv.fs_stat("/", function() end)
  end
  dynsup.await(function(resume)
    uv.fs_scandir("/proc", function()
      uv.new_timer():start(100000, 0, resume)
    end)
  end)
end

function kinds.await()
  dynsup.await(function() end)
end

function kinds.receive()
  dynsup.send_after(100000, dynsup.self(), "late")
  dynsup.monitor "nobody"
  dynsup.receive_match "never"
end

function kinds.call(_, _, server)
  dynsup.server.call(server, "never", "infinity")
end

function kinds.task()
  local task = dynsup.task
  task.await(task.async(dynsup.sleep), "infinity")
end

kinds["start of a child"] = function(_, _, _, sup)
  dynsup.start_child(sup, { body = "spec.support.heap_worker:never_ready", ready = true })
end

local waits = { names = {} }

for name in pairs(kinds) do
  waits.names[#waits.names + 1] = name
end
table.sort(waits.names)

-- A body, or a start function.
function waits.wait(to, name, ...)
  dynsup.send(to, "waits", dynsup.self())
  kinds[name](...)
  dynsup.sleep()
end

-- A server that waits in a callback.
local waiter = {}

function waiter.init(arguments)
  return "ok", arguments
end

function waiter.handle_cast(_, arguments)
  waits.wait(table.unpack(arguments, 1, arguments.n))
end

function waits.server(...)
  local pid = assert(dynsup.server.start_link(waiter, table.pack(...)))
  dynsup.server.cast(pid, "wait")
  return pid
end

return waits
