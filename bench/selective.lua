-- What a long mailbox costs a process that looks for one message in it: SIZE others are queued. Prints
--   match   receives/s by receive_match, each of which goes through all of the mailbox
--   call    calls/s of a server, whose replies are found without looking at older messages
local dynsup = require("dynsup")
local bench = dofile(arg[0]:gsub("[^/]*$", "") .. "suite/harness.lua")

local function queue(count)
  for i = 1, count do
    dynsup.send(dynsup.self(), "other", i)
  end
end

local Echo = {}

function Echo.init(state)
  return "ok", state
end

function Echo.handle_call(request, _, state)
  return "reply", request, state
end

local function match(count)
  local me, send, receive_match = dynsup.self(), dynsup.send, dynsup.receive_match
  local begun = dynsup.now()
  for i = 1, count do
    send(me, "wanted", i)
    receive_match("wanted")
  end
  return dynsup.now() - begun
end

local function call(count)
  local pid = assert(dynsup.server.start_link(Echo, 1))
  local begun = dynsup.now()
  for i = 1, count do
    assert(dynsup.server.call(pid, i) == i)
  end
  local ms = dynsup.now() - begun
  dynsup.server.stop(pid)
  return ms
end

for _, size in ipairs(bench.sizes({ 10000 }, { 100 })) do
  dynsup.spawn(function()
    queue(size)
    if bench.wants("match") then
      local count = math.max(10, bench.count(20000000, 1000) // size)
      match(count // 10)
      bench.rate("match", size, count, match(count), "receives")
    end
    if bench.wants("call") then
      local count = bench.count(500000, 100)
      call(count // 10)
      bench.rate("call", size, count, call(count), "calls")
    end
  end)
end
