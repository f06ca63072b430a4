-- What a child in a further heap is given of its own: globals, and a limit of memory beside others.
local dynsup = require "dynsup"
local heaps = require "spec.support.heaps"
local host = require "spec.support.host"
local patience = require "spec.support.patience"

local main = host.main
local ask, heap_of, serving = heaps.ask, heaps.heap_of, heaps.serving

local SET = "spec_global = (spec_global or 0) + 1 return spec_global"

describe("a child in a further heap", function()
  it("shares the globals of its heap", main(function()
    local sup = heaps.supervisor { heaps = 1 }
    assert.equal(1, ask(serving(sup), "eval", SET))
    assert.equal(2, ask(serving(sup), "eval", SET))
  end))

  it("may have globals of its own, and has its arguments all the same", main(function()
    local sup = heaps.supervisor { heaps = 1 }
    local first = serving(sup, { env = "private" })
    local second = serving(sup, { env = "private" })
    assert.equal(heap_of(first), heap_of(second))
    for _, pid in ipairs { first, second } do
      assert.equal(5, ask(pid, "echo", 5))
    end
    local me, got = dynsup.self(), {}
    for i = 1, 2 do
      dynsup.start_child(sup, {
        body = "spec.support.heap_worker:count_global",
        args = { me, i, nil, "last", n = 4 },
        env = "private",
        restart = "temporary",
      })
      got[i] = table.pack(dynsup.receive(1000))
    end
    assert.same({ 1, 1, nil, "last", n = 4 }, got[1])
    assert.same({ 1, 2, nil, "last", n = 4 }, got[2])
  end))

  it("is ended by its own limit of memory, and its neighbours are not", main(function()
    local sup = heaps.supervisor { heaps = 1 }
    local neighbour = serving(sup)
    local hog = serving(sup, {
      body = "spec.support.heap_worker:hoard",
      max_memory = 3000000,
      restart = "temporary",
    })
    assert.equal(heap_of(neighbour), heap_of(hog))
    local ref = dynsup.monitor(hog)
    local _, got, _, reason = dynsup.receive_match("DOWN", patience * 1000)
    assert.equal(ref, got)
    assert.equal("memory_exceeded", reason)
    assert.equal("here", ask(neighbour, "echo", "here"))
  end))

  it("is limited by a start function elsewhere that returns it, in the memory of its own heap", main(function()
    local eater = serving(heaps.supervisor { heaps = 1 }, {
      body = "spec.support.heap_worker:eater",
      args = { dynsup.self(), 10000 },
      restart = "temporary",
    })
    assert.equal("up", (dynsup.receive()))
    assert.equal(eater, dynsup.start_child(dynsup.start_link {}, {
      start = function() return eater end,
      max_memory = 1000000,
      restart = "temporary",
    }))
    local ref = dynsup.monitor(eater)
    dynsup.send(eater, "eat")
    assert.equal("memory_exceeded", host.down(ref))
  end))

  it("is limited by its supervisor's limits, in whatever heap it is", main(function()
    local GROW = "local list = {} for i = 1, 1e5 do list[i] = { i } end return #list"
    local free = serving(heaps.supervisor { heaps = 1 })
    local sup = heaps.supervisor { heaps = 1, limits = { max_memory = 1000000 } }
    local plain = heaps.supervisor { limits = { max_memory = 1000000 } }
    local limited = {
      serving(sup),
      serving(plain, { heap = "own" }),
      ask(free, "eval", [[
        local dynsup, sup = require "dynsup", ...
        local body = require("spec.support.heap_worker").serve
        return assert(dynsup.start_child(sup, { body = function() body() end }))
      ]], plain),
    }
    for i, pid in ipairs(limited) do
      assert.is_true(heap_of(pid) > 0)
      local ok, why = pcall(ask, pid, "eval", GROW)
      assert.is_false(ok, i)
      assert.matches("not enough memory", why)
    end
    assert.equal(100000, ask(free, "eval", GROW))
  end))

  it("is started again when its module is reloaded", main(function()
    require "spec.support.heap_worker"
    local pid = serving(heaps.supervisor { heaps = 1, name = "sup" }, { name = "it" })
    assert.same({ 1, 0 }, { dynsup.reload "spec.support.heap_worker" })
    dynsup.sleep(1)
    assert.is_false(dynsup.is_alive(pid))
    assert.equal(2, dynsup.info("it").incarnation)
    assert.equal("here", ask(dynsup.whereis "it", "echo", "here"))
  end))
end)
