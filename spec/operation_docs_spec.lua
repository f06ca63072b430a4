-- Runs the example in docs/operation.md that reloads its configuration.
local program = require "spec.support.program"

-- The page's only block of Lua.
local function example()
  local file <close> = assert(io.open "docs/operation.md")
  return assert(file:read "a":match "\n```lua\n(.-)\n```\n")
end

describe("docs/operation.md", function()
  local folder

  setup(function() folder = program.folder() end)
  teardown(function() program.remove_folder(folder) end)

  it("has an example that reads its configuration anew at SIGHUP, unless there is a mistake in it", function()
    program.write(folder, "config.lua", "return { rate = 1 }")
    program.write(folder, "app.lua", example() .. [[

      local uv = require "luv"
      local function change(text)
        local file <close> = assert(io.open("config.lua", "w"))
        file:write(text)
      end
      local function rate()
        return dynsup.server.call("config", "rate")
      end
      dynsup.observe({ events = "hup" }, dynsup.self())
      local function hangup()
        uv.kill(uv.os_getpid(), "sighup")
        assert(dynsup.receive() == "EVENT")
        dynsup.yield() -- the example's observer has its turn
      end
      print(rate())
      change "return { rate = 2 }"
      hangup()
      print(rate())
      change "return { rate = "
      hangup()
      print(rate())
      change "return { rate = 4 }"
      hangup()
      print(rate())
      dynsup.halt()
    ]])
    local result = program.run(folder, "run", "app.lua")
    assert.same({ "1\n2\n2\n4\n", 0 }, { result.out, result.code })
    assert.matches("the configuration stays as it was", result.err)
    assert.matches("config.lua:1:", result.err)
  end)
end)
