-- Runs tests of sockets and files: in hosts on the real clock, on loopback, with a look at what is
-- left open afterwards.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local uv = require "luv"

local net = {}

-- How many files the program has open, one more for looking.
function net.open_files()
  local count = 0
  for _ in uv.fs_scandir_next, uv.fs_scandir "/proc/self/fd" do
    count = count + 1
  end
  return count
end

-- Is that so within seconds? A thread that opens or reads a file notices late that nobody waits.
local function are_open_at_most(count)
  local looks = 3000
  while net.open_files() > count and looks > 0 do
    uv.sleep(1)
    looks = looks - 1
  end
  return looks > 0
end

-- A test body like host.main on the real clock; when it is over no more files are open than before.
function net.main(f, options)
  return function()
    local merged = { clock = "real" }
    for name, value in pairs(options or {}) do
      merged[name] = value
    end
    host.run(function()
      dynsup.net.listen("127.0.0.1", 0) -- the loop's own files are there before they are counted
    end, { clock = "real" })
    local before = net.open_files()
    host.run(f, merged)
    assert(are_open_at_most(before), "files were left open")
  end
end

-- Gives way until the process waits. A failure while memory is refused (tools/check-memory) may have kept it
-- from that.
function net.until_waiting(pid)
  for _ = 1, 1000000 do
    if assert(dynsup.info(pid), "it has ended").status == "waiting" then return end
    dynsup.yield()
  end
  error "it never waits"
end

-- A listener of the caller's on loopback, and its port.
function net.listen(options)
  local listener = assert(dynsup.net.listen("127.0.0.1", 0, options))
  local _, port = listener:sockname()
  return listener, port
end

-- Two ends of a connection, both the caller's.
function net.pair(options)
  local listener <close>, port = net.listen(options)
  local client = assert(dynsup.net.connect("127.0.0.1", port, 10000, options))
  return client, assert(listener:accept(10000))
end

return net
