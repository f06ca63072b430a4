--- Streams of tasks: the half of dynsup.task that runs a function for each of many items.
--
-- A stream begins tasks as its results are asked for, and no more than max_concurrency at a time, including
-- those that have ended but were not handed out. Tasks are numbered in order; all have the same timeout, so
-- that the oldest running task is the first to time out.

local dynsup = require "dynsup"

-- What dynsup.task has for one task.
---@class dynsup.task.parts
---@field check_wait fun() raises where the caller cannot wait
---@field may_wait fun(): boolean? nil: the caller's process is ending
---@field receive_end fun(refs: table, ms: number|string): ... the end of a task whose ref is a key
---@field close fun(t: dynsup.task.handle)
---@field kill fun(t: dynsup.task.handle)
---@field down fun(t: dynsup.task.handle) waits for the end of one that was killed
---@field unlink fun(t: dynsup.task.handle)
---@field ended fun(t: dynsup.task.handle, ...): ...
---@field left_until fun(deadline: number): number|string
---@field deadline_in fun(ms: number|string): number
local parts = {}

---@class dynsup.task.stream
---@field next fun(): ... the next item; nothing: there is none
---@field start fun(...): dynsup.task.handle?, any
---@field tasks table<any, integer> the number of each task that runs, by its ref
---@field handles dynsup.task.handle[] by number
---@field deadlines number[] by number
---@field results table[] by number, until they are handed out
---@field items? table<integer, table> by number, the values of those not handed out, where they are told with an exit
---@field begun integer
---@field given integer how many have been handed out
local Stream = {}
Stream.__index = Stream

local OPTIONS = {
  max_concurrency = function(value) return math.type(value) == "integer" and value > 0 end,
  ordered = function(value) return type(value) == "boolean" end,
  link = function(value) return type(value) == "boolean" end,
  timeout = function(value) return value == "infinity" or type(value) == "number" and value >= 0 end,
  on_timeout = function(value) return value == "exit" or value == "kill_task" end,
  zip_input_on_exit = function(value) return type(value) == "boolean" end,
}

--- What is wrong with the options, or nothing.
---@param options table
---@return string? message
function Stream.wrong_option(options)
  for name, value in next, options do
    local accepts = OPTIONS[name]
    if not accepts then return ("unknown option '%s'"):format(name) end
    if not accepts(value) then return ("invalid %s: %s"):format(name, tostring(value)) end
  end
end

-- The items as a function that returns the packed values of the next one, or nothing.
local function items_of(items)
  if type(items) == "function" then
    return function()
      local values = table.pack(items())
      if values[1] ~= nil then return values end
    end
  end
  local i, n = 0, items.n or #items
  return function()
    i = i + 1
    if i <= n then return { items[i], n = 1 } end
  end
end

local function option(options, name, default)
  if options[name] == nil then return default end
  return options[name]
end

--- A stream of the owner's; start(...) begins a task for an item.
---@param owner any
---@param items table|function
---@param start fun(...): dynsup.task.handle?, any
---@param options table
---@return dynsup.task.stream
function Stream.new(owner, items, start, options)
  return setmetatable({
    owner = owner,
    next = items_of(items),
    start = start,
    max_concurrency = option(options, "max_concurrency", 8),
    ordered = option(options, "ordered", true),
    timeout = option(options, "timeout", 5000),
    on_timeout = option(options, "on_timeout", "exit"),
    tasks = {},
    handles = {},
    deadlines = {},
    results = {},
    items = options.zip_input_on_exit and {} or nil,
    arrived = {},
    oldest = 1,
    begun = 0,
    given = 0,
    exhausted = false,
  }, Stream)
end

local function refusal(reason, detail)
  local text = tostring(reason)
  return type(detail) == "string" and text .. ": " .. detail or text
end

function Stream:fill()
  while not self.exhausted and self.begun - self.given < self.max_concurrency do
    local values = self.next()
    if not values then
      self.exhausted = true
      return
    end
    local t, reason, detail = self.start(table.unpack(values, 1, values.n))
    if not t then error("async_stream cannot start a task: " .. refusal(reason, detail), 0) end
    local i = self.begun + 1
    self.begun = i
    if self.items then self.items[i] = values end
    self.tasks[t.ref], self.handles[i], self.deadlines[i] = i, t, parts.deadline_in(self.timeout)
  end
end

-- What is handed out of a task that has ended so.
function Stream:result(i, status, ...)
  local items = self.items and self.items[i]
  if not items then return table.pack(status, ...) end
  self.items[i] = nil
  if status == "ok" then return table.pack(status, ...) end
  return table.pack(status, ..., table.unpack(items, 1, items.n)) -- of an exit there is one reason
end

-- Notes how a task has ended.
function Stream:note(i, ...)
  local t = self.handles[i]
  self.tasks[t.ref], self.handles[i] = nil, nil
  parts.unlink(t)
  self.results[i] = self:result(i, ...)
  if not self.ordered then self.arrived[#self.arrived + 1] = i end
end

-- The time of the oldest that runs is over.
function Stream:overdue(i)
  if self.on_timeout == "exit" then
    self:finish()
    dynsup.exit "timeout"
  end
  -- Down before it is noted: the next task may need its place under the supervisor.
  local t = self.handles[i]
  parts.kill(t)
  parts.down(t)
  self:note(i, "exit", "timeout")
end

-- Waits until some task ends, or until the oldest has had its time.
function Stream:wait()
  while not self.handles[self.oldest] do self.oldest = self.oldest + 1 end
  local tasks = self.tasks
  local message = table.pack(parts.receive_end(tasks, parts.left_until(self.deadlines[self.oldest])))
  if message[1] == nil then
    self:overdue(self.oldest)
  else
    local i = tasks[message[1]] or tasks[message[2]]
    self:note(i, parts.ended(self.handles[i], table.unpack(message, 1, message.n)))
  end
end

-- The number of the result that is to be handed out next, nil: it is not there yet.
function Stream:ready()
  if self.ordered then return self.results[self.given + 1] and self.given + 1 end
  return table.remove(self.arrived, 1)
end

function Stream:step()
  if self.owner ~= dynsup.self() then error("async_stream goes on in the process that began it", 2) end
  parts.check_wait()
  self:fill()
  if self.given == self.begun then return nil end
  local i = self:ready()
  while not i do
    self:wait()
    i = self:ready()
  end
  local result = self.results[i]
  self.results[i], self.deadlines[i] = nil, nil
  self.given = self.given + 1
  return table.unpack(result, 1, result.n)
end

-- Takes everything that a killed task leaves in the mailbox. A process that cannot wait for the task's end
-- closes its mailbox to it; messages to a process that is ending matter to nobody.
local function clean(t, may_wait)
  if may_wait then
    pcall(parts.down, t)
  elseif may_wait == false then
    parts.close(t)
    parts.unlink(t)
  end
end

-- Ends all tasks that run, and waits for that where it can.
function Stream:finish()
  self.exhausted = true
  local left = {}
  for i, t in pairs(self.handles) do
    parts.kill(t)
    left[#left + 1] = i
  end
  local may_wait = parts.may_wait()
  for _, i in ipairs(left) do
    local t = self.handles[i]
    clean(t, may_wait)
    self.tasks[t.ref], self.handles[i] = nil, nil
  end
  self.given = self.begun
end

Stream.__close = Stream.finish

---@param p dynsup.task.parts
return function(p)
  parts = p
  return Stream
end
