-- Static supervisors: strategies, intensity, significant children, and their ends.

local host = require "spec.support.host"
local order = require "spec.support.order"
local dynsup = require "dynsup"
local supervisor = dynsup.supervisor

local main, started, worker = order.main, order.started, order.worker

local function tell(sup, id, ...)
  dynsup.send(order.pid(sup, id), ...)
  return order.take()
end

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

local function abcd(strategy, fields)
  return started({
    worker("a", fields),
    worker "b",
    worker("c", { restart = "temporary" }),
    worker "d",
  }, { strategy = strategy })
end

describe("the strategy", function()
  it(
    "one_for_one restarts the child alone",
    main(function()
      assert.equal("-b +b", kill(abcd "one_for_one", "b"))
    end)
  )

  it(
    "one_for_all stops all others in reverse and starts all in order, but the temporary",
    main(function()
      local sup = abcd "one_for_all"
      assert.equal("-b -d -c -a +a +b +d", kill(sup, "b"))
      assert.equal("d b a", ids(sup))
    end)
  )

  it(
    "rest_for_one does so with the child and those behind it",
    main(function()
      local sup = abcd "rest_for_one"
      assert.equal("-b -d -c +b +d", kill(sup, "b"))
      assert.equal("d b a", ids(sup))
    end)
  )

  it(
    "looks at the restart type of the child that ended",
    main(function()
      local sup = abcd("one_for_all", { restart = "transient" })
      assert.equal("-a", tell(sup, "a", "exit", "normal"))
      assert.is_nil(order.pid(sup, "a"))
      assert.equal("-c", tell(sup, "c", "error", "boom"))
      assert.equal("-b -d +a +b +d", tell(sup, "b", "exit", "normal"))
    end)
  )

  it(
    "gives each child its own shutdown, one after the other",
    main(function()
      local function slow(ms)
        dynsup.flag("trap_exit", true)
        dynsup.receive_match "EXIT"
        dynsup.sleep(ms)
      end
      local sup = started({
        worker "a",
        { id = "b", body = slow, args = { 30 } },
        { id = "c", body = slow, args = { 1000 }, shutdown = 40 },
      }, { strategy = "one_for_all" })
      local before = dynsup.now()
      dynsup.exit(order.pid(sup, "a"), "kill")
      dynsup.sleep(1)
      assert.equal(3, #supervisor.which_children(sup)) -- waits until it is done
      assert.equal(70, dynsup.now() - before)
    end)
  )

  it(
    "waits for what is ready, also in a restart",
    main(function()
      local function late()
        dynsup.sleep(10)
        order.note "late"
        dynsup.ready()
        dynsup.receive()
      end
      local sup = started(
        { { id = "late", body = late, ready = true }, worker "b" },
        { strategy = "one_for_all" }
      )
      dynsup.exit(order.pid(sup, "b"), "kill")
      dynsup.sleep(20)
      assert.equal("-b late +b", order.take())
    end)
  )
end)

describe("a restart of a group that fails", function()
  it(
    "is tried again from the child that failed, and counts",
    main(function()
      local left = 2
      local function flaky()
        left = left - 1
        if left == 0 then
          return nil, "not now"
        end
        return dynsup.spawn_link(dynsup.receive)
      end
      local sup = started(
        { worker "a", worker "b", { id = "x", start = flaky }, worker "d" },
        { strategy = "rest_for_one" }
      )
      assert.equal("-b -d +b +d", kill(sup, "b"))
      assert.equal("d x b a", ids(sup))
    end)
  )

  it(
    "ends the supervisor with shutdown when that is too often",
    main(function()
      local first = true
      local function once()
        assert(first, "not again")
        first = false
        return dynsup.spawn_link(dynsup.receive)
      end
      local sup = started(
        { worker "a", { id = "x", start = once } },
        { strategy = "one_for_all", max_restarts = 2 }
      )
      local ref = dynsup.monitor(sup)
      assert.equal("-a +a -a +a -a", kill(sup, "a"))
      assert.equal("shutdown", host.down(ref))
    end)
  )
end)

describe("the restart intensity", function()
  it(
    "counts a restart of a group once",
    main(function()
      local sup = started(
        { worker "a", worker "b", worker "c" },
        { strategy = "one_for_all", max_restarts = 2, max_seconds = 1 }
      )
      kill(sup, "a")
      kill(sup, "b")
      dynsup.sleep(1001)
      kill(sup, "c")
      kill(sup, "a")
      assert.is_true(dynsup.is_alive(sup))
      local ref = dynsup.monitor(sup)
      assert.equal("-b -c -a", kill(sup, "b"))
      assert.equal("shutdown", host.down(ref))
    end)
  )
end)

describe("auto_shutdown", function()
  local function significant(id, restart)
    return worker(id, { significant = true, restart = restart })
  end

  it(
    "any_significant ends the supervisor with the first significant end",
    main(function()
      local sup = started(
        { worker "a", significant("b", "transient"), worker("c", { restart = "temporary" }) },
        { auto_shutdown = "any_significant" }
      )
      kill(sup, "c")
      assert.equal("-b +b", kill(sup, "b"))
      local ref = dynsup.monitor(sup)
      assert.equal("-b -a", tell(sup, "b", "exit", "normal"))
      assert.equal("shutdown", host.down(ref))
    end)
  )

  it(
    "all_significant waits for the last one",
    main(function()
      local sup = started(
        { significant("a", "temporary"), significant("b", "transient"), worker "c" },
        { auto_shutdown = "all_significant" }
      )
      kill(sup, "a")
      assert.is_true(dynsup.is_alive(sup))
      tell(sup, "b", "exit", { "shutdown", "done" })
      assert.is_false(dynsup.is_alive(sup))
    end)
  )

  it(
    "does not count those that are terminated",
    main(function()
      local sup = started(
        { significant("a", "transient"), significant("b", "temporary"), worker "c" },
        { auto_shutdown = "any_significant", strategy = "one_for_all" }
      )
      supervisor.terminate_child(sup, "a")
      order.take()
      assert.equal("-c -b +a +c", kill(sup, "c"))
      assert.is_true(dynsup.is_alive(sup))
    end)
  )

  it(
    "restarts a supervisor that is a permanent child",
    main(function()
      local inner = {
        id = "inner",
        type = "supervisor",
        start = supervisor.start_link,
        args = {
          { worker("a", { restart = "temporary", significant = true }) },
          { auto_shutdown = "any_significant", name = "inner" },
        },
      }
      local sup = started { inner }
      assert.equal("-a +a", kill("inner", "a"))
      assert.equal(dynsup.whereis "inner", order.pid(sup, "inner"))
    end)
  )
end)

describe("the end of a static supervisor", function()
  it(
    "comes with any signal of its parent, and its children stop in reverse",
    main(function()
      local sup = started { worker "a", worker "b" }
      local ref = dynsup.monitor(sup)
      dynsup.exit(sup, "normal")
      assert.equal("normal", host.down(ref))
      assert.equal("-b -a", order.take())
    end)
  )

  it(
    "goes down the tree, the last one first",
    main(function()
      local function below(id, ...)
        return {
          id = id,
          type = "supervisor",
          start = supervisor.start_link,
          args = { { ... }, { strategy = "one_for_all" } },
        }
      end
      local sup = started { worker "a", below("x", worker "b", worker "c"), worker "d" }
      assert.is_true(supervisor.stop(sup))
      assert.equal("-d -c -b -a", order.take())
      sup = started { below("x", worker "a", below("y", worker "b")), worker "c" }
      dynsup.exit(order.pid(sup, "x"), "kill")
      assert.equal("-a -b +a +b", order.take())
    end)
  )

  it(
    "leaves its stop with the reason asked for, or in time",
    main(function()
      local function stubborn()
        dynsup.flag("trap_exit", true)
        dynsup.receive_match "never"
      end
      local sup = started { worker "a", { id = 1, body = stubborn, shutdown = 500 } }
      assert.same({ nil, "timeout" }, { supervisor.stop(sup, "shutdown", 100) })
      assert.same({ nil, "noproc" }, { supervisor.start_child(sup, worker "b") })
      assert.same({ nil, "shutdown" }, { supervisor.stop(sup, "mine") })
      assert.is_false(dynsup.is_alive(sup))
    end)
  )

  -- As in OTP, but for {permanent, 1000, {shutdown, x}}, which that reports.
  local endings = {
    { restart = "permanent", shutdown = 1000, reported = "normal boom killed" },
    { restart = "transient", shutdown = 1000, reported = "boom killed" },
    { restart = "temporary", shutdown = 1000, reported = "boom killed" },
    { restart = "permanent", shutdown = "brutal_kill", reported = "normal shutdown {x} boom" },
    { restart = "transient", shutdown = "brutal_kill", reported = "boom" },
    { restart = "temporary", shutdown = "brutal_kill", reported = "boom" },
  }
  local reasons = { normal = "normal", shutdown = "shutdown", boom = "boom", killed = "killed" }
  reasons["{x}"] = { "shutdown", "x" }

  local function ends_before_its_turn(fields, reason)
    local reported
    local _ <close> = dynsup.observe({ events = "shutdown_error" }, function(event)
      reported = event.id
    end)
    local sup = started {
      worker("early", fields),
      {
        id = "late",
        body = function()
          dynsup.flag("trap_exit", true)
          dynsup.receive_match "EXIT"
          dynsup.sleep(100)
        end,
        restart = "transient",
      },
    }
    local early = order.pid(sup, "early")
    dynsup.send_after(50, early, "exit", reason)
    assert.is_true(supervisor.stop(sup))
    dynsup.sleep(1)
    return reported
  end

  for _, ending in ipairs(endings) do
    local restart, shutdown = ending.restart, ending.shutdown
    it(
      ("reports of a %s child (%s) that ends before its turn: %s"):format(restart, shutdown, ending.reported),
      main(function()
        local fields = { restart = restart, shutdown = shutdown }
        for name, reason in pairs(reasons) do
          local expected = (" " .. ending.reported .. " "):find(" " .. name .. " ", 1, true) and "early" or nil
          assert.equal(expected, ends_before_its_turn(fields, reason), name)
        end
      end)
    )
  end

  it(
    "is reported with its arithmetic",
    function()
      local lines = {}
      host.run(function()
        dynsup.flag("trap_exit", true)
        local sup = started({ worker "a" }, { name = "sup", max_restarts = 0 })
        tell(sup, "a", "error", "boom")
      end, {
        log = function(_, text)
          lines[#lines + 1] = text
        end,
      })
      local text = table.concat(lines, "\n")
      assert.matches("%(child_terminated%)", text)
      assert.matches("gives up: 1st restart of 0 in 5 s %(shutdown%)", text)
      assert.matches("id a", text)
    end
  )
end)
