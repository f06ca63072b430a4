-- The soak (tools/soak), in small: its storms, its books, its timers, and what it says of memory.
local program = require "spec.support.program"
local trend = require "fuzz.soak.trend"

local source = debug.getinfo(1, "S").source:sub(2)
local root = source:match "^(.*)/spec/[^/]*$" or "."

-- Runs it so many seconds in the project's folder; returns what `program.shell` does.
local function soak(options, clock, seconds)
  local folder = program.folder()
  local place = 'cd "$OLDPWD" && cd ' .. program.quote(root)
  local checked = 'ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1" ' -- else what is freed still counts
  local run = checked .. 'LUA_PATH="./?.lua;;" "$DYNSUP" run --log-level off %s fuzz/soak/main.lua %s %d 40 60 500 7'
  local result = program.shell(folder, place .. " && " .. run:format(options, clock, seconds))
  program.remove_folder(folder)
  return result
end

describe("a soak", function()
  it("adds up on the virtual clock, where no timer is ever late", function()
    local result = soak("--clock virtual --seed 7", "virtual", 120)
    assert.equal(0, result.code, result.out .. result.err)
    assert.matches("soak: ok\n$", result.out)
    assert.matches("0 DOWN missing, 0 events lost", result.out, 1, true)
    assert.matches("timer sent .- 0.0 us at most", result.out)
  end)

  it("is the same with the same seed", function()
    local first = soak("--clock virtual --seed 7", "virtual", 20).out
    local second = soak("--clock virtual --seed 7", "virtual", 20).out
    assert.equal(first:match "books: [^\n]*", second:match "books: [^\n]*")
    assert.equal(first:match "events: [^\n]*", second:match "events: [^\n]*")
  end)

  it("adds up on the real clock", function()
    local result = soak("", "real", 1)
    assert.matches("0 DOWN missing, 0 events lost", result.out, 1, true)
    assert.matches("timer sleep .- ticks", result.out)
  end)

  it("tells what grows from what does not", function()
    local samples = trend.new()
    for i = 0, 100 do
      samples:add(i / 100, { flat = 1000 + i % 2, growing = 1000 + 5 * i, at_first = i < 8 and 0 or 1000 })
    end
    local growth = {}
    for _, line in ipairs(samples:lines()) do
      growth[line.name] = line.growth
    end
    assert.is_true(math.abs(growth.flat) < 0.001)
    assert.is_true(growth.growing > 0.3)
    assert.equal(0, growth.at_first)
  end)
end)
