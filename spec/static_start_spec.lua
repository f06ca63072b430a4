-- Static supervisors: how they start, what they refuse, and what there is to see of them.

local host = require "spec.support.host"
local order = require "spec.support.order"
local dynsup = require "dynsup"
local supervisor = dynsup.supervisor

local main, worker = host.main, order.worker

describe("a static supervisor", function()
  before_each(order.reset)

  it("is dynsup.supervisor and what require gives", function()
    assert.equal(require "dynsup.supervisor", dynsup.supervisor)
  end)

  it(
    "starts its children in order and stops them in reverse",
    main(function()
      local sup = assert(supervisor.start_link { worker "a", worker "b", worker "c" })
      assert.equal("+a +b +c", order.take())
      assert.is_true(supervisor.stop(sup))
      assert.equal("-c -b -a", order.take())
    end)
  )

  it(
    "is linked to its caller, its parent",
    main(function()
      local sup = assert(supervisor.start_link {})
      assert.equal(dynsup.self(), dynsup.info(sup).parent)
      assert.same({ sup }, dynsup.info(dynsup.self()).links)
    end)
  )

  it(
    "waits for each child that is started by a function, or says that it is ready",
    main(function()
      local function slow()
        dynsup.sleep(100)
        order.note "slow"
        return dynsup.spawn_link(dynsup.receive)
      end
      local function late()
        dynsup.sleep(50)
        order.note "late"
        dynsup.ready()
        dynsup.receive()
      end
      local before = dynsup.now()
      assert(supervisor.start_link {
        { id = 1, start = slow },
        { id = 2, body = late, ready = true },
        worker "c",
      })
      assert.equal(150, dynsup.now() - before)
      assert.equal("slow late +c", order.take())
    end)
  )

  it(
    "takes modules, pairs of module and argument, functions and names of them",
    main(function()
      local module = {
        child_spec = function(arg)
          return { id = arg or "module", body = dynsup.receive }
        end,
      }
      local function f()
        dynsup.receive()
      end
      local sup = assert(supervisor.start_link {
        module,
        { module, "with" },
        f,
        "dynsup:receive",
        { dynsup, { name = "jobs" } },
      })
      local ids, types = {}, {}
      for i, child in ipairs(supervisor.which_children(sup)) do
        ids[i], types[i] = child.id, child.type
      end
      assert.same({ "jobs", "dynsup:receive", f, "with", "module" }, ids)
      assert.same({ "supervisor", "worker", "worker", "worker", "worker" }, types)
    end)
  )

  it(
    "counts children that are down in specs only",
    main(function()
      local sup = assert(supervisor.start_link { worker "a", worker "b", { dynsup } })
      assert.is_true(supervisor.terminate_child(sup, "a"))
      assert.same(
        { specs = 3, active = 2, supervisors = 1, workers = 2 },
        supervisor.count_children(sup)
      )
    end)
  )

  it(
    "shows the last child first, also by dynsup's functions",
    main(function()
      local sup = assert(supervisor.start_link { worker "a", worker "b", worker "c" })
      local ids = {}
      for child in dynsup.children(sup) do
        ids[#ids + 1] = child.id
      end
      assert.same({ "c", "b", "a" }, ids)
      assert.same(dynsup.which_children(sup), supervisor.which_children(sup))
      assert.same(dynsup.count_children(sup), supervisor.count_children(sup))
      assert.is_true(dynsup.stop(sup))
    end)
  )
end)

describe("a start that fails", function()
  before_each(order.reset)

  local function failing(...)
    local values = table.pack(...)
    return {
      id = "bad",
      start = function()
        return table.unpack(values, 1, values.n)
      end,
    }
  end

  it(
    "stops the children before it in reverse and tells which one it was, and why",
    main(function()
      local pid, reason, failure =
        supervisor.start_link { worker "a", worker "b", failing(nil, "why", 7), worker "d" }
      assert.is_nil(pid)
      assert.equal("shutdown", reason)
      assert.same({ id = "bad", reason = "why", detail = 7 }, failure)
      assert.equal("+a +b -b -a", order.take())
    end, { log_level = "off" })
  )

  it(
    "sends its caller no exit signal, and its name is free",
    main(function()
      dynsup.flag("trap_exit", true)
      supervisor.start_link({ worker "a", failing(nil, "why") }, { name = "sup" })
      assert.is_nil(dynsup.whereis "sup")
      dynsup.sleep(1)
      assert.same({}, host.drain())
      assert(supervisor.start_link({ worker "a" }, { name = "sup" }))
    end)
  )

  it(
    "tells a crash, an exit, a bad return, and an end before ready",
    main(function()
      local function reason_of(child)
        local _, reason, failure = supervisor.start_link { child }
        assert.equal("shutdown", reason)
        return failure.reason
      end
      assert.equal("bad_return", reason_of(failing()))
      assert.equal("v", reason_of(failing "v"))
      assert.equal("out", reason_of { id = 1, start = dynsup.exit, args = { "out" } })
      assert.matches("boom", reason_of { id = 1, start = error, args = { "boom", 0 } }.error)
      assert.equal("gone", reason_of { id = 1, ready = true, body = dynsup.exit, args = { "gone" } })
      assert.equal(
        "timeout",
        reason_of { id = 1, ready = true, start_timeout = 10, body = dynsup.receive }
      )
    end)
  )

  it(
    "tells who has the name of a child",
    main(function()
      dynsup.register("taken", dynsup.self())
      local _, _, failure = supervisor.start_link { worker("a", { name = "taken" }) }
      assert.same({ id = "a", reason = "already_started", detail = dynsup.self() }, failure)
    end)
  )

  it(
    "of a supervisor below tells the whole way down",
    main(function()
      local inner = {
        id = "inner",
        type = "supervisor",
        start = supervisor.start_link,
        args = { { worker "a", failing(nil, "why") } },
      }
      local _, reason, failure = supervisor.start_link { worker "b", inner }
      assert.equal("shutdown", reason)
      assert.same({
        id = "inner",
        reason = "shutdown",
        detail = { id = "bad", reason = "why" },
      }, failure)
      assert.equal("+b +a -a -b", order.take())
    end)
  )
end)

describe("a child that is to be ignored", function()
  it(
    "stays as a spec, unless it is temporary",
    main(function()
      local function ignore()
        return "ignore"
      end
      local sup = assert(supervisor.start_link {
        { id = 1, start = ignore },
        { id = 2, start = ignore, restart = "temporary" },
        worker "c",
      })
      local children = supervisor.which_children(sup)
      assert.same({ "c", 1 }, { children[1].id, children[2].id })
      assert.is_nil(children[2].pid)
      assert.is_nil(children[2].last_pid)
    end)
  )
end)

describe("start_link refuses", function()
  local function refusal(children, options)
    return function()
      return select(2, supervisor.start_link(children, options))
    end
  end
  local permanent = { id = 1, body = dynsup.receive, significant = true }
  local transient =
    { id = 1, body = dynsup.receive, significant = true, restart = "transient" }
  local nameless = { body = dynsup.receive }

  for sentence, case in host.sorted {
    ["an unknown strategy"] = { {}, { strategy = "one" }, "invalid_strategy", "one" },
    ["an auto_shutdown that is none"] = { {}, { auto_shutdown = 1 }, "invalid_auto_shutdown", 1 },
    ["an option of dynamic supervisors"] = { {}, { max_children = 1 }, "invalid_option", "max_children" },
    ["a wrong name"] = { {}, { name = "" }, "invalid_name", "" },
    ["a wrong intensity"] = { {}, { max_restarts = -1 }, "invalid_intensity", -1 },
    ["a wrong period"] = { {}, { max_seconds = 0 }, "invalid_period", 0 },
    ["what is no child"] = { { 1 }, {}, "invalid_child_spec", 1 },
    ["a wrong spec"] = { { { id = 1, body = 2 } }, {}, "invalid_mfa", 2 },
    ["a spec without id"] = { { nameless }, {}, "missing_id", nameless },
    ["two children with the same id"] = {
      { worker "a", worker(1), worker(1.0) },
      {},
      "duplicate_child_name",
      1.0,
    },
    ["a significant child, unless it may shut it down"] = {
      { transient },
      {},
      "bad_combination",
      { auto_shutdown = "never", significant = true },
    },
    ["a significant child that is permanent"] = {
      { permanent },
      { auto_shutdown = "any_significant" },
      "bad_combination",
      { restart = "permanent", significant = true },
    },
    ["a significant that is none"] = {
      { { id = 1, body = dynsup.receive, significant = 1 } },
      {},
      "invalid_significant",
      1,
    },
  } do
    it(
      sentence,
      main(function()
        local reason, detail = refusal(case[1], case[2])()
        assert.equal(case[3], reason)
        assert.same(case[4], detail)
        assert.same({}, dynsup.info(dynsup.self()).links)
      end)
    )
  end

  it(
    "a name that is taken",
    main(function()
      local first = assert(supervisor.start_link({}, { name = "sup" }))
      local _, reason, pid = supervisor.start_link({ worker "a" }, { name = "sup" })
      assert.equal("already_started", reason)
      assert.equal(first, pid)
    end)
  )

  it(
    "wrong arguments",
    main(function()
      assert.error_matches(function()
        supervisor.start_link()
      end, "bad argument #1 to 'start_link' %(table expected, got nil%)")
      assert.error_matches(function()
        supervisor.start_link({}, 1)
      end, "bad argument #2 to 'start_link' %(table expected, got number%)")
    end)
  )
end)

describe("a module-based static supervisor", function()
  before_each(order.reset)

  local function module_of(init)
    return supervisor.use { init = init }
  end

  it(
    "has the children and options of its module",
    main(function()
      local seen
      local module = module_of(function(arg)
        seen = { arg, dynsup.whereis "sup" }
        return supervisor.init({ worker "a", worker "b" }, { strategy = "one_for_all" })
      end)
      local sup = assert(supervisor.start_link(module, "arg", { name = "sup" }))
      assert.same({ "arg", sup }, seen)
      dynsup.exit(supervisor.which_children(sup)[1].pid, "kill")
      dynsup.sleep(1)
      assert.equal("+a +b -b -a +a +b", order.take())
    end, { log_level = "off" })
  )

  it(
    "is a child of others",
    main(function()
      local module = module_of(function(arg)
        return supervisor.init { worker(arg) }
      end)
      local sup = assert(supervisor.start_link { { module, "x" } })
      local child = supervisor.which_children(sup)[1]
      assert.equal(module, child.id)
      assert.equal("supervisor", child.type)
      assert.equal("x", supervisor.which_children(child.pid)[1].id)
    end)
  )

  it(
    "may be ignored, or refused for what init returns",
    main(function()
      local function outcome(value)
        return table.pack(supervisor.start_link(module_of(function()
          return value
        end)))
      end
      assert.same({ n = 2, [2] = "ignore" }, outcome "ignore")
      assert.same({ n = 3, [2] = "bad_return", [3] = 1 }, outcome(1))
      assert.same({ n = 3, [2] = "bad_return", [3] = {} }, outcome {})
      assert.equal("bad_return", outcome(dynsup.init())[2])
      assert.same(
        { n = 3, [2] = "invalid_strategy", [3] = "x" },
        outcome(supervisor.init({}, { strategy = "x" }))
      )
      assert.same(
        { n = 3, [2] = "duplicate_child_name", [3] = "a" },
        outcome(supervisor.init { worker "a", worker "a" })
      )
      local failed = outcome(supervisor.init { worker "a", { id = "bad", start = error } })
      assert.equal("shutdown", failed[2])
      assert.equal("bad", failed[3].id)
      assert.same({}, dynsup.info(dynsup.self()).links)
    end)
  )
end)

describe("the list of children", function()
  local function refused(children, what)
    local text = "(list of children expected, got a table with " .. what
      .. ": a child is a table of its own in the list, options are the next argument)"
    local function complains(f, name)
      local _, why = pcall(f, children)
      assert.equal(("%s: bad argument #1 to '%s' %s"):format("spec/static_start_spec.lua", name, text),
        (tostring(why):gsub(":%d+:", ":")))
    end
    complains(function(list) supervisor.start_link(list) end, "start_link")
    complains(function(list) supervisor.init(list) end, "init")
  end

  it(
    "is refused where it is a child",
    main(function()
      refused({ body = print }, "the field 'body'")
    end)
  )

  it(
    "is refused with options in it",
    main(function()
      refused({ worker "a", strategy = "one_for_all" }, "the field 'strategy'")
    end)
  )

  it(
    "is refused with a hole",
    main(function()
      refused({ worker "a", [3] = worker "c" }, "the item 3 behind its end at 1")
    end)
  )

  it(
    "may be what table.pack makes",
    main(function()
      assert(supervisor.start_link(table.pack(worker "a")))
    end)
  )
end)

describe("the init of a static supervisor that fails", function()
  it(
    "takes along who it has linked",
    main(function()
      local helper
      local module = supervisor.use {
        init = function()
          helper = dynsup.spawn_link(dynsup.sleep, "infinity")
          error("boom", 0)
        end,
      }
      local _, crash = supervisor.start_link(module)
      assert.equal("boom", crash.error)
      dynsup.sleep(1)
      assert.is_false(dynsup.is_alive(helper))
    end)
  )
end)

describe("child_spec", function()
  it("gives a child's spec with fields replaced", function()
    local spec = { id = 1, body = print }
    assert.same(
      { id = 2, body = print, restart = "transient" },
      supervisor.child_spec(spec, { id = 2, restart = "transient" })
    )
    assert.same({ id = 1, body = print }, spec)
    assert.equal("x", supervisor.child_spec({ dynsup, {} }, { id = "x" }).id)
    assert.same({ id = print, body = print, restart = "temporary" }, supervisor.child_spec(print))
    assert.error_matches(function()
      supervisor.child_spec(1)
    end, "bad argument #1 to 'child_spec'")
  end)
end)
