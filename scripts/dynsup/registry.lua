--- dynsup.registry: which process has registered under which key, like Elixir's Registry.
--
-- Entries live in the core (core/registry.c); they end with their process, before anybody is notified of its
-- end, or with the registry. This module has the lists and the functions that call back.

local native = ...

local dynsup = require "dynsup"

---@class dynsup.registry
local registry = {}

---@alias dynsup.registry.dest any the registry's pid or registered name

---@class dynsup.registry.entry
---@field pid any
---@field value any
---@field key any only in the list of select

local function misuse(position, name, what, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, what), level)
end

-- Raises an error in the name of the calling function, at the place that has called it. level: of that place,
-- for callers that check on behalf of that function.
local function check_dest(dest, name, level)
  if type(dest) ~= "string" and not dynsup.is_pid(dest) then
    misuse(1, name, "pid or registered name of a registry expected, got " .. type(dest), level or 4)
  end
end

local function check_key(dest, key, name)
  check_dest(dest, name, 5)
  if key == nil or key ~= key then misuse(2, name, "a key is anything but nil and NaN", 4) end
end

local function check_function(f, position, name)
  if type(f) ~= "function" then
    misuse(position, name, "function expected, got " .. type(f), 4)
  end
end

local function check_ms(ms, position, name)
  if ms ~= nil and ms ~= "infinity" and not (type(ms) == "number" and ms >= 0) then
    misuse(position, name, "milliseconds, \"infinity\" or nil expected", 4)
  end
end

local function check_reason(reason, position, name)
  if type(reason) ~= "string" and type(reason) ~= "table" then
    misuse(position, name, "string or table expected, got " .. type(reason), 4)
  end
end

local function check_pid(pid, position, name)
  if not dynsup.is_pid(pid) then misuse(position, name, "pid expected, got " .. type(pid), 4) end
end

local function check_options(options, name)
  if type(options) ~= "table" then misuse(1, name, "table expected, got " .. type(options), 4) end
end

local OPTIONS = { keys = true, name = true }

--- Starts a registry, linked to the caller.
---@param options { keys: "unique"|"duplicate", name: string? }
---@return any pid; nil, reason, detail
function registry.start_link(options)
  check_options(options, "start_link")
  for option in next, options do
    if not OPTIONS[option] then return native.refused("invalid_option", option) end
  end
  local keys, name = rawget(options, "keys"), rawget(options, "name")
  if keys ~= "unique" and keys ~= "duplicate" then return native.refused("invalid_keys", keys) end
  if name ~= nil and (type(name) ~= "string" or name == "") then return native.refused("invalid_name", name) end
  return native.start(keys == "unique", name)
end

--- The child spec of a registry, so that `{ registry, options }` is a child.
---@param options table as of start_link
---@return table spec
function registry.child_spec(options)
  check_options(options, "child_spec")
  return {
    id = rawget(options, "name") or "registry",
    start = registry.start_link,
    args = { options, n = 1 },
    type = "supervisor",
  }
end

--- Ends a registry and waits until it is down.
---@param dest dynsup.registry.dest
---@param reason any "normal" unless given
---@param ms number|"infinity"|nil
---@return boolean? true; nil, reason
function registry.stop(dest, reason, ms)
  check_dest(dest, "stop")
  check_ms(ms, 3, "stop")
  if reason == nil then reason = "normal" end
  check_reason(reason, 2, "stop")
  native.check_wait()
  local ref = dynsup.monitor(dest)
  local done, failure = native.stop(dest, reason)
  if not done then
    dynsup.demonitor(ref)
    return nil, failure
  end
  local down = dynsup.receive_match(function(tag, which) return tag == "DOWN" and which == ref end, ms)
  if down then return true end
  dynsup.demonitor(ref)
  return nil, "timeout"
end

registry.register = native.register

--- Ends the caller's entries under the key.
---@param dest dynsup.registry.dest
---@param key any
---@return boolean? true; nil, reason
function registry.unregister(dest, key)
  check_key(dest, key, "unregister")
  return native.unregister(dest, key)
end

-- A flat list (pid, key, value, pid, ...) as a list of tables; only accepted ones, if it says which.
local function unflatten(flat, count, accepts, with_key)
  local list = {}
  for at = 1, count * 3, 3 do
    local pid, key, value = flat[at], flat[at + 1], flat[at + 2]
    if not accepts or accepts(pid, key, value) then
      local entry = { pid = pid, value = value }
      if with_key then entry.key = key end
      list[#list + 1] = entry
    end
  end
  return list
end

--- The entries under the key, in the order in which they were made.
---@param dest dynsup.registry.dest
---@param key any
---@return dynsup.registry.entry[]? list; nil, reason
function registry.lookup(dest, key)
  check_key(dest, key, "lookup")
  local flat, count = native.lookup(dest, key)
  if not flat then return nil, count end
  return unflatten(flat, count)
end

--- The entries under the key whose value the function accepts.
---@param dest dynsup.registry.dest
---@param key any
---@param accepts fun(value: any): any
---@return dynsup.registry.entry[]? list; nil, reason
function registry.match(dest, key, accepts)
  check_key(dest, key, "match")
  check_function(accepts, 3, "match")
  local flat, count = native.lookup(dest, key)
  if not flat then return nil, count end
  return unflatten(flat, count, function(_, _, value) return accepts(value) end)
end

--- All entries, or those that the function accepts, with their keys.
---@param dest dynsup.registry.dest
---@param accepts (fun(key: any, pid: any, value: any): any)?
---@return dynsup.registry.entry[]? list; nil, reason
function registry.select(dest, accepts)
  check_dest(dest, "select")
  if accepts ~= nil then check_function(accepts, 2, "select") end
  local flat, count = native.entries(dest)
  if not flat then return nil, count end
  return unflatten(flat, count, accepts and function(pid, key, value)
    return accepts(key, pid, value)
  end, true)
end

--- Ends those of the caller's entries under the key whose value the function accepts.
---@param dest dynsup.registry.dest
---@param key any
---@param accepts fun(value: any): any
---@return boolean? true; nil, reason
function registry.unregister_match(dest, key, accepts)
  check_key(dest, key, "unregister_match")
  check_function(accepts, 3, "unregister_match")
  local own = dynsup.self()
  local flat, count = native.lookup_numbered(dest, key)
  if not flat then return nil, count end
  local numbers, n = {}, 0
  for at = 1, count * 4, 4 do
    if flat[at] == own and accepts(flat[at + 2]) then
      n = n + 1
      numbers[n] = flat[at + 3]
    end
  end
  return native.unregister_some(dest, key, numbers, n)
end

-- One of a flat list's three places, of each entry for which it holds.
local function pick(flat, count, place)
  local list = { n = count }
  for i = 1, count do
    list[i] = flat[3 * i - 3 + place]
  end
  return list
end

--- The keys of a process, one for each of its entries, in no order.
---@param dest dynsup.registry.dest
---@param pid any
---@return any[]? list; nil, reason
function registry.keys(dest, pid)
  check_dest(dest, "keys")
  check_pid(pid, 2, "keys")
  local flat, count = native.owned(dest, pid)
  if not flat then return nil, count end
  local keys = pick(flat, count, 2)
  keys.n = nil
  return keys
end

--- The values of a process's entries under the key; a packed list, for a value may be nil.
---@param dest dynsup.registry.dest
---@param key any
---@param pid any
---@return table? list; nil, reason
function registry.values(dest, key, pid)
  check_key(dest, key, "values")
  check_pid(pid, 3, "values")
  local flat, count = native.lookup(dest, key)
  if not flat then return nil, count end
  local list = { n = 0 }
  for at = 1, count * 3, 3 do
    if flat[at] == pid then
      list.n = list.n + 1
      list[list.n] = flat[at + 2]
    end
  end
  return list
end

--- Replaces the value of the caller's entry under a unique key by the function's result.
---@param dest dynsup.registry.dest
---@param key any
---@param f fun(value: any): any
---@return any new, any old; nil, "not_found"; nil, reason
function registry.update_value(dest, key, f)
  check_key(dest, key, "update_value")
  check_function(f, 3, "update_value")
  local is_unique, failure = native.unique(dest)
  if is_unique == nil then return nil, failure end
  if not is_unique then misuse(1, "update_value", "its keys are duplicate", 3) end
  local flat, count = native.lookup(dest, key)
  if not flat then return nil, count end
  if count == 0 or flat[1] ~= dynsup.self() then return nil, "not_found" end
  local new = f(flat[3])
  local updated, reason = native.update(dest, key, new)
  if not updated then return nil, reason or "not_found" end
  return new, flat[3]
end

--- Calls the function with the entries under the key, if there are any.
---@param dest dynsup.registry.dest
---@param key any
---@param f fun(entries: dynsup.registry.entry[])
---@return boolean? true; nil, reason
function registry.dispatch(dest, key, f)
  check_key(dest, key, "dispatch")
  check_function(f, 3, "dispatch")
  local entries, failure = registry.lookup(dest, key)
  if not entries then return nil, failure end
  if #entries > 0 then f(entries) end
  return true
end

registry.count = native.count
registry.whereis = native.whereis

return registry
