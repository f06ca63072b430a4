local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local server = require "dynsup.server"
local supervisor = require "dynsup.supervisor"

-- Starts a temporary child, which is idle unless it is said what it does, and returns its pid, its
-- monitor and its supervisor.
local function child(fields, options)
  local spec = { restart = "temporary", body = not fields.start and family.idle or nil }
  for key, value in pairs(fields) do spec[key] = value end
  local sup = assert(dynsup.start_link(options or {}))
  local pid = assert(dynsup.start_child(sup, spec))
  return pid, dynsup.monitor(pid), sup
end

-- Calls f from a sort comparator, where nothing can wait.
local function in_sort(f)
  table.sort({ 1, 2 }, function(a, b)
    f()
    return a < b
  end)
end

local function spin()
  while true do end
end

describe("the limits of a child", function()
  it("refuse what is none, with the offending value", host.main(function()
    local sup = assert(dynsup.start_link())
    local wrong = {
      max_slice = { 0, -1, "1", true, 0 / 0 },
      max_cpu = { 0, 1001, "many" },
      deadline = { 0, -5, {} },
      max_memory = { 0, 1.5, -1, "much" },
      max_message = { 0, 1.5, "big", {} },
      max_mailbox = { 0, 2.5, "full", {}, { max = 0 }, { max = 1, policy = "wait" }, { policy = "refuse" },
        { max = 1, more = true } },
    }
    for field, values in pairs(wrong) do
      for _, value in ipairs(values) do
        local result = table.pack(dynsup.start_child(sup, { body = family.idle, [field] = value }))
        assert.equal("invalid_" .. field, result[2])
        assert.is_true(rawequal(result[3], value) or value ~= value)
      end
    end
    assert.same({}, dynsup.which_children(sup))
  end))

  it("are none of a supervisor's", host.main(function()
    local sup = assert(dynsup.start_link())
    assert.same({ nil, "invalid_child_spec", "deadline" },
      { dynsup.start_child(sup, { type = "supervisor", start = family.link_idle, deadline = 1 }) })
  end))

  it("are told by info, with those of the supervisor", host.main(function()
    local limits = { deadline = 5000, max_memory = 1e6, max_cpu = 500 }
    local pid = child({ max_cpu = "infinity", max_slice = 20, max_mailbox = 7 }, { limits = limits })
    assert.same({ deadline = 5000, max_memory = 1000000, max_slice = 20, max_mailbox = { max = 7, policy = "exit" } },
      dynsup.info(pid).limits)
    assert.equal(0, dynsup.info(pid).dropped)
    assert.is_nil(dynsup.info(dynsup.self()).limits)
    assert.is_nil(dynsup.info((child {})).limits)
  end))

  it("may be those of all workers of a supervisor, of either kind", family.trapping(function()
    local options = { limits = { deadline = 10 } }
    local _, ref = child({}, options)
    assert.equal("deadline", host.down(ref))
    local sup = assert(supervisor.start_link({ { id = 1, body = family.idle, restart = "transient" } }, options))
    dynsup.sleep(11)
    assert.equal(2, dynsup.info(supervisor.which_children(sup)[1].pid).incarnation)
    assert(dynsup.stop(sup))
    local module = { init = function() return dynsup.init { limits = { deadline = 10 } } end }
    sup = assert(dynsup.start_link(module))
    assert.equal(10, dynsup.info((assert(dynsup.start_child(sup, family.idle)))).limits.deadline)
    assert(dynsup.stop(sup))
  end))

  it("are checked in the options as in a spec", host.main(function()
    assert.same({ nil, "invalid_limits", 5 }, { dynsup.start_link { limits = 5 } })
    assert.same({ nil, "invalid_limits", "max_speed" }, { dynsup.start_link { limits = { max_speed = 1 } } })
    assert.same({ nil, "invalid_limits", 1 }, { dynsup.start_link { limits = { 1 } } })
    assert.same({ nil, "invalid_max_cpu", 0 }, { dynsup.start_link { limits = { max_cpu = 0 } } })
    assert.same({ nil, "invalid_deadline", "x" }, { supervisor.start_link({}, { limits = { deadline = "x" } }) })
  end))
end)

describe("a deadline", function()
  it("ends each incarnation after its time, whatever it does", host.main(function()
    local sup, ends = assert(dynsup.start_link()), {}
    dynsup.observe({ events = "child_terminated" }, function(event)
      ends[#ends + 1] = ("%s %.0f"):format(event.reason, event.at)
    end)
    assert(dynsup.start_child(sup, { deadline = 100, body = function()
      dynsup.flag("trap_exit", true)
      while true do pcall(dynsup.sleep, 7) end
    end }))
    dynsup.sleep(250)
    assert.same({ "deadline 100", "deadline 200" }, ends)
    assert.equal(3, dynsup.info(dynsup.which_children(sup)[1].pid).incarnation)
    assert(dynsup.stop(sup))
  end))

  it("lets close handlers run", host.main(function()
    local closed
    local _, ref = child { deadline = 10, body = function()
      local guard <close> = setmetatable({}, { __close = function() closed = true end })
      dynsup.sleep "infinity"
      return guard
    end }
    assert.equal("deadline", host.down(ref))
    assert.is_true(closed)
  end))

  it("is of what a start function has returned, too", host.main(function()
    local _, ref = child { deadline = 10, start = family.link_idle }
    assert.equal("deadline", host.down(ref))
  end))

  it("goes by the supervisor's clock", host.main(function()
    local clock = require("dynsup.clock").new()
    local pid = child({ deadline = 10 }, { clock = clock })
    clock:pause()
    dynsup.sleep(100)
    assert.is_true(dynsup.is_alive(pid))
    clock:resume()
    dynsup.sleep(11)
    assert.is_false(dynsup.is_alive(pid))
  end))
end)

describe("max_slice", function()
  it("ends what cannot be interrupted", host.main(function()
    local _, ref = child { max_slice = 20, body = function() in_sort(spin) end }
    assert.equal("cpu_exceeded", host.down(ref))
  end))

  it("is outlasted by no pcall", host.main(function()
    local caught = 0
    local _, ref = child { max_slice = 20, body = function()
      in_sort(function()
        while true do
          pcall(spin)
          caught = caught + 1
        end
      end)
    end }
    assert.equal("cpu_exceeded", host.down(ref))
    assert.is_true(caught <= 1)
  end))

  it("is outlasted by no message handler of an xpcall", host.main(function()
    local _, ref = child { max_slice = 20, body = function() in_sort(function() xpcall(spin, spin) end) end }
    assert.equal("cpu_exceeded", host.down(ref))
    _, ref = child { max_slice = 20, body = function() xpcall(error, spin) end }
    assert.equal("cpu_exceeded", host.down(ref))
  end))

  it("leaves xpcall what it is", host.main(function()
    local results
    local _, ref = child { max_slice = 20, body = function()
      results = {
        table.pack(xpcall(function(...) dynsup.sleep(1) return ... end, print, 1, nil)),
        table.pack(xpcall(error, function(e) return { e } end, "x", 0)),
        table.pack(pcall(xpcall, error)),
      }
    end }
    assert.equal("normal", host.down(ref))
    assert.same({ true, 1, nil, n = 3 }, results[1])
    assert.same({ false, { "x" }, n = 2 }, results[2])
    assert.is_false(results[3][1])
  end))

  it("ends what runs in coroutines there, and who catches their errors", host.main(function()
    local _, ref = child { max_slice = 20, body = function()
      in_sort(function()
        while true do
          local co = coroutine.create(function() in_sort(spin) end)
          coroutine.resume(co)
        end
      end)
    end }
    assert.equal("cpu_exceeded", host.down(ref))
  end))

  it("ends the handlers of a coroutine that is closed", host.main(function()
    local _, ref = child { max_slice = 20, body = function()
      while true do
        local co = coroutine.create(function()
          local guard <close> = setmetatable({}, { __close = spin })
          coroutine.yield(guard)
        end)
        coroutine.resume(co)
        coroutine.close(co)
      end
    end }
    assert.equal("cpu_exceeded", host.down(ref))
  end))

  it("ends a gsub's callback, and a server's", family.trapping(function()
    local _, ref = child { max_slice = 20, body = function() ("x"):gsub("x", spin) end }
    assert.equal("cpu_exceeded", host.down(ref))
    local terminated = false
    local module = {
      init = function() return "ok", 0 end,
      handle_call = function() in_sort(spin) end,
      terminate = function() terminated = true end,
    }
    local pid = child { max_slice = 20, start = server.start_link, args = { module } }
    assert.same({ nil, "cpu_exceeded" }, { server.call(pid, "work") })
    assert.is_false(terminated)
  end))

  it("ends a server whose start runs inside another's slice, and not who starts it", family.trapping(function()
    local module = { init = function(f) in_sort(f) return "ok", 0 end }
    local sup = assert(dynsup.start_link())
    local function start(f, fields)
      local spec = { restart = "temporary", start = server.start_link, args = { module, f } }
      for key, value in pairs(fields) do spec[key] = value end
      return dynsup.start_child(sup, spec)
    end
    local ended
    local _, ref = child { max_slice = 20, body = function()
      for _ = 1, 3 do
        assert(start(function() for _ = 1, 3e6 do end end, {}))
        for _ = 1, 3e5 do end
      end
      ended = table.pack(start(spin, { max_slice = 30 }))
    end }
    assert.equal("normal", host.down(ref))
    assert.same({ nil, "cpu_exceeded" }, { ended[1], ended[2] })
  end))

  it("lets a process go on that can be interrupted, and one that gives way in time", host.main(function()
    local pid = child { max_slice = 5, body = function()
      for _ = 1, 20 do
        for _ = 1, 1e5 do end
        in_sort(function() for _ = 1, 1e5 do end end)
      end
      dynsup.sleep "infinity"
    end }
    dynsup.sleep(1)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("leaves others their coroutines and hooks", host.main(function()
    for _ = 1, 5 do
      local _, ref = child { max_slice = 5, body = function() in_sort(spin) end }
      assert.equal("cpu_exceeded", host.down(ref))
    end
    local steps = 0
    local pid = child { body = function() while true do steps = steps + 1 end end }
    dynsup.sleep(0)
    dynsup.exit(pid, "kill")
    assert.is_true(steps > 0)
  end))
end)

describe("max_cpu", function()
  it("ends who works for longer in a second", host.main(function()
    local _, ref = child { max_cpu = 100, body = spin }
    assert.equal("cpu_exceeded", host.down(ref))
  end))

  it("lets go on who works less", host.main(function()
    local rounds = 0
    local _, ref = child { max_cpu = 100, body = function()
      for _ = 1, 50 do
        for _ = 1, 3e5 do end
        rounds = rounds + 1
        dynsup.sleep(100)
      end
    end }
    assert.equal("normal", host.down(ref))
    assert.equal(50, rounds)
  end))
end)

describe("max_mailbox", function()
  -- A child that reads nothing before it is told to go, and then all.
  local function reader(max_mailbox)
    local read = {}
    local pid, ref = child { max_mailbox = max_mailbox, body = function()
      dynsup.flag("trap_exit", true)
      dynsup.receive_match "go"
      while true do read[#read + 1] = table.pack(dynsup.receive())[1] end
    end }
    dynsup.sleep(1)
    return pid, ref, read
  end

  it("ends the receiver by default", host.main(function()
    local pid, ref = reader(3)
    for i = 1, 4 do assert.is_true(dynsup.send(pid, i)) end
    assert.equal("mailbox_full", host.down(ref))
  end))

  it("refuses with refuse, and the sender is told", host.main(function()
    local pid, _, read = reader { max = 3, policy = "refuse" }
    for i = 1, 3 do assert.is_true(dynsup.send(pid, i)) end
    assert.same({ nil, "mailbox_full" }, { dynsup.send(pid, 4) })
    assert.same({ nil, "mailbox_full" }, { server.cast(pid, 4) })
    assert.same({ nil, "mailbox_full" }, { server.call(pid, 4) })
    dynsup.send_after(1, pid, 5)
    dynsup.sleep(2)
    assert.same({ 3, 1 }, { dynsup.info(pid).mailbox, dynsup.info(pid).dropped })
    assert.same({}, read)
  end))

  it("drops the oldest or the newest", host.main(function()
    local function kept(policy)
      local got = {}
      local pid = child { max_mailbox = { max = 3, policy = policy }, body = function()
        dynsup.sleep(10)
        while true do got[#got + 1] = dynsup.receive() end
      end }
      for i = 1, 8 do assert.is_true(dynsup.send(pid, i)) end
      assert.equal(5, dynsup.info(pid).dropped)
      dynsup.sleep(20)
      return got
    end
    assert.same({ 6, 7, 8 }, kept "drop_oldest")
    assert.same({ 1, 2, 3 }, kept "drop_newest")
  end))

  it("never loses signals, DOWN and answers", host.main(function()
    local main = dynsup.self()
    local got = {}
    local pid = child { max_mailbox = { max = 2, policy = "drop_oldest" }, body = function()
      dynsup.flag("trap_exit", true)
      local ref = dynsup.monitor(main)
      local other = dynsup.spawn(family.idle)
      local down = dynsup.monitor(other)
      dynsup.send(main, ref, other)
      dynsup.sleep(10)
      while true do
        local first, second = dynsup.receive()
        got[#got + 1] = first == ref and "answer" or second == down and "down" or first
      end
    end }
    local ref, other = dynsup.receive()
    dynsup.send(pid, ref, "answer")
    dynsup.exit(other, "kill")
    dynsup.exit(pid, "oops")
    dynsup.sleep(1)
    for i = 1, 5 do dynsup.send(pid, i) end
    dynsup.sleep(20)
    assert.same({ "answer", "EXIT", "down" }, got)
  end))

  it("lets a selective receive find what is left", host.main(function()
    local got = {}
    local pid = child { max_mailbox = { max = 2, policy = "drop_oldest" }, body = function()
      got[1] = dynsup.receive_match "go"
      got[2] = dynsup.receive_match(function(value)
        dynsup.sleep(1)
        return value == "last"
      end)
      got[3] = dynsup.receive(0)
    end }
    for _ = 1, 3 do
      dynsup.sleep(1)
      for i = 1, 5 do dynsup.send(pid, i) end
    end
    dynsup.send(pid, "go")
    dynsup.sleep(0)
    for i = 1, 5 do dynsup.send(pid, i) end
    dynsup.sleep(0)
    for _ = 1, 3 do dynsup.send(pid, "last") end
    dynsup.sleep(100)
    assert.same({ "go", "last", "last" }, got)
  end))

  it("lets a selective receive go on where it is, when others are turned away", host.main(function()
    local calls, got = 0, nil
    local pid = child { max_mailbox = { max = 2, policy = "drop_newest" }, body = function()
      dynsup.sleep(1)
      got = dynsup.receive_match(function(value)
        calls = calls + 1
        dynsup.sleep(2)
        return value == "wanted"
      end, 100)
    end }
    for i = 1, 2 do dynsup.send(pid, i == 2 and "wanted" or i) end
    for _ = 1, 20 do
      dynsup.send(pid, "too many")
      dynsup.sleep(1)
    end
    assert.same({ "wanted", 2 }, { got, calls })
  end))

  it("ends a process that fills its own", host.main(function()
    local after
    local _, ref = child { max_mailbox = 2, body = function()
      for i = 1, 3 do dynsup.send(dynsup.self(), i) end
      after = true
    end }
    assert.equal("mailbox_full", host.down(ref))
    assert.is_nil(after)
  end))

  it("is told in the log, and to observers", family.trapping(function()
    local lines, seen = {}, {}
    local function log(level, text) lines[#lines + 1] = level .. " " .. text end
    dynsup.run({ clock = "virtual", log = log }, function()
      dynsup.observe({ events = "messages_dropped" }, function(event)
        seen[#seen + 1] = event.dropped
      end)
      local pid = child { max_mailbox = { max = 1, policy = "drop_newest" } }
      for i = 1, 6 do dynsup.send(pid, i) end
      dynsup.sleep(1)
    end)
    assert.same({ 1, 2, 4 }, seen)
    local text = table.concat(lines, "\n")
    assert.matches("warning worker <[%d.]+> of supervisor <[%d.]+> has lost 1 message: its mailbox is full", text)
    assert.matches("has lost 4 messages", text)
  end))
end)

describe("who has exceeded a limit", function()
  it("is restarted as its type says, and reported with the reason", family.trapping(function()
    local lines = {}
    local function log(level, text) lines[#lines + 1] = level .. " " .. text end
    dynsup.run({ clock = "virtual", log = log }, function()
      local sup = assert(dynsup.start_link())
      assert(dynsup.start_child(sup, { deadline = 10, max_restarts = 1, body = family.idle }))
      dynsup.sleep(50)
      assert.equal("failed", dynsup.which_children(sup)[1].pid)
    end)
    assert.matches("child_terminated%)\n    reason: deadline\n", table.concat(lines, "\n"))
  end))
end)
