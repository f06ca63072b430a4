local dynsup = require "dynsup"
local host = require "spec.support.host"

local nan = 0 / 0

-- Valid and invalid things to call functions with; made inside a host.
local function things()
  local pid, ref = dynsup.spawn_monitor(dynsup.receive)
  local timer = dynsup.send_after(1000, pid, "tick")
  return { pid = pid, ref = ref, timer = timer }
end

-- Cases { name, make }: make(things) returns the number of the wrong argument, then the arguments.
local wrong = {
  { "spawn", "nothing", function()
    return 1
  end },
  { "spawn", "a number", function()
    return 1, 42
  end },
  { "spawn", "a table", function()
    return 1, {}
  end },
  { "spawn", "a string that is no module:function", function()
    return 1, "no colon"
  end },
  { "spawn_link", "nothing", function()
    return 1
  end },
  { "spawn_link", "nil", function()
    return 1, nil
  end },
  { "spawn_monitor", "nothing", function()
    return 1
  end },
  { "spawn_monitor", "true", function()
    return 1, true
  end },
  { "is_pid", "nothing", function()
    return 1
  end },
  { "is_alive", "nothing", function()
    return 1
  end },
  { "is_alive", "a number", function()
    return 1, 42
  end },
  { "is_alive", "a ref", function(t)
    return 1, t.ref
  end },
  { "send", "nothing", function()
    return 1
  end },
  { "send", "nil", function()
    return 1, nil, "hello"
  end },
  { "send", "a number", function()
    return 1, 42, "hello"
  end },
  { "send", "a table", function()
    return 1, {}, "hello"
  end },
  { "send", "a ref", function(t)
    return 1, t.ref, "hello"
  end },
  { "send", "a timer", function(t)
    return 1, t.timer, "hello"
  end },
  { "send", "light userdata of others", function()
    return 1, debug.upvalueid(things, 1), "hello"
  end },
  { "send", "no message", function(t)
    return 2, t.pid
  end },
  { "send", "no message to a name that nobody has", function()
    return 2, "nobody"
  end },
  { "send", "a message that begins with nil", function(t)
    return 2, t.pid, nil, "hello"
  end },
  { "receive", "a negative time", function()
    return 1, -1
  end },
  { "receive", "a time that is no number", function()
    return 1, "soon"
  end },
  { "receive", "a number in a string", function()
    return 1, "10"
  end },
  { "receive", "NaN", function()
    return 1, nan
  end },
  { "receive", "a table", function()
    return 1, {}
  end },
  { "receive_match", "nothing", function()
    return 1
  end },
  { "receive_match", "a negative time", function()
    return 2, "x", -0.5
  end },
  { "receive_match", "NaN", function()
    return 2, "x", nan
  end },
  { "receive_match", "a time that is no number", function()
    return 2, "x", "soon"
  end },
  { "sleep", "a negative time", function()
    return 1, -1
  end },
  { "sleep", "NaN", function()
    return 1, nan
  end },
  { "sleep", "a time that is no number", function()
    return 1, "10"
  end },
  { "sleep", "minus infinity", function()
    return 1, -math.huge
  end },
  { "link", "nothing", function()
    return 1
  end },
  { "link", "nil", function()
    return 1, nil
  end },
  { "link", "a name", function()
    return 1, "worker"
  end },
  { "link", "a ref", function(t)
    return 1, t.ref
  end },
  { "unlink", "nothing", function()
    return 1
  end },
  { "unlink", "a number", function()
    return 1, 42
  end },
  { "monitor", "nothing", function()
    return 1
  end },
  { "monitor", "a number", function()
    return 1, 42
  end },
  { "monitor", "a table", function()
    return 1, {}
  end },
  { "demonitor", "nothing", function()
    return 1
  end },
  { "demonitor", "a pid", function(t)
    return 1, t.pid
  end },
  { "demonitor", "a string", function()
    return 1, "ref"
  end },
  { "exit", "nothing", function()
    return 1
  end },
  { "exit", "nil", function()
    return 1, nil
  end },
  { "exit", "a number for a reason", function()
    return 1, 42
  end },
  { "exit", "true for a reason", function()
    return 1, true
  end },
  { "exit", "a function for a reason", function()
    return 1, print
  end },
  { "exit", "a table for a dest", function()
    return 1, {}, "boom"
  end },
  { "exit", "a ref for a dest", function(t)
    return 1, t.ref, "boom"
  end },
  { "exit", "a dest and nil", function(t)
    return 2, t.pid, nil
  end },
  { "exit", "a dest and a number", function(t)
    return 2, t.pid, 42
  end },
  { "exit", "a dest and a pid", function(t)
    return 2, t.pid, t.pid
  end },
  { "flag", "nothing", function()
    return 1
  end },
  { "flag", "an unknown flag", function()
    return 1, "trap_exits", true
  end },
  { "flag", "no value", function()
    return 2, "trap_exit"
  end },
  { "flag", "a value that is no boolean", function()
    return 2, "trap_exit", 1
  end },
  { "register", "nothing", function()
    return 1
  end },
  { "register", "a number for a name", function(t)
    return 1, 42, t.pid
  end },
  { "register", "a pid for a name", function(t)
    return 1, t.pid, t.pid
  end },
  { "register", "no pid", function()
    return 2, "worker"
  end },
  { "register", "a name for a pid", function()
    return 2, "worker", "other"
  end },
  { "unregister", "nothing", function()
    return 1
  end },
  { "unregister", "a number", function()
    return 1, 42
  end },
  { "whereis", "nothing", function()
    return 1
  end },
  { "whereis", "a number", function()
    return 1, 42
  end },
  { "send_after", "nothing", function()
    return 1
  end },
  { "send_after", "a negative time", function(t)
    return 1, -1, t.pid, "tick"
  end },
  { "send_after", "NaN", function(t)
    return 1, nan, t.pid, "tick"
  end },
  { "send_after", "a time that is no number", function(t)
    return 1, "soon", t.pid, "tick"
  end },
  { "send_after", "no dest", function()
    return 2, 10
  end },
  { "send_after", "a number for a dest", function()
    return 2, 10, 42, "tick"
  end },
  { "send_after", "no message", function(t)
    return 3, 10, t.pid
  end },
  { "send_after", "a message that begins with nil", function(t)
    return 3, 10, t.pid, nil, 1
  end },
  { "cancel_timer", "nothing", function()
    return 1
  end },
  { "cancel_timer", "a number", function()
    return 1, 42
  end },
  { "cancel_timer", "a ref", function(t)
    return 1, t.ref
  end },
  { "await", "nothing", function()
    return 1
  end },
  { "await", "a string", function()
    return 1, "resume"
  end },
  { "await", "a negative time", function()
    return 2, print, -1
  end },
  { "await", "a time that is no number", function()
    return 2, print, "soon"
  end },
  { "info", "nothing", function()
    return 1
  end },
  { "info", "a number", function()
    return 1, 42
  end },
  { "info", "a ref", function(t)
    return 1, t.ref
  end },
  { "halt", "a code that is no number", function()
    return 1, "now"
  end },
  { "halt", "a code that is no integer", function()
    return 1, 1.5
  end },
}

-- The same for arguments that are too many.
local surplus = {
  { "self", function()
    return 1, 1
  end },
  { "now", function()
    return 1, 1
  end },
  { "dict", function()
    return 1, 1
  end },
  { "yield", function()
    return 1, 1
  end },
  { "is_pid", function()
    return 2, 1, 2
  end },
  { "is_alive", function(t)
    return 2, t.pid, 2
  end },
  { "receive", function()
    return 2, 0, 2
  end },
  { "receive_match", function()
    return 3, "x", 0, 3
  end },
  { "sleep", function()
    return 2, 0, 2
  end },
  { "link", function(t)
    return 2, t.pid, 2
  end },
  { "unlink", function(t)
    return 2, t.pid, 2
  end },
  { "monitor", function(t)
    return 2, t.pid, 2
  end },
  { "demonitor", function(t)
    return 2, t.ref, 2
  end },
  { "exit", function(t)
    return 3, t.pid, "boom", 3
  end },
  { "flag", function()
    return 3, "trap_exit", true, 3
  end },
  { "register", function(t)
    return 3, "worker", t.pid, 3
  end },
  { "unregister", function()
    return 2, "worker", 2
  end },
  { "whereis", function()
    return 2, "worker", 2
  end },
  { "cancel_timer", function(t)
    return 2, t.timer, 2
  end },
  { "await", function()
    return 3, print, 0, 3
  end },
  { "ready", function()
    return 2, 1, 2
  end },
  { "info", function(t)
    return 2, t.pid, 2
  end },
  { "halt", function()
    return 2, 0, 2
  end },
}

local function assert_names_argument(name, position, ok, err)
  assert.is_false(ok)
  assert.matches(("bad argument #%d to '[%%w_.]*%s' %%("):format(position, name), err)
end

-- Calls the function, expects the error, and that nothing has changed.
local function assert_misuse(name, make)
  local t = things()
  local arguments = table.pack(make(t))
  local before = dynsup.now()
  assert_names_argument(name, arguments[1],
    pcall(dynsup[name], table.unpack(arguments, 2, arguments.n)))
  assert.is_true(dynsup.is_alive(t.pid))
  assert.equal(0, #host.drain())
  assert.is_nil((dynsup.whereis("worker")))
  assert.equal(before, dynsup.now())
  assert.equal(1000, dynsup.cancel_timer(t.timer))
  assert.is_false(dynsup.flag("trap_exit", false))
end

describe("misuse", function()
  for _, case in ipairs(wrong) do
    local name, what, make = table.unpack(case)
    it(("of %s with %s is an error that names the argument"):format(name, what),
      host.main(function()
        assert_misuse(name, make)
      end))
  end

  for _, case in ipairs(surplus) do
    local name, make = table.unpack(case)
    it(("of %s with too many arguments is an error that names the first of them"):format(name),
      host.main(function()
        assert_misuse(name, make)
      end))
  end

  it("of exit with a lone pid is an error, for it looks like a signal", host.main(function()
    local pid = dynsup.spawn(dynsup.receive)
    local ok, err = pcall(dynsup.exit, pid)
    assert.is_false(ok)
    assert.matches("bad argument #%d to '[%w_.]*exit' %(", err)
    assert.is_true(dynsup.is_alive(pid))
  end))

  it("of run is an error that names the argument", function()
    assert_names_argument("run", 1, pcall(dynsup.run))
    assert_names_argument("run", 1, pcall(dynsup.run, 42))
    assert_names_argument("run", 2, pcall(dynsup.run, { clock = "virtual" }))
    assert_names_argument("run", 2, pcall(dynsup.run, { clock = "virtual" }, 42))
  end)

  it("shows the name and line of a plain call", host.main(function()
    local ok, err = pcall(function()
      dynsup.send(dynsup.self())
    end)
    local line = debug.getinfo(1, "l").currentline - 2
    assert.is_false(ok)
    assert.matches("misuse_spec.lua:" .. line .. ": bad argument #2 to 'send' %(", err)
  end))
end)

describe("outside of a run", function()
  local calls = {
    spawn = { function() end },
    spawn_link = { function() end },
    spawn_monitor = { function() end },
    self = {},
    is_alive = { "worker" },
    send = { "worker", "hello" },
    receive = { 0 },
    receive_match = { "x", 0 },
    sleep = { 0 },
    yield = {},
    exit = { "worker", "boom" },
    monitor = { "worker" },
    flag = { "trap_exit", true },
    unregister = { "worker" },
    whereis = { "worker" },
    send_after = { 10, "worker", "tick" },
    await = { function() end },
    info = { "worker" },
    dict = {},
    halt = {},
  }
  for name, arguments in host.sorted(calls) do
    it(name .. " says that no host is running", function()
      local ok, err = pcall(dynsup[name], table.unpack(arguments))
      assert.is_false(ok)
      assert.matches("no host is running", err)
    end)

    it(name .. " says so again when a run is over", function()
      host.run(function() end)
      local ok, err = pcall(dynsup[name], table.unpack(arguments))
      assert.is_false(ok)
      assert.matches("no host is running", err)
    end)
  end

  it("a pid of an earlier run is still a pid", function()
    local pid = host.run(function()
      return dynsup.self()
    end)
    assert.is_true(dynsup.is_pid(pid))
    assert.matches("^<%d+%.%d+%.%d+>$", tostring(pid))
  end)
end)

describe("where a process cannot wait", function()
  local waits = {
    receive = function()
      dynsup.receive()
    end,
    ["receive with a time"] = function()
      dynsup.receive(10)
    end,
    receive_match = function()
      dynsup.receive_match("x", 10)
    end,
    sleep = function()
      dynsup.sleep(10)
    end,
    yield = function()
      dynsup.yield()
    end,
    await = function()
      dynsup.await(function() end, 10)
    end,
    ["exit(reason)"] = function()
      dynsup.exit("boom")
    end,
  }
  local places = {
    ["a sort comparator"] = function(f)
      table.sort({ 3, 2, 1 }, function(a, b)
        f()
        return a < b
      end)
    end,
    ["a gsub callback"] = function(f)
      return (("x"):gsub("x", function()
        f()
      end))
    end,
    ["a reader function of load"] = function(f)
      local chunk, err = load(function()
        f()
      end)
      assert(chunk, err)
    end,
  }

  for place, call in host.sorted(places) do
    for name, wait in host.sorted(waits) do
      it(("%s in %s is an error that says so"):format(name, place), host.main(function()
        local before = dynsup.now()
        local ok, err = pcall(call, wait)
        assert.is_false(ok)
        assert.matches("wait", err)
        assert.equal(before, dynsup.now())
        dynsup.sleep(1)
        assert.equal(before + 1, dynsup.now())
      end))
    end
  end

  for name, wait in host.sorted(waits) do
    it(name .. " in a finalizer is an error that says so", host.main(function()
      local result
      setmetatable({}, { __gc = function()
        result = table.pack(pcall(wait))
      end })
      collectgarbage()
      collectgarbage()
      assert.is_false(result[1])
      assert.matches("wait", result[2])
      dynsup.sleep(1)
    end))
  end

  it("all that need not wait still works", host.main(function()
    local main = dynsup.self()
    local pid = dynsup.spawn(dynsup.receive)
    local done
    table.sort({ 2, 1 }, function(a, b)
      done = done or {
        dynsup.self() == main,
        dynsup.is_alive(main),
        dynsup.is_pid(dynsup.spawn(function() end)),
        dynsup.is_pid(dynsup.spawn_link(function() end)),
        dynsup.send(main, "hello"),
        dynsup.register("main", main),
        dynsup.whereis("main") == main,
        dynsup.unregister("main"),
        dynsup.demonitor(dynsup.monitor(pid)),
        dynsup.link(pid),
        dynsup.unlink(pid),
        dynsup.cancel_timer(dynsup.send_after(10, main, "tick")),
        dynsup.flag("trap_exit", false),
        dynsup.info(main).status,
      }
      return a < b
    end)
    assert.same({ true, true, true, true, true, true, true, true, true, true, true, 10, false,
      "running" }, done)
  end))
end)
