-- The size of messages between heaps: max_message.

local host = require "spec.support.host"
local heaps = require "spec.support.heaps"
local dynsup = require "dynsup"

local main = host.main
local supervisor = heaps.supervisor
local serving = heaps.serving
local ask = heaps.ask

describe("max_message", function()
  it(
    "leaves what is bigger with its sender, and the receiver as it is",
    main(function()
      local pid = serving(supervisor(), { max_message = 1000 })
      local big, small = { ("x"):rep(1000) }, { ("x"):rep(700) }
      assert.same({ nil, "message_too_big" }, { dynsup.send(pid, 1, big) })
      assert.same({ nil, "message_too_big" }, { dynsup.send_after(1, pid, big) })
      assert.is_true(dynsup.send(pid, dynsup.self(), "echo", small))
      assert.same({ pid, true, small }, { dynsup.receive(1000) })
      assert.same({ nil, "timeout" }, { dynsup.receive(10) })
      assert.same({ max_message = 1000 }, dynsup.info(pid).limits)
    end)
  )

  it(
    "is of all values of a message together",
    main(function()
      local pid = serving(supervisor(), { max_message = 1000 })
      local half = ("x"):rep(600)
      assert.equal(600, #ask(pid, "echo", half))
      assert.same({ nil, "message_too_big" }, { dynsup.send(pid, half, half .. "y") })
    end)
  )

  it(
    "counts the bytes of the codec",
    main(function()
      local value = { 1, { "two" }, [3.5] = true }
      local size = #dynsup.codec.pack(value)
      local sup = supervisor()
      local pid = serving(sup, { max_message = size })
      assert.is_true(dynsup.send(pid, 7, value))
      pid = serving(sup, { max_message = size - 1 })
      assert.same({ nil, "message_too_big" }, { dynsup.send(pid, 7, value) })
    end)
  )

  it(
    "is told by a call and a cast",
    main(function()
      local sup = supervisor { heaps = 1, limits = { max_message = 100 } }
      local pid = serving(sup, { start = "spec.support.heap_worker:start_counter", args = { 5 } })
      local big = ("x"):rep(200)
      assert.same({ nil, "message_too_big" }, { dynsup.server.call(pid, big) })
      assert.same({ nil, "message_too_big" }, { dynsup.server.cast(pid, big) })
      assert.same({ "x", 5 }, dynsup.server.call(pid, "x"))
    end)
  )

  it(
    "is not of what the receiver waits for: answers and replies",
    main(function()
      local sup = supervisor()
      local pid = serving(sup, { max_message = 1000 })
      local server = serving(sup, { start = "spec.support.heap_worker:start_counter", args = { 5 } })
      assert.not_equal(heaps.heap_of(pid), heaps.heap_of(server))
      assert.equal(3000, ask(pid, "eval", [[
        local text = ("x"):rep(3000)
        return #require("dynsup").server.call(..., text)[1]
      ]], server))
      dynsup.send(pid, dynsup.self(), "eval", [[
        local dynsup = require "dynsup"
        local to = ...
        local ref = dynsup.monitor(to)
        dynsup.send(to, ref)
        return #select(2, dynsup.receive_match(ref))
      ]], dynsup.self())
      local ref = dynsup.receive(1000)
      assert.is_true(dynsup.send(pid, ref, ("x"):rep(3000)))
      assert.same({ pid, true, 3000 }, { dynsup.receive(1000) })
    end)
  )

  it(
    "is none within a heap",
    main(function()
      local sup = assert(dynsup.start_link { limits = { max_message = 10 } })
      local pid = serving(sup)
      assert.equal(3000, #ask(pid, "echo", ("x"):rep(3000)))
    end)
  )
end)
