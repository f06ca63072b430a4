-- The same seed and inputs make the same run, event for event and byte for byte.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local play = require "spec.support.replay"
local program = require "spec.support.program"

-- The event log of a run, as one string.
local function record(f, seed, options)
  local lines = {}
  options = options or {}
  options.seed = seed
  options.event_log = function(line) lines[#lines + 1] = line end
  host.outcome(f, options)
  return table.concat(lines, "\n")
end

-- Fails with the first line in which two event logs differ.
local function assert_same(a, b)
  if a == b then return end
  local next_line = b:gmatch "[^\n]+"
  for line in a:gmatch "[^\n]+" do
    assert.equal(line, next_line())
  end
  assert.is_nil(next_line())
end

describe("a run on a virtual clock", function()
  it("is the same again with the same seed", function()
    for seed = 1, 12 do
      local first = record(play, seed)
      assert.is_true(#first > 10000)
      assert_same(first, record(play, seed))
    end
  end)

  it("is another one with another seed", function()
    assert.is_false(record(play, 1) == record(play, 2))
  end)

  it("is the same with another log", function()
    local function quiet() end
    local first = record(play, 3)
    assert_same(first, record(play, 3, { log_level = "info", log = quiet, log_format = "json" }))
  end)

  it("has a seed of 1 when none is given", function()
    assert_same(record(play, 1), record(play, nil))
  end)

  it("begins math.random with its seed, and leaves it as it was", function()
    local function draw() return math.random(1 << 40), math.random() end
    math.randomseed(99)
    local before = math.random(1 << 40)
    math.randomseed(99)
    local first = { host.outcome(draw, { seed = 5 }) }
    assert.equal(before, math.random(1 << 40))
    assert.same(first, { host.outcome(draw, { seed = 5 }) })
    assert.not_same(first, { host.outcome(draw, { seed = 6 }) })
  end)

  it("tells its own time by os.time, os.date and os.clock", host.main(function()
    dynsup.sleep(3600 * 1000 + 500)
    assert.equal(3600, os.time())
    assert.equal(3600.5, os.clock())
    assert.equal("1970-01-01 01:00:00", os.date "!%Y-%m-%d %H:%M:%S")
    assert.equal("1970-01-02", os.date("!%Y-%m-%d", 86400))
    assert.equal(86400, os.time(os.date("*t", 86400)))
    assert.equal(1, os.date("!*t").hour)
  end))

  it("leaves os.time and its like alone elsewhere", function()
    assert.is_true(os.time() > 1e9)
    assert.equal(os.date "!%Y", os.date("!%Y", os.time()))
    assert(dynsup.run(function() assert.is_true(os.time() > 1e9) end))
  end)
end)

describe("the event log", function()
  local function lines_of(f)
    local lines = {}
    for line in record(f, 7):gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    return lines
  end

  it("has a line for every event, with the time and the slices so far", function()
    local lines = lines_of(function()
      dynsup.sleep(1.5)
      dynsup.spawn(function() error "x" end)
    end)
    assert.equal("at=0.000000 slice=0 event=begun clock=virtual seed=7", lines[1])
    assert.matches("^at=0.000000 slice=0 event=spawned .* pid=<0.1.0>", lines[2])
    assert.matches("^at=1.500000 slice=2 event=spawned .* pid=<0.2.0>", lines[3])
    assert.matches("^at=1.500000 slice=3 event=exited .* pid=<0.2.0>", lines[4])
    assert.matches("^at=1.500000 slice=3 event=crashed .* pid=<0.2.0>", lines[5])
    assert.matches("^at=1.500000 slice=%d+ event=exited .* pid=<0.1.0>", lines[6])
    assert.equal(6, #lines)
  end)

  it("has no limit", function()
    local lines = lines_of(function()
      for _ = 1, 500 do dynsup.spawn(error, "x") end
    end)
    assert.is_true(#lines > 1500)
  end)

  it("leaves addresses out", function()
    local text = record(function()
      dynsup.spawn(function() error(("%s 0xabc 0x"):format({}), 0) end)
    end, 1)
    assert.matches("table: 0x 0xabc 0x", text, 1, true)
  end)
end)

-- Whether the system lets processes have the same addresses: else there is no such order.
local function may_fix_addresses()
  return (os.execute "setarch -R true 2>/dev/null")
end

describe("dynsup run --clock virtual", function()
  local folder, script

  before_each(function()
    folder = program.folder()
    local source <close> = assert(io.open "spec/support/replay.lua")
    script = program.write(folder, "play.lua", source:read "a")
  end)

  after_each(function()
    program.remove_folder(folder)
  end)

  -- The event log and what was printed.
  local function run(environment, seed, ...)
    local command = ("%s \"$DYNSUP\" run --log-level off --clock virtual --seed %d --event-log events %s")
      :format(environment, seed, table.concat({ ... }, " "))
    local result = program.shell(folder, command)
    assert.equal("", result.err)
    local file <close> = assert(io.open(folder .. "/events"))
    return file:read "a", result.out
  end

  it("is the same in every process, whatever is around it", function()
    if not may_fix_addresses() then return pending "the system does not fix addresses" end
    local first = run("", 11, script, "play")
    assert.is_true(#first > 10000)
    assert_same(first, run("env -i", 11, script, "play"))
    assert_same(first, run("env X=" .. ("x"):rep(5000), 11, script, "play"))
    assert.is_false(first == run("", 12, script, "play"))
  end)

  it("has the same order of pairs and the same addresses in every process", function()
    if not may_fix_addresses() then return pending "the system does not fix addresses" end
    local name = program.write(folder, "order.lua", [[
      local names, keys = {}, {}
      for i = 1, 40 do names["name" .. i], keys[{}] = i, i end
      for name in pairs(names) do io.write(name, " ") end
      for _, i in pairs(keys) do io.write(i, " ") end
      print({}, print, coroutine.create(print), math.random(1 << 30), os.time())
    ]])
    local _, first = run("", 1, name)
    -- Lua reads some of the environment: that is an input.
    local bare = "env -i LUA_PATH=\"$LUA_PATH\" LUA_CPATH=\"$LUA_CPATH\""
    for _, environment in ipairs { "", bare, "env X=" .. ("x"):rep(3000) } do
      assert.equal(first, select(2, run(environment, 1, name)))
    end
  end)

  it("says what is wrong with its options", function()
    local function fails(message, ...)
      local result = program.run(folder, "run", ...)
      assert.equal(2, result.code)
      assert.equal("dynsup: " .. message .. "\n", result.err)
    end
    fails("--clock is real or virtual, not 'sun'", "--clock=sun", script)
    fails("--clock needs a clock: real or virtual", "--clock")
    local no_sockets = "--listen needs the real clock: sockets know nothing of --clock virtual"
    fails(no_sockets, "--clock=virtual", "--listen", script)
    fails(no_sockets, "--listen", "--clock=virtual", script)
    local no_seed = "--seed needs a whole number from 1 to 18446744073709551615"
    for _, seed in ipairs { "x", "0", "-1", "1x", "", " -5", "+5", "99999999999999999999" } do
      fails(("%s, not '%s'"):format(no_seed, seed), "--seed", seed, script)
    end
    fails(no_seed, "--seed")
    fails("--event-log needs the name of a file", "--event-log=", script)
    fails("cannot write the event log 'no/log': No such file or directory", "--event-log", "no/log", script)
  end)

  it("tells the greatest seed as it was given", function()
    local name = program.write(folder, "none.lua", "")
    assert.equal(0, program.run(folder, "run", "--seed", "18446744073709551615", "--event-log", "events", name).code)
    local file <close> = assert(io.open(folder .. "/events"))
    assert.matches(" seed=18446744073709551615$", file:read "l")
  end)

  it("writes an event log on the real clock too", function()
    local name = program.write(folder, "one.lua", "dynsup = require 'dynsup' dynsup.spawn(error, 'x')")
    assert.equal(0, program.run(folder, "run", "--log-level", "off", "--event-log", "events", name).code)
    local file <close> = assert(io.open(folder .. "/events"))
    assert.matches("event=begun clock=real seed=.*event=crashed", file:read "a")
  end)

  it("leaves a full disk no secret", function()
    local name = program.write(folder, "one.lua", "")
    local result = program.run(folder, "run", "--event-log", "/dev/full", name)
    assert.equal(1, result.code)
    assert.matches("the event log '/dev/full' could not be written: No space left", result.err)
  end)
end)
