--- Inspecting a running host: its tree, its processes, who waits for whom, the last events; and killing,
--- restarting, pausing and resuming one process.
--
-- Nothing here costs anything while nobody looks. Functions that walk over all processes do so in pages of
-- bounded cost, and every few of them, about 0.1 ms, others have their turn, so that no process is late
-- because of them. (Except the text of tostring, which calls from C.) No function waits for a busy
-- supervisor.

local native = ...
local dynsup = require "dynsup"
local check_table = require "dynsup.arguments".check_table
local observation = require "dynsup.observation"
local cycles = require "dynsup.observer_cycles"
local sorting = require "dynsup.sorting"
local text = require "dynsup.observer_text"

local metatable_of = debug and debug.getmetatable or getmetatable

---@class dynsup.observer
local observer = {}

local REQUESTS_MAX = 100000
local PAGES = 2  -- of processes, after which others have their turn
local NODES = 20 -- of a tree
local ROWS = 100 -- of a page of processes

-- A function that gives way every `times` calls.
local function every(times)
  local count = 0
  return function()
    count = count + 1
    if count % times == 0 then
      native.give_way()
    end
  end
end

-- ---- arguments ----

local function check_options(name, options, known)
  if options ~= nil and type(options) ~= "table" then
    error(("bad argument to '%s' (table expected, got %s)"):format(name, type(options)), 3)
  end
  local copy = {} -- raw: without the metatable, which stays the caller's
  for option, value in next, options or {} do
    if known[option] == nil then
      error(("bad argument to '%s' (unknown option '%s')"):format(name, tostring(option)), 3)
    end
    copy[option] = value
  end
  return copy
end

-- The process of a dest, nil for a name that nobody has. Raises in the name of the calling function, whose
-- first argument it is, or what is said.
local function check_dest(name, dest, what)
  local ok, result = pcall(native.dest, dest)
  if ok then
    return result
  end
  error(("bad %s '%s' (%s)"):format(what or "argument #1 to", name, result:match "%((.*)%)$" or result), 3)
end

-- A whole number >= 1 among the options, or what it is without one.
local function number_of(name, options, option, otherwise)
  local value = options[option]
  if value == nil then
    return otherwise
  end
  if math.type(value) ~= "integer" or value < 1 then
    error(("bad option '%s' of '%s' (a whole number > 0 expected)"):format(option, name), 3)
  end
  return value
end

-- Where to go on after a page of children, if given.
local function check_cursor(name, value)
  local meta = type(value) == "userdata" and metatable_of(value)
  if value ~= nil and (not meta or rawget(meta, "__name") ~= "dynsup.cursor") then
    error(("bad option 'after' of '%s' (what it has returned expected, got %s)"):format(name, type(value)), 3)
  end
end

local function check_count(name, count, max)
  if count > max then
    error(("bad argument #%d to '%s' (no further argument expected)"):format(max + 1, name), 3)
  end
end

-- ---- processes ----

--- A page of the live processes: a list of tables, and what to give as `after` for the next page.
---@param options? { after?: integer, limit?: integer }
---@return table[] rows
---@return integer? after nil after the last page
function observer.processes(options)
  options = check_options("processes", options, { after = true, limit = true })
  local limit = number_of("processes", options, "limit", 100)
  local after, rows, breathe = number_of("processes", options, "after", 0), {}, every(1)
  repeat
    local page
    page, after = native.page(after, math.min(limit - #rows, ROWS))
    table.move(page, 1, #page, #rows + 1, rows)
    breathe()
  until #rows == limit or after == 0
  return text.aged_list(rows, text.processes), after > 0 and after or nil
end

--- What is known of one process, with its traceback, what it waits for, and whose child it is.
---@param dest any
---@return table? info
---@return string? reason
function observer.info(dest)
  local pid = check_dest("info", dest)
  local info = pid and native.info(pid)
  if not info then
    return nil, "noproc"
  end
  info.child = native.child(pid)
  native.supervisor(pid, info)
  info.waits = native.wait(pid)
  return text.aged_list(info, text.info)
end

--- The processes with most slices, cpu_time, mailbox or memory.
---@param options? { by?: string, limit?: integer }
---@return table[]? rows the greatest first
---@return string? reason
---@return any detail
function observer.top(options)
  options = check_options("top", options, { by = true, limit = true })
  local by = options.by or "cpu_time"
  local limit = number_of("top", options, "limit", 10)
  local top = type(by) == "string" and native.top(by, math.min(limit, 10000))
  if not top then
    return nil, "invalid_by", by
  end
  local breathe = every(1)
  while native.top_walk(top) do
    breathe()
  end
  return text.aged_list(native.top_rows(top), text.top(by))
end

-- ---- the tree ----

--- A page of a supervisor's children, in the order of their start.
---@param sup any
---@param options? { after?: any, limit?: integer }
---@return table[]? children
---@return any after_or_reason nil after the last page
function observer.children(sup, options)
  options = check_options("children", options, { after = true, limit = true })
  local limit = number_of("children", options, "limit", 100)
  local pid = check_dest("children", sup)
  check_cursor("children", options.after)
  local cursor = options.after or pid and native.children(pid)
  if not cursor then
    return nil, pid and dynsup.is_alive(pid) and "not_a_supervisor" or "noproc"
  end
  local children = {}
  local child
  repeat
    child = native.next_child(cursor)
    children[#children + 1] = child
  until not child or #children == limit
  return text.aged_list(children, text.processes), child and cursor or nil
end

-- Gives a supervisor's node its own fields and its children, down to depth.
local function grow(node, budget, depth)
  if type(node.pid) == "nil" or not native.supervisor(node.pid, node) then
    return node
  end
  node.children = {}
  local cursor = depth > 0 and native.children(node.pid)
  local child = cursor and native.next_child(cursor)
  while child and budget.left > 0 and #node.children < budget.width do
    budget.left = budget.left - 1
    budget.breathe()
    node.children[#node.children + 1] = child
    child = native.next_child(cursor)
  end
  for _, each in ipairs(node.children) do
    grow(each, budget, depth - 1)
  end
  local left_out = node.specs - #node.children
  node.more = left_out > 0 and left_out or nil
  return node
end

local function is_older(a, b)
  return a.started_at < b.started_at
end

-- The oldest of a list, and how many others were in it.
local function oldest(list, limit)
  local sorted = sorting.sort(list, is_older)
  local others = math.max(#sorted - limit, 0)
  for _ = 1, others do
    sorted[#sorted] = nil
  end
  return sorted, others
end

-- Adds what is known of the processes to a list.
local function add_rows(list, pids, breathe)
  for _, pid in ipairs(pids) do
    list[#list + 1] = native.row(pid)
    breathe()
  end
end

-- The oldest supervisors that are nobody's children, and in `more` how many others there are.
local function roots(limit)
  local list, left_out, after = {}, 0, 0
  local breathe, breathe_rows = every(PAGES), every(NODES)
  repeat
    local pids
    pids, after = native.roots(after)
    add_rows(list, pids, breathe_rows)
    breathe()
    if after == 0 or #list - limit > limit then
      local others
      list, others = oldest(list, limit)
      left_out = left_out + others
    end
  until after == 0
  list.more = left_out > 0 and left_out or nil
  return list
end

--- The tree of supervisors and their children: a list of its roots.
---@param options? { root?: any, limit?: integer, width?: integer, depth?: integer }
---@return table? roots
---@return string? reason
function observer.tree(options)
  options = check_options("tree", options, { root = true, limit = true, width = true, depth = true })
  local limit = number_of("tree", options, "limit", 1000)
  local budget = {
    left = limit,
    width = number_of("tree", options, "width", 100),
    breathe = every(NODES),
  }
  local depth = number_of("tree", options, "depth", 32)
  local list
  if options.root == nil then
    list = roots(limit)
  else
    local pid = check_dest("tree", options.root, "option 'root' of")
    list = { pid and (native.child(pid) or native.row(pid)) }
    if not list[1] then
      return nil, "noproc"
    end
  end
  for _, node in ipairs(list) do
    grow(node, budget, depth)
    budget.breathe()
  end
  return text.aged_list(list, text.tree)
end

-- ---- waits ----

local function collect_waits()
  local list, after, breathe = {}, 0, every(PAGES)
  repeat
    after = native.waits(after, list)
    breathe()
  until after == 0
  native.requests(list, REQUESTS_MAX)
  return list
end

--- The heaps of the host, the first one first, as dynsup.heaps lists them.
---@return dynsup.heap_info[]
function observer.heaps(...)
  check_count("heaps", select("#", ...), 0)
  return text.list(dynsup.heaps(), text.heaps)
end

--- Who waits for whom: for the answer of a monitored process, or for a supervisor to handle a request.
---@return table[] waits
function observer.waits(...)
  check_count("waits", select("#", ...), 0)
  return text.list(collect_waits(), text.waits)
end

--- Processes that wait for each other in a circle: a list of lists of waits. `forever` is true in
--- those that no time limit ends.
---@return table[] cycles
function observer.deadlocks(...)
  check_count("deadlocks", select("#", ...), 0)
  local found = cycles.of(collect_waits())
  local sure = #found > 0 and cycles.still_there(found, collect_waits()) or found
  return text.list(sure, text.deadlocks)
end

-- ---- the last events ----

local rings = {} -- the observation that keeps them for this heap, of each run that is inside another one

--- Begins to keep the last events of this run for this heap, or stops keeping them.
---@param limit integer how many; 0: none
---@param filter? table as of dynsup.observe; without one: all but the begin and end of processes
---@return boolean? done
---@return string? reason
---@return any detail
function observer.record(limit, filter)
  if math.type(limit) ~= "integer" or limit < 0 or limit > 1000000 then
    error("bad argument #1 to 'record' (a whole number from 0 to 1000000 expected)", 2)
  end
  check_table(filter, 2, "record", true)
  local new, reason, detail
  if limit > 0 then
    new, reason, detail = observation.keep(filter or { level = "info" }, limit)
    if not new then
      return nil, reason, detail
    end
  end
  local depth = #native.runs()
  if rings[depth] then
    rings[depth]:close()
  end
  rings[depth] = new
  return true
end

--- The last events that were kept for this heap, the oldest first.
---@param count? integer how many at most
---@return table[] events
function observer.events(count)
  if count ~= nil and (math.type(count) ~= "integer" or count < 0) then
    error("bad argument #1 to 'events' (a whole number >= 0 expected)", 2)
  end
  local list, ring, kept, before = {}, rings[#native.runs()], nil, nil
  if ring then
    kept, before = ring:kept()
  end
  local size = kept and #kept or 0
  for i = size - math.min(count or size, size), size - 1 do
    list[#list + 1] = kept[(before + i) % size + 1]
  end
  return text.list(list, text.events)
end

-- ---- acting ----

local function act(f, pid)
  if not pid or not dynsup.is_alive(pid) then
    return nil, "noproc"
  end
  return f(pid)
end

--- Kills a process.
---@param dest any
---@return boolean? done
---@return string? reason
function observer.kill(dest)
  return act(function(pid)
    return dynsup.exit(pid, "kill")
  end, (check_dest("kill", dest)))
end

--- Gives a process no slices until it is resumed.
---@param dest any
---@return boolean? done
---@return string? reason
function observer.pause(dest)
  return act(function(pid)
    if native.pause(pid) then
      return true
    end
    return nil, "is_a_supervisor"
  end, (check_dest("pause", dest)))
end

--- Lets a paused process go on.
---@param dest any
---@return boolean? done
---@return string? reason
function observer.resume(dest)
  return act(native.resume, (check_dest("resume", dest)))
end

-- Waits for the DOWN of the monitor; false when the time is over before.
local function is_down(ref, ms)
  return dynsup.receive_match(function(tag, which)
    return tag == "DOWN" and which == ref
  end, ms) ~= nil
end

-- A supervisor and a registry obey their parent alone, so they are asked; what was declared as a supervisor
-- need not be one.
local function ask_to_end(pid)
  if native.supervisor(pid, {}) then
    dynsup.stop(pid, "restart", 0)
  elseif not dynsup.registry.stop(pid, "restart", 0) then
    dynsup.exit(pid, "restart")
  end
end

-- Ends a child so that its supervisor starts it again: politely, and after its time by force.
local function end_child(child)
  local ref = dynsup.monitor(child.pid)
  local ms = child.shutdown
  if ms == "brutal_kill" then
    ms = 0
  end
  native.resume(child.pid)
  ask_to_end(child.pid)
  if not is_down(ref, ms) then
    dynsup.exit(child.pid, "kill")
    is_down(ref)
  end
end

--- Lets a child end with the reason "restart" and be started again by its supervisor.
---@param dest any
---@return any pid of the new process, or "restarting" or "failed", or nil
---@return string? reason
function observer.restart(dest)
  local pid = check_dest("restart", dest)
  if not pid or not dynsup.is_alive(pid) then
    return nil, "noproc"
  end
  local child = native.child(pid)
  if not child then
    return nil, "not_a_child"
  end
  if child.restart == "temporary" then
    return nil, "temporary"
  end
  native.check_wait()
  end_child(child)
  local now = native.child(child.ref)
  if not now then
    return nil, "noproc"
  end
  return now.pid or now.state
end

return observer
