-- What tools/bench makes of figures: medians, ratios, verdicts, the table and the plots; from lines as
-- the programs print them, made up here.
local figures = require "bench.suite.figures"
local judge = require "bench.suite.judge"
local page = require "bench.suite.page"
local plot = require "bench.suite.plot"
local targets = require "bench.suite.targets"

local LINES = [[
about cpu A Machine 9000
about cores 2
peer=dynsup repetition=1 question=start_child kind=light size=100000 value=3e6 unit=starts/s
peer=dynsup repetition=2 question=start_child kind=light size=100000 value=1e6 unit=starts/s
peer=dynsup repetition=3 question=start_child kind=light size=100000 value=2e6 unit=starts/s
peer=elixir repetition=1 question=start_child kind=light size=100000 value=375000 unit=starts/s
peer=elixir repetition=2 question=start_child kind=light size=100000 value=125000 unit=starts/s
peer=limit repetition=3 question=start_child kind=light size=100000 value=5000000 unit=starts/s
peer=dynsup repetition=1 question=terminate kind=stop size=100000 value=30 unit=ms
peer=dynsup repetition=1 question=growth kind=start size=1000 value=400 unit=ns
peer=dynsup repetition=1 question=growth kind=start size=10000 value=1000 unit=ns
peer=limit repetition=1 question=growth kind=start size=1000 value=100 unit=ns
peer=limit repetition=1 question=growth kind=start size=10000 value=190 unit=ns
something that is no figure: size=3
]]

local function read(text)
  return figures.read((text or LINES):gmatch "[^\n]+")
end

describe("the figures of tools/bench", function()
  it("are rows with the values of each peer, in order of their size", function()
    local rows, about = read()
    local row = rows["start_child.light.100000"]
    assert.same({ 1e6, 2e6, 3e6 }, row.values.dynsup)
    assert.equal("A Machine 9000", about.cpu)
    local count = 0
    for _ in pairs(rows) do count = count + 1 end
    assert.equal(4, count)
  end)

  it("have as a median the middle value, or the middle of two", function()
    local row = read()["start_child.light.100000"]
    assert.equal(2e6, figures.median(row, "dynsup"))
    assert.equal(250000, figures.median(row, "elixir"))
    assert.is_nil(figures.median(row, "luv"))
  end)

  it("are better the more of a rate and the less of anything else", function()
    assert.equal(4, figures.ratio("starts/s", 8, 2))
    assert.equal(4, figures.ratio("ms", 2, 8))
  end)

  it("are held against those of the same repetition, for a machine drifts", function()
    local row = read([[
peer=dynsup repetition=1 question=q kind=k size=1 value=10 unit=x/s
peer=limit repetition=1 question=q kind=k size=1 value=5 unit=x/s
peer=limit repetition=2 question=q kind=k size=1 value=20 unit=x/s
peer=dynsup repetition=2 question=q kind=k size=1 value=40 unit=x/s
peer=dynsup repetition=3 question=q kind=k size=1 value=20 unit=x/s
peer=limit repetition=3 question=q kind=k size=1 value=2 unit=x/s
]])["q.k.1"]
    assert.equal(2, figures.beside(row, "limit")) -- the medians are 20 and 5
    assert.is_nil(figures.beside(row, "elixir"))
  end)

  it("are written with three digits", function()
    assert.equal("1.23 M", figures.short(1234567))
    assert.equal("12.3 k", figures.short(12345))
    assert.equal("1 M", figures.short(999900))
    assert.equal("0.5", figures.short(0.5))
  end)
end)

describe("a target", function()
  local function verdict(name, target)
    return judge.row(read()[name], target)
  end

  it("is met when every ratio to a peer of the run is", function()
    local target = { least = 5e6, times = { elixir = 8, limit = 0.4 }, was = {} }
    local got = verdict("start_child.light.100000", target)
    assert.is_true(got.met)
    assert.equal(1, got.beside.elixir)
    assert.equal(1, got.beside.limit)
    assert.equal(0.4, got.named)
  end)

  it("is not met when one of them is not", function()
    local target = { least = 1, times = { elixir = 8, limit = 0.5 }, was = {} }
    assert.is_false(verdict("start_child.light.100000", target).met)
  end)

  it("is scaled by what Elixir did when the figure was named", function()
    local got = verdict("start_child.light.100000", { least = 1e6, was = { elixir = 250000, limit = 5e6 } })
    assert.same({ elixir = 4 }, got.needed)
    assert.equal(2, got.beside.elixir)
  end)

  it("is judged by the named figure where no peer is there", function()
    assert.is_true(verdict("terminate.stop.100000", { most = 60, was = { elixir = 19800 } }).met)
    assert.is_false(verdict("terminate.stop.100000", { most = 20, was = { elixir = 19800 } }).met)
  end)

  it("names figures that tools/bench has rows for", function()
    for name in pairs(targets) do
      local found = false
      for _, row in ipairs(require("bench.suite.questions").rows) do
        found = found or name:find("^" .. row[1] .. "%.%d+$") ~= nil
      end
      assert.is_true(found, name)
    end
  end)
end)

describe("growth", function()
  it("is the most by the least of all sizes", function()
    assert.equal(2.5, judge.growth(read(), "start"))
    assert.equal(1.9, judge.growth(read(), "start", "limit"))
    assert.is_nil(judge.growth(read(), "stop"))
  end)
end)

describe("the page", function()
  it("has a line for each row, with ratios and what is reached", function()
    local rows = read()
    local text = page.table(page.order(rows))
    assert.matches("start_child, 100 k light temporary children | starts/s | 2 M %(1 M to 3 M%)", text)
    assert.matches("| 250 k %(8 x%) |  |  | 5 M %(0.4 x%) |", text)
    assert.matches("| at least 2 M, 8 x Elixir, 0.5 x limit | 100 %%, 100 %%, 80 %% | %*%*no%*%* |", text)
    assert.matches("| at most 60, 330 x Elixir | 200 %% | yes |", text)
  end)

  it("has the growth, with what it may be", function()
    assert.matches("| start_child | 400 | 1 k | 2.5 | at most 2 | %*%*no%*%* |", page.growth(read()))
    assert.matches("| start_child: limit | 100 | 190 | 1.9 |  |  |", page.growth(read()))
  end)

  it("counts the targets that are met", function()
    assert.same({ 1, 3 }, { page.count_met(read()) })
  end)

  it("tells the machine", function()
    local _, about = read()
    assert.matches("A Machine 9000, 2 cores", page.machine(about))
  end)
end)

describe("the plots", function()
  -- Every mark that is opened is closed, in order.
  local function check_marks(text)
    local open = {}
    for slash, name, rest in text:gmatch "<(/?)(%a+)([^>]*)>" do
      if slash == "/" then
        assert.equal(name, table.remove(open))
      elseif not rest:find "/$" then
        open[#open + 1] = name
      end
    end
    assert.same({}, open)
  end

  it("show the ratio of each peer as a dot", function()
    local text = plot.ratios(page.order(read()))
    check_marks(text)
    assert.matches("children: 8 times better than Elixir", text)
    assert.matches("children: 0.4 times better than limit", text)
  end)

  it("show the cost of an operation as a line", function()
    local text = plot.growth(read())
    check_marks(text)
    assert.matches("start_child at 10000: 1 k ns", text)
    assert.matches("start_child: limit at 10000: 190 ns", text)
    assert.matches("<polyline points=\"[%d.]+,[%d.]+ [%d.]+,[%d.]+\" fill=\"none\" stroke=\"#1f78b4\"", text)
  end)

  it("are left out without figures", function()
    local rows = read "about cores 2"
    assert.is_nil(plot.growth(rows))
    assert.is_nil(plot.ratios(page.order(rows)))
  end)
end)
