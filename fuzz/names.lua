-- Fuzzes names and registries: any strings as names, any values as keys.
--   What was registered is found, what was not is not; misuse is reported as such, and nothing else raises.

local fuzz = ...
local dynsup = require "dynsup"
local value = require "fuzz.value"

local registry = dynsup.registry

local function try(f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then
    local text = tostring(results[2])
    assert(text:find "bad argument" or text:find "expected", text)
    return nil, "misuse"
  end
  return table.unpack(results, 2, results.n)
end

-- Strings among the keys come again, so that they meet.
local function key_of(reader)
  if reader:below(3) == 0 then
    return reader:value(2)
  end
  return reader:pick { "a", "b", 1, 1.0, true, "" }
end

local function is_key(key)
  return key ~= nil and key == key
end

local function try_name(reader)
  local name, pid = reader:string(), dynsup.spawn(dynsup.receive)
  if try(dynsup.register, name, pid) then
    assert(dynsup.whereis(name) == pid)
    assert(select(2, dynsup.register(name, dynsup.self())) == "taken")
    assert(dynsup.send(name, "x"))
    assert(dynsup.unregister(name))
    assert(dynsup.whereis(name) == nil)
  end
  dynsup.exit(pid, "kill")
end

local function try_unique(reader)
  local key = key_of(reader)
  local ok, reason = try(registry.register, "unique", key, reader:value(2))
  if ok then
    local found = registry.lookup("unique", key)
    assert(found and #found == 1 and found[1].pid == dynsup.self() or dynsup.whereis { "unique", key } == dynsup.self())
    assert(try(dynsup.send, { "unique", key }, "x"))
  elseif is_key(key) and reason == "already_registered" then
    assert(dynsup.whereis { "unique", key })
  end
end

local function try_duplicate(reader)
  local key = key_of(reader)
  try(registry.register, "duplicate", key, reader:value(2))
  try(registry.lookup, "duplicate", key)
  try(registry.dispatch, "duplicate", key, function() end)
end

local function try_rest(reader)
  local name, key = reader:pick { "unique", "duplicate", "none" }, key_of(reader)
  local f = reader:pick {
    registry.unregister, registry.lookup, registry.keys, registry.select, registry.count, registry.update_value,
  }
  try(f, name, key, reader:value(2))
end

local function try_child(reader)
  local name = reader:below(2) == 0 and reader:string() or { reader:pick { "unique", "none" }, key_of(reader), 1 }
  local pid, reason = dynsup.start_child("sup", { body = dynsup.receive, name = name, restart = "temporary" })
  if pid then
    assert(dynsup.whereis(name) == pid)
    local again, why = dynsup.ensure_child("sup", { body = dynsup.receive, name = name })
    assert(again == pid and why == "existing")
    assert(dynsup.terminate_child("sup", pid))
    assert(dynsup.whereis(name) == nil)
  else
    assert(type(reason) == "string", reason)
  end
end

local function try_dest(reader)
  local dest = reader:value(3)
  try(dynsup.send, dest, "x")
  try(dynsup.whereis, dest)
  try(dynsup.is_alive, dest)
  try(dynsup.monitor, dest)
end

local tries = { try_name, try_unique, try_duplicate, try_rest, try_child, try_dest }

local function play(reader)
  reader.dynsup = true
  assert(registry.start_link { keys = "unique", name = "unique" })
  assert(registry.start_link { keys = "duplicate", name = "duplicate" })
  assert(dynsup.start_link { name = "sup" })
  for _ = 1, 12 do
    if reader:is_over() then break end
    reader:pick(tries)(reader)
    fuzz.host_check()
  end
  dynsup.halt(0)
end

return function(input)
  local ok, reason = dynsup.run({ clock = "virtual", seed = 1, log_level = "off" }, play, value.reader(input))
  assert(ok, tostring(reason))
end
