-- The program as process 1 of a namespace; where none can be made these specs are pending.
local program = require "spec.support.program"

local UNSHARE = "unshare --pid --fork --mount-proc "

describe("dynsup as process 1", function()
  local folder
  local possible = os.execute(UNSHARE .. "true 2>/dev/null")

  setup(function() folder = program.folder() end)
  teardown(function() program.remove_folder(folder) end)

  local function run(script)
    if not possible then pending "no namespace can be made" end
    program.write(folder, "app.lua", script)
    return program.shell(folder, UNSHARE .. '"$DYNSUP" run --log-level error app.lua') -- a busy machine has warnings
  end

  it("runs the program in a child and ends with its code", function()
    local result = run [[
      print(io.open("/proc/self/stat"):read "n" ~= 1)
      require "dynsup".halt(7)
    ]]
    assert.same({ "true\n", "", 7 }, { result.out, result.err, result.code })
  end)

  it("reaps orphans", function()
    local result = run [[
      local dynsup = require "dynsup"
      local function count(pattern)
        local pipe <close> = io.popen "cat /proc/[0-9]*/stat 2>/dev/null"
        return select(2, pipe:read "a":gsub(pattern, ""))
      end
      for _ = 1, 20 do os.execute "(sleep 0.01 &)" end
      while count "%(sleep%) S" > 0 or count "%) Z" > 0 do dynsup.sleep(10) end
      print "none is left"
    ]]
    assert.same({ "none is left\n", "", 0 }, { result.out, result.err, result.code })
  end)

  it("hands signals on", function()
    local result = run [[
      local dynsup = require "dynsup"
      os.execute "kill -TERM 1"
      dynsup.sleep(60000)
      print "not reached"
    ]]
    assert.same({ "", "", 0 }, { result.out, result.err, result.code })
  end)

  it("hands on SIGHUP to who asks for it", function()
    local result = run [[
      local dynsup = require "dynsup"
      local observation = dynsup.observe({ events = "hup" }, dynsup.self())
      os.execute "kill -HUP 1"
      print(select(2, dynsup.receive()).event)
      observation:close()
      os.execute "kill -HUP 1"
      dynsup.sleep(60000)
      print "not reached"
    ]]
    assert.same({ "hup\n", "", 0 }, { result.out, result.err, result.code })
  end)

  it("tells of a child that a signal has killed as a shell does", function()
    local result = run [[
      os.execute("kill -KILL " .. io.open("/proc/self/stat"):read "n")
    ]]
    assert.equal(128 + 9, result.code)
  end)
end)
