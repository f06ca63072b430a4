--- State over a restart: what an incarnation of a child leaves to the next one.
--
-- What is saved is a copy, made here and not in C, so that a big one does not hold up others; and reading it
-- makes a copy again: changes of an incarnation to its state reach the next one only if they are saved. So a
-- state is data: tables without metatables, and values that need no copy.

local native = ...

local saving = {}

-- ---- paths, for error messages ----

local function step(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then
    return "." .. key
  elseif type(key) == "string" then
    return ("[%q]"):format(key)
  elseif type(key) == "table" then
    return "[a table]"
  end
  return ("[%s]"):format(key)
end

local STEPS_MAX = 16 -- of a path: of a longer one only so many are shown, the first and the last

-- The path of a table, by the places at which tables were found first.
local function path_of(copier, source)
  local steps = {} -- the innermost first
  while copier.parents[source] do
    steps[#steps + 1] = copier.keys[source]
    source = copier.parents[source]
  end
  local path, half = { "state" }, STEPS_MAX // 2
  for i = #steps, 1, -1 do
    if i > half and i <= #steps - half then
      path[half + 2] = ("...(%d more)..."):format(#steps - STEPS_MAX)
    else
      path[#path + 1] = step(steps[i])
    end
  end
  return table.concat(path)
end

local function refuse(what, path)
  error({ message = ("%s %s: only plain values and tables of them can be saved"):format(path, what) })
end

-- ---- copies ----

local own_copy = { ["nil"] = true, boolean = true, number = true, string = true }

local function is_own_copy(value)
  local kind = type(value)
  return own_copy[kind] or kind == "userdata" and native.is_light(value)
end

-- A copier: copies (source -> copy), list (the sources, in the order in which they were found), and
-- of each but the first parents and keys: where it was found.
local function table_copy(copier, source, parent, key)
  local copy = copier.copies[source]
  if copy then
    return copy
  end
  copier.parents[source], copier.keys[source] = parent, key
  if getmetatable(source) ~= nil then
    refuse("has a metatable", path_of(copier, source))
  end
  copy = {}
  copier.copies[source] = copy
  copier.list[#copier.list + 1] = source
  return copy
end

local function key_copy(copier, source, key)
  if is_own_copy(key) then
    return key
  elseif type(key) ~= "table" then
    refuse("has a key that is a " .. type(key), path_of(copier, source))
  end
  return table_copy(copier, key, source, key)
end

local function value_copy(copier, source, key, value)
  if is_own_copy(value) then
    return value
  elseif type(value) ~= "table" then
    refuse("is a " .. type(value), path_of(copier, source) .. step(key))
  end
  return table_copy(copier, value, source, key)
end

-- Works through a list, so that no depth is too much.
local function deep_copy(root)
  if is_own_copy(root) then
    return root
  elseif type(root) ~= "table" then
    refuse("is a " .. type(root), "state")
  end
  local copier = { copies = {}, list = {}, parents = {}, keys = {} }
  local copy = table_copy(copier, root)
  local i = 1
  while copier.list[i] do
    local source = copier.list[i]
    local target = copier.copies[source]
    for key, value in next, source do
      target[key_copy(copier, source, key)] = value_copy(copier, source, key, value)
    end
    i = i + 1
  end
  return copy
end

-- ---- what dynsup has ----

local function check_count(name, min, ...)
  local count = select("#", ...)
  if count ~= min then
    error(("wrong number of arguments to '%s' (%d expected, got %d)"):format(name, min, count), 3)
  end
end

--- dynsup.save_state.
function saving.save(...)
  check_count("save_state", 1, ...)
  local ok, copy = pcall(deep_copy, (...))
  if ok then
    return native.save(copy)
  elseif type(copy) == "table" then
    error(("bad argument #1 to 'save_state' (%s)"):format(copy.message), 2)
  end
  error(copy, 0)
end

--- dynsup.previous.
---@return table? previous state, reason, attempt
function saving.previous(...)
  check_count("previous", 0, ...)
  local saved, reason, attempt = native.previous()
  if not attempt then
    return nil
  end
  return { state = deep_copy(saved), reason = reason, attempt = attempt }
end

return saving
