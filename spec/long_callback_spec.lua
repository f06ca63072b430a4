-- Callbacks that do not give way, in the program, whose watchdog is real.
local cli = require "spec.support.cli"

cli.describe("a callback that does not give way", function()
  it("of a server is interrupted, and others run meanwhile", function()
    cli.assert_printed("10\n", cli.script [[
      local dynsup = require "dynsup"
      local turns = 0
      dynsup.spawn(function()
        while turns < 10 do
          turns = turns + 1
          dynsup.yield()
        end
      end)
      local server = dynsup.server.start_link {
        init = function() return "ok", 0 end,
        handle_call = function(_, _, state)
          while turns < 10 do end
          return "reply", turns, state
        end,
      }
      print(dynsup.server.call(server, "turns", "infinity"))
    ]])
  end)

  it("of luv, which nobody can interrupt, is ended by an error", function()
    local got = cli.script [[
      local timer = require "luv".new_timer()
      timer:start(0, 0, function()
        while true do end
      end)
      require "dynsup".sleep(1)
      print "it goes on"
      timer:close()
    ]]
    cli.assert_ended(0, got)
    assert.equal("it goes on\n", got.out)
    cli.assert_has("error in a callback: a callback ran for longer than 1000 ms", got.err)
    cli.assert_has("script.lua:3:", got.err)
  end)
end)
