-- The program examples/auth_rules as a user runs it: by itself, with a service of somebody else's,
-- with one that is not there yet, and with one that talks nonsense.

local example = require "spec.support.example"
local support = require "spec.support.http"

local AUTH_RULES = "examples/auth_rules/main.lua"

local function run(environment)
  return example.run(AUTH_RULES, {}, "env -u http_proxy DYNSUP_LOG_FORMAT=text " .. (environment or ""))
end

-- Serves a folder of the test's with the web server of Python.
local function serve_folder()
  local command = "python3 -u -m http.server --bind 127.0.0.1 --directory %s 0"
  return support.serve(command:format(example.quote(example.directory())), "port (%d+)")
end

local function count(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

-- A port at which nobody listens yet.
local function find_free_port()
  local find = [[python3 -c "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"]]
  return (example.shell(find):match "%d+")
end

example.describe("auth_rules", function()
  after_each(support.end_servers)

  it("loads the rules when it starts and when they have changed", function()
    local code, out, err = run()
    local url = out:match "(http://127.0.0.1:%d+/rules)"
    local lines = ("worker @ started with %s\nload data from %s\nsave data {rule_1, rule_2, rule_3}\nwork done\n")
      :format(url, url)
    assert.equal(lines .. lines, (out:gsub("<0%.%d+%.%d+>", "@")))
    local first, second = out:match "worker (%S+) .*worker (%S+) "
    assert.are_not.equal(first, second)
    assert.equal("", err)
    assert.equal(0, code)
  end)

  it("loads those of a service of somebody else's", function()
    example.make { ["site/rules"] = '["may read", "may write"]' }
    local port = serve_folder()
    local code, out, err = run(("AUTH_URL=http://127.0.0.1:%s/site/rules"):format(port))
    assert.equal(2, count(out, "save data {may read, may write}\nwork done\n"))
    assert.equal("", err)
    assert.equal(0, code)
  end)

  it("tries again, less and less often, until the service is there", function()
    example.make { ["rules"] = '["rule"]' }
    local port = find_free_port()
    local late = ("(sleep 0.5; exec timeout 20 python3 -m http.server --bind 127.0.0.1 --directory %s %s) " ..
      ">/dev/null 2>&1 & "):format(example.quote(example.directory()), port)
    example.shell(late)
    local code, out, err = run(("AUTH_URL=http://127.0.0.1:%s/rules AUTH_PATIENCE=20000"):format(port))
    assert.equal(0, code, err)
    assert.equal(2, count(out, "save data {rule}\nwork done\n"))
    assert.is_true(count(out, "worker %S+ started with ") >= 4, out)
    assert.is_true(count(err, "rules_not_loaded, couldnt_connect") >= 2, err)
    assert.truthy(err:find("it is restarted after its backoff", 1, true), err)
  end)

  for name, content in pairs {
    ["no JSON"] = "garbage",
    ["half of it"] = '["rule_1", "ru',
    ["no list"] = '{"rule": 1}',
    ["a list of something else"] = '["rule", 1]',
    ["a string"] = '"rule"',
    ["deep nonsense"] = ("["):rep(100000),
    ["nothing"] = "",
  } do
    it("does not take for rules: " .. name, function()
      example.make { ["rules"] = content }
      local url = ("http://127.0.0.1:%s/rules"):format(serve_folder())
      local code, out, err = run(("AUTH_URL=%s AUTH_PATIENCE=1000"):format(url))
      assert.equal(0, count(out, "save data"))
      assert.truthy(err:find("rules_not_loaded, bad_rules", 1, true), err)
      assert.truthy(err:find("auth_rules: the rules could not be loaded\n", 1, true))
      assert.equal(1, code)
    end)
  end

  it("fails when there is no such page", function()
    local url = ("http://127.0.0.1:%s/rules"):format(serve_folder())
    local code, _, err = run(("AUTH_URL=%s AUTH_PATIENCE=100"):format(url))
    assert.truthy(err:find("rules_not_loaded, status, 404", 1, true), err)
    assert.equal(1, code)
  end)

  it("gives a prompt its functions, and does nothing by itself", function()
    example.write_file(example.path_of "prompt.lua", ([[
      local dynsup = require "dynsup"
      arg = nil
      dofile %q
      print "loaded"
      print("start", dynsup.is_pid(my_service.start()), select(2, my_service.start()))
      for _ = 1, 2 do
        local pid = my_service.update_auth_rules()
        print("update", dynsup.is_pid(pid))
        local ref = dynsup.monitor(pid)
        print("ended", select(4, dynsup.receive()))
      end
      print(table.concat(my_service.rules(), " "))
      dynsup.halt(0)]]):format(AUTH_RULES))
    local code, out, err = example.run(example.path_of "prompt.lua")
    out = out:gsub("<0%.%d+%.%d+>", "@"):gsub("http://%S+", "URL")
    local once = "worker @ started with URL\nload data from URL\nupdate\ttrue\n"
      .. "save data {rule_1, rule_2, rule_3}\nwork done\nended\tnormal\n"
    assert.equal("loaded\nstart\ttrue\talready_started\t@\n" .. once .. once .. "rule_1 rule_2 rule_3\n", out)
    assert.equal("", err)
    assert.equal(0, code)
  end)
end)
