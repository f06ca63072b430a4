-- Fuzzes child specs and the options of supervisors: tables made of bytes, to start_link, start_child
-- and ensure_child. The outcome is always a value, and the host's invariants hold.

local fuzz = ...
local dynsup = require "dynsup"
local value = require "fuzz.value"

local FIELDS = {
  "body", "start", "args", "id", "restart", "shutdown", "type", "name", "ready", "start_timeout", "backoff",
  "modules", "significant", "max_restores", "max_restarts", "max_seconds", "max_slice", "max_cpu", "deadline",
  "max_memory", "max_mailbox", "env", "heap", "max_message",
}
local OPTIONS = {
  "name", "strategy", "max_restarts", "max_seconds", "max_children", "extra_arguments", "clock", "limits",
  "auto_shutdown", "heaps", "heap_memory",
}
local NAMES = { "a", "b", "c", "sup" }

local bodies = {
  function() end,
  function() dynsup.receive() end,
  function() dynsup.sleep(1) end,
  function() error "fuzz" end,
  function() dynsup.ready(1) dynsup.receive() end,
  function(...) dynsup.exit { "shutdown", ... } end,
  function() dynsup.flag("trap_exit", true) dynsup.receive() end,
}

local starts = {
  function() return dynsup.spawn_link(dynsup.receive) end,
  function() return "ignore" end,
  function() return nil, "no", {} end,
  function(...) return ... end,
  function() error {} end,
  function() return dynsup.spawn(dynsup.receive), "info" end,
  function() return dynsup.start_link() end,
}

local words = {
  "permanent", "transient", "temporary", "infinity", "brutal_kill", "worker", "supervisor", "one_for_one", "os:time",
  "no.such:module", "one_for_all", "rest_for_one", "dynamic", "private", "own", "never",
  "any_significant", "all_significant",
}

-- What may well be right for a field.
local function likely(reader, field)
  if field == "body" then return reader:pick(bodies) end
  if field == "start" then return reader:pick(starts) end
  if field == "name" then return reader:pick(NAMES) end
  if field == "args" or field == "extra_arguments" then return { reader:value(2), n = reader:below(4) } end
  if field == "backoff" then
    return reader:below(3) == 0 or {
      min = reader:byte(), max = reader:float(), factor = reader:byte() / 16, jitter = reader:byte() / 255,
    }
  end
  if field:find "^max_" or field == "shutdown" or field == "start_timeout" then return reader:below(20) end
  return reader:below(3) == 0 or reader:pick(words)
end

local function fields(reader, names)
  local made = {}
  for _ = 1, reader:below(6) do
    local field = reader:pick(names)
    local how = reader:below(8)
    if how == 0 then
      made[reader:string()] = reader:value(2)
    elseif how == 1 then
      made[field] = reader:value(3)
    else
      made[field] = likely(reader, field)
    end
  end
  return made
end

local function child(reader)
  local how = reader:below(10)
  if how == 0 then return reader:pick(bodies) end
  if how == 1 then return { reader:value(3), reader:value(1) } end
  local spec = fields(reader, FIELDS)
  if how > 3 and spec.start == nil then
    spec.body = reader:pick(bodies)
  end
  return spec
end

-- Modules with child_spec, and __pack functions, are code of the user's, whose errors are theirs.
local function try(what, f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then
    local text = tostring(results[2])
    local is_misuse = text:find "bad argument" or text:find "a __pack must"
      or text:find "attempt to" and what == "module"
    assert(is_misuse, what .. ": " .. text)
    return nil, "raised"
  end
  assert(results[2] ~= nil or results[3] ~= nil or what == "count", what)
  return table.unpack(results, 2, results.n)
end

local function is_own_code(made)
  return type(made) == "table" and (rawget(made, "child_spec") ~= nil or type(made[1]) == "table")
end

local actions = {
  function(reader, sup)
    local made = child(reader)
    return try(is_own_code(made) and "module" or "start_child", dynsup.start_child, sup, made)
  end,
  function(reader, sup)
    local made = child(reader)
    return try(is_own_code(made) and "module" or "ensure_child", dynsup.ensure_child, sup, made)
  end,
  function(reader, sup)
    local made = fields(reader, FIELDS)
    made.body = made.body or reader:pick(bodies)
    made.id = made.id or reader:byte()
    return try("static", dynsup.supervisor.start_link, { made }, fields(reader, OPTIONS)), sup
  end,
  function(reader, sup) return try("terminate_child", dynsup.terminate_child, sup, reader:pick(NAMES)) end,
  function(_, sup)
    local counts = dynsup.count_children(sup)
    assert(counts == nil or counts.active <= counts.specs)
  end,
  function(_, sup)
    for _, c in ipairs(dynsup.which_children(sup) or {}) do
      dynsup.exit(dynsup.is_pid(c.pid) and c.pid or dynsup.self(), "other")
    end
  end,
  function() dynsup.sleep(1) end,
}

local function scenario(reader)
  dynsup.flag("trap_exit", true)
  local sup = try("start_link", dynsup.start_link, fields(reader, OPTIONS))
  sup = dynsup.is_pid(sup) and sup or assert(dynsup.start_link())
  for _ = 1, 8 do
    if reader:is_over() then break end
    reader:pick(actions)(reader, sup)
    fuzz.host_check()
  end
end

local function play(reader)
  local failed
  local player = dynsup.spawn(function()
    reader.dynsup = true
    local ok, why = xpcall(scenario, debug.traceback, reader)
    failed = not ok and why
  end)
  for _ = 1, 200 do
    dynsup.yield()
  end
  fuzz.host_check()
  if failed then error(failed, 0) end
  dynsup.exit(player, "kill") -- if it still plays: what it starts during the end may take long to end
  dynsup.halt(0)
end

return function(input)
  local ok, reason = dynsup.run({ clock = "virtual", seed = 1, log_level = "off" }, play, value.reader(input))
  assert(ok, tostring(reason))
end
