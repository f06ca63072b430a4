-- Static supervisors: what can be asked about their children by id.

local host = require "spec.support.host"
local order = require "spec.support.order"
local dynsup = require "dynsup"
local supervisor = dynsup.supervisor

local main, started, worker = order.main, order.started, order.worker

local function kill(sup, id)
  dynsup.exit(order.pid(sup, id), "kill")
  return order.take()
end

local function ids(sup)
  local list = {}
  for i, child in ipairs(supervisor.which_children(sup)) do
    list[i] = child.id
  end
  return table.concat(list, " ")
end

describe("terminate_child", function()
  it(
    "keeps the spec, of which restart_child makes a child again",
    main(function()
      local sup = started { worker "a", worker "b" }
      local before = order.pid(sup, "a")
      assert.is_true(supervisor.terminate_child(sup, "a"))
      assert.is_true(supervisor.terminate_child(sup, "a"))
      assert.equal("-a", order.take())
      assert.equal("b a", ids(sup))
      local child = supervisor.which_children(sup)[2]
      assert.is_nil(child.pid)
      assert.equal(before, child.last_pid)
      local pid = assert(supervisor.restart_child(sup, "a"))
      assert.equal(order.pid(sup, "a"), pid)
      assert.equal("b a", ids(sup))
    end)
  )

  it(
    "forgets a temporary child",
    main(function()
      local sup = started { worker("a", { restart = "temporary" }) }
      assert.is_true(supervisor.terminate_child(sup, "a"))
      assert.same({ nil, "not_found" }, { supervisor.restart_child(sup, "a") })
      assert.same({}, supervisor.which_children(sup))
    end)
  )

  it(
    "of dynsup takes a pid or a name",
    main(function()
      local sup = started { worker "a", worker("b", { name = "bob" }) }
      assert.is_true(dynsup.terminate_child(sup, order.pid(sup, "a")))
      assert.is_true(dynsup.terminate_child(sup, "bob"))
      assert.equal("-a -b", order.take())
      assert.equal(2, supervisor.count_children(sup).specs)
    end)
  )

  it(
    "is cancelled with what waits when the supervisor ends",
    main(function()
      local function stubborn()
        dynsup.flag("trap_exit", true)
        dynsup.receive_match "never"
      end
      local sup = started { { id = 1, body = stubborn, shutdown = "infinity" } }
      local _, ref = dynsup.spawn_monitor(function()
        dynsup.exit { supervisor.terminate_child(sup, 1) }
      end)
      dynsup.sleep(1)
      dynsup.exit(sup, "kill")
      assert.same({ nil, "noproc" }, host.down(ref))
    end)
  )
end)

describe("restart_child and delete_child", function()
  it(
    "are for children that are down",
    main(function()
      local sup = started { worker "a" }
      assert.same({ nil, "running" }, { supervisor.restart_child(sup, "a") })
      assert.same({ nil, "running" }, { supervisor.delete_child(sup, "a") })
      supervisor.terminate_child(sup, "a")
      assert.is_true(supervisor.delete_child(sup, "a"))
      assert.same({ nil, "not_found" }, { supervisor.delete_child(sup, "a") })
      assert.same({ nil, "not_found" }, { supervisor.restart_child(sup, "a") })
      assert.same({ nil, "not_found" }, { supervisor.terminate_child(sup, "a") })
      assert.same({}, supervisor.which_children(sup))
    end)
  )

  it(
    "say restarting of one that is to be restarted, until it is terminated",
    main(function()
      local sup = started { worker("a", { backoff = true }) }
      kill(sup, "a")
      assert.equal("restarting", order.pid(sup, "a"))
      assert.same({ nil, "restarting" }, { supervisor.restart_child(sup, "a") })
      assert.same({ nil, "restarting" }, { supervisor.delete_child(sup, "a") })
      assert.is_true(supervisor.terminate_child(sup, "a"))
      assert.is_true(supervisor.delete_child(sup, "a"))
    end)
  )

  it(
    "tell what a start says: its info, ignore, or why it has failed",
    main(function()
      local answers = {
        { dynsup.spawn(dynsup.receive) },
        { nil, "why", "detail" },
        { "ignore" },
        { dynsup.spawn(dynsup.receive), "info" },
      }
      local function start()
        return table.unpack(table.remove(answers, 1))
      end
      local sup = started { { id = 1, start = start } }
      supervisor.terminate_child(sup, 1)
      assert.same({ nil, "why", "detail" }, { supervisor.restart_child(sup, 1) })
      assert.same({ nil, "ignore" }, { supervisor.restart_child(sup, 1) })
      assert.equal("info", select(2, supervisor.restart_child(sup, 1)))
      assert.equal(1, supervisor.count_children(sup).active)
    end)
  )
end)

describe("start_child", function()
  it(
    "adds a child behind the others, with an id of its own",
    main(function()
      local sup = started { worker "a" }
      local pid = assert(supervisor.start_child(sup, worker "b"))
      assert.equal(pid, order.pid(sup, "b"))
      assert.equal("b a", ids(sup))
      assert.same({ nil, "already_started", pid }, { supervisor.start_child(sup, worker "b") })
      supervisor.terminate_child(sup, "b")
      assert.same({ nil, "already_present" }, { supervisor.start_child(sup, worker "b") })
      order.take()
      supervisor.stop(sup)
      assert.equal("-a", order.take())
    end)
  )

  it(
    "takes a bare function and a name as their own ids, also from dynsup.start_child and ensure_child",
    main(function()
      local sup = started {}
      local function first() dynsup.receive() end
      local function second() dynsup.receive() end
      local pid = assert(dynsup.start_child(sup, first))
      assert.same({ nil, "already_started", pid }, { supervisor.start_child(sup, first) })
      local _, how = dynsup.ensure_child(sup, second)
      assert.equal("started", how)
      assert(dynsup.start_child(sup, "dynsup:receive"))
      assert.equal(pid, order.pid(sup, first))
      assert.is_truthy(order.pid(sup, second))
      assert.is_truthy(order.pid(sup, "dynsup:receive"))
      assert.is_true(supervisor.terminate_child(sup, "dynsup:receive"))
    end)
  )

  it(
    "tells which spec has no id, at once",
    main(function()
      local sup = started {}
      local nameless = { body = dynsup.receive }
      for _, start in ipairs { supervisor.start_child, dynsup.start_child, dynsup.ensure_child } do
        assert.same({ nil, "missing_id", nameless }, { start(sup, nameless) })
      end
      assert.equal(0, supervisor.count_children(sup).specs)
    end)
  )

  it(
    "takes what start_link takes, and does not keep what fails",
    main(function()
      local sup = started {}
      assert(supervisor.start_child(sup, dynsup.receive))
      assert(supervisor.start_child(sup, { dynsup, { name = "jobs" } }))
      local function fail()
        return nil, "why"
      end
      assert.same({ nil, "why" }, { supervisor.start_child(sup, { id = 1, start = fail }) })
      assert.same({ specs = 2, active = 2, supervisors = 1, workers = 1 }, supervisor.count_children(sup))
    end)
  )

  it(
    "keeps what asks to be ignored, unless it is temporary",
    main(function()
      local function ignore()
        return "ignore"
      end
      local sup = started {}
      assert.same({ nil, "ignore" }, { supervisor.start_child(sup, { id = 1, start = ignore }) })
      assert.same(
        { nil, "ignore" },
        { supervisor.start_child(sup, { id = 2, start = ignore, restart = "temporary" }) }
      )
      assert.equal("1", ids(sup))
    end)
  )

  it(
    "allows a significant child where it may shut the supervisor down",
    main(function()
      local child = worker("a", { significant = true, restart = "temporary" })
      local sup = started({}, { auto_shutdown = "any_significant" })
      assert(supervisor.start_child(sup, child))
      local other = started {}
      local _, reason, detail = supervisor.start_child(other, child)
      assert.equal("bad_combination", reason)
      assert.same({ auto_shutdown = "never", significant = true }, detail)
      _, reason, detail = supervisor.start_child(assert(dynsup.start_link()), child)
      assert.equal("invalid_significant", reason)
      assert.is_true(detail)
    end)
  )

  it(
    "and ensure_child of dynsup work, too",
    main(function()
      local sup = started {}
      local child = worker("a", { name = "ann" })
      local pid = assert(dynsup.start_child(sup, child))
      assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, child) })
      local no_id = { name = "ann", body = child.body }
      assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, no_id) })
      no_id.name = "bea"
      assert.same({ nil, "missing_id" }, { dynsup.ensure_child(sup, no_id) })
      kill(sup, "a")
      local now, how = dynsup.ensure_child(sup, child)
      assert.same({ order.pid(sup, "a"), "existing" }, { now, how })
      assert.equal("started", select(2, dynsup.ensure_child(sup, worker("b", { name = "bob" }))))
      supervisor.terminate_child(sup, "b")
      assert.same(
        { nil, "already_present" },
        { dynsup.ensure_child(sup, worker("b", { name = "bob" })) }
      )
    end)
  )
end)

describe("requests", function()
  it(
    "by id are not for dynamic supervisors, nor for other processes",
    main(function()
      local sup = assert(dynsup.start_link { name = "dyn" })
      for _, f in ipairs { "terminate_child", "restart_child", "delete_child" } do
        assert.same({ nil, "not_a_static_supervisor" }, { supervisor[f](sup, 1) })
        assert.same({ nil, "not_a_static_supervisor" }, { supervisor[f]("dyn", 1) })
        assert.same({ nil, "not_a_supervisor" }, { supervisor[f](dynsup.self(), 1) })
        assert.same({ nil, "noproc" }, { supervisor[f]("nobody", 1) })
        assert.error_matches(function()
          supervisor[f](7, 1)
        end, "bad argument #1")
        assert.error_matches(function()
          supervisor[f](sup)
        end, "bad argument #2")
      end
      assert(supervisor.start_child(sup, worker "a"))
    end)
  )

  it(
    "of a start function to its own supervisor are an error",
    main(function()
      local failure
      local sup = started {}
      supervisor.start_child(sup, {
        id = 1,
        start = function()
          failure = select(2, pcall(supervisor.terminate_child, sup, 1))
          return "ignore"
        end,
      })
      assert.matches("itself", failure)
    end)
  )

  it(
    "of a body that is not ready yet to its own supervisor are an error",
    main(function()
      local failures, requests = {}, {
        function(sup) return dynsup.start_child(sup, { id = 2, body = print }) end,
        function(sup) return supervisor.restart_child(sup, 2) end,
        supervisor.which_children,
        supervisor.count_children,
        dynsup.stop,
      }
      local function ask()
        for i, request in ipairs(requests) do
          failures[i] = select(2, pcall(request, dynsup.info(dynsup.self()).supervisor))
        end
        dynsup.ready()
        failures[#requests + 1] = dynsup.count_children(dynsup.info(dynsup.self()).supervisor).specs
        dynsup.sleep "infinity"
      end
      local sup = started({ { id = 1, body = ask, ready = true } }, { strategy = "one_for_all" })
      for _ = 1, 2 do
        for i = 1, #requests do
          assert.matches("calls itself", failures[i])
        end
        assert.equal(1, failures[#requests + 1])
        failures = {}
        kill(sup, 1)
      end
    end)
  )

  it(
    "find any id that is rawequal, also among very many",
    main(function()
      local keys = { 1, 2.5, true, false, {}, print, "x", ("long"):rep(100), dynsup.self(), 0 }
      local children = {}
      for i, key in ipairs(keys) do
        children[i] = { id = key, body = dynsup.receive }
      end
      for i = 1, 10000 do
        children[#children + 1] = { id = "n" .. i, body = dynsup.receive }
      end
      local sup = started(children)
      for _, key in ipairs(keys) do
        assert.is_true(supervisor.terminate_child(sup, key))
      end
      assert.is_true(supervisor.terminate_child(sup, 1.0))
      assert.is_true(supervisor.delete_child(sup, ("long"):rep(100)))
      assert.same({ nil, "not_found" }, { supervisor.terminate_child(sup, {}) })
      assert.same({ nil, "not_found" }, { supervisor.terminate_child(sup, nil) })
      assert.same({ nil, "not_found" }, { supervisor.terminate_child(sup, 0 / 0) })
      assert.equal(10000, supervisor.count_children(sup).active)
      supervisor.stop(sup)
    end)
  )
end)
