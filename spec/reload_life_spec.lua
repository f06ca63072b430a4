-- dynsup.reload: children in the middle of something, and callers.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local modules = require "spec.support.modules"
local static = require "dynsup.supervisor"
local versions = require "spec.support.versions"

local add, began, main = versions.add, versions.began, versions.main
local spec, write = versions.spec, versions.write

describe("reload and a child that", function()
  before_each(modules.open)
  after_each(modules.close)

  it("waits for its backoff: it is started now", main(function()
    for _, sup in ipairs { dynsup.start_link {}, static.start_link {} } do
      add(sup, spec("a", { backoff = { min = 5000, jitter = 0 } }))
      began()
      dynsup.send("a", "crash", "boom")
      dynsup.sleep(100)
      write(2)
      local before = dynsup.now()
      assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
      dynsup.yield()
      assert.same({ "2 a" }, began())
      assert.equal(before, dynsup.now())
      dynsup.stop(sup)
      write(1)
      dynsup.reload "app.worker"
    end
  end))

  it("is starting: it is restarted when it is ready", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    local me = dynsup.self()
    dynsup.spawn(function()
      dynsup.send(me, "up", dynsup.start_child(sup, { body = "app.worker:ready", args = { "r", 100 }, ready = true }))
    end)
    dynsup.sleep(50)
    write(2)
    assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
    dynsup.yield()
    assert.same({ "1 r", "2 r" }, began())
    assert.is_true(dynsup.is_pid(select(2, dynsup.receive_match("up", 1000))))
  end))

  it("is starting, and does not get there", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    dynsup.spawn(dynsup.start_child, sup,
      { body = "app.worker:ready", args = { "r", 100 }, ready = true, start_timeout = 70 })
    dynsup.sleep(50)
    write(2)
    assert.same({ 0, 0 }, { dynsup.reload "app.worker" })
    assert.same({ "1 r" }, began())
  end))

  it("is being started by a start function of the old code", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    dynsup.spawn(dynsup.start_child, sup, { start = "app.worker:start", args = { "s", 100 } })
    dynsup.sleep(50)
    write(2)
    assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
    assert.same({ "1 s", "2 s" }, began())
  end))

  it("is being restarted by a start function of the old code", main(function()
    local sup = dynsup.start_link { max_restarts = 1 }
    local pid = dynsup.start_child(sup, { start = "app.worker:start", args = { "s", 100 } })
    dynsup.exit(pid, "kill")
    dynsup.sleep(50)
    began()
    write(2)
    assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
    assert.same({ "2 s" }, began())
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("cannot be started by the new code: it counts as any restart that fails", main(function()
    for _, sup in ipairs { dynsup.start_link {}, static.start_link {} } do
      add(sup, { id = "s", start = "app.worker:start", args = { "s" } })
      write(2, "function M.start() return nil, 'broken' end")
      assert.same({ 0, 1 }, { dynsup.reload "app.worker" })
      dynsup.sleep(1)
      assert.is_false(dynsup.is_alive(sup))
      write(1)
      dynsup.reload "app.worker"
    end
  end))

  it("crashes with the new code: its supervisor has it again", main(function()
    local sup = dynsup.start_link { max_restarts = 2 }
    add(sup, spec "a")
    write(2, "function M.run() error('broken', 0) end")
    assert.same({ 1, 0 }, { dynsup.reload "app.worker" })
    assert.is_true(dynsup.is_alive(sup))
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(sup))
  end))

  it("is terminated while it stops", main(function()
    local sup = dynsup.start_link {}
    local pid = add(sup, spec("p", { body = "app.worker:polite", args = { "p", 500 } }))
    began()
    local me = dynsup.self()
    dynsup.spawn_link(function() dynsup.send(me, "done", dynsup.reload "app.worker") end)
    dynsup.sleep(100)
    assert.equal(pid, dynsup.which_children(sup)[1].pid)
    assert.is_true(dynsup.terminate_child(sup, pid))
    assert.same({ "done", 0, 0 }, { dynsup.receive_match("done", 10) })
    assert.same({}, began())
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("is ensured while it stops", main(function()
    local sup = dynsup.start_link {}
    add(sup, spec("p", { body = "app.worker:polite", args = { "p", 500 } }))
    began()
    dynsup.spawn_link(dynsup.reload, "app.worker")
    dynsup.sleep(100)
    local pid, how = dynsup.ensure_child(sup, spec "p")
    assert.same({ dynsup.whereis "p", "existing" }, { pid, how })
    dynsup.yield()
    assert.same({ "1 p" }, began())
  end))

  it("is under a supervisor that stops meanwhile", main(function()
    for _, sup in ipairs { dynsup.start_link {}, static.start_link {} } do
      add(sup, spec("p", { body = "app.worker:polite", args = { "p", 500 } }))
      began()
      local me = dynsup.self()
      dynsup.spawn_link(function() dynsup.send(me, "done", dynsup.reload "app.worker") end)
      dynsup.sleep(100)
      assert.is_true(dynsup.stop(sup))
      assert.same({ "done", 0, 0 }, { dynsup.receive_match("done", 10) })
      assert.same({}, began())
    end
  end))
end)

describe("reload by a child of the module itself", function()
  before_each(modules.open)
  after_each(modules.close)

  it("restarts it last", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    for _, name in ipairs { "a", "b", "c" } do add(sup, spec(name)) end
    add(sup, spec("slow", { body = "app.worker:polite", args = { "slow", 100 } }))
    began()
    write(2)
    dynsup.send("b", "reload")
    assert.same({ "reloaded", 4, 0 }, { dynsup.receive_match("reloaded", 1000) })
    dynsup.sleep(1)
    assert.same({ "2 a", "2 b", "2 c", "2 slow" }, began())
  end))

  it("waits for no supervisor that waits for it", main(function()
    write(1, [[
      function M.server()
        return require("dynsup.server").start_link({ init = function()
          dynsup.send("main", "reloaded", dynsup.reload "app.worker")
          return "ok"
        end })
      end
    ]])
    local sup = dynsup.start_link { max_restarts = 0 }
    add(sup, spec "a")
    dynsup.spawn(dynsup.start_child, sup, { start = "app.worker:server" })
    assert.same({ "reloaded", 2, 0 }, { dynsup.receive_match("reloaded", 1000) })
  end))

  it("waits for no sibling whose supervisor waits for it to be ready", main(function()
    local sup = assert(static.start_link { spec "a", {
      id = "early",
      ready = true,
      body = function()
        dynsup.send("main", "reloaded", dynsup.reload "app.worker")
        write(2)
        dynsup.reload "app.worker"
        dynsup.ready()
        dynsup.sleep "infinity"
      end,
    } })
    assert.same({ "reloaded", 1, 0 }, { dynsup.receive_match("reloaded", 1000) })
    dynsup.sleep(1)
    assert.same({ "1 a", "2 a" }, began())
    dynsup.stop(sup)
  end))

  it("restarts last the supervisor with which it ends", main(function()
    local top = dynsup.start_link { max_restarts = 0 }
    add(top, { id = "tree", type = "supervisor", start = "app.worker:tree", args = { { spec "a" } } })
    add(top, spec "b")
    began()
    write(2)
    dynsup.send("a", "reload")
    assert.same({ "reloaded", 3, 0 }, { dynsup.receive_match("reloaded", 1000) })
    dynsup.sleep(1)
    assert.same({ "2 a", "2 b", "2 tree" }, began())
  end))
end)

describe("a reload", function()
  before_each(modules.open)
  after_each(modules.close)

  it("whose caller is killed while it waits is gone through with", main(function()
    local sup = dynsup.start_link {}
    add(sup, spec("p", { body = "app.worker:polite", args = { "p", 500 } }))
    began()
    write(2)
    local pid = dynsup.spawn(dynsup.reload, "app.worker")
    dynsup.sleep(100)
    dynsup.exit(pid, "kill")
    dynsup.sleep(500)
    assert.same({ "2 p" }, began())
  end))

  it("by two at once restarts once for each", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    add(sup, spec("p", { body = "app.worker:polite", args = { "p", 100 } }))
    began()
    local me = dynsup.self()
    for _ = 1, 2 do
      dynsup.spawn_link(function() dynsup.send(me, "done", dynsup.reload "app.worker") end)
    end
    for _ = 1, 2 do
      assert.same({ "done", 1, 0 }, { dynsup.receive_match("done", 1000) })
    end
    assert.same(family.workers(1), dynsup.count_children(sup))
  end))

  it("of many children", main(function()
    local sup = dynsup.start_link { max_restarts = 0 }
    for i = 1, 1000 do dynsup.start_child(sup, { body = "app.worker:run", args = { tostring(i) } }) end
    dynsup.sleep(1)
    assert.equal(1000, #began())
    write(2)
    assert.same({ 1000, 0 }, { dynsup.reload "app.worker" })
    dynsup.sleep(1)
    assert.equal(1000, #began())
    assert.same(family.workers(1000), dynsup.count_children(sup))
  end))
end)
