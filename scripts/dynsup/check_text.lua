--- What a refused spec or a failed start means, and what to do about it: texts for `dynsup check`.

local show = require "dynsup.repl.show"

local check_text = {}

local WIDTH = 160 -- of a value

local advice = {
  invalid_mfa = 'body and start are a function or "module:function"; args is a list, with n if it holds nils',
  invalid_restart_type = 'restart is "permanent", "transient" or "temporary"',
  invalid_shutdown = 'shutdown is milliseconds >= 0, "infinity" or "brutal_kill"',
  invalid_child_type = 'type is "worker" or "supervisor"',
  invalid_name = "a name is a nonempty string, or { registry, key }",
  invalid_ready = "ready is true or false",
  invalid_start_timeout = 'start_timeout is milliseconds >= 0 or "infinity"',
  invalid_backoff = "backoff is true, false, or a table with min, max, factor, jitter and reset_after",
  invalid_max_restores = 'max_restores is a whole number > 0 or "infinity"',
  invalid_heap = 'heap is "own"',
  invalid_heaps = "heaps is a whole number from 1 to 4096",
  invalid_heap_memory = "heap_memory is a whole number of bytes > 0, and needs heaps",
  invalid_limits = "limits is a table with max_slice, max_cpu, deadline, max_memory, max_mailbox and max_message",
  invalid_max_slice = 'max_slice is milliseconds > 0 or "infinity"',
  invalid_max_cpu = 'max_cpu is milliseconds of each second, > 0 and at most 1000, or "infinity"',
  invalid_deadline = 'deadline is milliseconds > 0 or "infinity"',
  invalid_max_memory = 'max_memory is a whole number of bytes > 0 or "infinity"',
  invalid_max_mailbox = "max_mailbox is a whole number > 0 or \"infinity\", or { max =, policy = } with the policy "
    .. '"exit", "refuse", "drop_oldest" or "drop_newest"',
  invalid_max_message = 'max_message is a whole number of bytes > 0 or "infinity"',
  invalid_env = 'env is "private" or { allow = { names } }, with a body by "module:function"',
  invalid_modules = 'modules is a list or "dynamic"',
  invalid_significant = "significant is true or false, and true only under a static supervisor with auto_shutdown",
  bad_combination = "significant needs auto_shutdown, and another restart than permanent",
  missing_id = "a child of a static supervisor has an id",
  duplicate_child_name = "each child of a static supervisor has an id of its own",
  invalid_strategy = 'strategy is "one_for_one", or of a static supervisor also "one_for_all" or "rest_for_one"',
  invalid_intensity = "max_restarts is a whole number >= 0",
  invalid_period = "max_seconds is a number > 0 and < 1e12",
  invalid_max_children = 'max_children is a whole number >= 0 or "infinity"',
  invalid_extra_arguments = "extra_arguments is a list, with n if it holds nils",
  invalid_auto_shutdown = 'auto_shutdown is "never", "any_significant" or "all_significant"',
  invalid_clock = 'clock is one that dynsup.clock.new has returned in this run, or "host"',
  invalid_option = "there is no such option",
  invalid_timeout = 'timeout is milliseconds >= 0 or "infinity"',
  invalid_keys = 'keys is "unique" or "duplicate"',
  failed = "it was restarted more often than its own max_restarts allows: restart_child starts it again",
  not_a_supervisor = "that process is none",
  bad_return = "a start function returns a pid, or nil and a reason; init what dynsup.init or supervisor.init returns",
}

---@type string[] the fields of a child spec
check_text.fields = {}

-- ---- a field that is like a word ----

-- How many letters must be changed, added or removed to make one of the other.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local corner = row[0]
    row[0] = i
    for j = 1, #b do
      local change = corner + (a:byte(i) == b:byte(j) and 0 or 1)
      corner = row[j]
      row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#b]
end

local function field_like(word)
  local best, least = nil, 3
  for _, field in ipairs(check_text.fields) do
    local far = #word < 30 and distance(word, field) or least
    if far < least then best, least = field, far end
  end
  return best
end

-- ---- what to do ----

local beside_start = { name = true, ready = true, start_timeout = true }

local function no_child_spec(detail)
  if detail == "start" then
    return "it has both body and start"
  elseif beside_start[detail] then
    return detail .. " goes with body, not with start"
  elseif type(detail) == "string" then
    local like = field_like(detail)
    return like and ("there is no such field: did you mean %s?"):format(like)
      or "that is neither a field of a child spec nor a child"
  elseif type(detail) == "table" then
    return "it has neither body nor start, and no child_spec"
  end
  return "a child is a spec, a module with child_spec, { module, arg } or a function"
end

-- The value in one line.
local function value_text(value)
  local text = show.value(value, { width = math.huge, depth = 2 }):gsub("%s*\n%s*", " ")
  return #text > WIDTH and text:sub(1, WIDTH) .. "..." or text
end

--- Is it a crash object?
---@param reason any
---@return boolean
function check_text.is_crash(reason)
  return type(reason) == "table" and rawget(reason, "traceback") ~= nil
end

-- It may be one of the program's tables, whose __tostring fails.
local function crash_text(crash)
  local ok, text = pcall(tostring, crash)
  if ok then return text end
  local why = type(text) == "string" and ": " .. text or ""
  return ("an error that cannot be told%s\n%s"):format(why, rawget(crash, "traceback"))
end

-- The detail where no value is wrong by itself: a text that says what to do.
local function is_sentence(reason, detail)
  if type(detail) ~= "string" then return false end
  return reason == "invalid_mfa" and detail:find("another heap", 1, true) ~= nil
    or reason == "invalid_child_spec" and detail:find("{ module, arg }", 1, true) == 1
end

-- { id =, reason =, detail = }: the child that kept a static supervisor from starting.
local function is_child_failure(reason, detail)
  return reason == "shutdown" and type(detail) == "table" and rawget(detail, "reason") ~= nil
end

--- The reason of a failure; where a child has kept a static supervisor from starting, that child's.
---@param reason any
---@param ... any the detail, if there is one
---@return any
function check_text.cause(reason, ...)
  local detail = ...
  if is_child_failure(reason, detail) then return check_text.cause(detail.reason, detail.detail) end
  return reason
end

--- A failure as text: the reason, the value, what to do. A crash has its traceback in further lines.
---@param reason any
---@param ... any the detail, if there is one
---@return string
function check_text.failure(reason, ...)
  local detail = ...
  if is_child_failure(reason, detail) then
    local why = check_text.failure(table.unpack({ detail.reason, detail.detail }, 1, detail.detail == nil and 1 or 2))
    return ("child %s did not start: %s"):format(value_text(detail.id), why)
  elseif check_text.is_crash(reason) then
    return crash_text(reason)
  elseif is_sentence(reason, detail) then
    return reason .. ": " .. detail
  end
  local text = type(reason) == "string" and reason or value_text(reason)
  if select("#", ...) > 0 then text = text .. ": " .. value_text(detail) end
  local what = reason == "invalid_child_spec" and no_child_spec(detail) or advice[reason]
  return what and text .. ": " .. what or text
end

local without_value = { bad_return = true, failed = true, not_a_supervisor = true }

--- Is the crash that of an `assert` around a call that has refused a spec or an option? Then its error is
--- the reason alone, and the value that was wrong is lost.
---@param crash any
---@return boolean
function check_text.is_refusal(crash)
  local value = check_text.is_crash(crash) and rawget(crash, "error")
  local reason = type(value) == "string" and (value:match ": ([%a_]+)$" or value)
  if not reason or without_value[reason] then return false end
  return reason == "invalid_child_spec" or advice[reason] ~= nil
end

--- Why a module or function was not found, in one line.
---@param message any
---@return string
function check_text.missing(message)
  local text = type(message) == "string" and message or value_text(message)
  text = text:gsub("^dynsup[%w_.]*:%d+: ", ""):gsub(":?\n\tno field.*", ""):gsub("%s*\n%s*", " ")
  return text
end

return check_text
