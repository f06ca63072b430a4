local dynsup = require "dynsup"
local host = require "spec.support.host"

local nan = 0 / 0

-- Stand for things that exist only inside a host.
local PID, REF, TIMER, FOREIGN = {}, {}, {}, {}

local function things()
  local pid, ref = dynsup.spawn_monitor(dynsup.receive)
  return {
    [PID] = pid,
    [REF] = ref,
    [TIMER] = dynsup.send_after(1000, pid, "tick"),
    [FOREIGN] = debug.upvalueid(things, 1), -- light userdata that is not of dynsup
  }
end

-- A call with the arguments ..., of which that at the position is wrong.
local function case(name, position, what, ...)
  return { name = name, position = position, what = what, arguments = table.pack(...) }
end

local wrong = {
  case("spawn", 1, "nothing"),
  case("spawn", 1, "a number", 42),
  case("spawn", 1, "a table", {}),
  case("spawn", 1, "a string that is no module:function", "no colon"),
  case("spawn_link", 1, "nothing"),
  case("spawn_link", 1, "nil", nil),
  case("spawn_monitor", 1, "nothing"),
  case("spawn_monitor", 1, "true", true),
  case("is_pid", 1, "nothing"),
  case("is_alive", 1, "nothing"),
  case("is_alive", 1, "a number", 42),
  case("is_alive", 1, "a ref", REF),
  case("send", 1, "nothing"),
  case("send", 1, "nil", nil, "hello"),
  case("send", 1, "a number", 42, "hello"),
  case("send", 1, "a table", {}, "hello"),
  case("send", 1, "a ref", REF, "hello"),
  case("send", 1, "a timer", TIMER, "hello"),
  case("send", 1, "light userdata of others", FOREIGN, "hello"),
  case("send", 2, "no message", PID),
  case("send", 2, "no message to a name that nobody has", "nobody"),
  case("send", 2, "a message that begins with nil", PID, nil, "hello"),
  case("receive", 1, "a negative time", -1),
  case("receive", 1, "a time that is no number", "soon"),
  case("receive", 1, "a number in a string", "10"),
  case("receive", 1, "NaN", nan),
  case("receive", 1, "a table", {}),
  case("receive_match", 1, "nothing"),
  case("receive_match", 2, "a negative time", "x", -0.5),
  case("receive_match", 2, "NaN", "x", nan),
  case("receive_match", 2, "a time that is no number", "x", "soon"),
  case("sleep", 1, "a negative time", -1),
  case("sleep", 1, "NaN", nan),
  case("sleep", 1, "a time that is no number", "10"),
  case("sleep", 1, "minus infinity", -math.huge),
  case("link", 1, "nothing"),
  case("link", 1, "nil", nil),
  case("link", 1, "a name", "worker"),
  case("link", 1, "a ref", REF),
  case("unlink", 1, "nothing"),
  case("unlink", 1, "a number", 42),
  case("monitor", 1, "nothing"),
  case("monitor", 1, "a number", 42),
  case("monitor", 1, "a table", {}),
  case("demonitor", 1, "nothing"),
  case("demonitor", 1, "a pid", PID),
  case("demonitor", 1, "a string", "ref"),
  case("exit", 1, "nothing"),
  case("exit", 1, "nil", nil),
  case("exit", 1, "a number for a reason", 42),
  case("exit", 1, "true for a reason", true),
  case("exit", 1, "a function for a reason", print),
  case("exit", 1, "a table for a dest", {}, "boom"),
  case("exit", 1, "a ref for a dest", REF, "boom"),
  case("exit", 2, "a dest and nil", PID, nil),
  case("exit", 2, "a dest and a number", PID, 42),
  case("exit", 2, "a dest and a pid", PID, PID),
  case("flag", 1, "nothing"),
  case("flag", 1, "an unknown flag", "trap_exits", true),
  case("flag", 2, "no value", "trap_exit"),
  case("flag", 2, "a value that is no boolean", "trap_exit", 1),
  case("register", 1, "nothing"),
  case("register", 1, "a number for a name", 42, PID),
  case("register", 1, "a pid for a name", PID, PID),
  case("register", 2, "no pid", "worker"),
  case("register", 2, "a name for a pid", "worker", "other"),
  case("unregister", 1, "nothing"),
  case("unregister", 1, "a number", 42),
  case("whereis", 1, "nothing"),
  case("whereis", 1, "a number", 42),
  case("send_after", 1, "nothing"),
  case("send_after", 1, "a negative time", -1, PID, "tick"),
  case("send_after", 1, "NaN", nan, PID, "tick"),
  case("send_after", 1, "a time that is no number", "soon", PID, "tick"),
  case("send_after", 2, "no dest", 10),
  case("send_after", 2, "a number for a dest", 10, 42, "tick"),
  case("send_after", 3, "no message", 10, PID),
  case("send_after", 3, "a message that begins with nil", 10, PID, nil, 1),
  case("cancel_timer", 1, "nothing"),
  case("cancel_timer", 1, "a number", 42),
  case("cancel_timer", 1, "a ref", REF),
  case("await", 1, "nothing"),
  case("await", 1, "a string", "resume"),
  case("await", 2, "a negative time", print, -1),
  case("await", 2, "a time that is no number", print, "soon"),
  case("info", 1, "nothing"),
  case("info", 1, "a number", 42),
  case("info", 1, "a ref", REF),
  case("halt", 1, "a code that is no number", "now"),
  case("halt", 1, "a code that is no integer", 1.5),
}

local surplus = {
  case("self", 1, "too many arguments", 1),
  case("now", 1, "too many arguments", 1),
  case("dict", 1, "too many arguments", 1),
  case("yield", 1, "too many arguments", 1),
  case("is_pid", 2, "too many arguments", 1, 2),
  case("is_alive", 2, "too many arguments", PID, 2),
  case("receive", 2, "too many arguments", 0, 2),
  case("receive_match", 3, "too many arguments", "x", 0, 3),
  case("sleep", 2, "too many arguments", 0, 2),
  case("link", 2, "too many arguments", PID, 2),
  case("unlink", 2, "too many arguments", PID, 2),
  case("monitor", 2, "too many arguments", PID, 2),
  case("demonitor", 2, "too many arguments", REF, 2),
  case("exit", 3, "too many arguments", PID, "boom", 3),
  case("flag", 3, "too many arguments", "trap_exit", true, 3),
  case("register", 3, "too many arguments", "worker", PID, 3),
  case("unregister", 2, "too many arguments", "worker", 2),
  case("whereis", 2, "too many arguments", "worker", 2),
  case("cancel_timer", 2, "too many arguments", TIMER, 2),
  case("await", 3, "too many arguments", print, 0, 3),
  case("ready", 2, "too many arguments", 1, 2),
  case("info", 2, "too many arguments", PID, 2),
  case("halt", 2, "too many arguments", 0, 2),
}

local function assert_names_argument(name, position, ok, err)
  assert.is_false(ok)
  assert.matches(("bad argument #%d to '[%%w_.]*%s' %%("):format(position, name), err)
end

-- Makes the call, expects the error, and that nothing has changed.
local function assert_misuse(call)
  local thing = things()
  local arguments = {}
  for i = 1, call.arguments.n do
    local argument = call.arguments[i]
    arguments[i] = argument ~= nil and thing[argument] or argument
  end
  local before = dynsup.now()
  assert_names_argument(call.name, call.position,
    pcall(dynsup[call.name], table.unpack(arguments, 1, call.arguments.n)))
  assert.is_true(dynsup.is_alive(thing[PID]))
  assert.equal(0, #host.drain())
  assert.is_nil((dynsup.whereis("worker")))
  assert.equal(before, dynsup.now())
  assert.equal(1000, dynsup.cancel_timer(thing[TIMER]))
  assert.is_false(dynsup.flag("trap_exit", false))
end

describe("misuse", function()
  for _, calls in ipairs { wrong, surplus } do
    for _, call in ipairs(calls) do
      it(("of %s with %s is an error that names the argument"):format(call.name, call.what),
        host.main(function()
          assert_misuse(call)
        end))
    end
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
  local waits = { ["receive for ever"] = dynsup.receive, ["exit(reason)"] = function() dynsup.exit "boom" end }
  for name, wait in pairs(host.waits) do
    waits[name] = wait
  end
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
