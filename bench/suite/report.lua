-- Makes Markdown and plots of the figures. Called by tools/bench: report.lua FIGURES FOLDER [--docs]
-- In the folder it writes performance.md, ratios.svg and growth.svg. With --docs the pages of the
-- project show them: what is between the two marks in README.md and docs/performance.md is replaced.
local figures = require("bench.suite.figures")
local page = require("bench.suite.page")
local plot = require("bench.suite.plot")

local BEGIN, END = "<!-- figures: tools/bench --docs -->", "<!-- end of figures -->"

-- In the README: the rows that most people ask for.
local SHOWN = {
  ["start_child.light"] = true,
  ["short_lived.all"] = true,
  ["restart.kill_p50"] = true,
  ["terminate.stop"] = true,
  ["memory.child"] = true,
  ["ping_pong.pairs"] = true,
  ["server.call"] = true,
  ["timers.rate"] = true,
  ["heartbeat.idle_p99"] = true,
  ["heartbeat.endless_p99"] = true,
}

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local function shown(ordered)
  local rows = {}
  for _, entry in ipairs(ordered) do
    if SHOWN[entry.row.key] then
      rows[#rows + 1] = entry
    end
  end
  return rows
end

local function write_plots(folder, ordered, rows)
  for name, text in pairs({ ratios = plot.ratios(ordered), growth = plot.growth(rows) }) do
    write_file(("%s/%s.svg"):format(folder, name), text)
  end
end

-- All of it, with the plots beside the page.
local function whole(ordered, rows, about)
  local met, known = page.count_met(rows)
  local growth = page.growth(rows)
  local parts = {
    page.machine(about),
    ("%d of %d targets are met."):format(met, known),
    page.table(ordered),
    "![how many times better than its peers](ratios.svg)",
  }
  if growth then
    table.move({ growth, "![how the cost of an operation grows](growth.svg)" }, 1, 2, #parts + 1, parts)
  end
  parts[#parts + 1] = page.others(ordered)
  return table.concat(parts, "\n\n")
end

local function replace(path, text)
  local old = read_file(path)
  local _, from = old:find(BEGIN, 1, true)
  local to = old:find(END, 1, true)
  assert(from and to and from < to, path .. " has no marks for the figures")
  write_file(path, old:sub(1, from) .. "\n" .. text .. "\n" .. old:sub(to))
end

local function write_docs(ordered, rows, about)
  assert(os.execute("mkdir -p docs/performance"))
  write_plots("docs/performance", ordered, rows)
  local text = whole(ordered, rows, about):gsub("%]%((%a+%.svg)%)", "](performance/%1)")
  replace("docs/performance.md", text)
  local plots = "![how many times better than its peers](docs/performance/ratios.svg)"
  replace("README.md", page.machine(about) .. "\n\n" .. page.table(shown(ordered)) .. "\n\n" .. plots)
end

local path, folder, docs = arg[1], arg[2], arg[3] == "--docs"
local file <close> = assert(io.open(path))
local rows, about = figures.read(file:lines())
local ordered = page.order(rows)
write_plots(folder, ordered, rows)
local text = whole(ordered, rows, about)
write_file(folder .. "/performance.md", text .. "\n")
print(text)
if docs then
  write_docs(ordered, rows, about)
end
