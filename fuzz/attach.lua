-- Fuzzes the attach protocol: bytes as a client would send them, into the host's side of a connection.
--   The host's invariants hold, and whatever was sent, the client gets lines of JSON, the first of
--   which is the hello.
-- A client's requests run as Lua code, so everything is removed here that reaches beyond the
-- state, or that can crash Lua itself.

local fuzz = ...
local dynsup = require "dynsup"
for _, name in ipairs { "fs", "net", "http" } do
  package.preload["dynsup." .. name] = nil
  package.loaded["dynsup." .. name] = nil
end
package.preload.luv, package.loaded.luv = nil, nil
local connection = require "dynsup.attach.connection"
local wire = require "dynsup.attach.wire"

local globals = _G

local function harmless()
  local open = function() return nil, "there are no files" end
  for name in next, io do
    globals.io[name] = name:find "^std" and io[name] or open
  end
  for _, name in ipairs { "execute", "remove", "rename", "tmpname", "exit" } do
    globals.os[name] = open
  end
  for _, name in ipairs { "dofile", "loadfile", "collectgarbage" } do
    globals[name] = open
  end
  globals.package.loadlib, package.path, package.cpath = open, "", ""
  globals.package.searchers = { package.searchers[1] }
  for name in next, debug do
    globals.debug[name] = name == "traceback" and debug[name] or nil
  end
  local load_any, rep = load, string.rep
  globals.load = function(chunk, name, _, ...) return load_any(chunk, name, "t", ...) end
  globals.string.rep = function(s, n, sep) return rep(s, math.min(tonumber(n) or 0, 1000), sep) end
  globals.string.dump = open
end

-- What the connection reads from and writes to.
local function new_socket(input)
  local socket, at = { sent = {} }, 1
  function socket.read(_, _, _, most)
    local stop = input:find("\n", at, true)
    if not stop then return nil, "closed" end
    local line = input:sub(at, stop - 1)
    at = stop + 1
    if #line > most then return nil, "too_long" end
    return line
  end
  function socket:write(text)
    self.sent[#self.sent + 1] = text
    return true
  end
  function socket.give() end
  function socket.set() end
  function socket.close() end
  return socket
end

local function play(socket)
  local settings = { script = "fuzz", pid = 1, clients = {}, pages = function() return {} end }
  dynsup.spawn(connection.serve, socket, settings)
  for i = 1, 300 do
    dynsup.yield()
    if i % 100 == 0 then dynsup.sleep(10) end
  end
  fuzz.host_check()
  dynsup.halt(0)
end

local function check_sent(sent)
  local first = true
  for line in table.concat(sent):gmatch "[^\n]+" do
    local message, problem = wire.decode(line)
    assert(message, problem)
    assert(not first or message.hello == "dynsup")
    first = false
  end
  assert(not first)
end

local options = { clock = "virtual", seed = 1, log_level = "off" }
local is_harmless = false

return function(input)
  if not is_harmless then
    dynsup.run(options, play, new_socket "\n") -- what is loaded when it is needed first
    harmless()
    is_harmless = true
  end
  local message = wire.decode(input:match "^[^\n]*")
  assert(message == nil or wire.decode((wire.encode(message):gsub("%[%]", "{}"))))
  local socket = new_socket(input)
  local ok, reason = dynsup.run(options, play, socket)
  assert(ok or reason == "halt", tostring(reason))
  check_sent(socket.sent)
end
