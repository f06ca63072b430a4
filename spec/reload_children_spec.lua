-- dynsup.reload: the children that run a module's code.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local modules = require "spec.support.modules"
local static = require "dynsup.supervisor"
local versions = require "spec.support.versions"

local add, began, main = versions.add, versions.began, versions.main
local spec, write = versions.spec, versions.write

describe("reload restarts", function()
  before_each(modules.open)
  after_each(modules.close)

  it("the children that were started by a name in the module, and no others", main(function()
    local sup = dynsup.start_link {}
    modules.write("app.worker2", "return { run = function() require('dynsup').sleep('infinity') end }")
    add(sup, spec "a")
    add(sup, spec("b", { restart = "transient" }))
    add(sup, spec("c", { body = require("app.worker").run }))
    add(sup, spec("d", { restart = "temporary" }))
    add(sup, spec("e", { body = "app.worker2:run" }))
    local others = { dynsup.whereis "c", dynsup.whereis "d", dynsup.whereis "e" }
    assert.same({ "1 a", "1 b", "1 c", "1 d" }, began())
    write(2)
    assert.same({ 2, 0 }, { dynsup.reload "app.worker" })
    dynsup.sleep(1)
    assert.same({ "2 a", "2 b" }, began())
    assert.same(others, { dynsup.whereis "c", dynsup.whereis "d", dynsup.whereis "e" })
    assert.equal(2, dynsup.info("a").incarnation)
    assert.same(family.workers(5), dynsup.count_children(sup))
  end))

  it("nobody with restart = false: they get it at their next restart", main(function()
    local sup = dynsup.start_link {}
    local pid = add(sup, spec "a")
    began()
    write(2)
    assert.same({ 0, 0 }, { dynsup.reload("app.worker", { restart = false }) })
    dynsup.sleep(1)
    assert.equal(pid, dynsup.whereis "a")
    dynsup.send("a", "crash", "boom")
    dynsup.sleep(1)
    assert.same({ "2 a" }, began())
  end))

  it("as often as one likes: it counts nothing and delays nothing", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    add(sup, spec "a")
    add(sup, spec("b", { backoff = { min = 1000 } }))
    for n = 2, 20 do
      began()
      write(n)
      assert.same({ 2, 0 }, { dynsup.reload "app.worker" })
      dynsup.yield()
      assert.same({ n .. " a", n .. " b" }, began())
    end
    assert.equal(2, dynsup.now())
  end))

  it("children with all that they have saved", main(function()
    local sup = dynsup.start_link {}
    add(sup, spec "a")
    for n = 2, 6 do
      dynsup.send("a", "save", { of = n })
      dynsup.sleep(1)
      began()
      write(n)
      dynsup.reload "app.worker"
      assert.same({ "began", n, "a", { of = n } }, { dynsup.receive_match("began", 10) })
    end
  end))

  it("and tells that in the log", main(function()
    local log = {}
    local function keep(level, line) log[#log + 1] = level .. " " .. line end
    assert.is_true(dynsup.run({ clock = "virtual", log = keep, log_level = "info" }, function()
      dynsup.register("main", dynsup.self())
      add(dynsup.start_link {}, spec "a")
      dynsup.reload "app.worker"
      dynsup.halt()
    end))
    assert.truthy(table.concat(log, "\n"):find(
      "info module 'app.worker' has new code; children restarted: 1, not yet: 0", 1, true))
  end))

  it("politely: all are told at once, each has its own time, none is reported", main(function()
    local log = {}
    assert.is_true(dynsup.run({ clock = "virtual", log = function(_, line) log[#log + 1] = line end }, function()
      dynsup.register("main", dynsup.self())
      local sup = dynsup.start_link {}
      for i = 1, 5 do
        add(sup, spec("p" .. i, { restart = "transient", body = "app.worker:polite", args = { "p" .. i, i * 100 } }))
      end
      began()
      write(2)
      local before = dynsup.now()
      assert.same({ 5, 0 }, { dynsup.reload "app.worker" })
      assert.equal(500, dynsup.now() - before)
      dynsup.yield()
      assert.same({ "2 p1", "2 p2", "2 p3", "2 p4", "2 p5" }, began())
      dynsup.halt()
    end))
    assert.same({}, log)
  end))

  it("with a kill who takes too long, which is reported", main(function()
    local sup = dynsup.start_link {}
    local reports = 0
    dynsup.observe({ events = "shutdown_error" }, function() reports = reports + 1 end)
    add(sup, spec("slow", { body = "app.worker:polite", args = { "slow", 9000 }, shutdown = 200 }))
    add(sup, spec("brutal", { body = "app.worker:polite", args = { "brutal", 9000 }, shutdown = "brutal_kill" }))
    local before = dynsup.now()
    assert.same({ 2, 0 }, { dynsup.reload "app.worker" })
    assert.equal(200, dynsup.now() - before)
    dynsup.sleep(1)
    assert.equal(1, reports)
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("children with a start function", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    add(sup, { id = "s", start = "app.worker:start", args = { "s" } })
    began()
    write(2)
    assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
    assert.same({ "2 s" }, began())
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("supervisors with their trees, and children in them once", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    add(sup, { id = "tree", type = "supervisor", start = "app.worker:tree", args = { { spec "a", spec "b" } } })
    assert.same({ "1 a", "1 b", "1 tree" }, began())
    write(2)
    assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
    dynsup.sleep(1)
    assert.same({ "2 a", "2 b", "2 tree" }, began())
  end))
end)

describe("reload under a static supervisor", function()
  before_each(modules.open)
  after_each(modules.close)

  for _, strategy in ipairs { "one_for_one", "one_for_all", "rest_for_one" } do
    it("leaves siblings alone: " .. strategy, main(function()
      local sup = static.start_link({ spec "a", spec("other", { body = family.idle }), spec "b",
        { id = "s", start = "app.worker:start", args = { "s" } }, spec("last", { body = family.idle }) },
        { strategy = strategy, max_restarts = 0 })
      dynsup.sleep(1)
      local others = { dynsup.whereis "other", dynsup.whereis "last" }
      for n = 2, 5 do
        began()
        write(n)
        assert.same({ 3, 0 }, { dynsup.reload "app.worker" })
        dynsup.sleep(1)
        assert.same({ n .. " a", n .. " b", n .. " s" }, began())
      end
      assert.same(others, { dynsup.whereis "other", dynsup.whereis "last" })
      assert.same(family.workers(5), dynsup.count_children(sup))
    end))
  end

  it("leaves down what is down, which has the new code when it is started", main(function()
    local sup = static.start_link { spec "a" }
    dynsup.sleep(1)
    static.terminate_child(sup, "a")
    began()
    write(2)
    assert.same({ 0, 0 }, { dynsup.reload "app.worker" })
    assert.same({}, began())
    static.restart_child(sup, "a")
    dynsup.sleep(1)
    assert.same({ "2 a" }, began())
  end))

  it("serves others meanwhile", main(function()
    local sup = static.start_link { spec("p", { body = "app.worker:polite", args = { "p", 500 } }) }
    dynsup.sleep(1)
    write(2)
    dynsup.spawn_link(dynsup.reload, "app.worker")
    dynsup.sleep(100)
    local before = dynsup.now()
    assert.is_true(dynsup.is_pid(static.start_child(sup, spec "later")))
    assert.same({ nil, "already_started", dynsup.whereis "p" }, { static.start_child(sup, spec "p") })
    assert.same({ nil, "running" }, { static.delete_child(sup, "p") })
    assert.equal(before, dynsup.now())
    dynsup.sleep(500)
    assert.same({ "1 p", "2 later", "2 p" }, began())
  end))

  it("gives way to a crash that restarts all", main(function()
    local sup = static.start_link({ spec("p", { body = "app.worker:polite", args = { "p", 500 } }),
      spec("m", { body = family.mortal }) }, { strategy = "one_for_all" })
    dynsup.sleep(1)
    began()
    write(2)
    local me = dynsup.self()
    dynsup.spawn_link(function() dynsup.send(me, "done", dynsup.reload "app.worker") end)
    dynsup.sleep(100)
    dynsup.send("m", "crash", "boom")
    assert.same({ "done", 1, 0 }, { dynsup.receive_match("done", 1000) })
    dynsup.sleep(1)
    assert.same({ "2 p" }, began())
    assert.same(family.workers(2), dynsup.count_children(sup))
  end))
end)
