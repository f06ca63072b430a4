--- One attached client: the process that reads what it asks for, and what it shares with the two
--- others of the connection, the session's (dynsup.attach.lines) and the writer (outbox:serve).
--
-- The reader ends with the connection, the session's process may stay: it is the parent of what lines
-- have started. Whichever of the three ends, by whomever, tells the others by closing what it owns.

local complete = require "dynsup.repl.complete"
local dynsup = require "dynsup"
local globals = require "dynsup.attach.globals"
local lines = require "dynsup.attach.lines"
local outbox = require "dynsup.attach.outbox"
local session = require "dynsup.repl.session"
local watch = require "dynsup.attach.watch"
local wire = require "dynsup.attach.wire"

local QUEUE = 16     -- requests that wait for the session
local BURST = 100    -- requests that are answered here and now, not by the session
local PER_MS = 0.2   -- and after that so many each millisecond
local BYTES = 1048576     -- of requests for the session
local BYTES_PER_MS = 1024 -- and after that
local WIDTH = 80     -- columns, where a client does not say how many it has
local WIDTH_MIN, WIDTH_MAX = 20, 1000

---@class dynsup.attach.connection
---@field outbox dynsup.attach.outbox
---@field is_over boolean the client has gone
---@field writer? userdata its process, which owns the socket
---@field queue table[] what waits for the session, see new_job
---@field current? table the one that the session works on
local connection = {}
connection.__index = connection
connection.__name = "dynsup.attach.connection"

-- ---- ends ----

-- Calls f when the calling process ends, however it ends. Where that fails, as without memory, the connection
-- ends with its writer, so that nobody waits for the others.
local function at_end(self, f)
  dynsup.own(setmetatable({}, { __close = function()
    local ok, why = pcall(f)
    if ok then return end
    if self.writer then
      dynsup.exit(self.writer, "kill")
    end
    error(why, 0)
  end }))
end

-- What the client is told last; nil while the host goes on.
local function farewell(otherwise)
  local is_halting, code = session.halting()
  if is_halting then
    return { bye = "halted", code = code }
  end
  return otherwise
end

-- The session has no client any more.
function connection:leave()
  self.is_over = true
  self.outbox:finish(farewell())
  if self.session then
    self.session:unwind()
  end
  if self.watcher then
    dynsup.exit(self.watcher, "kill")
  end
  self:wake()
end

-- ---- requests ----

function connection:answer(request, message)
  message.id = request.id
  message.done = message.done or request["do"]
  self.outbox:put(message)
end

function connection:refuse(request, problem)
  self.outbox:put { error = problem, id = request.id }
end

-- The session goes on, if it waits for a request. What it has waited with before does nothing; to
-- take it away here could take away the next, for this may be preempted.
function connection:wake()
  if self.wake_session then
    self.wake_session()
  end
end

--- The next request for the session; nil when there will be none.
---@async
---@return table?
function connection:next()
  self.current = nil
  while #self.queue == 0 and not self.is_over do
    dynsup.await(function(resume)
      self.wake_session = resume
      if #self.queue > 0 or self.is_over then
        resume() -- something has come since: this may be preempted
      end
    end)
  end
  self.current = not self.is_over and self.queue[1] or nil
  table.remove(self.queue, 1)
  return self.current
end

-- By name; true when the queue limits how many of them there are.
local requests = {}

local function read_width(request)
  local width = math.tointeger(request.width) or WIDTH
  return math.max(WIDTH_MIN, math.min(width, WIDTH_MAX))
end

local function is_within(args)
  return not wire.is_list(args) or (args.n or #args) <= wire.ARGS_MAX
end

-- A request as the session gets it: of the client's fields those that mean something, beside the host's own.
local function new_job(request)
  return {
    ["do"] = request["do"],
    id = request.id,
    text = request.text,
    args = wire.is_list(request.args) and request.args or {},
    json = request.json,
    width = read_width(request),
    is_unwanted = false, -- it was interrupted before it has begun
  }
end

local function for_session(self, request)
  if request["do"] ~= "drop" and type(request.text) ~= "string" then
    return self:refuse(request, "a text is missing")
  elseif request["do"] == "eval" and not is_within(request.args) then
    return self:refuse(request, ("args has at most %d values"):format(wire.ARGS_MAX))
  elseif #self.queue >= QUEUE then
    return self:refuse(request, "too many requests wait: at most " .. QUEUE)
  end
  table.insert(self.queue, new_job(request)) -- in one piece, as it is removed
  self:wake()
  return true
end

requests.line, requests.eval, requests.drop = for_session, for_session, for_session

-- What waits is not to run either: it was asked for before this.
function requests:interrupt()
  for _, job in ipairs(self.queue) do
    job.is_unwanted = true
  end
  local tries = 3 -- the session may be just about to begin a line, or to end it
  while self.current and not self.session:unwind() and tries > 0 do
    dynsup.yield()
    tries = tries - 1
  end
end

function requests:complete(request)
  if type(request.text) ~= "string" then
    return self:refuse(request, "a text is missing")
  end
  local insertion, candidates = complete.line(request.text, self.env, session.names)
  self:answer(request, { insertion = insertion, candidates = candidates })
end

local levels = { off = true, error = true, warning = true, info = true, debug = true }

function requests:watch(request)
  if not levels[request.level] then
    return self:refuse(request, "a level is off, error, warning, info or debug")
  elseif not self.watcher then
    self.watcher = dynsup.spawn(watch.serve, self.outbox)
  end
  dynsup.send(self.watcher, "LEVEL", request.level)
  self:answer(request, {})
end

local kinds = { string = true, number = true, boolean = true, ["nil"] = true }

-- Why a request cannot have this id; nil: it can.
local function mistake_of(id)
  local is_number = type(id) == "number"
  if not kinds[type(id)] or is_number and id - id ~= 0 then
    return "an id is a string, a finite number or a boolean"
  elseif type(id) == "string" and #id > wire.ID_MAX then
    return ("an id has at most %d bytes"):format(wire.ID_MAX)
  end
end

function connection:take(request)
  local act = type(request["do"]) == "string" and requests[request["do"]]
  local is_long = type(request.text) == "string" and #request.text > wire.TEXT_MAX
  local mistake = mistake_of(request.id)
  if mistake then
    self:refuse({}, mistake)
  elseif not act then
    self:refuse(request, "unknown request")
  elseif is_long then
    self:refuse(request, ("a text has at most %d bytes"):format(wire.TEXT_MAX))
  else
    return act(self, request)
  end
end

-- ---- reading ----

-- Waits when a client asks for more than a person can: a burst, and then so much each millisecond.
local function new_limit(burst, per_ms)
  local left, last = burst, dynsup.now()
  return function(amount)
    local now = dynsup.now()
    left = math.min(burst, left + (now - last) * per_ms) - amount
    last = now
    if left < 0 then
      dynsup.sleep(-left / per_ms)
    else
      dynsup.yield()
    end
  end
end

-- Reads until the client has gone, or said what is no request.
local function read_all(self, socket)
  local limit, limit_bytes = new_limit(BURST, PER_MS), new_limit(BYTES, BYTES_PER_MS)
  while true do
    local line, reason = socket:read("line", nil, wire.REQUEST_MAX)
    local request, problem
    if line then
      request, problem = wire.decode(line)
    elseif reason == "too_long" then
      problem = ("a request has at most %d bytes"):format(wire.REQUEST_MAX)
    end
    if not request then
      return problem and { error = problem }
    end
    if self:take(request) then
      limit_bytes(#line)
    else
      limit(1)
    end
  end
end

-- ---- opening ----

local function new(settings)
  local self = setmetatable({ outbox = outbox.new(), queue = {}, is_over = false, columns = WIDTH }, connection)
  self.width = function() return self.columns end
  self.env, self.streams = globals.new(self.outbox, settings.pages, self.width)
  return self
end

local function write(self, socket)
  at_end(self, function() self.outbox:finish() end)
  self.outbox:serve(socket)
end

local function run_lines(self)
  self.outbox.patient[dynsup.self()] = true
  self.session = session.new(self.width, self.env, self.streams)
  at_end(self, function()
    self.outbox:finish(farewell { bye = "killed" })
  end)
  lines.serve(self)
end

-- The writer has the socket; it takes the reader along when it ends.
local function start(self, socket)
  self.outbox.patient[dynsup.self()] = true
  at_end(self, function() self:leave() end)
  self.writer = dynsup.spawn(write, self, socket)
  socket:give(self.writer)
  dynsup.spawn(run_lines, self)
end

local function hello(settings)
  return {
    hello = "dynsup",
    version = dynsup.version,
    protocol = wire.PROTOCOL,
    pid = settings.pid,
    script = settings.script,
    prompt = session.prompt {},
  }
end

--- The body of the process that reads from the socket, which it owns.
---@async
---@param socket userdata
---@param settings table
function connection.serve(socket, settings)
  local self = new(settings)
  self.outbox:put(hello(settings))
  start(self, socket)
  self.outbox:finish(read_all(self, socket))
end

return connection
