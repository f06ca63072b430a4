--- Buckets: processes that keep values under keys. Each is found by its name in the registry
--- "buckets", and is a temporary child of "bucket_supervisor": one that crashes is gone with what it
--- kept, and nothing else is.
local bucket = {}

local dynsup = require "dynsup"

local PATIENCE = 5000 -- ms for an answer

local requests = {}

function requests.get(values, key) return values[key] end

function requests.put(values, key, value) values[key] = value end

function requests.delete(values, key) values[key] = nil end

local function body()
  local values = {}
  while true do
    local request, from, ref, key, value = dynsup.receive()
    dynsup.send(from, ref, requests[request](values, key, value))
  end
end

local function dest(name)
  return { "buckets", name }
end

--- Makes a bucket, unless it is there.
---@param name string
---@return any pid; nil, reason
function bucket.create(name)
  local pid, reason, there = dynsup.start_child("bucket_supervisor", {
    body = body, name = dest(name), restart = "temporary",
  })
  if reason == "already_started" then return there end
  return pid, reason
end

-- Asks the bucket, if it exists, and waits for its answer or its end. The monitor's ref identifies the
-- answer.
local function ask(name, request, key, value)
  local ref = dynsup.monitor(dest(name))
  dynsup.send(dest(name), request, dynsup.self(), ref, key, value)
  local tag, answer = dynsup.receive_match(function(tag, which)
    return tag == ref or tag == "DOWN" and which == ref
  end, PATIENCE)
  dynsup.demonitor(ref)
  if tag == ref then return true, answer end
  return false
end

--- These return false when there is no such bucket; else true, and get the value.
---@param name string
---@param key string
---@return boolean, string?
function bucket.get(name, key) return ask(name, "get", key) end

function bucket.put(name, key, value) return ask(name, "put", key, value) end

function bucket.delete(name, key) return ask(name, "delete", key) end

return bucket
