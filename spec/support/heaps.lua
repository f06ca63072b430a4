-- What the specs of heaps share: supervisors with heaps, and workers in them that answer questions.
local assert = require "luassert"
local dynsup = require "dynsup"

local heaps = {}

heaps.SERVE = "spec.support.heap_worker:serve"

function heaps.supervisor(options)
  return assert(dynsup.start_link(options or { heaps = 2 }))
end

function heaps.serving(sup, spec)
  spec = spec or {}
  spec.body = not spec.start and (spec.body or heaps.SERVE) or nil
  return assert(dynsup.start_child(sup, spec))
end

-- Asks a worker that serves; raises what its answer raised.
function heaps.ask(pid, ...)
  dynsup.send(pid, dynsup.self(), ...)
  local results = table.pack(dynsup.receive_match(pid, 1000))
  assert.is_true(results[2], results[3])
  return table.unpack(results, 3, results.n)
end

function heaps.heap_of(pid)
  return dynsup.info(pid).heap
end

function heaps.numbers()
  local list = {}
  for i, row in ipairs(dynsup.heaps()) do
    list[i] = row.heap
  end
  return list
end

-- Waits until what is ready, and with it the closing of heaps, is done.
function heaps.settle()
  dynsup.sleep(1)
end

return heaps
