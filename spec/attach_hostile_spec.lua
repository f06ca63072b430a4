-- Clients that mean no good, or are broken: a host goes on as if they were not there, and nothing of
-- them is left.
local attach = require "spec.support.attach"
local dynsup = require "dynsup"
local uv = require "luv"

local PATIENCE_MS = require "spec.support.patience" * 1000

-- A worker that beats as long as the host has time for it, and what the specs look at.
local SCRIPT = [[
local dynsup = require "dynsup"
beats = 0
dynsup.spawn(function()
  while true do
    dynsup.sleep(1)
    beats = beats + 1
  end
end)
function loud(n)
  dynsup.spawn(function()
    for i = 1, n do
      dynsup.log.warning("noise", { number = i })
    end
  end)
end
for _ = 1, 1100 do -- as many coroutines as are kept for the next processes
  dynsup.spawn(dynsup.sleep, 1)
end
function memory()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end
]]

local MEMORY_KB = 400 -- of the state's memory that may differ: what tables and strings keep reserved
local FILE_KB = 20000 -- of the program's

local function count_files(host)
  local count = 0
  for _ in uv.fs_scandir_next, uv.fs_scandir(("/proc/%d/fd"):format(host.pid)) do
    count = count + 1
  end
  return count
end

local function resident_kb(host)
  local file <close> = assert(io.open(("/proc/%d/status"):format(host.pid)))
  return tonumber(file:read "a":match "VmRSS:%s*(%d+)")
end

local function ask(control, code)
  local values, err = control:eval(code)
  return assert(math.tointeger(tonumber(values[1])) or tonumber(values[1]), err)
end

-- Waits until something is as before; looks of the host's make the time pass.
local function await_same(control, expected, what, look)
  for _ = 1, 5000 do
    if look() == expected then
      return
    end
    ask(control, "dynsup.sleep(1) return 1")
  end
  error(("%s: %s, before %s"):format(what, look(), expected))
end

-- The host is as it was: it beats, and no process, file or memory is left.
local function assert_unharmed(host, control, before)
  local beats = ask(control, "beats")
  ask(control, ("while beats <= %d do dynsup.sleep(1) end return beats"):format(beats))
  await_same(control, before.files, "open files", function() return count_files(host) end)
  await_same(control, before.processes, "processes", function()
    return ask(control, "#processes { limit = 1000 }")
  end)
  local memory = ask(control, "memory()")
  assert.is_true(memory - before.memory < MEMORY_KB, ("%f kB, before %f"):format(memory, before.memory))
  local resident = resident_kb(host)
  assert.is_true(resident - before.resident < FILE_KB, ("%d kB, before %d"):format(resident, before.resident))
end

-- A test body with a host and a look at it afterwards; f gets the host and a client that behaves.
local function unharmed(f)
  return attach.with_host(SCRIPT, function(host)
    local control = attach.client(host)
    attach.client(host):close()
    ask(control, "while #processes { limit = 1000 } > 6 do dynsup.sleep(1) end return memory()")
    local before = {
      processes = ask(control, "#processes { limit = 1000 }"),
      files = count_files(host),
      memory = ask(control, "memory()"),
      resident = resident_kb(host),
    }
    f(host, control)
    assert_unharmed(host, control, before)
    control:close()
  end)
end

local function connect(host)
  return assert(dynsup.net.connect(host.socket, PATIENCE_MS))
end

-- Everything up to the end of the stream.
local function read_all(socket)
  local text, _, rest = socket:read("all", PATIENCE_MS)
  return text or rest or ""
end

local CONVERSATION = table.concat({
  '{"do":"watch","level":"warning"}',
  '{"do":"line","text":"x = { 1, 2 }","width":80}',
  '{"do":"line","text":"for i = 1, 2 do"}',
  '{"do":"drop"}',
  '{"do":"complete","text":"dynsup.st"}',
  '{"do":"eval","text":"return ...","args":["a"],"json":true}',
  '{"do":"line","text":"dynsup.sleep(1)"}',
  '{"do":"interrupt"}',
  "",
}, "\n")

describe("a client that", function()
  it("sends garbage is told so and closed", unharmed(function(host)
    for _, garbage in ipairs {
      "\n", "garbage\n", "{\n", "[]\n", "1\n", '"text"\n', '{"do"\n', "\0\0\0\n", "\xff\xfe\n",
      "GET / HTTP/1.1\r\n\r\n",
      ("["):rep(60000) .. "\n", ('{"a":'):rep(10000) .. "\n", '{"do":"line","text":"\\ud800\n', '{"do":1e999}}\n',
    } do
      local socket = connect(host)
      socket:write(garbage)
      local text = read_all(socket)
      assert.truthy(text:find '^{"hello":"dynsup"[^\n]*}\n{"error":"[^\n]*"}\n$', text)
      socket:close()
    end
  end))

  it("sends random bytes does nothing but that", unharmed(function(host)
    math.randomseed(1)
    for _ = 1, 200 do
      local bytes = {}
      for i = 1, math.random(300) do bytes[i] = string.char(math.random(0, 255)) end
      local socket = connect(host)
      socket:write(table.concat(bytes))
      socket:close()
    end
  end))

  it("sends a changed conversation does nothing but that", unharmed(function(host)
    math.randomseed(2)
    for _ = 1, 200 do
      local at = math.random(#CONVERSATION)
      local text = CONVERSATION:sub(1, at - 1) .. string.char(math.random(0, 255)) .. CONVERSATION:sub(at + 1)
      local socket = connect(host)
      socket:write(text)
      if math.random() < 0.5 then
        socket:shutdown()
        read_all(socket)
      end
      socket:close()
    end
  end))

  it("goes after any byte of a conversation is forgotten", unharmed(function(host)
    for size = 0, #CONVERSATION do
      local socket = connect(host)
      socket:write(CONVERSATION:sub(1, size))
      socket:close()
    end
  end))

  it("goes after any byte of the answers is forgotten", unharmed(function(host)
    for size = 1, 400, 3 do
      local socket = connect(host)
      socket:write(CONVERSATION)
      socket:read(size, PATIENCE_MS)
      socket:close()
    end
  end))

  it("stops within a line waits for itself alone", unharmed(function(host, control)
    local sockets = {}
    for size = 1, 20 do
      sockets[size] = connect(host)
      sockets[size]:write(CONVERSATION:sub(1, size))
    end
    assert.equal("1\n", (control:line "1"))
    for _, socket in ipairs(sockets) do
      socket:close()
    end
  end))

  it("sends a line of 100 MB is told so and closed", unharmed(function(host)
    local socket = connect(host)
    local piece, sent = ("x"):rep(1 << 20), 0
    repeat
      local ok = socket:write(piece)
      sent = sent + (ok and 1 or 100)
    until sent >= 100
    local text = read_all(socket)
    assert.truthy(text:find('{"error":"a request has at most 400000 bytes"}\n', 1, true))
    socket:close()
  end))

  it("sends a request of a byte too many is told so and closed, whatever would follow", unharmed(function(host)
    local request = '{"do":"watch","level":"off"}'
    local longest = request .. (" "):rep(400000 - #request)
    for _, line_end in ipairs { "\n", "\r\n" } do
      local socket = connect(host)
      socket:write(longest .. line_end)
      socket:read("line", PATIENCE_MS)
      assert.equal('{"done":"watch"}', socket:read("line", PATIENCE_MS))
      socket:close()
    end
    for _, rest in ipairs { " ", "\r ", " \n" } do
      local socket = connect(host)
      socket:write(longest .. rest)
      assert.truthy(read_all(socket):find('\n{"error":"a request has at most 400000 bytes"}\n', 1, true))
      socket:close()
    end
  end))

  it("asks and never reads is left alone", unharmed(function(host, control)
    local socket = connect(host)
    local request = '{"do":"complete","text":"dynsup."}\n'
    socket:set { send_timeout = 50 }
    for _ = 1, 20000 do
      if not socket:write(request) then
        break
      end
    end
    assert.equal("1\n", (control:line "1"))
    socket:close()
  end))

  it("prints and never reads waits for itself alone", unharmed(function(host, control)
    local socket = connect(host)
    socket:write '{"do":"watch","level":"warning"}\n'
    socket:write '{"do":"line","text":"while true do loud(10) print(string.rep(\'x\', 1000)) end"}\n'
    local before = ask(control, "beats")
    ask(control, ("while beats < %d do dynsup.sleep(1) end loud(5000) return 1"):format(before + 100))
    assert.equal("1\n", (control:line "1"))
    ask(control, ("while beats < %d do dynsup.sleep(1) end return 1"):format(before + 200))
    socket:close()
  end))

  it("never reads what others print is told how much it has missed", unharmed(function(host, control)
    local client = attach.client(host)
    client:line "function flood() for i = 1, 20000 do print(string.rep('x', 100)) end end"
    client:send { ["do"] = "line", text = "dynsup.spawn(flood)" }
    ask(control, "dynsup.sleep(50) while #processes() > 9 do dynsup.sleep(1) end return 1")
    local printed, lost = 0, 0
    while printed + lost < 20000 do
      local message = assert(client:receive())
      printed = printed + (message.out and 1 or 0)
      lost = lost + (message.lost or 0)
    end
    assert.is_true(printed > 1000 and lost > 1000)
    client:close()
  end))

  it("sends more lines than wait is refused", unharmed(function(host)
    local socket = connect(host)
    for _ = 1, 200 do
      socket:write '{"do":"line","text":"dynsup.sleep(1e9)"}\n'
    end
    socket:read(5000, PATIENCE_MS)
    socket:close()
  end))

  it("begins a text again and again gets no more than its size", unharmed(function(host)
    local client = attach.client(host)
    for _ = 1, 20 do
      client:line("x = [[" .. ("y"):rep(50000))
    end
    client:close()
  end))

  it("comes a thousand times is let in each time", unharmed(function(host)
    for _ = 1, 1000 do
      local socket = connect(host)
      assert.truthy(socket:read("line", PATIENCE_MS))
      socket:close()
    end
  end))

  it("comes when there are 32 is turned away each time", unharmed(function(host)
    local clients = {}
    for i = 1, 31 do clients[i] = attach.client(host) end
    for _ = 1, 200 do
      local socket = connect(host)
      assert.equal('{"error":"there are 32 clients already"}\n', read_all(socket))
      socket:close()
    end
    for _, client in ipairs(clients) do client:close() end
  end))

  it("never reads does not hold up the end", attach.main(function(folder)
    local host = attach.host(folder, SCRIPT)
    for _ = 1, 3 do
      connect(host):write '{"do":"line","text":"while true do print(string.rep(\'x\', 1000)) end"}\n'
    end
    local control = attach.client(host)
    ask(control, "while beats < 50 do dynsup.sleep(1) end return 1")
    local begun = uv.hrtime()
    assert.equal(0, host:stop())
    assert.is_true(uv.hrtime() - begun < 4e9)
  end))
end)
