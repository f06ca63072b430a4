local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local function body() family.idle() end
local function start() return dynsup.spawn_link(family.idle) end

-- What start_child says about spec; proves that nothing was started.
local function refusal(spec)
  local sup = dynsup.start_link {}
  local answer = table.pack(dynsup.start_child(sup, spec))
  assert.is_nil(answer[1])
  assert.same(family.workers(0), dynsup.count_children(sup))
  return answer[2], answer[3]
end

local function refused(sentence, spec, reason, detail)
  it(sentence, host.main(function()
    local why, what = refusal(spec)
    assert.equal(reason, why)
    assert.equal(detail, what)
  end))
end

describe("a child that is no spec", function()
  for _, value in ipairs { 42, true, coroutine.create(print) } do
    refused("is refused: a " .. type(value), value, "invalid_child_spec", value)
  end

  it("is refused: a table with neither body nor start", host.main(function()
    assert.equal("invalid_child_spec", (refusal {}))
    assert.equal("invalid_child_spec", (refusal { id = 1, restart = "permanent" }))
  end))

  refused("is refused: a pair whose module has no child_spec", { {}, "argument" },
    "invalid_child_spec", "{ module, arg }: the module has no function child_spec")
  refused("is refused: a pair whose module is no table", { "dynsup", {} },
    "invalid_child_spec", "{ module, arg }: the module is a string, not a table with a function child_spec")
  refused("is refused: a pair whose module is nil", { nil, "argument" },
    "invalid_child_spec", "{ module, arg }: the module is nil, not a table with a function child_spec")
  refused("is refused: a pair with a field", { dynsup, {}, restart = "nonsense" },
    "invalid_child_spec", "{ module, arg } has the field restart too: what is to be replaced in the module's "
      .. "child spec is a second argument of dynsup.supervisor.child_spec")
  refused("is refused: a pair with a third item", { dynsup, {}, {} },
    "invalid_child_spec", "{ module, arg } has another key: the module's child_spec has one argument")
  it("is none: a pair as table.pack makes it", host.main(function()
    assert(dynsup.start_child(dynsup.start_link {}, table.pack(dynsup, {})))
  end))

  refused("is refused: an item of a spec", { body, id = 1, body = body }, "invalid_child_spec", 1)

  refused("is refused: what a module's child_spec returned",
    { { child_spec = function() return 42 end }, "argument" }, "invalid_child_spec", 42)
end)

describe("a child spec with fields that cannot be", function()
  refused("is refused: an unknown field", { body = body, colour = 1 },
    "invalid_child_spec", "colour")
  refused("is refused: a misspelt field", { body = body, Restart = "transient" },
    "invalid_child_spec", "Restart")
  refused("is refused: a name beside start", { start = start, name = "x" },
    "invalid_child_spec", "name")
  refused("is refused: ready beside start", { start = start, ready = true },
    "invalid_child_spec", "ready")
  refused("is refused: a start_timeout beside start", { start = start, start_timeout = 10 },
    "invalid_child_spec", "start_timeout")

  it("is refused: body and start", host.main(function()
    local reason, detail = refusal { body = body, start = start }
    assert.equal("invalid_child_spec", reason)
    assert.is_true(detail == "body" or detail == "start")
  end))
end)

describe("a child spec with a wrong value", function()
  local wrong = {
    { "body", "invalid_mfa", { 42, true, {}, "no colon" } },
    { "args", "invalid_mfa", { 42, true, "x", print, { n = -1 }, { n = "1" }, { n = 0.5 },
      { n = 250001 }, { n = 1 << 40 }, { n = -1 << 40 } } },
    { "restart", "invalid_restart_type", { "always", "Permanent", "permanent\0x", 1, true, false } },
    { "shutdown", "invalid_shutdown", { -1, "soon", true, {} } },
    { "type", "invalid_child_type", { "process", "Worker", 1, true } },
    { "significant", "invalid_significant", { true, "yes", 1 } },
    { "modules", "invalid_modules", { 42, true, "static" } },
    { "name", "invalid_name", { 42, true, {}, print } },
    { "ready", "invalid_ready", { "yes", 1, {} } },
    { "backoff", "invalid_backoff", { 42, "yes", print } },
    { "max_restores", "invalid_max_restores", { 0, -1, 0.5, "many", "2", true, {} } },
    { "max_memory", "invalid_max_memory", { 0, -1, 0.5, 2^70, "much", "4096", true, {} } },
  }

  for _, case in ipairs(wrong) do
    local field, reason, values = case[1], case[2], case[3]
    for _, value in ipairs(values) do
      local text = type(value) == "string" and ("%q"):format(value) or type(value)
      if type(value) == "number" or type(value) == "boolean" then text = tostring(value) end
      local spec = { body = body }
      spec[field] = value
      refused(("is refused: %s = %s"):format(field, text), spec, reason, value)
    end
  end

  for _, value in ipairs { 42, true, {}, "no colon" } do
    refused("is refused: start is a " .. type(value), { start = value }, "invalid_mfa", value)
  end

  for _, value in ipairs { -1, "soon", true } do
    refused("is refused: start_timeout = " .. tostring(value),
      { body = body, ready = true, start_timeout = value }, "invalid_start_timeout", value)
  end

  local backoffs = {
    ["min = -1"] = { min = -1 },
    ["min = 'x'"] = { min = "x" },
    ["max below min"] = { min = 200, max = 100 },
    ["factor below 1"] = { factor = 0.5 },
    ["jitter above 1"] = { jitter = 2 },
    ["jitter below 0"] = { jitter = -0.1 },
    ["reset_after = -1"] = { reset_after = -1 },
    ["an unknown field"] = { colour = 1 },
  }
  for text, value in pairs(backoffs) do
    it("is refused: backoff with " .. text, host.main(function()
      assert.equal("invalid_backoff", (refusal { body = body, backoff = value }))
    end))
  end
end)

describe("a child spec", function()
  it("is good with every field at its allowed values", host.main(function()
    local sup = dynsup.start_link {}
    local good = {
      { "restart", { "permanent", "transient", "temporary" } },
      { "shutdown", { 0, 0.5, 5000, "infinity", "brutal_kill" } },
      { "type", { "worker", "supervisor" } },
      { "significant", { false } },
      { "modules", { "dynamic", {}, { "a.module" } } },
      { "ready", { false } },
      { "args", { {}, { 1 }, { n = 2 } } },
      { "backoff", { true, {}, { min = 1, max = 1, factor = 1, jitter = 0, reset_after = 0 } } },
      { "max_restores", { 1, 2.0, math.maxinteger, "infinity" } },
      { "max_memory", { 1 << 20, 2.0 ^ 20, math.maxinteger, "infinity" } },
      { "id", { false, 0, "id", {} } },
    }
    for _, case in ipairs(good) do
      for _, value in ipairs(case[2]) do
        local spec = { body = body, [case[1]] = value }
        assert.is_true(dynsup.is_pid((dynsup.start_child(sup, spec))), case[1])
      end
    end
  end))

  it("may have a backoff beside start", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { start = start, backoff = true })
    assert.is_true(dynsup.is_pid(pid))
  end))

  it("has the id nil, the type worker and no modules unless it says so", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = body })
    local entry = family.only(sup)
    assert.is_nil(entry.id)
    assert.equal(pid, entry.pid)
    assert.equal("worker", entry.type)
    assert.is_nil(entry.modules)
    assert.is_nil(entry.name)
  end))

  it("shows its id, type, modules and name as they were given", host.main(function()
    local sup, id, modules = dynsup.start_link {}, {}, { "one", "two" }
    dynsup.start_child(sup, { body = body, id = id, type = "supervisor", modules = modules,
      name = "x" })
    local entry = family.only(sup)
    assert.equal(id, entry.id)
    assert.equal("supervisor", entry.type)
    assert.same(modules, entry.modules)
    assert.equal("x", entry.name)
  end))

  it("may be used for many children, with the same id", host.main(function()
    local sup, spec = dynsup.start_link {}, { body = body, id = "same" }
    local one, other = dynsup.start_child(sup, spec), dynsup.start_child(sup, spec)
    assert.are_not.equal(one, other)
    assert.same(family.workers(2), dynsup.count_children(sup))
  end))

  it("is permanent unless it says so", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { body = family.mortal })
    family.finish(pid, "return")
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("is read without metamethods", host.main(function()
    local sup = dynsup.start_link {}
    local function touched() error "a metamethod ran" end
    local guarded = setmetatable({ body = body, args = setmetatable({ 1 }, { __index = touched,
      __len = touched }) }, { __index = touched, __pairs = touched })
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, guarded))))
    assert.equal("invalid_child_spec", (refusal(setmetatable({}, { __index = { body = body } }))))
  end))

  it("is copied: what becomes of the table changes nothing", host.main(function()
    local sup, got = dynsup.start_link {}, {}
    local spec = {
      args = { "first" },
      restart = "permanent",
      body = function(argument)
        got[#got + 1] = argument
        family.mortal()
      end,
    }
    local pid = dynsup.start_child(sup, spec)
    spec.args[1], spec.restart, spec.body = "changed", "temporary", error
    dynsup.sleep(1)
    family.finish(pid, "return")
    dynsup.sleep(1)
    assert.same({ "first", "first" }, got)
  end))

  it("is checked before anybody looks for the supervisor", host.main(function()
    local dead = dynsup.spawn(function() end)
    dynsup.sleep(1)
    assert.same({ nil, "invalid_shutdown", -1 },
      { dynsup.start_child(dead, { body = body, shutdown = -1 }) })
    assert.same({ nil, "invalid_shutdown", -1 },
      { dynsup.start_child("nobody", { body = body, shutdown = -1 }) })
  end))
end)

describe("a child given as", function()
  it("a bare function is a temporary worker", host.main(function()
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, family.mortal)
    local entry = family.only(sup)
    assert.is_nil(entry.id)
    assert.equal("worker", entry.type)
    family.finish(pid, "crash", "boom")
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("{ module, argument } is what child_spec says about the argument", host.main(function()
    local sup, got = dynsup.start_link {}, nil
    local module = {}
    function module.child_spec(argument)
      return { id = module, args = { argument }, body = function(it)
        got = it
        family.idle()
      end }
    end
    local pid = dynsup.start_child(sup, { module, "argument" })
    dynsup.sleep(1)
    assert.equal("argument", got)
    assert.equal(module, family.only(sup).id)
    assert.equal(pid, family.only(sup).pid)
  end))

  it("a module is what its child_spec says", host.main(function()
    local sup = dynsup.start_link {}
    local module = { child_spec = function() return { id = "m", body = body } end }
    assert.is_true(dynsup.is_pid((dynsup.start_child(sup, module))))
    assert.equal("m", family.only(sup).id)
  end))

  it("a module is asked in the caller's process", host.main(function()
    local sup, asked = dynsup.start_link {}, nil
    dynsup.start_child(sup, { { child_spec = function()
      asked = dynsup.self()
      return { body = body }
    end }, nil })
    assert.equal(dynsup.self(), asked)
  end))

  it("a module whose child_spec is wrong gets the same errors", host.main(function()
    local module = { child_spec = function() return { body = body, restart = "always" } end }
    assert.same({ "invalid_restart_type", "always" }, { refusal(module) })
  end))
end)

describe("code given by name", function()
  local name = "spec.code_by_name"

  before_each(function() package.loaded[name] = {} end)
  after_each(function() package.loaded[name] = nil end)

  it("may be a body", host.main(function()
    local sup, got = dynsup.start_link {}, nil
    package.loaded[name].run = function(...) got = { ... } family.idle() end
    local pid = dynsup.start_child(sup, { body = name .. ":run", args = { 1, 2 } })
    dynsup.sleep(1)
    assert.same({ 1, 2 }, got)
    assert.equal(pid, family.only(sup).pid)
  end))

  it("may be a start function", host.main(function()
    local sup = dynsup.start_link {}
    package.loaded[name].run = function(info) return start(), info end
    local pid, info = dynsup.start_child(sup, { start = name .. ":run", args = { "info" } })
    assert.is_true(dynsup.is_pid(pid))
    assert.equal("info", info)
  end))

  it("may be the child itself, a temporary worker", host.main(function()
    local sup = dynsup.start_link {}
    package.loaded[name].run = family.mortal
    local pid = dynsup.start_child(sup, name .. ":run")
    assert.is_true(dynsup.is_pid(pid))
    family.finish(pid, "crash", "boom")
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("is looked up again at each start", host.main(function()
    local sup, got = dynsup.start_link {}, {}
    local function version(n)
      return function()
        got[#got + 1] = n
        family.mortal()
      end
    end
    package.loaded[name].run = version(1)
    local pid = dynsup.start_child(sup, { body = name .. ":run" })
    dynsup.sleep(1)
    package.loaded[name] = { run = version(2) }
    family.finish(pid, "crash", "boom")
    dynsup.sleep(1)
    assert.same({ 1, 2 }, got)
  end))

  it("loads the module when it must", host.main(function()
    local sup, loaded = dynsup.start_link {}, 0
    package.loaded[name] = nil
    package.preload[name] = function()
      loaded = loaded + 1
      return { run = family.idle }
    end
    local pid = dynsup.start_child(sup, { body = name .. ":run" })
    dynsup.sleep(1)
    package.preload[name] = nil
    assert.equal(1, loaded)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("crashes the child when there is no such module or function", host.main(function()
    local sup = dynsup.start_link {}
    for code, part in pairs { ["no.such.module:run"] = "no%.such%.module",
      [name .. ":no_such_function"] = "no_such_function" } do
      local pid = dynsup.start_child(sup, { body = code, restart = "temporary" })
      local reason = host.down(dynsup.monitor(pid))
      assert.matches(part, tostring(reason))
    end
  end))

  it("fails the start when there is no such module for a start function", host.main(function()
    local sup = dynsup.start_link {}
    local pid, reason = dynsup.start_child(sup, { start = "no.such.module:run" })
    assert.is_nil(pid)
    assert.matches("no%.such%.module", tostring(reason))
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))
end)
