local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local function nothing_received()
  assert.same({ nil, "timeout" }, { dynsup.receive(1) })
end

describe("start_link with options", function()
  it("gives the pid of a supervisor without children", host.main(function()
    local sup = dynsup.start_link {}
    assert.is_true(dynsup.is_pid(sup))
    assert.is_true(dynsup.is_alive(sup))
    assert.same(family.workers(0), dynsup.count_children(sup))
    assert.same({}, dynsup.which_children(sup))
  end))

  it("links the supervisor to its caller", family.trapping(function()
    local sup = dynsup.start_link {}
    dynsup.exit(sup, "kill")
    assert.same({ "EXIT", sup, "killed" }, { dynsup.receive(1) })
  end))

  it("accepts every option at the edge of its range", host.main(function()
    assert.is_true(dynsup.is_pid(dynsup.start_link {
      name = "edge", strategy = "one_for_one", max_restarts = 0, max_seconds = 0.001,
      max_children = 0, extra_arguments = {},
    }))
    assert.is_true(dynsup.is_pid(dynsup.start_link { max_children = "infinity" }))
  end))

  it("registers the name before it returns", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    assert.equal(sup, dynsup.whereis("pool"))
  end))

  it("makes the name as good as the pid in every request", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    local child = dynsup.start_child("pool", family.idle)
    assert.same(family.workers(1), dynsup.count_children("pool"))
    assert.equal(child, dynsup.which_children("pool")[1].pid)
    assert.is_true(dynsup.terminate_child("pool", child))
    assert.is_true(dynsup.stop("pool"))
    assert.is_false(dynsup.is_alive(sup))
    assert.is_nil(dynsup.whereis("pool"))
  end))

  it("says already_started with the pid of the supervisor that has the name", host.main(function()
    local sup = dynsup.start_link { name = "pool" }
    assert.same({ nil, "already_started", sup }, { dynsup.start_link { name = "pool" } })
    assert.equal(sup, dynsup.whereis("pool"))
  end))

  it("says already_started with the pid of any process that has the name", host.main(function()
    local pid = dynsup.spawn(family.idle)
    dynsup.register("pool", pid)
    assert.same({ nil, "already_started", pid }, { dynsup.start_link { name = "pool" } })
  end))

  it("refuses options that are no table as misuse", host.main(function()
    assert.error_matches(function() dynsup.start_link(42) end, "#1")
    assert.error_matches(function() dynsup.start_link(true) end, "#1")
  end))

  it("does not keep the table of options", host.main(function()
    local options = { max_children = 1, extra_arguments = { "before" } }
    local sup = dynsup.start_link(options)
    options.max_children, options.extra_arguments[1] = 0, "after"
    local got
    dynsup.start_child(sup, function(extra) got = extra end)
    dynsup.sleep(1)
    assert.equal("before", got)
  end))

  it("needs a process", function()
    assert.has_error(function() dynsup.start_link {} end)
  end)
end)

describe("start_link refuses", function()
  local wrong = {
    { "strategy", "invalid_strategy", { "one_for_all", "rest_for_one", "", 1, false } },
    { "max_restarts", "invalid_intensity", { -1, 1.5, "3", "infinity", false } },
    { "max_seconds", "invalid_period", { 0, -1, 1e12, math.huge, "5", "infinity", true } },
    { "max_children", "invalid_max_children", { -1, 1.5, "3", "many", true } },
    { "extra_arguments", "invalid_extra_arguments", { -1, "x", true, print, { n = -1 },
      { n = "1" }, { n = 0.5 }, { n = 250001 }, { n = 1 << 40 } } },
    { "name", "invalid_name", { 42, true, false, {}, print } },
  }

  for _, case in ipairs(wrong) do
    local field, reason, values = case[1], case[2], case[3]
    for _, value in ipairs(values) do
      local text = type(value) == "string" and ("%q"):format(value) or tostring(value)
      if type(value) == "table" or type(value) == "function" then text = "a " .. type(value) end
      local sentence = ("%s = %s with %s and the value"):format(field, text, reason)
      it(sentence, family.trapping(function()
        local pid, why, what = dynsup.start_link { [field] = value }
        assert.is_nil(pid)
        assert.equal(reason, why)
        assert.equal(value, what)
        nothing_received()
      end))
    end
  end

  it("an unknown option with invalid_option and its name", host.main(function()
    assert.same({ nil, "invalid_option", "colour" }, { dynsup.start_link { colour = "red" } })
  end))

  it("options of a static supervisor", host.main(function()
    assert.same({ nil, "invalid_option", "auto_shutdown" },
      { dynsup.start_link { auto_shutdown = "never" } })
  end))

  it("wrong options without registering the name", host.main(function()
    dynsup.start_link { name = "pool", max_children = -1 }
    assert.is_nil(dynsup.whereis("pool"))
  end))

  it("wrong options without harm to a caller that traps nothing", host.main(function()
    local job = family.async(function()
      dynsup.start_link { max_restarts = -1 }
      dynsup.sleep(1)
      return "alive"
    end)
    assert.equal("alive", family.result(job))
  end))
end)

describe("start_link with a module", function()
  local function module_with(init)
    return { init = init }
  end

  it("calls init with the argument in the new supervisor", host.main(function()
    local argument, seen = {}, {}
    local sup = dynsup.start_link(module_with(function(...)
      seen = { dynsup.self(), ... }
      return dynsup.init {}
    end), argument)
    assert.equal(sup, seen[1])
    assert.equal(argument, seen[2])
    assert.is_nil(seen[3])
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("hands a nil argument on", host.main(function()
    local seen = "nothing"
    dynsup.start_link(module_with(function(argument)
      seen = argument
      return dynsup.init {}
    end), nil)
    assert.is_nil(seen)
  end))

  it("uses the flags that init returns", host.main(function()
    local sup = dynsup.start_link(module_with(function(limit)
      return dynsup.init { max_children = limit, extra_arguments = { "first" } }
    end), 1)
    local got
    dynsup.start_child(sup, { body = function(...) got = { ... } family.idle() end, args = { 2 } })
    dynsup.sleep(1)
    assert.same({ "first", 2 }, got)
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
  end))

  it("registers the name before init runs", host.main(function()
    local seen
    local sup = dynsup.start_link(module_with(function()
      seen = dynsup.whereis("pool")
      return dynsup.init {}
    end), nil, { name = "pool" })
    assert.equal(sup, seen)
    assert.equal(sup, dynsup.whereis("pool"))
  end))

  it("does not call init when the name is taken", host.main(function()
    local calls = 0
    local module = module_with(function()
      calls = calls + 1
      return dynsup.init {}
    end)
    local sup = dynsup.start_link(module, nil, { name = "pool" })
    assert.same({ nil, "already_started", sup },
      { dynsup.start_link(module, nil, { name = "pool" }) })
    assert.equal(1, calls)
  end))

  it("lets init wait", host.main(function()
    local took, sup = family.elapsed(dynsup.start_link, module_with(function()
      dynsup.sleep(10)
      return dynsup.init {}
    end), nil)
    assert.is_true(dynsup.is_pid(sup))
    assert.near(10, took, 0.001)
  end))

  it("ends quietly when init says ignore", family.trapping(function()
    local module = module_with(function() return "ignore" end)
    assert.same({ nil, "ignore" }, { dynsup.start_link(module, nil, { name = "pool" }) })
    assert.is_nil(dynsup.whereis("pool"))
    nothing_received()
  end))

  for _, value in ipairs { 42, true, "unknown" } do
    it(("says bad_return when init returns %s"):format(value), family.trapping(function()
      local module = module_with(function() return value end)
      assert.same({ nil, "bad_return", value },
        { dynsup.start_link(module, nil, { name = "pool" }) })
      assert.is_nil(dynsup.whereis("pool"))
      nothing_received()
    end))
  end

  it("says bad_return when init returns what a static supervisor's does", host.main(function()
    local static = dynsup.supervisor.init({}, {})
    assert.same({ nil, "bad_return", static },
      { dynsup.start_link(module_with(function() return static end), nil) })
  end))

  it("says bad_return when init returns nothing", host.main(function()
    assert.same({ nil, "bad_return" }, { dynsup.start_link(module_with(function() end), nil) })
  end))

  it("says what is wrong with the flags", family.trapping(function()
    local function start(options)
      return { dynsup.start_link(module_with(function() return dynsup.init(options) end), nil) }
    end
    assert.same({ nil, "invalid_strategy", "unknown" }, start { strategy = "unknown" })
    assert.same({ nil, "invalid_intensity", -1 }, start { max_restarts = -1 })
    assert.same({ nil, "invalid_period", 0 }, start { max_seconds = 0 })
    assert.same({ nil, "invalid_max_children", -1 }, start { max_children = -1 })
    assert.same({ nil, "invalid_extra_arguments", -1 }, start { extra_arguments = -1 })
    nothing_received()
  end))

  it("gives the crash object of an error in init", family.trapping(function()
    local module = module_with(function() error("boom", 0) end)
    local sup, crash = dynsup.start_link(module, nil, { name = "pool" })
    assert.is_nil(sup)
    assert.equal("boom", crash.error)
    assert.is_string(crash.traceback)
    assert.matches("boom", tostring(crash))
    assert.is_nil(dynsup.whereis("pool"))
    nothing_received()
  end))

  it("gives the reason of an exit in init", family.trapping(function()
    local module = module_with(function() dynsup.exit("no disk") end)
    assert.same({ nil, "no disk" }, { dynsup.start_link(module, nil) })
    nothing_received()
  end))

  it("takes along who init has linked when it fails, and nobody when it says ignore", host.main(function()
    local helper
    local function outcome(init)
      local sup, reason = dynsup.start_link(module_with(function()
        helper = dynsup.spawn_link(dynsup.sleep, "infinity")
        return init()
      end), nil)
      assert.is_nil(sup)
      dynsup.sleep(1)
      return reason, dynsup.is_alive(helper)
    end
    assert.same({ "no disk", false }, { outcome(function() dynsup.exit "no disk" end) })
    assert.same({ "bad_return", false }, { outcome(function() return 42 end) })
    assert.same({ "invalid_period", false }, { outcome(function() return dynsup.init { max_seconds = 0 } end) })
    local crash, alive = outcome(function() error("boom", 0) end)
    assert.equal("boom", crash.error)
    assert.is_false(alive)
    assert.same({ "normal", true }, { outcome(function() dynsup.exit "normal" end) })
    assert.same({ "ignore", true }, { outcome(function() return "ignore" end) })
  end))

  it("ends for good a transient child that init has linked, by a shutdown with a value", host.main(function()
    local sup, runs = dynsup.start_link(), 0
    local child = dynsup.start_child(sup, { restart = "transient", body = function()
      runs = runs + 1
      dynsup.sleep "infinity"
    end })
    dynsup.start_link(module_with(function()
      dynsup.link(child)
      dynsup.exit { "shutdown", "later" }
    end), nil)
    dynsup.sleep(1)
    assert.same({ 1, 0 }, { runs, dynsup.count_children(sup).active })
  end))

  it("reports no init that fails", function()
    local lines = {}
    host.run(function()
      dynsup.start_link(module_with(function() error "boom" end), nil)
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.same({}, lines)
  end)

  it("leaves a caller alive that traps nothing when init fails", host.main(function()
    local job = family.async(function()
      dynsup.start_link(module_with(function() error "boom" end), nil)
      dynsup.sleep(1)
      return "alive"
    end)
    assert.equal("alive", family.result(job))
  end))

  it("refuses a wrong name and unknown options beside it", host.main(function()
    local module = module_with(function() return dynsup.init {} end)
    assert.same({ nil, "invalid_name", 42 }, { dynsup.start_link(module, nil, { name = 42 }) })
    assert.same({ nil, "invalid_option", "colour" },
      { dynsup.start_link(module, nil, { colour = "red" }) })
  end))
end)

describe("init", function()
  it("fills in the defaults", host.main(function()
    assert.same({
      strategy = "one_for_one", max_restarts = 3, max_seconds = 5,
      max_children = "infinity", extra_arguments = {},
    }, dynsup.init {})
  end))

  it("keeps what is given", host.main(function()
    local flags = dynsup.init { max_restarts = 7, max_seconds = 0.5, max_children = 2,
      extra_arguments = { "x" } }
    assert.same({
      strategy = "one_for_one", max_restarts = 7, max_seconds = 0.5,
      max_children = 2, extra_arguments = { "x" },
    }, flags)
  end))
end)

describe("child_spec", function()
  it("describes a supervisor with its name as id", host.main(function()
    local spec = dynsup.child_spec { name = "pool" }
    assert.equal("pool", spec.id)
    assert.equal("supervisor", spec.type)
    assert.is_nil(spec.body)
  end))

  it("has the id dynsup without a name", host.main(function()
    assert.equal("dynsup", dynsup.child_spec({}).id)
  end))

  it("makes { dynsup, options } a child of another supervisor", host.main(function()
    local top = dynsup.start_link {}
    local sub = dynsup.start_child(top, { dynsup, { name = "pool" } })
    assert.equal(sub, dynsup.whereis("pool"))
    assert.same({}, dynsup.which_children("pool"))
    assert.same({ specs = 1, active = 1, supervisors = 1, workers = 0 },
      dynsup.count_children(top))
    local entry = family.only(top)
    assert.equal("pool", entry.id)
    assert.equal("supervisor", entry.type)
  end))

  it("lets several unnamed supervisors live under one", host.main(function()
    local top = dynsup.start_link {}
    local one = dynsup.start_child(top, { dynsup, {} })
    local other = dynsup.start_child(top, { dynsup, {} })
    assert.are_not.equal(one, other)
    assert.equal(2, dynsup.count_children(top).supervisors)
  end))

  it("restarts a killed supervisor under the same name", host.main(function()
    local top = dynsup.start_link {}
    local sub = dynsup.start_child(top, { dynsup, { name = "pool", max_children = 1 } })
    local worker = dynsup.start_child(sub, family.idle)
    local worker_ref = dynsup.monitor(worker)
    assert.equal("killed", host.stop(sub, "kill"))
    assert.equal("killed", host.down(worker_ref))
    assert.equal(1, dynsup.count_children(top).active)
    assert.are_not.equal(sub, dynsup.whereis("pool"))
    assert.equal(family.only(top).pid, dynsup.whereis("pool"))
    assert.is_true(dynsup.is_pid(dynsup.start_child("pool", family.idle)))
    assert.same({ nil, "max_children" }, { dynsup.start_child("pool", family.idle) })
  end))

  it("hands the errors of start_link on", host.main(function()
    local top = dynsup.start_link {}
    local sub = dynsup.start_child(top, { dynsup, { name = "pool" } })
    assert.same({ nil, "already_started", sub },
      { dynsup.start_child(top, { dynsup, { name = "pool" } }) })
    assert.same({ nil, "invalid_strategy", "x" },
      { dynsup.start_child(top, { dynsup, { strategy = "x" } }) })
    assert.equal(1, dynsup.count_children(top).specs)
  end))
end)

describe("use", function()
  it("gives a module a child_spec with the module as id", host.main(function()
    local module = {}
    dynsup.use(module)
    local spec = module.child_spec("argument")
    assert.equal(module, spec.id)
    assert.equal("supervisor", spec.type)
  end))

  it("puts the defaults into the child_spec", host.main(function()
    local module = {}
    dynsup.use(module, { id = "pools", restart = "temporary", shutdown = 10 })
    local spec = module.child_spec("argument")
    assert.equal("pools", spec.id)
    assert.equal("temporary", spec.restart)
    assert.equal(10, spec.shutdown)
    assert.equal("supervisor", spec.type)
  end))

  it("gives a start_link that starts the module with its argument", host.main(function()
    local module, seen = {}, nil
    dynsup.use(module)
    function module.init(argument)
      seen = argument
      return dynsup.init { max_children = 0 }
    end
    local sup = module.start_link("argument")
    assert.equal("argument", seen)
    assert.same({ nil, "max_children" }, { dynsup.start_child(sup, family.idle) })
  end))

  it("keeps the start_link that the module has", host.main(function()
    local function start_link() end
    local module = { start_link = start_link }
    dynsup.use(module)
    assert.equal(start_link, module.start_link)
  end))

  it("starts the start_link that the module defines later", host.main(function()
    local module = {}
    dynsup.use(module)
    function module.init() return dynsup.init {} end
    function module.start_link(name) return dynsup.start_link(module, nil, { name = name }) end
    local top = dynsup.start_link {}
    local sub = dynsup.start_child(top, { module, "pool" })
    assert.equal(sub, dynsup.whereis("pool"))
  end))

  it("makes the module a child that is restarted with its argument", host.main(function()
    local module, arguments = {}, {}
    dynsup.use(module)
    function module.init(argument)
      arguments[#arguments + 1] = argument
      return dynsup.init {}
    end
    local top = dynsup.start_link {}
    local sub = dynsup.start_child(top, { module, "argument" })
    assert.equal(module, family.only(top).id)
    host.stop(sub, "kill")
    assert.same({ specs = 1, active = 1, supervisors = 1, workers = 0 },
      dynsup.count_children(top))
    assert.are_not.equal(sub, family.only(top).pid)
    assert.same({ "argument", "argument" }, arguments)
  end))

  it("hands ignore on to start_child", host.main(function()
    local module = {}
    dynsup.use(module)
    function module.init() return "ignore" end
    local top = dynsup.start_link {}
    assert.same({ nil, "ignore" }, { dynsup.start_child(top, { module, nil }) })
    assert.equal(0, dynsup.count_children(top).specs)
  end))
end)

describe("misuse of the functions that make specs and flags names the argument:", function()
  local function assert_misuse(name, position, ...)
    local ok, message = pcall(dynsup[name], ...)
    assert.is_false(ok)
    assert.match(("bad argument #%d to '%s' %%(table expected, got "):format(position, name), message)
  end

  it("init", function()
    assert_misuse("init", 1, 3)
  end)

  it("child_spec", function()
    assert_misuse("child_spec", 1, "x")
  end)

  it("use", function()
    assert_misuse("use", 1, nil)
    assert_misuse("use", 2, {}, true)
  end)
end)
