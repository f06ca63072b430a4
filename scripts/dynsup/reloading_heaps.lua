--- New code for a module in all heaps that have it, for reload.
--
-- In each other heap an agent, a process, prepares the code, and waits for the outcome in the other heaps:
-- the code is put into place in all heaps, or in none. Heaps take their turn by their numbers, so that of two
-- processes that reload a module at the same time one waits for the other.

local native = ...
local code = require "dynsup.reloading_code"
local dynsup = require "dynsup"

local error, ipairs, pcall, setmetatable, tostring = error, ipairs, pcall, setmetatable, tostring

local reloading_heaps = {}

-- ---- in another heap ----

-- Because of the ref no limit of the mailbox applies. What cannot travel is sent as a text.
local function tell(to, ref, done, reason, detail)
  if not pcall(dynsup.send, to, ref, done, reason, detail) then
    dynsup.send(to, ref, done, reason, tostring(detail))
  end
end

--- An agent: reloads the module in its heap, step by step as instructed.
---@param name string
---@param to any the pid of the process that reloads
function reloading_heaps.serve(name, to)
  local watch = dynsup.monitor(to)
  local ref = dynsup.receive()
  if ref == "DOWN" then
    return
  end
  local part <close> = code.part(name)
  local done, reason, detail = part:prepare(true)
  tell(to, ref, done, reason, detail)
  local word = done and dynsup.receive_match(function(tag, of)
    return tag == ref or tag == "DOWN" and of == watch
  end)
  if word == ref then
    part:commit()
  end
end

-- ---- an agent, as a part of the reload ----

local agent = {}
agent.__index = agent

local function new_agent(heap, name)
  return setmetatable({ heap = heap, name = name }, agent)
end

-- The agent's answer; or false and why it has ended.
function agent:hear()
  local ref = self.ref
  local tag, a, b, c = dynsup.receive_match(function(first, second)
    return first == ref or first == "DOWN" and second == ref
  end)
  if tag == ref then
    return true, a, b, c
  end
  return false, c
end

-- A heap that is lost has the new code when it is opened again.
function agent:prepare()
  self.pid = native.spawn_agent(self.heap, self.name)
  if not self.pid then
    return false
  end
  self.ref = dynsup.monitor(self.pid)
  dynsup.send(self.pid, self.ref)
  local told, done, reason, detail = self:hear()
  if not told and done ~= "memory_exceeded" then
    return nil, "load_error", done
  end
  self.is_prepared = told and done
  return told and done, reason, detail
end

function agent:commit()
  if not self.is_prepared then
    return
  end
  dynsup.send(self.pid, self.ref)
  local _, reason = self:hear()
  if reason ~= "normal" and reason ~= "memory_exceeded" then
    error(("the new code of '%s' is not in heap %d: %s"):format(self.name, self.heap, tostring(reason)), 0)
  end
end

function agent:__close()
  if self.pid then
    dynsup.exit(self.pid, "kill")
  end
  if self.ref then
    dynsup.demonitor(self.ref)
  end
end

-- ---- all heaps ----

local parts_meta = { __close = function(parts)
  for _, part in ipairs(parts) do
    local closed <close> = part -- luacheck: ignore closed
  end
end }

-- The part of each heap that there is, by their numbers.
local function each_part(name)
  local parts = setmetatable({}, parts_meta)
  local own = dynsup.info(dynsup.self()).heap or 0
  for i, row in ipairs(dynsup.heaps()) do
    parts[i] = row.heap == own and code.part(name) or new_agent(row.heap, name)
  end
  return parts
end

--- Loads the module's code again, here and in all heaps that have it.
---@param name string
---@return boolean? done nil: nothing has changed
---@return any reason
---@return any detail
function reloading_heaps.load(name)
  local parts <close> = each_part(name)
  for _, part in ipairs(parts) do
    local done, reason, detail = part:prepare()
    if done == nil then
      return nil, reason, detail
    end
  end
  for _, part in ipairs(parts) do
    part:commit()
  end
  return true
end

return reloading_heaps
