-- The figures as Markdown: the table beside peers and targets, the growth, what others reached.
local figures = require("bench.suite.figures")
local judge = require("bench.suite.judge")
local suite = require("bench.suite.questions")
local targets = require("bench.suite.targets")

local page = {}

--- The rows that are there in the order of the table, each size of a kind after the other.
---@param rows table<string, bench.row>
---@return { title: string, row: bench.row, name: string }[]
function page.order(rows)
  local ordered = {}
  for place, entry in ipairs(suite.rows) do
    for name, row in pairs(rows) do
      if row.key == entry[1] then
        local title = entry[2]:format(figures.short(row.size))
        ordered[#ordered + 1] = { title = title, row = row, name = name, place = place }
      end
    end
  end
  table.sort(ordered, function(a, b)
    if a.place ~= b.place then
      return a.place < b.place
    end
    return a.row.size < b.row.size
  end)
  return ordered
end

local function add_line(lines, cells)
  lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
end

local function add_head(lines, titles)
  add_line(lines, titles)
  lines[#lines + 1] = "|" .. ("---|"):rep(#titles)
end

-- A peer's median, and how many times better dynsup is.
local function peer_cell(row, peer)
  local other, times = figures.median(row, peer), figures.beside(row, peer)
  if not other then
    return ""
  elseif not times then
    return figures.short(other)
  end
  return ("%s (%s x)"):format(figures.short(other), figures.short(times))
end

local function own_cell(row)
  local values = row.values.dynsup
  if not values then
    return ""
  elseif #values == 1 then
    return figures.short(values[1])
  end
  local own = figures.median(row, "dynsup")
  return ("%s (%s to %s)"):format(figures.short(own), figures.short(values[1]), figures.short(values[#values]))
end

local function peer_title(name)
  for _, peer in ipairs(suite.peers) do
    if peer.name == name then
      return peer.title
    end
  end
  return name
end

-- "1.6 M", "8.2 x Elixir": what is to be reached.
local function target_cell(row, target, verdict)
  local parts = {}
  if target.least or target.most then
    parts[1] = figures.short(target.least or target.most)
  end
  for _, peer in ipairs(suite.peers) do
    local times = verdict.needed[peer.name]
    if times then
      parts[#parts + 1] = ("%s x %s"):format(figures.short(times), peer_title(peer.name))
    end
  end
  return (figures.is_rate(row.unit) and "at least " or "at most ") .. table.concat(parts, ", ")
end

-- What is reached of it, in the same order.
local function reached_cell(verdict)
  local parts = {}
  if verdict.named then
    parts[1] = ("%.0f %%"):format(verdict.named * 100)
  end
  for _, peer in ipairs(suite.peers) do
    local part = verdict.beside[peer.name]
    if part then
      parts[#parts + 1] = ("%.0f %%"):format(part * 100)
    end
  end
  return table.concat(parts, ", ")
end

local function verdict_cells(name, row)
  local target = targets[name]
  local verdict = target and judge.row(row, target)
  if not verdict or not (verdict.named or next(verdict.needed)) then
    return "", "", ""
  end
  local met = verdict.met and "yes" or verdict.met == false and "**no**" or ""
  return target_cell(row, target, verdict), reached_cell(verdict), met
end

--- The table: a line for each row, with the peers and the target.
---@param ordered { title: string, row: bench.row, name: string }[]
---@return string
function page.table(ordered)
  local lines, titles = {}, { "question", "unit" }
  for _, peer in ipairs(suite.peers) do
    titles[#titles + 1] = peer.title
  end
  for _, title in ipairs({ "target", "reached", "met" }) do
    titles[#titles + 1] = title
  end
  add_head(lines, titles)
  for _, entry in ipairs(ordered) do
    local cells = { entry.title, entry.row.unit, own_cell(entry.row) }
    for i = 2, #suite.peers do
      cells[#cells + 1] = peer_cell(entry.row, suite.peers[i].name)
    end
    local target, reached, met = verdict_cells(entry.name, entry.row)
    table.move({ target, reached, met }, 1, 3, #cells + 1, cells)
    add_line(lines, cells)
  end
  return table.concat(lines, "\n")
end

-- ---- growth ----

local function growth_kinds(rows)
  local kinds, sizes, seen = {}, {}, {}
  for _, row in pairs(rows) do
    if row.question == "growth" and row.values.dynsup then
      for list, item in pairs({ [kinds] = row.kind, [sizes] = row.size }) do
        if not seen[item] then
          seen[item] = true
          list[#list + 1] = item
        end
      end
    end
  end
  table.sort(kinds)
  table.sort(sizes)
  return kinds, sizes
end

-- What one operation costs a peer at each size, and by how much that grows.
local function growth_cells(rows, kind, sizes, peer)
  local cells, growth = {}, judge.growth(rows, kind, peer)
  for i, size in ipairs(sizes) do
    local row = rows[("growth.%s.%d"):format(kind, size)]
    local value = row and figures.median(row, peer)
    cells[i] = value and figures.short(value) or ""
  end
  cells[#cells + 1] = growth and ("%.2g"):format(growth) or ""
  return cells, growth
end

local function add_growth(lines, rows, kind, sizes)
  local title = suite.growth.titles[kind] or kind
  local cells, growth = growth_cells(rows, kind, sizes, "dynsup")
  local judged = suite.growth.judged[kind] and growth
  cells[#cells + 1] = judged and ("at most %g"):format(suite.growth.most) or ""
  cells[#cells + 1] = judged and (growth <= suite.growth.most and "yes" or "**no**") or ""
  add_line(lines, { title, table.unpack(cells) })
  cells, growth = growth_cells(rows, kind, sizes, "limit")
  if growth then
    table.move({ "", "" }, 1, 2, #cells + 1, cells)
    add_line(lines, { title .. ": limit", table.unpack(cells) })
  end
end

--- The ns of one operation at each number of children, and by how much they grow, with bare coroutines
--- below where they are there; nil without any.
---@param rows table<string, bench.row>
---@return string?
function page.growth(rows)
  local kinds, sizes = growth_kinds(rows)
  if #kinds == 0 then
    return nil
  end
  local lines, titles = {}, { "ns of one" }
  for _, size in ipairs(sizes) do
    titles[#titles + 1] = figures.short(size)
  end
  table.move({ "most by least", "target", "met" }, 1, 3, #titles + 1, titles)
  add_head(lines, titles)
  for _, kind in ipairs(kinds) do
    add_growth(lines, rows, kind, sizes)
  end
  return table.concat(lines, "\n")
end

-- ---- the rest ----

--- How many targets are met, and of how many this is known.
---@param rows table<string, bench.row>
---@return integer, integer
function page.count_met(rows)
  local met, known = 0, 0
  for name, target in pairs(targets) do
    local verdict = rows[name] and judge.row(rows[name], target)
    if verdict and verdict.met ~= nil then
      known = known + 1
      met = met + (verdict.met and 1 or 0)
    end
  end
  for kind in pairs(suite.growth.judged) do
    local growth = judge.growth(rows, kind)
    if growth then
      known = known + 1
      met = met + (growth <= suite.growth.most and 1 or 0)
    end
  end
  return met, known
end

--- What was measured elsewhere when the targets were decided.
---@param ordered { title: string, name: string }[]
---@return string
function page.others(ordered)
  local lines = {}
  add_head(lines, { "question", "then: Elixir", "then: limit", "then: others" })
  for _, entry in ipairs(ordered) do
    local target = targets[entry.name]
    if target and (target.others or next(target.was)) then
      local was = target.was
      local elixir, limit = was.elixir, was.limit
      add_line(lines, {
        entry.title .. ", " .. entry.row.unit,
        elixir and figures.short(elixir) or "", limit and figures.short(limit) or "", target.others or "",
      })
    end
  end
  return table.concat(lines, "\n")
end

--- The machine in one sentence.
---@param about table<string, string>
---@return string
function page.machine(about)
  local function fact(name)
    return about[name] and about[name] ~= "" and about[name] or "unknown"
  end
  local form = "Measured on %s: %s, %s cores, %s; %s; %s; repetitions: %s."
  local elixir = about.elixir and about.elixir ~= "" and fact("elixir") .. ", " .. fact("otp")
    or "without Elixir"
  return form:format(fact("date"), fact("cpu"), fact("cores"), fact("system"), fact("dynsup"), elixir,
    fact("repetitions"))
end

return page
