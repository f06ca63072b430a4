-- Heaps that are lost while what lives in them waits for sockets, files, requests and others: nothing of it
-- stays, and the host goes on.

local host = require "spec.support.host"
local http_support = require "spec.support.http"
local net = require "spec.support.net"
local heaps = require "spec.support.heaps"
local dynsup = require "dynsup"
local waits = require "spec.support.heap_waits"

local ask = heaps.ask
local serving = heaps.serving

local MEMORY = 6000000

-- A listener whose connections nobody reads, and its port.
local function silent_listener()
  local listener, port = net.listen()
  dynsup.spawn_link(function()
    local sockets = {}
    repeat
      sockets[#sockets + 1] = listener:accept()
    until listener:is_closing()
  end)
  return port
end

local silent = {}

function silent.init()
  return "ok", true
end

function silent.handle_call(_, _, state)
  return "noreply", state
end

-- Something that takes a thread long to read.
local function big_file()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:seek("set", 1 << 30)
  file:write "x"
  file:close()
  return path
end

-- Who is in the heap of an eater, which then eats.
local function lose(eater, to)
  local ref = dynsup.monitor(eater)
  dynsup.send(eater, "eat")
  assert.equal("memory_exceeded", host.down(ref))
  return to and host.down(to)
end

local function supervisor_with_eater()
  local sup = heaps.supervisor { heaps = 1, heap_memory = MEMORY }
  local eater = serving(sup, {
    body = "spec.support.heap_worker:eater",
    args = { dynsup.self(), 10000 },
    restart = "temporary",
  })
  assert.equal("up", (dynsup.receive(10000)))
  return sup, eater
end

-- Nobody is left in the heaps, and they are closed when threads have noticed.
local function until_closed()
  for _ = 1, 5000 do
    if #dynsup.heaps() == 1 then return end
    dynsup.sleep(1)
  end
  error "a heap stays open"
end

-- What the waits are given, for a function f; then it is all ended.
local function with_counterparts(f)
  local path = big_file()
  local _, ref = dynsup.spawn_monitor(function()
    local server = assert(dynsup.server.start_link(silent))
    local sup = assert(dynsup.start_link())
    f { silent_listener(), path, server, sup }
    dynsup.exit "shutdown" -- with all of them
  end)
  local reason = host.down(ref)
  os.remove(path)
  assert.equal("shutdown", tostring(reason))
end

local function each_wait(f)
  for _, name in ipairs(waits.names) do
    it(name .. " leaves nothing", net.main(function()
      with_counterparts(function(counterparts)
        for _ = 1, 3 do
          f(name, counterparts)
        end
      end)
    end, { log_level = "off" }))
  end
end

-- The host goes on, also in a new heap of that supervisor's.
local function goes_on(sup)
  assert.equal("on", ask(serving(sup), "echo", "on"))
  assert.is_true(dynsup.stop(sup))
  until_closed()
end

-- A child with this field waits while its heap is lost.
local function lost_under(field, waiter)
  each_wait(function(name, counterparts)
    local sup, eater = supervisor_with_eater()
    local pid = serving(sup, {
      [field] = "spec.support.heap_waits:" .. waiter,
      args = { dynsup.self(), name, table.unpack(counterparts) },
      restart = "temporary",
    })
    assert.same({ "waits", pid }, { dynsup.receive(10000) })
    net.until_waiting(pid)
    assert.equal("memory_exceeded", lose(eater, dynsup.monitor(pid)))
    goes_on(sup)
  end)
end

describe("a heap that is lost while a worker in it waits in", function()
  lost_under("body", "wait")
end)

describe("a heap that is lost while a server in it waits in", function()
  lost_under("start", "server")
end)

describe("a heap that is lost while a start function in it waits in", function()
  each_wait(function(name, counterparts)
    local sup, eater = supervisor_with_eater()
    local me = dynsup.self()
    local _, asked = dynsup.spawn_monitor(function()
      dynsup.exit { dynsup.start_child(sup, {
        start = "spec.support.heap_waits:wait",
        args = { me, name, table.unpack(counterparts) },
      }) }
    end)
    assert.same({ "waits", sup }, { dynsup.receive(10000) })
    net.until_waiting(sup)
    assert.same({ nil, "memory_exceeded" }, lose(eater, asked))
    assert.same({ specs = 0, active = 0, supervisors = 0, workers = 0 }, dynsup.count_children(sup))
    goes_on(sup)
  end)
end)

http_support.describe("a heap that is lost while a request in it is under way", function()
  local source = [[
    local http, dynsup = require "dynsup.http", require "dynsup"
    local to, url, stream = ...
    local function on_chunk()
      dynsup.send(to, "chunk")
      dynsup.sleep()
    end
    http.get(url, { proxy = "", on_chunk = stream and on_chunk or nil, max_bytes = "infinity" })
  ]]

  for _, path in ipairs { "hang", "hang-head", "hang-body", "drip", "endless", "to/302/hang" } do
    for _, streams in ipairs { false, true } do
      it(("closes its connection: %s%s"):format(path, streams and ", as a stream" or ""), http_support.main(function()
        local sup, eater = supervisor_with_eater()
        local pid = serving(sup, { restart = "temporary" })
        local before = http_support.number "seen"
        dynsup.send(pid, dynsup.self(), "eval", source, dynsup.self(), http_support.url(path), streams)
        repeat
          dynsup.sleep(1)
        until http_support.number "seen" > before + 1
        assert.equal("memory_exceeded", lose(eater, dynsup.monitor(pid)))
        http_support.await_closed()
        goes_on(sup)
      end, { log_level = "off" }))
    end
  end
end)
