-- Signals to the program `dynsup`. Scripts send them to themselves, so that nothing here depends on
-- how long anything takes.

local cli = require "spec.support.cli"

local script = cli.script
local assert_ended, assert_printed = cli.assert_ended, cli.assert_printed

cli.describe("SIGINT and SIGTERM", function()
  -- What signals tests begin with: a process that tells its end, and a signal to the program itself.
  local prelude = [[
    local dynsup, uv = require "dynsup", require "luv"
    io.stdout:setvbuf "no"
    local function telling(name)
      return setmetatable({}, { __close = function() print(name) end })
    end
    local function worker(name)
      local closed <close> = telling(name)
      dynsup.ready()
      dynsup.sleep "infinity"
    end
    local function raise(signal)
      uv.kill(uv.os_getpid(), signal)
    end
  ]]

  local function signalled(signal, text)
    return script(prelude .. text:gsub("SIGNAL", signal))
  end

  it("stop the supervisors in reverse order of start, then the rest, and end with 0", function()
    for _, signal in ipairs { "sigint", "sigterm" } do
      assert_printed("third\nsecond\nfirst\nmain\n", signalled(signal, [[
        local closed <close> = telling "main"
        local function slow(name, ms)
          dynsup.flag("trap_exit", true)
          dynsup.ready()
          dynsup.receive()
          dynsup.sleep(ms)
          print(name)
        end
        for ms, name in ipairs { "first", "second", "third" } do
          dynsup.start_child(dynsup.start_link {}, { body = slow, args = { name, ms * 5 }, ready = true,
            restart = "temporary" })
        end
        raise "SIGNAL"
        dynsup.sleep(60000)]]))
    end
  end)

  it("come from outside, too", function()
    for _, signal in ipairs { "INT", "TERM" } do
      assert_printed("worker\n", signalled(signal, [[
        dynsup.spawn(worker, "worker")
        dynsup.yield()
        io.popen("kill -SIGNAL $PPID"):close()
        dynsup.sleep(60000)]]))
    end
  end)

  it("that are pending already come before the judgement that nothing can happen", function()
    assert_printed("", signalled("sigterm", [[
      raise "SIGNAL"
      dynsup.receive()]]))
  end)

  it("reach a run inside the run that is always busy", function()
    for _, clock in ipairs { "virtual", "real" } do
      assert_printed("inner\nworker\n", signalled("sigterm", ([[
        dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
        dynsup.run({ clock = "%s" }, function()
          dynsup.spawn(worker, "inner")
          dynsup.spawn(function() while true do end end)
          dynsup.yield()
          raise "SIGNAL"
          dynsup.sleep "infinity"
        end)]]):format(clock)))
    end
  end)

  it("SIGHUP stops everything like SIGTERM", function()
    assert_printed("worker\n", signalled("sighup", [[
      dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
      raise "SIGNAL"
      dynsup.sleep(60000)]]))
  end)

  local hup = [[
    local function text(event)
      return event.event .. " " .. event.level .. " " .. tostring(event.type) .. " " .. tostring(event.pid)
    end
  ]]

  it("SIGHUP is an event for who asks for it, and the run goes on until nobody does", function()
    assert_printed("hup info nil nil\nhup info nil nil\nmain\n", signalled("sighup", hup .. [[
      local closed <close> = telling "main"
      local observation = dynsup.observe({ events = "hup" }, dynsup.self())
      for _ = 1, 2 do
        raise "SIGNAL"
        local _, event = dynsup.receive()
        print(text(event))
      end
      observation:close()
      raise "SIGNAL"
      dynsup.sleep(60000)
      print "not reached"]]))
  end)

  it("SIGHUP may be told to a function, which keeps the run going until it is closed", function()
    assert_printed("reload\nreload\n", signalled("sighup", [[
      local count, observation = 0, nil
      observation = dynsup.observe({ events = { "exited", "hup" } }, function(event)
        if event.event ~= "hup" then return end
        print "reload"
        count = count + 1
        if count == 2 then observation:close() else raise "SIGNAL" end
      end)
      raise "SIGNAL"]]))
  end)

  it("SIGHUPs in a burst are told of at least once after the last", function()
    assert_printed("true\ttrue\n", signalled("sighup", [[
      local raised, seen = 0, {}
      local observation = dynsup.observe({ events = "hup" }, function() seen[#seen + 1] = raised end)
      for _ = 1, 100 do
        raise "SIGNAL"
        raised = raised + 1
      end
      repeat dynsup.sleep(1) until seen[#seen] == 100
      print(#seen >= 1, #seen <= 100)
      observation:close()]]))
  end)

  it("SIGHUP ends a program that a C function holds up, unless it was asked for", function()
    -- a callback of gsub is not preempted between the signal and what holds it up
    cli.write("stuck.lua", prelude .. [[
      string.gsub("x", "x", function()
        raise "sighup"
        string.rep("a", 1e5):find((".-"):rep(50) .. "b")
      end)]])
    cli.write("asked.lua", prelude .. [[
      local closed <close> = dynsup.observe({ events = "hup" }, dynsup.self())
      string.gsub("x", "x", function()
        raise "sighup"
        os.execute "sleep 6"
      end)
      print(select(2, dynsup.receive()).event)]])
    local got = cli.shell [[
      "$DYNSUP" run --log-level off asked.lua >asked.out & asked=$!
      timeout -s KILL 60 "$DYNSUP" run stuck.lua
      echo "stuck: $?"
      wait $asked
      echo "asked: $?"
      cat asked.out]]
    assert.equal("stuck: 129\nasked: 0\nhup\n", got.out)
  end)

  it("SIGHUP that was ignored at the start does nothing, unless it is asked for", function()
    cli.write("script.lua", prelude .. [[
      local function hang_up()
        dynsup.await(function(resume)
          local signal = uv.new_signal()
          signal:start("sighup", function() signal:close() resume() end)
          raise "sighup"
        end)
        dynsup.sleep(1)
      end
      hang_up()
      print "goes on"
      local closed <close> = dynsup.observe({ events = "hup" }, dynsup.self())
      hang_up()
      print(select(2, dynsup.receive()).event)]])
    assert_printed("goes on\nhup\n", cli.shell [[trap "" HUP; exec "$DYNSUP" run script.lua]])
  end)

  it("SIGHUP is not asked for by a level, a ring, another process's events, or one that has ended", function()
    for _, asks in ipairs {
      'dynsup.observe({ level = "debug" }, function() end)',
      "dynsup.observe(nil, function() end)",
      'dynsup.observe({ events = "hup", level = "error" }, function() end)',
      'dynsup.observe({ events = "hup", pid = dynsup.self() }, function() end)',
      'dynsup.observe({ events = { "exited", "stuck" } }, function() end)',
      'require "dynsup.observation".keep({ events = "hup" }, 10)',
      'dynsup.observe({ events = "hup" }, dynsup.spawn(function() end)) dynsup.yield()',
      'dynsup.spawn(function() dynsup.observe({ events = "hup" }, print) end) dynsup.sleep(2)',
    } do
      assert_printed("worker\n", signalled("sighup", [[
        dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
        ]] .. asks .. [[

        raise "SIGNAL"
        dynsup.sleep(5000)
        print "not reached"
        dynsup.halt()]]))
    end
  end)

  it("SIGHUP, when somebody asks for it, is told to all who observe", function()
    assert_printed("hup\thup\n", signalled("sighup", [[
      local function first(filter)
        local me = dynsup.self()
        return dynsup.observe(filter, function(event)
          if event.event == "hup" then dynsup.send(me, event.event) end
        end)
      end
      local asked <close> = first { events = "hup" }
      local told <close> = first { level = "info" }
      raise "SIGNAL"
      print(dynsup.receive(), (dynsup.receive()))]]))
  end)

  -- In a run inside the run: it asks for SIGHUP, gets it beside one that is always busy, and ends.
  local HEAR_HUP = [[
    dynsup.observe({ events = "hup" }, dynsup.self())
    local busy = dynsup.spawn(function() while true do end end)
    raise "SIGNAL"
    assert(dynsup.receive() == "EVENT")
    print "inner"
    dynsup.exit(busy, "kill")
    dynsup.halt()]]

  it("SIGHUP is told to runs inside the run, also to one that is always busy", function()
    for _, clock in ipairs { "virtual", "real" } do
      assert_printed("inner\nouter\n", signalled("sighup", ([[
        local outer = dynsup.observe({ events = "hup" }, dynsup.self())
        dynsup.run({ clock = "%s" }, function()
          %s
        end)
        assert(dynsup.receive() == "EVENT")
        outer:close()
        assert(dynsup.receive(0) == nil)
        print "outer"]]):format(clock, HEAR_HUP)))
    end
  end)

  -- Runs a script after `text` has been made the function of a module, which runs inside a run in a
  -- further heap.
  local function signalled_there(signal, clock, text, after)
    cli.write("there.lua", prelude .. ([[
      return { go = function()
        dynsup.run({ clock = "%s" }, function() %s end)
      end }]]):format(clock, text:gsub("SIGNAL", signal)))
    return signalled(signal, [[
      local sup = dynsup.start_link {}
      dynsup.start_child(sup, { body = worker, args = { "worker" }, ready = true })
      local function start_there()
        return dynsup.start_child(sup, { body = "there:go", heap = "own", restart = "temporary" })
      end
      ]] .. after)
  end

  it("reach a run inside the run that is in a further heap", function()
    for _, clock in ipairs { "virtual", "real" } do
      for _, signal in ipairs { "sigterm", "sighup" } do
        assert_printed("inner\nworker\n", signalled_there(signal, clock, [[
          dynsup.spawn(worker, "inner")
          local busy = dynsup.spawn(function() while true do end end)
          dynsup.yield()
          raise "SIGNAL"
          dynsup.sleep(2000)
          dynsup.exit(busy, "kill")
          print "late"]], [[
          start_there()
          dynsup.sleep "infinity"]]))
      end
    end
  end)

  it("SIGHUP is told to a run in a further heap, and ends nothing", function()
    for _, clock in ipairs { "virtual", "real" } do
      assert_printed("inner\nouter\nworker\n", signalled_there("sighup", clock, HEAR_HUP, [[
        dynsup.monitor(start_there())
        assert(dynsup.receive() == "DOWN")
        print "outer"]]))
    end
  end)

  it("SIGHUP that was told before does not end a run in a further heap", function()
    assert_printed("told\ninner\nouter\nworker\n", signalled_there("sighup", "virtual", [[
      dynsup.sleep(1000)
      print "inner"]], [[
      local asked <close> = dynsup.observe({ events = "hup" }, dynsup.self())
      raise "SIGNAL"
      assert(dynsup.receive() == "EVENT")
      asked:close()
      print "told"
      dynsup.monitor(start_there())
      assert(dynsup.receive() == "DOWN")
      print "outer"]]))
  end)

  it("SIGHUP that was told inside does not end the run around", function()
    for _, clock in ipairs { "virtual", "real" } do
      assert_printed("inner\nouter\n", signalled("sighup", ([[
        dynsup.run({ clock = "%s" }, function()
          local observation <close> = dynsup.observe({ events = "hup" }, dynsup.self())
          local busy = dynsup.spawn(function() while true do end end)
          raise "SIGNAL"
          assert(dynsup.receive() == "EVENT")
          print "inner"
          dynsup.exit(busy, "kill")
        end)
        dynsup.sleep(5)
        print "outer"]]):format(clock, HEAR_HUP)))
    end
  end)

  it("reach a main process that has returned", function()
    assert_printed("worker\n", signalled("sigterm", [[
      dynsup.start_child(dynsup.start_link {}, { body = worker, args = { "worker" }, ready = true })
      dynsup.send_after(1, dynsup.spawn(function()
        dynsup.receive()
        raise "SIGNAL"
        dynsup.sleep(60000)
      end), "now")]]))
  end)

  it("end processes that never wait", function()
    assert_printed("worker\n", signalled("sigint", [[
      dynsup.spawn(function()
        local closed <close> = telling "worker"
        while true do end
      end)
      dynsup.spawn(function() while true do pcall(function() while true do end end) end end)
      dynsup.sleep(2)
      raise "SIGNAL"
      while true do end]]))
  end)

  it("give children the time that their specs allow", function()
    assert_printed("asked\nwell done\n", signalled("sigterm", [[
      dynsup.start_child(dynsup.start_link {}, { ready = true, body = function()
        dynsup.flag("trap_exit", true)
        dynsup.ready()
        dynsup.receive()
        print "asked"
        dynsup.sleep(5)
        print "well done"
        dynsup.exit "shutdown"
      end })
      raise "SIGNAL"
      dynsup.sleep(60000)]]))
  end)

  it("keep the code of a halt that came before", function()
    assert_ended(7, signalled("sigint", [[
      dynsup.spawn(function()
        dynsup.flag("trap_exit", true)
        dynsup.receive()
        raise "SIGNAL"
        dynsup.sleep(5)
      end)
      dynsup.yield()
      dynsup.halt(7)]]))
  end)

  local stubborn = [[
    dynsup.start_child(dynsup.start_link {}, { shutdown = "infinity", ready = true, body = function()
      local closed <close> = telling "never"
      dynsup.flag("trap_exit", true)
      dynsup.ready()
      dynsup.receive()
      print "asked"
      raise "SIGNAL"
      dynsup.sleep(60000)
    end })
    raise "sigint"
    dynsup.sleep(60000)]]

  it("end the run at once when SIGINT comes a second time while a C function runs", function()
    local got = script [[
      shell = io.popen "while kill -INT $PPID 2>/dev/null; do :; done"
      string.find(("a"):rep(2500), ".-.-.-b")]]
    assert.equal(130, got.code)
  end)

  it("end the run at once with 130 when SIGINT comes a second time", function()
    local got = signalled("sigint", stubborn)
    assert_ended(130, got)
    assert.equal("asked\n", got.out)
    assert.equal("", got.err)
  end)
end)
