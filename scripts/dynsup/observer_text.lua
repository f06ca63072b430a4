--- What dynsup.observer finds, as text: for each list a function that writes it, which tostring calls.

local text = {}

--- Gives a list its text.
---@param list table
---@param write fun(list: table): string
---@return table list
function text.list(list, write)
  return setmetatable(list, { __tostring = write, __name = "dynsup.observer" })
end

--- The same for values with an age, in a run: the text may be made after the run, but shows the ages of now.
---@param list table
---@param write fun(list: table, looked_at: number): string
---@return table list
function text.aged_list(list, write)
  local at = require("dynsup.clock").now() -- as started_at, whatever clock the caller has
  return text.list(list, function(of)
    return write(of, at)
  end)
end

-- ---- pieces ----

-- Without zeros at the end of a fraction.
local function number(value, digits)
  local written = ("%%.%df"):format(digits):format(value)
  return digits == 0 and written or (written:gsub("%.?0+$", ""))
end

local function age(ms)
  if ms < 1000 then
    return number(ms, 0 < ms and ms < 10 and 1 or 0) .. " ms"
  elseif ms < 60000 then
    return number(ms / 1000, 1) .. " s"
  elseif ms < 3600000 then
    return number(ms / 60000, 1) .. " min"
  end
  return number(ms / 3600000, 1) .. " h"
end

local function bytes(count)
  if count < 1024 then
    return ("%d B"):format(count)
  elseif count < 1048576 then
    return number(count / 1024, 1) .. " KiB"
  end
  return number(count / 1048576, 1) .. " MiB"
end

local function spell(chars)
  return (chars:gsub(".", function(c) return ("\\%03d"):format(c:byte()) end))
end

-- A text as it may stand in a line: what could steer a terminal, and what is no UTF-8, is spelled out.
local function tame(chars)
  local shown = chars:gsub("%c", spell):gsub("\xc2[\x80-\x9f]", spell)
  return utf8.len(shown) and shown or (shown:gsub("[\x80-\xff]", spell))
end

local function quote(name)
  return '"' .. tame(name) .. '"'
end

local function who(row)
  local pid = tostring(row.pid or row.last_pid)
  return row.name and pid .. " " .. quote(row.name) or pid
end

local function status(row)
  local word = row.state ~= "running" and row.state or row.status or "ended"
  return row.paused and word .. ", paused" or word
end

local function plural(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

-- ---- processes ----

local function describe_supervisor(row)
  local doing = row.stopping and ", stopping" or row.starting and ", runs a start function" or ""
  return ("supervisor, %d of %s active, %s of %d in %s s%s"):format(row.active,
    plural(row.specs, "child"):gsub("childs", "children"), plural(row.restarts, "restart"),
    row.max_restarts, number(row.max_seconds, 3), doing)
end

local function describe(row, looked_at)
  local kind = row.label == "main" and "main process" or row.type
  local parts = { row.specs and describe_supervisor(row) or kind .. ", " .. status(row) }
  if row.incarnation and row.incarnation > 1 then
    parts[#parts + 1] = "incarnation " .. row.incarnation
  end
  if row.mailbox and not row.specs then
    parts[#parts + 1] = plural(row.mailbox, "message")
  end
  if row.heap and row.heap > 0 then
    parts[#parts + 1] = "heap " .. row.heap
  end
  if row.memory then
    parts[#parts + 1] = bytes(row.memory)
    parts[#parts + 1] = "up " .. age(looked_at - row.started_at)
  end
  return who(row) .. " " .. table.concat(parts, ", ")
end

local function lines(list, write, looked_at)
  local result = {}
  for i, item in ipairs(list) do
    result[i] = write(item, looked_at)
  end
  return table.concat(result, "\n")
end

function text.processes(list, looked_at)
  return lines(list, describe, looked_at)
end

local formats = {
  slices = function(row) return ("%d"):format(row.slices) end,
  cpu_time = function(row) return number(row.cpu_time, 1) .. " ms" end,
  mailbox = function(row) return ("%d"):format(row.mailbox) end,
  memory = function(row) return bytes(row.memory) end,
}

--- A writer of the processes with most of something.
---@param by string
---@return fun(list: table, looked_at: number): string
function text.top(by)
  return function(list, looked_at)
    return lines(list, function(row)
      return ("%12s  %s"):format(formats[by](row), describe(row, looked_at))
    end)
  end
end

function text.info(info, looked_at)
  local result = { describe(info, looked_at) }
  local child = info.child
  if child then
    result[2] = ("  child of %s, restart %s, shutdown %s"):format(tostring(info.supervisor), child.restart,
      tostring(math.tointeger(child.shutdown) or child.shutdown))
    result[3] = child.func and "  function: " .. child.func
  end
  local waits = info.waits
  if waits then
    result[#result + 1] = "  waits for " .. (waits.target and tostring(waits.target) .. " (" .. waits.what .. ")"
      or waits.what) .. (waits.left and ", " .. age(waits.left) .. " more" or "")
  end
  if info.traceback then
    result[#result + 1] = "  " .. info.traceback:gsub("\n", "\n  ")
  end
  return table.concat(result, "\n")
end

-- ---- heaps ----

function text.heaps(list)
  return lines(list, function(row)
    local who_lives = row.processes and ", " .. plural(row.processes, "process"):gsub("processs", "processes") or ""
    local most = row.limit and " of " .. bytes(row.limit) or ""
    return ("heap %d%s, %s%s%s"):format(row.heap, who_lives, bytes(row.memory), most, row.lost and ", lost" or "")
  end)
end

-- ---- the tree ----

local function add_node(result, node, first, rest, looked_at)
  result[#result + 1] = first .. describe(node, looked_at)
  local children = node.children or {}
  for i, child in ipairs(children) do
    local is_last = i == #children and not node.more
    local branch, gap = is_last and "└─ " or "├─ ", is_last and "   " or "│  "
    add_node(result, child, rest .. branch, rest .. gap, looked_at)
  end
  if node.more then
    result[#result + 1] = rest .. "└─ " .. node.more .. " more"
  end
end

function text.tree(list, looked_at)
  local result = {}
  for _, node in ipairs(list) do
    add_node(result, node, "", "", looked_at)
  end
  if list.more then
    result[#result + 1] = list.more .. " more"
  end
  return table.concat(result, "\n")
end

-- ---- waits ----

local function describe_wait(wait)
  local limit = wait.left and "for " .. age(wait.left) .. " more" or "for ever"
  return ("%s waits %s for %s (%s)"):format(tostring(wait.pid), limit, tostring(wait.target), wait.what)
end

function text.waits(list)
  return lines(list, describe_wait)
end

function text.deadlocks(list)
  return lines(list, function(cycle)
    local head = cycle.forever and "wait for each other for ever" or "wait for each other"
    return ("%s %s:\n  %s"):format(plural(#cycle, "process"):gsub("processs", "processes"), head,
      lines(cycle, describe_wait):gsub("\n", "\n  "))
  end)
end

-- ---- events ----

-- Of a reason, whose __tostring may fail.
local function first_line(value)
  local ok, written = pcall(tostring, value)
  return ok and tame(written:match "^[^\n]*") or "(its __tostring failed)"
end

function text.events(list)
  return lines(list, function(event)
    local supervisor = event.supervisor and " of " .. tostring(event.supervisor) or ""
    local why = event.reason ~= nil and ": " .. first_line(event.reason) or event.error and ": " .. event.error or ""
    local process = (event.pid or event.name) and who { pid = event.pid or "?", name = event.name } or event.type
      or event.heap and "heap " .. event.heap or ""
    return ("%10.3f  %-16s %s%s%s"):format(event.at / 1000, event.event, process, supervisor, why)
  end)
end

return text
