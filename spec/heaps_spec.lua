-- Workers in further heaps: in which they live, and for how long.

local finalizer = require "spec.support.finalizer"
local host = require "spec.support.host"
local net = require "spec.support.net"
local heaps = require "spec.support.heaps"
local dynsup = require "dynsup"

local main = host.main
local supervisor, serving, ask = heaps.supervisor, heaps.serving, heaps.ask
local heap_of, numbers, settle, SERVE = heaps.heap_of, heaps.numbers, heaps.settle, heaps.SERVE

describe("a child with a heap of its own", function()
  it("that is declared beside a wrong one leaves nothing behind the host", function()
    host.run(function()
      local _, reason = dynsup.supervisor.start_link {
        { id = 1, body = "string:rep", args = { "x", 2 }, heap = "own" },
        { id = 2, body = 7 },
      }
      assert.equal("invalid_mfa", reason)
    end)
    collectgarbage()
    collectgarbage()
  end)
end)

describe("what begins late", function()
  it(
    "does not begin in a heap that has been lost and closed",
    main(function()
      local sup = assert(dynsup.start_link())
      dynsup.spawn(function()
        dynsup.start_child(sup, {
          start = function()
            dynsup.sleep(50)
            return nil, "no"
          end,
        })
      end)
      dynsup.yield()
      local abroad = supervisor { heaps = 1, heap_memory = 2000000 }
      local pid = assert(dynsup.start_child(abroad, {
        body = "spec.support.heap_worker:asking_eater",
        args = { sup, dynsup.self() },
        restart = "temporary",
      }))
      assert.equal("memory_exceeded", host.down(dynsup.monitor(pid)))
      assert.same({ nil, "timeout" }, { dynsup.receive(100) })
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "is refused where it has no name, and its supervisor has said meanwhile that it has heaps",
    main(function()
      local module = {
        init = function()
          dynsup.sleep(10)
          return dynsup.init { heaps = 2, extra_arguments = { 1 } }
        end,
      }
      dynsup.spawn(function()
        dynsup.start_link(module, 1, { name = "late" })
        dynsup.sleep()
      end)
      dynsup.yield()
      local child = { body = function() end, restart = "temporary" }
      local pid, reason = dynsup.start_child("late", child)
      assert.same({ nil, "invalid_mfa" }, { pid, reason })
    end)
  )

  it(
    "keeps a heap that was to be closed",
    net.main(function()
      local sup = supervisor {}
      assert(dynsup.start_child(sup, {
        body = "spec.support.heap_worker:spawning_end",
        args = { dynsup.self() },
        restart = "temporary",
        heap = "own",
      }))
      local what, pid = dynsup.receive(1000)
      assert.equal("up", what)
      assert.equal(1, heap_of(pid))
      dynsup.exit(pid, "kill")
      settle()
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "has its max_slice on a virtual clock, too",
    main(function()
      local sup = supervisor { heaps = 1 }
      local pid = assert(dynsup.start_child(sup, {
        body = "spec.support.heap_worker:gsub_spin",
        max_slice = 20,
        restart = "temporary",
      }))
      assert.equal("cpu_exceeded", host.down(dynsup.monitor(pid)))
    end)
  )
end)

describe("a supervisor with heaps", function()
  it(
    "starts children in the heap with the fewest processes, opened when it is needed",
    main(function()
      local sup = supervisor { heaps = 3 }
      assert.same({ 0 }, numbers())
      local pids, places = {}, {}
      for i = 1, 5 do
        pids[i] = serving(sup)
        places[i] = heap_of(pids[i])
      end
      assert.same({ 1, 2, 3, 1, 2 }, places)
      assert.is_true(dynsup.terminate_child(sup, pids[1]))
      assert.is_true(dynsup.terminate_child(sup, pids[4]))
      assert.equal(1, heap_of(serving(sup)))
      assert.equal(0, heap_of(dynsup.self()))
    end)
  )

  it(
    "counts what its workers spawn",
    main(function()
      local sup = supervisor()
      local first = serving(sup)
      for _ = 1, 2 do
        ask(first, "eval", [[
          local dynsup = require "dynsup"
          dynsup.spawn_link(dynsup.sleep)
        ]])
      end
      for _ = 1, 3 do
        assert.equal(2, heap_of(serving(sup)))
      end
      assert.same({ 0, 1, 2 }, numbers())
      assert.equal(3, dynsup.heaps()[2].processes)
    end)
  )

  it(
    "has one heap a place, also when a finalizer starts a child while that is opened",
    main(function()
      local sup = supervisor { heaps = 1 }
      local spec, inner = { body = SERVE }, nil
      local outer = finalizer.within(function()
        inner = serving(sup)
      end, dynsup.start_child, sup, spec)
      assert.equal(heap_of(outer), heap_of(inner))
      settle()
      assert.same({ 0, heap_of(outer) }, numbers())
      dynsup.stop(sup)
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "restarts a child in its heap",
    main(function()
      local sup = supervisor { heaps = 4 }
      serving(sup)
      local pid = serving(sup, { name = "second" })
      assert.equal(2, heap_of(pid))
      host.stop(pid, "kill")
      assert.equal(2, heap_of(dynsup.whereis "second"))
    end)
  )

  it(
    "closes its heaps with itself",
    main(function()
      local sup = supervisor()
      serving(sup)
      serving(sup)
      assert.same({ 0, 1, 2 }, numbers())
      assert.is_true(dynsup.stop(sup))
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "leaves a heap open for those who live in it still",
    main(function()
      local sup = supervisor()
      local orphan = ask(serving(sup), "eval", [[
        local dynsup = require "dynsup"
        return dynsup.spawn(require("spec.support.heap_worker").serve)
      ]])
      assert.is_true(dynsup.stop(sup))
      settle()
      assert.same({ 0, 1 }, numbers())
      assert.equal("still here", ask(orphan, "echo", "still here"))
      host.stop(orphan, "kill")
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "runs start functions by name in its heaps",
    main(function()
      local sup = supervisor()
      local pid, info = dynsup.start_child(sup, {
        start = "spec.support.heap_worker:start",
        args = { dynsup.self() },
      })
      assert.same({ "up", pid }, { dynsup.receive(1000) })
      assert.same({ "info" }, info)
      assert.equal(1, heap_of(pid))
    end)
  )

  it(
    "hands arguments over, its own first",
    main(function()
      local sup = supervisor { heaps = 1, extra_arguments = { dynsup.self(), { 1, 2 } } }
      serving(sup, {
        body = "spec.support.heap_worker:arguments",
        args = { nil, "x", nil, n = 3 },
      })
      local message = table.pack(dynsup.receive(1000))
      assert.same({ "arguments", { 1, 2 }, nil, "x", nil, n = 5 }, message)
    end)
  )

  it(
    "starts a named child, one that gets ready, and ensures one",
    main(function()
      local sup = supervisor()
      local spec = { body = SERVE, name = "named" }
      local pid, how = dynsup.ensure_child(sup, spec)
      assert.equal("started", how)
      assert.same({ pid, "existing" }, { dynsup.ensure_child(sup, spec) })
      assert.same({ nil, "already_started", pid }, { dynsup.start_child(sup, spec) })
      local ready = { body = "spec.support.heap_worker:ready", ready = true, args = { 5 } }
      local _, info = assert(dynsup.start_child(sup, ready))
      assert.same({ "ready", 5 }, info)
    end)
  )

  it(
    "refuses what cannot go there, and says why",
    main(function()
      local sup = supervisor()
      local _, reason, detail = dynsup.start_child(sup, { body = print })
      assert.equal("invalid_mfa", reason)
      assert.matches("what runs in another heap is named", detail)
      _, reason, detail = dynsup.start_child(sup, { body = SERVE, args = { 1, { f = print } } })
      assert.equal("invalid_mfa", reason)
      assert.matches("a function at args%[2%]%.f cannot travel to another heap", detail)
      assert.same({ nil, "invalid_heaps", 0 }, { dynsup.start_link { heaps = 0 } })
      assert.same({ nil, "invalid_heaps", 1.5 }, { dynsup.start_link { heaps = 1.5 } })
      assert.same({ nil, "invalid_heaps", "many" }, { dynsup.start_link { heaps = "many" } })
      assert.same(
        { nil, "invalid_heap_memory", -1 },
        { dynsup.start_link { heaps = 1, heap_memory = -1 } }
      )
      _, reason = dynsup.start_link { heap_memory = 1000000 }
      assert.equal("invalid_heap_memory", reason)
      _, reason, detail = dynsup.start_link { heaps = 1, extra_arguments = { print } }
      assert.equal("invalid_extra_arguments", reason)
      assert.matches("a function at extra_arguments%[1%]", detail)
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "takes its options from init, too",
    main(function()
      local module = {
        init = function()
          return dynsup.init { heaps = 2 }
        end,
      }
      local sup = assert(dynsup.start_link(module))
      assert.equal(1, heap_of(serving(sup)))
    end)
  )
end)

describe("a child with a heap of its own", function()
  it(
    "has it as long as it lives, and each incarnation another",
    main(function()
      local sup = supervisor {}
      local pid = serving(sup, { heap = "own", name = "own" })
      local first = heap_of(pid)
      assert.is_true(first > 0)
      assert.is_nil(ask(pid, "global", "mark", 1))
      assert.equal(1, ask(pid, "global", "mark", 2))
      host.stop(pid, "kill")
      pid = dynsup.whereis "own"
      assert.is_nil(ask(pid, "global", "mark", 3))
      settle()
      assert.equal(2, #dynsup.heaps())
      assert.is_true(dynsup.terminate_child(sup, pid))
      settle()
      assert.same({ 0 }, numbers())
    end)
  )

  it(
    "is named, and no C worker",
    main(function()
      local sup = supervisor {}
      local _, reason = dynsup.start_child(sup, { body = print, heap = "own" })
      assert.equal("invalid_mfa", reason)
      _, reason = dynsup.start_child(sup, { body = SERVE, heap = "mine" })
      assert.equal("invalid_heap", reason)
    end)
  )

  it(
    "may be a static supervisor's",
    main(function()
      local sup = assert(dynsup.supervisor.start_link {
        { id = "a", body = SERVE, heap = "own", name = "a" },
      })
      assert.is_true(heap_of(dynsup.whereis "a") > 0)
      host.stop(dynsup.whereis "a", "kill")
      assert.equal("x", ask(dynsup.whereis "a", "echo", "x"))
      dynsup.stop(sup)
    end)
  )
end)

describe("observers of a host with heaps", function()
  it(
    "see who lives where, and how much memory each heap has",
    main(function()
      local observer = dynsup.observer
      local sup = supervisor { heaps = 2, heap_memory = 3 << 20, name = "pool" }
      local pid = serving(sup)
      serving(sup)
      settle()
      local rows = observer.heaps()
      assert.same({ 0, 1, 2 }, numbers())
      assert.equal(3, #rows)
      assert.matches("^heap 0, [%d.]+ [KM]iB\nheap 1, 1 process, [%d.]+ KiB of 3 MiB\nheap 2, 1 ", tostring(rows))
      assert.equal(1, observer.info(pid).heap)
      assert.matches("├─ <0.3.0> worker, waiting, 0 messages, heap 1, ", tostring(observer.tree()))
      assert.not_matches("heap 0", tostring(observer.info(dynsup.self())))
    end)
  )

  it(
    "read of them in the last events",
    main(function()
      dynsup.observer.record(10, { events = { "heap_opened", "heap_closed" } })
      local pid = serving(supervisor {}, { heap = "own", restart = "temporary" })
      host.stop(pid, "kill")
      settle()
      assert.matches("heap_opened +heap 1\n.*heap_closed +heap 1$", tostring(dynsup.observer.events()))
    end)
  )

  it(
    "keep the last events for each heap by itself",
    main(function()
      local observer = dynsup.observer
      local function kept(pid) return ask(pid, "eval", "return #require('dynsup.observer').events()") end
      local sup = supervisor {}
      observer.record(100, { events = "heap_opened" })
      local pid = serving(sup, { heap = "own" })
      settle()
      assert.same({ 1, 0 }, { #observer.events(), kept(pid) })
      ask(pid, "eval", "require('dynsup.observer').record(1, { events = 'heap_opened' })")
      for _ = 1, 2 do serving(sup, { heap = "own" }) end
      settle()
      assert.same({ 3, 1 }, { #observer.events(), kept(pid) })
      ask(pid, "eval", "require('dynsup.observer').record(0)")
      assert.same({ 3, 0 }, { #observer.events(), kept(pid) })
      observer.record(0)
    end)
  )
end)
