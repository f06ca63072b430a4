--- A worker that loads the rules, saves them, and is done. When it cannot, it fails, and is started
--- again after a while, which doubles each time.
local cjson = require "cjson.safe"
local dynsup = require "dynsup"
local http = require "dynsup.http"

local RulesStore = require "rules_store"

local OPTIONS = { timeout = 5000, max_bytes = 1000000 }
local BACKOFF = { min = 200, max = 10000 }

local AuthDataLoader = {}

local function fail(...)
  dynsup.exit { "rules_not_loaded", ... }
end

local function is_list_of_strings(value)
  if type(value) ~= "table" then
    return false
  end
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  for i = 1, count do
    if type(value[i]) ~= "string" then
      return false
    end
  end
  return true
end

local function load_rules(url)
  local response, reason, detail = http.get(url, OPTIONS)
  if not response then
    fail(reason, detail)
  elseif response.status ~= 200 then
    fail("status", response.status)
  end
  local rules = cjson.decode(response.body)
  if not is_list_of_strings(rules) then
    fail("bad_rules", "a JSON list of strings is expected")
  end
  return rules
end

local function run(url)
  print(("worker %s started with %s"):format(dynsup.self(), url))
  print("load data from " .. url)
  dynsup.ready() -- whoever has started us need not wait for the rest
  local rules = load_rules(url)
  print(("save data {%s}"):format(table.concat(rules, ", ")))
  RulesStore.save(rules)
  print "work done"
end

---@param url string
---@return table spec
function AuthDataLoader.child_spec(url)
  return {
    id = "auth_data_loader",
    body = run,
    args = { url },
    ready = true,
    restart = "transient",
    backoff = BACKOFF,
  }
end

return AuthDataLoader
