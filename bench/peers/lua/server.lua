-- A request from the coroutine of a client to that of a server and the reply back, by a loop in Lua.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

local function serve(request)
  while true do
    request = coroutine.yield(request)
  end
end

local function ask()
  local i = 0
  while true do
    i = i + 1
    assert(coroutine.yield(i) == i)
  end
end

local function call_all(count)
  local client, server, resume = coroutine.create(ask), coroutine.create(serve), coroutine.resume
  local begun = bench.now()
  local _, value = resume(client)
  for _ = 1, count do
    _, value = resume(server, value)
    _, value = resume(client, value)
  end
  return bench.now() - begun
end

if bench.wants("call") and bench.sizes({ 1 }, { 1 })[1] == 1 then
  local count = bench.count(1000000, 100)
  call_all(count // 10)
  bench.rate("call", 1, count, call_all(count), "calls")
end
