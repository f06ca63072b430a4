-- Extra arguments of a supervisor whose children are in another heap than it was started in.

local dynsup = require "dynsup"
local codec = require "dynsup.codec"
local heaps = require "spec.support.heaps"
local host = require "spec.support.host"

local main, ask, serving = host.main, heaps.ask, heaps.serving

-- What a worker in a further heap gets for start_child(sup, spec). The child tells how many arguments it
-- was called with, and the first two; its own are a function, that tells if it is called, and a text.
local function start_there(sup, spec)
  return ask(serving(heaps.supervisor()), "eval", [[
    local dynsup = require "dynsup"
    local sup, to, spec = ...
    require("dynsup.codec").register("pair", function(value) return value end)
    spec.args = { function() dynsup.send(to, "called") end, "own", n = 2 }
    spec.body = function(...)
      local first, second = ...
      dynsup.send(to, select("#", ...), first, type(second) ~= "function" and second or nil)
      dynsup.sleep()
    end
    return dynsup.start_child(sup, spec)
  ]], sup, dynsup.self(), spec or {})
end

local function refused(extra, detail, spec)
  local sup = assert(dynsup.start_link { extra_arguments = extra })
  local pid, reason, told = start_there(sup, spec)
  assert.same({ nil, "invalid_extra_arguments" }, { pid, reason })
  assert.equal(detail, told)
  assert.same({ nil, "timeout" }, { dynsup.receive(10) })
  assert.equal(0, dynsup.count_children(sup).specs)
end

describe("a child in another heap than its supervisor's extra arguments", function()
  it("gets copies of them, in each incarnation", main(function()
    local extra = { 1, { 2 }, nil, n = 3 }
    extra[2].self = extra[2]
    local sup = assert(dynsup.start_link { extra_arguments = extra })
    local pid = assert(start_there(sup))
    for _ = 1, 2 do
      local message = table.pack(dynsup.receive(10))
      assert.same({ 5, 1, n = 3 }, { message[1], message[2], n = message.n })
      assert.equal(message[3], message[3].self)
      host.stop(pid, "kill")
      pid = dynsup.which_children(sup)[1].pid
    end
  end))

  it("gets copies of them in a heap of its own below a supervisor with heaps, too", main(function()
    local sup = assert(dynsup.start_link { heaps = 1, extra_arguments = { dynsup.self(), { 1 } } })
    local spec = { body = "spec.support.heap_worker:arguments", args = { "its own" }, restart = "temporary" }
    for _, heap in ipairs { false, "own" } do
      spec.heap = heap or nil
      assert(dynsup.start_child(sup, spec))
      local message = table.pack(dynsup.receive(1000))
      assert.same({ { 1 }, "its own" }, { table.unpack(message, message.n - 1, message.n) })
    end
  end))

  it("is refused when a __pack of theirs takes longer than a callback may", main(function()
    local endless = setmetatable({}, { __pack = function() while true do end end })
    local sup = assert(dynsup.start_link { extra_arguments = { endless } })
    local ok, message = pcall(dynsup.start_child, sup, { body = "m:f", heap = "own" })
    assert.is_false(ok)
    assert.matches("a callback ran for longer than", message)
    assert.equal(0, dynsup.count_children(sup).specs)
  end))

  it("is refused when one of them cannot travel", main(function()
    refused({ print, "x" }, "a function at extra_arguments[1] cannot travel to another heap")
    refused({ "x", { f = print } },
      "a function at extra_arguments[2].f cannot travel to another heap")
    refused({ 1, coroutine.create(print) },
      "a coroutine at extra_arguments[2] cannot travel to another heap", { restart = "temporary" })
  end))

  it("is refused, and calls nothing, where a type of theirs cannot be made", main(function()
    local point = { __pack = "point" }
    codec.register("point", point)
    local sup = assert(dynsup.start_link { extra_arguments = { setmetatable({ x = 1 }, point) } })
    local pid, reason = start_there(sup, { restart = "temporary" })
    assert.is_nil(pid)
    assert.matches("point", reason)
    assert.same({ nil, "timeout" }, { dynsup.receive(10) })
    assert.equal(0, dynsup.count_children(sup).specs)
  end))

  it("gets what their __pack makes of them, and fails with its error", main(function()
    local function packed(pack)
      return assert(dynsup.start_link { extra_arguments = { setmetatable({}, { __pack = pack }) } })
    end
    assert(start_there(packed(function() return "pair", { 7 } end)))
    assert.same({ 3, { 7 } }, { dynsup.receive_match(3, 10) })
    local failing = packed(function() error("it does not pack", 0) end)
    local ok, message = pcall(start_there, failing)
    assert.is_false(ok)
    assert.matches("it does not pack", message)
    assert.equal(0, dynsup.count_children(failing).specs)
  end))

  it("gets them also in a heap of its own", main(function()
    local sup = assert(dynsup.start_link { extra_arguments = { dynsup.self(), { "extra" } } })
    local spec = { body = "spec.support.heap_worker:arguments", args = { "own" }, heap = "own" }
    local pid = assert(dynsup.start_child(sup, spec))
    for _ = 1, 2 do
      assert.same({ "arguments", { "extra" }, "own" }, { dynsup.receive(10) })
      host.stop(pid, "kill")
      pid = dynsup.which_children(sup)[1].pid
    end
  end))

  it("is refused a heap of its own when one of them cannot travel", main(function()
    local sup = assert(dynsup.start_link { extra_arguments = { print } })
    local spec = { body = "spec.support.heap_worker:arguments", heap = "own" }
    local _, reason, detail = dynsup.start_child(sup, spec)
    assert.equal("invalid_extra_arguments", reason)
    assert.equal("a function at extra_arguments[1] cannot travel to another heap", detail)
    heaps.settle()
    assert.same({ 0 }, heaps.numbers())
  end))

  it("gets them from a supervisor of a heap that is closed", main(function()
    local owner = serving(heaps.supervisor {}, { heap = "own", restart = "temporary" })
    local sup = ask(owner, "eval", [[
      local dynsup = require "dynsup"
      local sup = dynsup.start_link { extra_arguments = { { 1, 2 }, "x" } }
      dynsup.unlink(sup)
      return sup
    ]])
    host.stop(owner, "kill")
    heaps.settle()
    assert.same({ 0 }, heaps.numbers())
    local to = dynsup.self()
    assert(dynsup.start_child(sup, function(...) dynsup.send(to, ...) end))
    assert.same({ { 1, 2 }, "x" }, { dynsup.receive(10) })
  end))
end)
