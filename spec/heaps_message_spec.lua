-- Messages between heaps: what their values share, and their size (max_message).

local finalizer = require "spec.support.finalizer"
local host = require "spec.support.host"
local heaps = require "spec.support.heaps"
local dynsup = require "dynsup"

local main = host.main
local supervisor, serving, ask = heaps.supervisor, heaps.serving, heaps.ask

-- What a worker in another heap returns for this source.
local function evaluate(source, ...)
  return ask(serving(supervisor()), "eval", source, ...)
end

describe("a receive_match with a function", function()
  it("does not have the collector run for each message from another heap", main(function()
    local COUNT = 500
    local pid = serving(supervisor())
    ask(pid, "eval", [[
      local dynsup, to, count = require "dynsup", ...
      for i = 1, count do dynsup.send(to, "tag", { i }) end
    ]], dynsup.self(), COUNT)
    local collections = 0
    local function watch()
      setmetatable({}, { __gc = function()
        collections = collections + 1
        watch()
      end })
    end
    collectgarbage "generational"
    watch()
    for i = 1, COUNT do
      local _, got = dynsup.receive_match(function(tag, list) return tag == "tag" and list end)
      assert(got[1] == i)
    end
    collectgarbage "incremental"
    assert.is_true(collections < COUNT // 4, collections)
  end))
end)

describe("what values of a message to another heap share", function()
  it("is shared on arrival", main(function()
    local a, b = { "a" }, {}
    local list = { a, [b] = a }
    assert.same({ "a", true, true, true, false }, { evaluate([[
      local a, list, again, b = ...
      return a[1], list[1] == a, again == a, list[b] == a, a == b
    ]], a, list, a, b) })
  end))

  it("may refer to each other", main(function()
    local a, b = {}, {}
    a.b, b.a = b, a
    assert.is_true(evaluate("local a, b = ... return a.b == b and b.a == a", a, b))
  end))

  it("has other values around it", main(function()
    local t, long, me = { "t" }, ("l"):rep(100), dynsup.self()
    local pid = serving(supervisor())
    local answer = table.pack(ask(pid, "echo", nil, 1, t, nil, "s", 2.5, { t }, long, true, t, me, nil))
    assert.same({ nil, 1, { "t" }, nil, "s", 2.5, { { "t" } }, long, true, { "t" }, me, nil, n = 12 }, answer)
    assert.is_true(answer[3] == answer[7][1] and answer[3] == answer[10])
  end))

  it("is shared in what is looked for, and in what a timer sends", main(function()
    evaluate([[
      local dynsup, to = require "dynsup", ...
      local t = {}
      dynsup.send(to, "first", t, {})
      dynsup.send(to, "looked for", t, t)
      dynsup.send(to, t, { t })
      dynsup.send_after(1, to, "late", t, t)
    ]], dynsup.self())
    local tag = dynsup.receive_match(function(_, a, b)
      return a == b
    end)
    assert.equal("looked for", tag)
    local late, a, b = dynsup.receive_match("late")
    assert.is_true(late == "late" and a == b)
    local _, c, d = dynsup.receive()
    assert.is_false(c == d)
    local e, f = dynsup.receive()
    assert.is_true(f[1] == e)
  end))

  it("is shared for a server, and in what is told of its crash", main(function()
    local server = { init = function() return "ok", true end }
    function server.handle_info(message)
      error { is_shared = message[1] == message[2] }
    end
    local pid = assert(dynsup.server.start(server))
    local ref = dynsup.monitor(pid)
    evaluate("local t = {} require('dynsup').send(..., t, t)", pid)
    local reason = host.down(ref)
    assert.is_true(reason.error.is_shared)
    assert.is_true(reason.last_message[1] == reason.last_message[2])
  end, { log_level = "off" }))

  it("is shared among the arguments of a child, too", main(function()
    local t = {}
    serving(supervisor(), { body = "spec.support.heap_worker:arguments", args = { dynsup.self(), t, { t } } })
    local _, a, b = dynsup.receive(1000)
    assert.is_true(b[1] == a)
  end))

  it("may be values of types", main(function()
    local type = { __pack = function(value) return "spec.shared", { value.x } end }
    local value = setmetatable({ x = 7 }, type)
    local pid = serving(supervisor())
    ask(pid, "eval", [[
      require("dynsup").codec.register("spec.shared", function(fields) return { made_of = fields[1] } end)
    ]])
    local source = "local v, list = ... return v == list[1], v.made_of"
    assert.same({ true, 7 }, { ask(pid, "eval", source, value, { value }) })
  end))

  it("is still refused by its place", main(function()
    local pid = serving(supervisor())
    assert.has_error(function()
      dynsup.send(pid, {}, 1, {}, { x = { print } })
    end, "a function at message[4].x[1] cannot travel to another heap")
  end))

  it("is not shared any more among more than 16,383 tables", main(function()
    local pid = serving(supervisor())
    local source = "return select('#', ...), (...) == select(-1, ...)"
    local tables, t = {}, {}
    for i = 1, 16384 do
      tables[i] = t
    end
    assert.same({ 16384, false }, { ask(pid, "eval", source, table.unpack(tables)) })
    assert.same({ 16383, true }, { ask(pid, "eval", source, table.unpack(tables, 2)) })
  end))
end)

describe("a call to a server in another heap", function()
  it("gets the first reply, also of a finalizer in the middle of another", main(function()
    local worker = serving(supervisor())
    local server = ask(worker, "eval", [[
      local dynsup, to = require "dynsup", ...
      return dynsup.server.start_link({
        init = function() return "ok", 0 end,
        handle_call = function(_, from, state)
          dynsup.send(to, from)
          dynsup.sleep(5)
          dynsup.server.reply(from, { "second" })
          return "noreply", state
        end,
      }, 0)
    ]], dynsup.self())
    local caller = dynsup.self()
    dynsup.spawn(function()
      dynsup.send(caller, "answer", dynsup.server.call(server, "question"))
    end)
    local from = dynsup.receive(1000)
    finalizer.set(function() dynsup.server.reply(from, "first") end)
    local _, answer = dynsup.receive(1000)
    finalizer.unset()
    assert.equal("first", answer)
  end))
end)

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
    "counts what two values share once",
    main(function()
      local pid = serving(supervisor(), { max_message = 1000 })
      local half = { ("x"):rep(600) }
      assert.same({ nil, "message_too_big" }, { dynsup.send(pid, half, { ("x"):rep(600) .. "y" }) })
      assert.equal(600, #ask(pid, "eval", "local a, b = ... return a == b and a[1]", half, half))
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
