-- max_memory: how much of Lua's memory a child may have, and what becomes of one that wants more.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

local KB = 1024

-- A list of n tables: about 72 bytes each.
local function fill(n)
  local list = {}
  for i = 1, n do list[i] = { i } end
  return list
end

local function grow() fill(1e7) end

-- Starts a temporary child with the fields and returns the reason with which it ends.
local function outcome(body, fields)
  local spec = { body = body, restart = "temporary", max_memory = 256 * KB }
  for name, value in pairs(fields or {}) do spec[name] = value end
  local pid = assert(dynsup.start_child(dynsup.start_link {}, spec))
  return host.down(dynsup.monitor(pid))
end

-- Does the code by turns on the virtual clock, where a count hook ends slices, and on the real one.
local function on_both_clocks(sentence, f)
  it(sentence, host.main(f))
  it(sentence .. " (on the real clock)", host.main(f, { clock = "real" }))
end

describe("a child with max_memory", function()
  on_both_clocks("that wants more ends with memory_exceeded", function()
    assert.equal("memory_exceeded", outcome(grow))
  end)

  it("lives while it has less, however much it has made", host.main(function()
    assert.equal("normal", outcome(function()
      for _ = 1, 100 do fill(1000) end
      local text = ""
      for i = 1, 2000 do text = text .. i end
    end))
  end))

  it("is restarted by its restart type, and begins with nothing", family.trapping(function()
    local lives, main = 0, dynsup.self()
    local sup = dynsup.start_link { max_restarts = 10 }
    dynsup.start_child(sup, { max_memory = 512 * KB, restart = "transient", body = function()
      lives = lives + 1
      local kept = fill(4000)
      if lives < 4 then grow() end
      dynsup.send(main, "up", #kept)
    end })
    assert.same({ "up", 4000 }, { dynsup.receive() })
    assert.equal(4, lives)
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("leaves its siblings as they are", family.trapping(function()
    local sup = dynsup.start_link { max_restarts = 100 }
    local main = dynsup.self()
    dynsup.start_child(sup, { max_memory = 256 * KB, body = grow, restart = "temporary" })
    dynsup.start_child(sup, { body = function() dynsup.send(main, #fill(20000)) end, restart = "temporary" })
    dynsup.start_child(sup, { max_memory = 256 * KB, restart = "temporary", body = function()
      for _ = 1, 100 do
        assert(#fill(100) == 100)
        dynsup.yield()
      end
      dynsup.send(main, "fine")
    end })
    assert.equal(20000, dynsup.receive())
    assert.equal("fine", dynsup.receive())
  end))

  it("may catch the error, and make do with less", host.main(function()
    local caught
    assert.equal("normal", outcome(function()
      local ok, message = pcall(grow)
      caught = { ok, message }
      fill(100)
    end))
    assert.same({ false, "not enough memory" }, caught)
  end))

  on_both_clocks("ends with the third refusal, which no pcall outlasts", function()
    local refusals = 0
    assert.equal("memory_exceeded", outcome(function()
      while true do
        if not pcall(grow) then refusals = refusals + 1 end
      end
    end))
    assert.is_true(refusals >= 2)
  end)

  on_both_clocks("ends where what is refused is one long string", function()
    assert.equal("memory_exceeded", outcome(function() return ("x"):rep(1e9) end))
    assert.equal("memory_exceeded", outcome(function()
      while true do pcall(string.rep, "x", 1e9) end
    end))
  end)

  it("ends also where it cannot give way, once it can", host.main(function()
    local after = false
    assert.equal("memory_exceeded", outcome(function()
      table.sort({ 1, 2, 3, 4 }, function(a, b)
        pcall(grow)
        return a < b
      end)
      dynsup.yield()
      after = true
    end))
    assert.is_false(after)
  end))

  it("has its coroutines counted too", host.main(function()
    assert.equal("memory_exceeded", outcome(function()
      local all = {}
      for i = 1, 1e6 do
        all[i] = coroutine.create(print)
      end
      return all
    end))
    assert.equal("memory_exceeded", outcome(function() coroutine.wrap(grow)() end))
    local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
    assert.equal("memory_exceeded", outcome(function() deep(150000) end))
  end))

  it("has some more for its close handlers", host.main(function()
    local closed
    assert.equal("memory_exceeded", outcome(function()
      local _ <close> = host.closer(function() closed = fill(200) end)
      local kept = {}
      for i = 1, 1e7 do kept[i] = { i } end
      return kept
    end))
    assert.equal(200, #closed)
  end))

  it("is debited with what it makes a shared table grow by", host.main(function()
    local shared = {}
    assert.equal("memory_exceeded", outcome(function()
      for i = 1, 1e7 do shared[i] = true end
    end))
    assert.is_true(#shared > 1000)
    local before = #shared
    for i = before + 1, 2 * before do shared[i] = true end -- whoever has no limit may go on
    assert.equal(2 * before, #shared)
  end, { memory_accounts = true }))

  it("keeps what it has sent away on its account", host.main(function()
    local main = dynsup.self()
    assert.equal("memory_exceeded", outcome(function()
      while true do dynsup.send(main, fill(100)) end
    end))
    local messages = host.drain()
    assert.is_true(#messages > 10)
  end))

  it("may have a limit without an end", host.main(function()
    assert.equal("normal", outcome(function() fill(20000) end, { max_memory = "infinity" }))
  end))

  it("is looked up by name like any other", host.main(function()
    package.loaded["spec.grower"] = { grow = grow }
    assert.equal("memory_exceeded", outcome "spec.grower:grow")
    package.loaded["spec.grower"] = nil
  end))
end)

describe("a child with max_memory and a start function", function()
  local hoarder = {}
  function hoarder.init() return "ok", {} end
  function hoarder.handle_cast(count, state)
    state[#state + 1] = fill(count)
    return "noreply", state
  end
  function hoarder.handle_call(_, _, state) return "reply", #state, state end

  local function start_server(start)
    local spec = { start = start, args = { hoarder }, restart = "temporary", max_memory = 512 * KB }
    return assert(dynsup.start_child(dynsup.start_link {}, spec))
  end

  it("limits the server that it starts", family.trapping(function()
    for _, start in ipairs { dynsup.server.start_link, function(...) return dynsup.server.start_link(...) end } do
      local pid = start_server(start)
      local ref = dynsup.monitor(pid)
      for _ = 1, 20 do
        dynsup.server.cast(pid, 100)
        assert.is_number((dynsup.server.call(pid, "count")))
      end
      dynsup.server.cast(pid, 1e6)
      assert.equal("memory_exceeded", host.down(ref))
    end
  end))

  it("counts what the server keeps from call to call", family.trapping(function()
    local pid = start_server(dynsup.server.start_link)
    local ref = dynsup.monitor(pid)
    for _ = 1, 100 do dynsup.server.cast(pid, 100) end
    assert.equal("memory_exceeded", host.down(ref))
  end))

  it("limits the function itself", family.trapping(function()
    local sup = dynsup.start_link {}
    assert.same({ nil, "memory_exceeded" },
      { dynsup.start_child(sup, { start = grow, max_memory = 256 * KB }) })
    assert.same(family.workers(0), dynsup.count_children(sup))
  end))

  it("says that a supervisor has no such limit", function()
    local lines = {}
    host.run(function()
      local sup = dynsup.start_link {}
      assert(dynsup.start_child(sup, { start = function() return dynsup.start_link {} end, max_memory = 256 * KB }))
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.matches("max_memory has no effect", table.concat(lines, "\n"))
  end)

  it("limits a child of another supervisor that has not begun, without a warning", function()
    local lines, reason = {}, nil
    local function grow_when_told()
      dynsup.receive()
      grow()
    end
    host.run(function()
      local first, second = dynsup.start_link {}, dynsup.start_link {}
      local pid = assert(dynsup.start_child(second, { max_memory = 256 * KB, restart = "temporary", start = function()
        return dynsup.start_child(first, { body = grow_when_told, restart = "temporary" })
      end }))
      local ref = dynsup.monitor(pid)
      dynsup.send(pid, "grow")
      reason = host.down(ref)
    end, { log = function(_, text) lines[#lines + 1] = text end })
    assert.equal("memory_exceeded", reason)
    assert.not_matches("max_memory has no effect", table.concat(lines, "\n"))
  end)
end)

describe("a supervisor's limits with max_memory", function()
  local options = { limits = { max_memory = 256 * KB } }

  local function outcome_under(spec)
    spec.restart = "temporary"
    local pid = assert(dynsup.start_child(dynsup.start_link(options), spec))
    return host.down(dynsup.monitor(pid))
  end

  it("hold for its workers", family.trapping(function()
    assert.equal("memory_exceeded", outcome_under { body = grow })
    assert.equal("memory_exceeded", outcome_under { start = function()
      return dynsup.spawn_link(function()
        dynsup.sleep(1)
        grow()
      end)
    end })
  end))

  it("do not hold for those that have their own", family.trapping(function()
    assert.equal("normal", outcome_under { max_memory = "infinity", body = function() fill(20000) end })
    assert.equal("normal", outcome_under { max_memory = 8 * 1024 * KB, body = function() fill(20000) end })
  end))
end)

describe("info's memory", function()
  local function holding(n)
    local pid = dynsup.spawn(function()
      local kept = fill(n)
      dynsup.receive()
      return kept
    end)
    dynsup.sleep(1)
    return dynsup.info(pid).memory
  end

  it("is what a process has made, where accounts are kept", host.main(function()
    local few, many = holding(10), holding(10010)
    assert.is_true(many - few > 700000 and many - few < 1200000, many - few)
  end, { memory_accounts = true }))

  it("is rough where there are none", host.main(function()
    assert.equal(holding(10), holding(10010))
  end))

  it("shrinks as what is no longer needed is collected", host.main(function()
    local pid = dynsup.spawn(function()
      local kept = fill(10000)
      dynsup.receive()
      kept = #kept
      dynsup.receive(kept)
    end)
    dynsup.sleep(1)
    local before = dynsup.info(pid).memory
    dynsup.send(pid, "let go")
    dynsup.sleep(1)
    collectgarbage()
    collectgarbage()
    assert.is_true(dynsup.info(pid).memory < before - 700000)
  end, { memory_accounts = true }))
end)
