-- Lua functions as the log and the event log, each in a program of its own, for it may hold up everything.

local cli = require "spec.support.cli"

cli.describe("a log function", function()
  it("that logs has its own lines later, and holds up nobody", function()
    cli.assert_printed("true\ttrue\n", cli.script [[
      local dynsup = require "dynsup"
      local calls = 0
      local options = { clock = "virtual", log_level = "info", log = function()
        calls = calls + 1
        dynsup.log.info "again"
      end }
      local done = dynsup.run(options, function()
        dynsup.log.info "one"
        for _ = 1, 10 do dynsup.sleep(1) end
      end)
      print(done, calls > 5 and calls < 50)
    ]])
  end)

  it("that fails without a text is told of as reports tell it", function()
    local got = cli.script [[
      local dynsup = require "dynsup"
      local options = { clock = "virtual", log_level = "info", log = function() error { code = 7 } end }
      dynsup.run(options, function() dynsup.log.info "one" end)
    ]]
    cli.assert_has("dynsup: error in a log function: { code = 7 }\n", got.err)
  end)

  it("that causes events as an event log has them later, too", function()
    cli.assert_printed("true\n", cli.script [[
      local dynsup = require "dynsup"
      local turns = 0
      local options = { clock = "virtual", log_level = "off", event_log = function()
        if turns < 3 then dynsup.spawn(function() end) end
      end }
      print(dynsup.run(options, function()
        repeat
          turns = turns + 1
          dynsup.yield()
        until turns == 5
      end))
    ]])
  end)

  for _, clock in ipairs { "real", "virtual" } do
    it("that loops is ended by an error, on the " .. clock .. " clock, and no pcall helps", function()
      local got = cli.script(([[
        local dynsup = require "dynsup"
        local options = { clock = %q, log_level = "info", log = function()
          while true do pcall(function() while true do end end) end
        end }
        print(dynsup.run(options, function() dynsup.log.info "one" return "it goes on" end))
      ]]):format(clock))
      assert.equal("true\tit goes on\n", got.out)
      cli.assert_has("dynsup: error in a log function: ", got.err)
      cli.assert_has("a callback ran for longer than 1000 ms", got.err)
    end)
  end

  -- Loops that could go past the hook which ends them.
  local loops = {
    ["after debug.sethook"] = "pcall(debug.sethook) while true do end",
    ["in a coroutine that was made before"] = "coroutine.resume(made)",
    ["in a coroutine whose hook it takes away"] = [[
      local co = coroutine.create(function() while true do end end)
      pcall(debug.sethook, co)
      coroutine.resume(co)
    ]],
    ["in turns of a coroutine that gives way in time"] = "local co = turns() while true do co() end",
    ["in such turns of one that was made before"] = "while true do turn() end",
    ["in a close handler of a coroutine that was made before"] = "coroutine.close(closer)",
    ["in a message handler, when it has been ended"] = "xpcall(loop, loop)",
  }
  for name, code in pairs(loops) do
    it("that loops " .. name .. " is ended, too", function()
      local got = cli.script(([[
        local dynsup = require "dynsup"
        local function loop() while true do end end
        local made = coroutine.create(loop)
        local function turns()
          return coroutine.wrap(function()
            while true do
              for _ = 1, 100000 do end
              coroutine.yield()
            end
          end)
        end
        local turn = turns()
        local closer = coroutine.create(function()
          local _ <close> = setmetatable({}, { __close = loop })
          coroutine.yield()
        end)
        coroutine.resume(closer)
        local lines = 0
        local options = { clock = "virtual", log_level = "info", log = function()
          lines = lines + 1
          if lines > 1 then return end
          %s
        end }
        print(dynsup.run(options, function() dynsup.log.info "one" return "it goes on" end))
      ]]):format(code))
      assert.equal("true\tit goes on\n", got.out)
    end)
  end

  it("that fails is told of once, by a warning, and is called again", function()
    local got = cli.script [[
      local dynsup = require "dynsup"
      local calls = 0
      local options = { clock = "virtual", log_level = "info", log = function()
        calls = calls + 1
        error("failed " .. calls)
      end }
      dynsup.run(options, function()
        dynsup.log.info "one"
        dynsup.sleep(1)
        dynsup.log.info "two"
      end)
      print(calls)
    ]]
    assert.equal("2\n", got.out)
    assert.matches("^%[warning%] dynsup: error in a log function: [^\n]*failed 1\n$", got.err)
  end)

  it("may halt the run", function()
    cli.assert_printed("nil\thalt\t7\n", cli.script [[
      local dynsup = require "dynsup"
      local options = { clock = "virtual", log_level = "info", log = function() dynsup.halt(7) end }
      print(dynsup.run(options, function()
        dynsup.log.info "one"
        dynsup.sleep(10)
      end))
    ]])
  end)
end)
