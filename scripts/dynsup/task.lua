--- dynsup.task: functions that run as processes and whose results are waited for, as Elixir's Task.
--
-- Design notes.
-- A task's process sends its owner `ref, results...`, where ref is the ref of the owner's monitor, and ends.
-- The two share the box: its ref is set once owner and process are linked and monitored as they should be,
-- and the process does not begin before; it is false if the owner was unwound before that. While the box is
-- open the owner wants the results, and nothing is sent afterwards. So a late result reaches nobody's
-- mailbox.

local native = ...
local dynsup = require "dynsup"

local undivided = native.undivided
local self, send, receive_match = dynsup.self, dynsup.send, dynsup.receive_match
local receive_end = native.receive_end
local monitor, demonitor = dynsup.monitor, dynsup.demonitor

---@class dynsup.task
local task = {}

---@class dynsup.task.handle
---@field pid any
---@field ref any
---@field owner any the process that may wait for it
---@field linked boolean
---@field box table
---@field done boolean its end has been returned, or it was given up
local Handle = { __name = "task" }

function Handle.__tostring(t)
  return ("task %s"):format(t.pid)
end

-- ---- misuse ----

-- level: of the place to blame, by default the caller of the function that calls the check.
local function misuse(position, name, what, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, what), level or 4)
end

local function check_function(f, position, name, level)
  local is_named = type(f) == "string" and f:find ".:."
  if type(f) ~= "function" and not is_named then
    misuse(position, name, 'function or "module:function" expected, got ' .. type(f), level)
  end
end

-- Here, for what C says of an argument names start_child and a line of this file.
local function check_supervisor(sup, name)
  local ok, message = pcall(dynsup.is_alive, sup)
  local what = not ok and message:match "^bad argument .-%((.*)%)$"
  if what then misuse(1, name, what) end
end

local function check_ms(ms, position, name, what)
  if ms ~= "infinity" and not (type(ms) == "number" and ms >= 0) then
    misuse(position, name, what or 'milliseconds or "infinity" expected')
  end
end

-- A task that the caller may still wait for.
local function check_task(t, position, name)
  if getmetatable(t) ~= Handle then misuse(position, name, "task expected, got " .. type(t)) end
  if t.owner ~= self() then misuse(position, name, "the task belongs to another process") end
  if t.done then misuse(position, name, "the task's end has been handed out already") end
end

local function check_tasks(tasks, name)
  if type(tasks) ~= "table" then misuse(1, name, "list of tasks expected, got " .. type(tasks)) end
  local seen = {}
  for i = 1, #tasks do
    local t = tasks[i]
    if getmetatable(t) ~= Handle then misuse(1, name, ("no task at %d of the list"):format(i)) end
    if t.owner ~= self() then misuse(1, name, ("task %d belongs to another process"):format(i)) end
    if t.done or seen[t] then
      misuse(1, name, ("the end of task %d has been handed out already"):format(i))
    end
    seen[t] = true
  end
end

-- ---- the process ----

-- Without interruption: either the process sees that it is decided, or it gets a message.
local function decide(box, ref)
  box.ref = ref
  if box.waiter then send(box.waiter, box.word) end
end

local function is_undecided(box, word)
  if box.ref ~= nil then return false end
  box.waiter, box.word = self(), word
  return true
end

-- Waits until the owner has made its side; false: it has ended, or was unwound, in the middle of that.
local function related(box)
  if box.ref == nil then
    local down = monitor(box.owner)
    if undivided(is_undecided, box, down) then
      receive_match(function(tag, which) return tag == down or tag == "DOWN" and which == down end)
    end
    demonitor(down)
  end
  return box.ref
end

local function resolve(f)
  if type(f) == "function" then return f end
  local module, name = f:match "^(.-):(.+)$"
  local found = require(module)[name]
  if type(found) ~= "function" then error(("no function '%s' in module of '%s'"):format(name, f), 0) end
  return found
end

-- In one piece: once the owner has closed the box nothing comes any more.
local function reply(box, ...)
  if box.open then send(box.owner, box.ref, ...) end
end

local Box = {}

local run

-- The extra arguments of the supervisor come first: f gets them before its own.
local function run_with_extra(...)
  local values, at = table.pack(...), 2
  while getmetatable(values[at]) ~= Box do at = at + 1 end
  local box, f = values[at], values[at + 1]
  table.move(values, at + 2, values.n, at)
  return run(box, f, table.unpack(values, 1, values.n - 2))
end

function run(box, f, ...)
  if getmetatable(box) ~= Box then return run_with_extra(box, f, ...) end
  if not related(box) then return end
  undivided(reply, box, resolve(f)(...))
end

-- ---- starting ----

local function handle(box, pid, linked)
  return setmetatable({
    pid = pid, ref = box.ref, owner = box.owner, linked = linked, box = box, done = false,
  }, Handle)
end

-- Who begins may be unwound before its process is related to it: by a kill, or by Ctrl-C at the prompt.
function Box.__close(box)
  if box.ref == nil then undivided(decide, box, false) end
end

local function relate(box, pid, ref, linked)
  if linked then dynsup.link(pid) end
  undivided(decide, box, ref)
  return handle(box, pid, linked)
end

local function begin(linked, f, ...)
  local box <close> = setmetatable({ owner = self(), open = true }, Box)
  local pid, ref = dynsup.spawn_monitor(run, box, f, ...)
  return relate(box, pid, ref, linked)
end

-- Why a supervisor whose children live in other heaps does not take a task: C's detail says that a function
-- must be named, but it means a function of this file.
local function refused(reason, detail)
  if reason ~= "invalid_mfa" or type(detail) ~= "string" then return detail end
  return "a task that is awaited shares a table with its owner, and another heap shares none"
end

local function begin_under(sup, linked, f, ...)
  local box <close> = setmetatable({ owner = self(), open = true }, Box)
  local pid, reason, detail = dynsup.start_child(sup, {
    body = run, args = table.pack(box, f, ...), restart = "temporary",
  })
  if not pid then return nil, reason, refused(reason, detail) end
  return relate(box, pid, monitor(pid), linked)
end

--- Runs f(...) as a process that is linked to the caller, who may await its results.
---@param f function|string
---@return dynsup.task.handle
function task.async(f, ...)
  check_function(f, 1, "async")
  return begin(true, f, ...)
end

--- The same under a supervisor.
---@param sup any
---@param f function|string
---@return dynsup.task.handle? task; nil, reason
function task.async_link(sup, f, ...)
  check_supervisor(sup, "async_link")
  check_function(f, 2, "async_link")
  return begin_under(sup, true, f, ...)
end

--- The same without a link: its crash is nothing to the caller but an answer.
---@param sup any
---@param f function|string
---@return dynsup.task.handle? task; nil, reason
function task.async_nolink(sup, f, ...)
  check_supervisor(sup, "async_nolink")
  check_function(f, 2, "async_nolink")
  return begin_under(sup, false, f, ...)
end

--- Runs f(...) as a temporary child whose results nobody wants.
---@param sup any
---@param f function|string
---@return any pid; nil, reason
function task.start_child(sup, f, ...)
  check_supervisor(sup, "start_child")
  check_function(f, 2, "start_child")
  return dynsup.start_child(sup, { body = f, args = table.pack(...), restart = "temporary" })
end

--- The child spec of a task without an owner, so that `{ dynsup.task, f }` is a child.
---@param f function|string
---@return table spec
function task.child_spec(f)
  check_function(f, 1, "child_spec")
  return { id = "task", body = f, restart = "temporary" }
end

-- ---- ends ----

-- The task's reply has been taken: there is none but that.
local function settle(t)
  t.done = true
  t.box.open = false
  demonitor(t.ref)
end

-- No message of the task reaches the caller from now on.
local function close(t)
  settle(t)
  native.flush_reply(t.ref)
end

-- Of a task that is unlinked. The EXIT along a link that the caller has made itself is the caller's.
local function drop_exit(t)
  if t.linked then native.flush_exit(t.pid) end
end

local function unlink(t)
  if t.linked then dynsup.unlink(t.pid) end
  drop_exit(t)
end

-- The caller gives up: a linked task would have died with it.
local function let_go(t)
  close(t)
  if t.linked then
    unlink(t)
    dynsup.exit(t.pid, "kill")
  end
end

-- The task's end from a message: "ok", results... or "exit", reason; nil, "timeout" from none.
-- Nothing is looked for then: that would pass through what all other tasks have sent. Behind a DOWN
-- there is nothing, for a reply comes before it.
local function ended(t, tag, ...)
  if tag == nil then return nil, "timeout" end
  if tag == t.ref then
    settle(t)
    return "ok", ...
  end
  t.done, t.box.open = true, false
  return "exit", (select(3, ...))
end

local function wait(t, ms)
  return ended(t, receive_end(t.ref, ms))
end

local function awaited(t, status, ...)
  if status == "ok" then return ... end
  if status == nil then let_go(t) end
  return nil, (...)
end

--- Waits for the results.
---@param t dynsup.task.handle
---@param ms? number|"infinity" 5000
---@return any results; nil, reason
function task.await(t, ms)
  check_task(t, 1, "await")
  if ms == nil then ms = 5000 end
  check_ms(ms, 2, "await")
  return awaited(t, wait(t, ms))
end

--- Waits for the task's end, and returns how it ended.
---@param t dynsup.task.handle
---@param ms? number|"infinity" 5000
---@return string? "ok", results...; "exit", reason; nil, "timeout": the task goes on
function task.yield(t, ms)
  check_task(t, 1, "yield")
  if ms == nil then ms = 5000 end
  check_ms(ms, 2, "yield")
  return wait(t, ms)
end

-- What is left of a time that ends then.
local function left_until(deadline)
  return deadline == math.huge and "infinity" or math.max(0, deadline - dynsup.now())
end

local function deadline_in(ms)
  return ms == "infinity" and math.huge or dynsup.now() + ms
end

-- Waits for the ends of all tasks, at most until then, and calls each(i, status, ...) as they come, until it
-- returns true. Returns whether no task is left.
local function wait_each(tasks, deadline, each)
  local index, left = {}, #tasks
  for i, t in ipairs(tasks) do index[t.ref] = i end
  local function handle_end(tag, ...)
    if tag == nil then return true end
    local i = index[tag] or index[(...)]
    index[tasks[i].ref] = nil
    left = left - 1
    return each(i, ended(tasks[i], tag, ...))
  end
  while left > 0 do
    if handle_end(receive_end(index, left_until(deadline))) then break end
  end
  return left == 0
end

local function let_go_of_all(tasks)
  for _, t in ipairs(tasks) do
    if not t.done then let_go(t) end
  end
end

--- Waits for the results of all tasks.
---@param tasks dynsup.task.handle[]
---@param ms? number|"infinity" 5000, for all of them together
---@return table[]? results packed, in the order of the tasks; nil, reason [, the task that ended]
function task.await_many(tasks, ms)
  check_tasks(tasks, "await_many")
  if ms == nil then ms = 5000 end
  check_ms(ms, 2, "await_many")
  local results, failed, reason = {}, nil, "timeout"
  local all = wait_each(tasks, deadline_in(ms), function(i, status, ...)
    if status == "ok" then
      results[i] = table.pack(...)
    else
      failed, reason = tasks[i], (...)
    end
    return failed
  end)
  if all and not failed then return results end
  let_go_of_all(tasks)
  return nil, reason, failed
end

--- Waits for the ends of all tasks.
---@param tasks dynsup.task.handle[]
---@param ms? number|"infinity" 5000, for all of them together
---@return table[] for each task what yield would return, packed
function task.yield_many(tasks, ms)
  check_tasks(tasks, "yield_many")
  if ms == nil then ms = 5000 end
  check_ms(ms, 2, "yield_many")
  local results = {}
  for i = 1, #tasks do results[i] = table.pack(nil, "timeout") end
  wait_each(tasks, deadline_in(ms), function(i, ...) results[i] = table.pack(...) end)
  return results
end

-- ---- stopping ----

-- How a task ended that was told to; the requested reason is not a result.
local function stopped(expected, status, ...)
  if status == "exit" and ... == expected then return nil end
  return status, ...
end

--- Ends the task and waits until it is down.
---@param t dynsup.task.handle
---@param ms? number|"infinity"|"brutal_kill" 5000: how long it may take before it is killed
---@return string? nil: it was ended; "ok", results...: it was done; "exit", reason: it had another end
function task.shutdown(t, ms)
  check_task(t, 1, "shutdown")
  if ms == nil then ms = 5000 end
  local brutal = ms == "brutal_kill"
  if not brutal then check_ms(ms, 2, "shutdown", 'milliseconds, "infinity" or "brutal_kill" expected') end
  native.check_wait()
  dynsup.unlink(t.pid)
  local results = table.pack(wait(t, 0))
  if results[1] == nil and not brutal then
    dynsup.exit(t.pid, "shutdown")
    results = table.pack(wait(t, ms))
  end
  if results[1] == nil then
    dynsup.exit(t.pid, "kill")
    results = table.pack(wait(t, "infinity"))
  end
  drop_exit(t)
  return stopped(brutal and "killed" or "shutdown", table.unpack(results, 1, results.n))
end

--- Lets the task go on without its owner, which gets no more messages from it.
---@param t dynsup.task.handle
---@return string? as yield, of a task that has ended; nil: it goes on
function task.ignore(t)
  check_task(t, 1, "ignore")
  local results = table.pack(wait(t, 0))
  if results[1] == nil then close(t) end
  dynsup.unlink(t.pid)
  drop_exit(t)
  if results[1] == nil then return nil end
  return table.unpack(results, 1, results.n)
end

-- ---- streams ----

-- Not along its link: the owner stays.
local function kill(t)
  t.box.open = false
  dynsup.unlink(t.pid)
  dynsup.exit(t.pid, "kill")
end

-- Waits until a killed task is down, and takes everything that it has left in the mailbox: there may be a
-- reply before its DOWN.
local function down(t)
  if receive_end(t.ref, "infinity") == t.ref then receive_end(t.ref, "infinity") end
  t.done = true
  unlink(t)
end

local Stream = require "dynsup.task_stream" {
  check_wait = native.check_wait,
  may_wait = native.may_wait,
  receive_end = receive_end,
  close = close,
  kill = kill,
  down = down,
  unlink = unlink,
  ended = ended,
  left_until = left_until,
  deadline_in = deadline_in,
}

local function check_stream(items, f, options)
  if type(items) ~= "table" and type(items) ~= "function" then
    misuse(2, "async_stream", "list or iterator expected, got " .. type(items))
  end
  check_function(f, 3, "async_stream", 5)
  if type(options) ~= "table" then misuse(4, "async_stream", "table expected, got " .. type(options)) end
  local wrong = Stream.wrong_option(options)
  if wrong then misuse(4, "async_stream", wrong) end
end

local function starter(sup, linked, f)
  if sup == nil then return function(...) return begin(linked, f, ...) end end
  return function(...) return begin_under(sup, linked, f, ...) end
end

--- Runs f for each item, several at a time, as results are asked for:
--- `for status, value in task.async_stream(nil, items, f) do`.
---@param sup any a supervisor, or nil
---@param items table|function a list, or a function that returns the next item
---@param f function|string
---@param options? table max_concurrency, ordered, timeout, on_timeout, zip_input_on_exit, link
---@return function, nil, nil, table for a generic for
function task.async_stream(sup, items, f, options)
  if options == nil then options = {} end
  if sup ~= nil then check_supervisor(sup, "async_stream") end
  check_stream(items, f, options)
  local linked = options.link
  if linked == nil then linked = sup == nil end
  local stream = Stream.new(self(), items, starter(sup, linked, f), options)
  return function() return stream:step() end, nil, nil, stream
end

return task
