-- Hosts that clients attach to: the program as a process of the system, and clients that speak the
-- protocol over dynsup.net, in a host of the spec's own on the real clock.
local dynsup = require "dynsup"
local net = require "spec.support.net"
local program = require "spec.support.program"
local uv = require "luv"
local wire = require "dynsup.attach.wire"

local attach = {}

local PATIENCE_MS = require "spec.support.patience" * 1000

-- ---- the program ----

-- Environment of the program: a directory for sockets of the test's own, a log for people, and
-- without the libraries that a sanitizer build loads into the interpreter; a sanitizer keeps no freed
-- memory, for specs look at how much there is.
local function environment(folder)
  local options = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1"
  local env = { "XDG_RUNTIME_DIR=" .. folder, "DYNSUP_LOG_FORMAT=text", "ASAN_OPTIONS=" .. options }
  for name, value in pairs(uv.os_environ()) do
    local is_left_out = name == "LD_PRELOAD" or name == "LUA_INIT" or name == "XDG_RUNTIME_DIR"
      or name == "ASAN_OPTIONS" or name:find "^DYNSUP"
    if not is_left_out then
      env[#env + 1] = name .. "=" .. value
    end
  end
  return env
end

local running = {}
running.__index = running

-- Something has happened: waiting code checks again.
function running:wake()
  self.changes = self.changes + 1
  if self.resume then
    self.resume()
  end
end

-- What comes from a pipe.
function running:gather(pipe, field)
  self[field] = ""
  pipe:read_start(function(_, data)
    self[field] = self[field] .. (data or "")
    if not data then
      pipe:close()
      self.open = self.open - 1
      self.is_read = self.open == 0
    end
    self:wake()
  end)
end

local function new_input(text)
  local pipe = text and uv.new_pipe()
  return pipe, function()
    if pipe then
      pipe:write(text)
      pipe:shutdown(function() pipe:close() end)
    end
  end
end

--- Starts the program with these arguments in the folder.
---@param folder string
---@param words string[]
---@param input? string its standard input
---@return table with out and err, which grow; code when it has ended
function attach.start(folder, words, input)
  local self = setmetatable({ folder = folder, changes = 0, open = 2 }, running)
  local out, err = uv.new_pipe(), uv.new_pipe()
  local stdin, send = new_input(input)
  self.handle, self.pid = uv.spawn(program.path, {
    args = words,
    cwd = folder,
    env = environment(folder),
    stdio = { stdin, out, err },
  }, function(code, signal) -- it may come before spawn's results are stored
    self.code = signal ~= 0 and "signal " .. signal or code
    self:wake()
  end)
  assert(self.handle, self.pid)
  self:gather(out, "out")
  self:gather(err, "err")
  send()
  dynsup.own(setmetatable({}, { __close = function()
    if not self.code then
      self.handle:kill "sigkill"
    end
    self.handle:close()
  end }))
  return self
end

--- Waits until the condition holds, which is checked when the program prints or ends.
---@param is_so fun(self: table): any
---@param what string
function running:wait_until(is_so, what)
  while true do
    local seen = self.changes
    if is_so(self) then
      return
    end
    local _, reason = dynsup.await(function(resume)
      self.resume = resume
      if self.changes ~= seen then
        resume() -- it has happened since
      end
    end, PATIENCE_MS)
    assert(reason ~= "timeout", what .. ": " .. self.out .. self.err)
  end
end

--- Waits for a text that the program prints, to stdout or stderr.
---@param text string
function running:wait_for(text)
  self:wait_until(function()
    return self.out:find(text, 1, true) or self.err:find(text, 1, true)
  end, "waited for " .. text)
end

--- Waits for the end and returns the exit code.
function running:wait()
  self:wait_until(function() return self.code end, "waited for the end")
  return self.code
end

--- Ends the program by a signal; returns the exit code.
---@param signal? string
function running:stop(signal)
  self.handle:kill(signal or "sigterm")
  return self:wait()
end

--- Runs the program to its end; with the standard input, if one is given by `input`.
---@param folder string
---@param words string[]
---@return table
function attach.run(folder, words)
  local self = attach.start(folder, words, words.input)
  self:wait()
  self:wait_until(function() return self.is_read end, "waited for what was printed")
  return self
end

local BEGUN = 'clients may attach.-socket"?[=:]"?([^"\n]*)[^\n]*\n'

--- A host that listens and runs the script.
---@param folder string
---@param script string
---@param ... string options
---@return table
function attach.host(folder, script, ...)
  program.write(folder, "app.lua", script)
  local words = { "run", "--log-level", "info", "--listen", ... }
  words[#words + 1] = "app.lua"
  local self = attach.start(folder, words)
  self:wait_until(function() return self.err:find(BEGUN) or self.code end, "listens")
  self.socket = self.err:match(BEGUN)
  assert(self.socket, self.err)
  return self
end

-- ---- clients ----

local client = {}
client.__index = client

--- A client of the host, after its hello.
---@param host table
---@return table
function attach.client(host)
  local socket = assert(dynsup.net.connect(host.socket, PATIENCE_MS))
  local self = setmetatable({ socket = socket }, client)
  self.hello = assert(self:receive())
  return self
end

--- The next message; nil, reason at the end.
function client:receive()
  local line, reason = self.socket:read("line", PATIENCE_MS, 1 << 20)
  if not line then
    self.closed = reason
    return nil, reason
  end
  return assert(wire.decode(line))
end

---@param message table
function client:send(message)
  return self.socket:write(wire.encode(message))
end

--- Messages up to one that has this field; it is the first result.
---@param field string
---@return table? last
---@return table[] before
function client:receive_until(field)
  local before = {}
  for message in self.receive, self do
    if message[field] ~= nil then
      return message, before
    end
    before[#before + 1] = message
  end
  return nil, before
end

-- The texts of one kind, as one.
local function join(messages, field)
  local texts = {}
  for _, message in ipairs(messages) do
    texts[#texts + 1] = message[field]
  end
  return table.concat(texts)
end

attach.join = join

--- Sends a request and waits for its end: what was printed, the end, and all before it.
---@param message table
---@return string out
---@return table done
---@return table[] before
function client:ask(message)
  self:send(message)
  local done, before = self:receive_until "done"
  assert(done, self.closed)
  return join(before, "out"), done, before
end

--- Runs a line; what it printed to stdout, to stderr, and its end.
---@param text string
function client:line(text)
  local out, done, before = self:ask { ["do"] = "line", text = text }
  return out, join(before, "err"), done
end

--- Evaluates code; its values as texts, what it printed to stderr, and its end.
---@param text string
---@param options? table
function client:eval(text, options)
  local request = { ["do"] = "eval", text = text }
  for name, value in pairs(options or {}) do
    request[name] = value
  end
  local _, done, before = self:ask(request)
  local values = {}
  for _, message in ipairs(before) do
    if message.value then
      values[message.value] = (values[message.value] or "") .. message.text
    end
  end
  return values, join(before, "err"), done
end

function client:close()
  self.socket:close()
end

-- ---- tests ----

--- A test body: f gets a folder of its own; programs that it has started are ended with it.
---@param f fun(folder: string)
function attach.main(f)
  return function()
    local folder = program.folder()
    local ok, problem = pcall(net.main(function() f(folder) end))
    program.remove_folder(folder)
    if not ok then
      error(problem, 0)
    end
  end
end

--- A test body with a host that runs the script.
---@param script string
---@param f fun(host: table, folder: string)
function attach.with_host(script, f)
  return attach.main(function(folder)
    local host = attach.host(folder, script)
    f(host, folder)
    if not host.code then
      assert(host:stop() == 0, host.err)
    end
  end)
end

return attach
