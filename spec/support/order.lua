-- Workers that note in which order they start and end.
local dynsup = require "dynsup"
local host = require "spec.support.host"

local order = {}

local notes = {}

function order.reset()
  notes = {}
end

-- In one step, since the calling process may be interrupted anywhere.
function order.note(text)
  table.insert(notes, text)
end

-- What has been noted since the last time, once everything that is ready has come to rest.
function order.take()
  dynsup.sleep(1)
  local text = table.concat(notes, " ")
  notes = {}
  return text
end

local function closing(id)
  return setmetatable({}, {
    __close = function()
      order.note("-" .. tostring(id))
    end,
  })
end

local function run(id)
  order.note("+" .. tostring(id))
  local _ <close> = closing(id)
  while true do
    local what, value = dynsup.receive()
    if what == "exit" then
      dynsup.exit(value)
    elseif what == "error" then
      error(value, 0)
    end
  end
end

-- The spec of a worker that notes +id and -id, and ends when it gets "exit", reason or "error".
function order.worker(id, fields)
  local spec = { id = id, body = run, args = { id } }
  for name, value in pairs(fields or {}) do
    spec[name] = value
  end
  return spec
end

-- The pid of the supervisor's child with this id.
function order.pid(sup, id)
  for _, child in ipairs(dynsup.supervisor.which_children(sup)) do
    if rawequal(child.id, id) then
      return child.pid
    end
  end
end

-- A test in a host without a log, that traps exits.
function order.main(f)
  return host.main(function()
    order.reset()
    dynsup.flag("trap_exit", true)
    f()
  end, { log_level = "off" })
end

-- A static supervisor whose start is not noted.
function order.started(children, options)
  local sup = assert(dynsup.supervisor.start_link(children, options))
  order.take()
  return sup
end

return order
