-- env: the globals of a worker whose spec has it.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local folder, path

-- A module that is a file, as those of workers with env are.
local function write(name, text)
  local file = assert(io.open(("%s/%s.lua"):format(folder, name), "wb"))
  file:write(text)
  file:close()
end

local function setup()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  path, package.path = package.path, folder .. "/?.lua;" .. package.path
end

local function teardown()
  package.path = path
  os.execute("rm -r " .. folder)
end

-- Runs the text of a function in a worker with env, with an argument; what it returns.
local function returned(env, text, argument)
  write("env_worker", ([[
    local module = {}
    local function result(...) %s end
    local tell = ...
    function module.run(send, main, ...) send(main, "result", result(...)) end
    return module]]):format(text))
  local pid = dynsup.start_child(dynsup.start_link {}, { body = "env_worker:run", env = env, restart = "temporary",
    args = { dynsup.send, dynsup.self(), argument or "argument" } })
  local ref = dynsup.monitor(pid)
  local message = table.pack(dynsup.receive_match(function(tag, down) return tag == "result" or down == ref end))
  if message[1] == "DOWN" then return nil, message[4] end
  return table.unpack(message, 2, message.n)
end

-- The message of the error with which the text fails in a worker with env.
local function failure(env, text)
  local _, reason = returned(env, text)
  return tostring(reason.error)
end

local private, none = "private", { allow = {} }

describe("a worker with env", function()
  before_each(setup)
  after_each(teardown)

  it("gets its arguments, and may wait", host.main(function()
    for _, env in ipairs { private, { allow = { "dynsup" } }, { allow = { "require", "dynsup" } } } do
      assert.equal("argument", returned(env, [[
        local dynsup = dynsup or require "dynsup"
        dynsup.sleep(1)
        return ...]]))
    end
  end))

  it("keeps what it does to its globals to itself", host.main(function()
    for _, env in ipairs { private, { allow = { "string" } } } do
      assert.equal("mine", returned(env, [[
        env_leak = "mine"
        string.env_leak = "mine"
        return _G.env_leak]]))
      assert.is_nil(rawget(_G, "env_leak"))
      assert.is_nil(rawget(string, "env_leak"))
    end
  end))

  it("begins with fresh ones in each incarnation", family.trapping(function()
    write("env_worker", [[
      lives = (lives or 0) + 1
      local module = {}
      function module.run(send, main)
        send(main, lives)
        error "again"
      end
      return module]])
    dynsup.start_child(dynsup.start_link { max_restarts = 3 },
      { body = "env_worker:run", env = none, args = { dynsup.send, dynsup.self() } })
    for _ = 1, 4 do assert.equal(1, dynsup.receive()) end
    assert.is_nil(package.loaded.env_worker)
  end))

  it("has all that there is, where they are private", host.main(function()
    for name in host.sorted(_G) do
      if name:match "^[%l_]+$" and name ~= "_G" then
        assert.equal(type(_G[name]), (returned(private, ("return type(%s)"):format(name))), name)
      end
    end
    assert.is_true(returned(private, "return _G == _ENV and io.open ~= nil and os.exit ~= nil"))
  end))

  it("shares the modules that it requires", host.main(function()
    write("env_shared", "return {}")
    for _, env in ipairs { private, { allow = { "require", "env_shared" } } } do
      local shared = returned(env, "local m = require 'env_shared'; m.seen = true; return m")
      assert.equal(require "env_shared", shared)
    end
    package.loaded.env_shared = nil
  end))

  it("has nothing but what is harmless and what is allowed", host.main(function()
    local names = [[
      local names = {}
      for name in pairs(_G) do names[#names + 1] = name end
      return names]]
    local function listed(env)
      local list = returned(env, names)
      table.sort(list)
      return table.concat(list, " ")
    end
    local harmless = "_G _VERSION assert error getmetatable ipairs next pairs pcall rawequal rawget rawlen "
      .. "rawset select setmetatable tonumber tostring type xpcall"
    assert.equal(harmless, listed(none))
    assert.equal((harmless:gsub("ipairs", "io ipairs")), listed { allow = { "io" } })
    assert.matches("attempt to index a nil value %(global 'os'%)", failure(none, "os.exit(1)"))
  end))

  it("does not reach the shared globals by load, or by a string's metatable", host.main(function()
    local text = [[
      load "env_leak = 1"()
      return env_leak, load("return env_leak", "x", "t", { env_leak = 2 })(), getmetatable "x"]]
    for _, env in ipairs { private, { allow = { "load" } } } do
      assert.same({ n = 3, 1, 2 }, table.pack(returned(env, text)))
      assert.is_nil(rawget(_G, "env_leak"))
    end
  end))

  it("has not the metatable of all pids, nor that of all crash objects", host.main(function()
    local text = [[
      local argument = ...
      local own = setmetatable({}, { __name = "pid" })
      return getmetatable(own).__name, getmetatable(argument)]]
    for _, env in ipairs { private, none } do
      for _, argument in ipairs { dynsup.self(), dynsup.monitor(dynsup.self()), (host.reason(error, "no")) } do
        assert.same({ n = 2, "pid" }, table.pack(returned(env, text, argument)))
      end
    end
  end))

  it("loads files with its own globals", host.main(function()
    write("env_file", "env_leak = (env_leak or 0) + 1 return env_leak")
    local text = ("return dofile('%s/env_file.lua'), loadfile('%s/env_file.lua')()"):format(folder, folder)
    for _, env in ipairs { private, { allow = { "dofile", "loadfile" } } } do
      assert.same({ 1, 2 }, { returned(env, text) })
    end
    assert.is_nil(rawget(_G, "env_leak"))
    assert.matches("cannot open", failure(private, "dofile 'no such file'"))
  end))

  it("loads no precompiled code, and makes none where that is not all", host.main(function()
    write("env_code", string.dump(function() end))
    local text = ([[
      local f, first = loadfile '%s/env_code.lua'
      local g, second = load("\27Lua", "x", "b")
      return f or g or { first, second }]]):format(folder)
    for _, env in ipairs { private, { allow = { "load", "loadfile" } } } do
      for _, message in ipairs(returned(env, text)) do
        assert.matches("attempt to load a binary chunk", message)
      end
    end
    assert.is_nil(returned({ allow = { "string" } }, "return string.dump"))
  end))

  it("requires only what is allowed", host.main(function()
    local env = { allow = { "require", "string" } }
    assert.is_true(returned(env, "return require 'string' == string"))
    assert.matches("module 'io' is not allowed here", failure(env, "require 'io'"))
    assert.matches("module 'nil' is not allowed here", failure(env, "require(nil)"))
  end))

  it("gets by require what it has, whatever becomes of its globals", host.main(function()
    local env = { allow = { "require", "dynsup", "string", "load" } }
    assert.same({ n = 4, true, true, true, true }, table.pack(returned(env, [[
      local had = { dynsup, string, load }
      dynsup, string, load = nil, nil, {}
      local again = require "dynsup"
      return again == had[1] and again.spawn == nil, require "string" == had[2], require "load" == had[3],
        _G.dynsup == nil]])))
  end))

  it("may end none but itself", host.main(function()
    local env = { allow = { "dynsup" } }
    assert.matches("may end none but itself", failure(env, "dynsup.exit(dynsup.self(), 'kill')"))
    assert.same({ nil, "enough" }, { returned(env, "dynsup.exit 'enough'") })
    assert.is_nil(returned(env, "return dynsup.spawn or dynsup.halt or dynsup.start_child or dynsup.own"))
  end))

  it("fails when its code cannot be loaded with them", family.trapping(function()
    package.preload.env_preloaded = function() return { run = print } end
    local sup = dynsup.start_link {}
    local function reason(code)
      local pid = dynsup.start_child(sup, { body = code, env = private, restart = "temporary" })
      return tostring(host.down(dynsup.monitor(pid)).error)
    end
    assert.matches("module 'env_preloaded' not found for a worker with env", reason "env_preloaded:run")
    write("env_wrong", "return 1")
    assert.matches("no table", reason "env_wrong:run")
    write("env_wrong", "return {}")
    assert.matches("no function 'run'", reason "env_wrong:run")
    write("env_wrong", "return (")
    assert.matches("error loading module 'env_wrong'.*unexpected symbol", reason "env_wrong:run")
    write("env_wrong", string.dump(function() end))
    assert.matches("precompiled code is not loaded", reason "env_wrong:run")
    package.preload.env_preloaded = nil
  end))

  it("is told by its name in reports", function()
    local lines = {}
    host.run(function()
      dynsup.flag("trap_exit", true)
      write("env_worker", "return { run = function() error 'boom' end }")
      dynsup.start_child(dynsup.start_link {}, { body = "env_worker:run", env = none, restart = "temporary" })
      dynsup.sleep(1)
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.matches("env_worker:run", table.concat(lines, "\n"))
  end)
end)

describe("env in a child spec", function()
  local function refusal(spec)
    local _, reason, detail = dynsup.start_child(dynsup.start_link {}, spec)
    return reason, detail
  end

  it("is \"private\" or a list of names", host.main(function()
    for _, value in ipairs { "public", 1, true, {}, { allow = "io" }, { allow = {}, deny = {} }, { deny = {} } } do
      assert.same({ "invalid_env", value }, { refusal { body = "m:f", env = value } })
    end
    for _, name in ipairs { "strnig", 1, true, "my.module", "" } do
      assert.same({ "invalid_env", name }, { refusal { body = "m:f", env = { allow = { "io", name } } } })
    end
  end))

  it("needs code by name", host.main(function()
    local reason, detail = refusal { body = print, env = private }
    assert.equal("invalid_env", reason)
    assert.matches("module:function", detail)
  end))

  it("goes with body", host.main(function()
    assert.same({ "invalid_child_spec", "env" }, { refusal { start = "m:f", env = private } })
  end))
end)
