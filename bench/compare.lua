-- Runs the benchmarks in turn with their peers, several times, and prints the medians as a table with
-- ratios. Called by tools/bench: compare.lua BUILD [--smoke] [-n REPETITIONS] [QUESTION...]
-- The first repetition is a warm-up and does not count.

local build = table.remove(arg, 1)
local here = arg[0]:gsub("[^/]*$", "")
local smoke, repetitions, asked = false, 5, {}

local questions = {
  { name = "start_child", sizes = "100000 1000000", smoke = "100" },
  { name = "ping_pong", sizes = "1 1000", smoke = "1" },
  -- Elixir takes 20 s for 100,000 and minutes for a million
  { name = "terminate", sizes = "10000 100000 1000000", elixir = "10000", smoke = "100" },
  { name = "memory", sizes = "1000000", smoke = "1000" },
}

local peers = {
  { name = "dynsup", command = build .. "/dynsup run --log-level off " .. here .. "%s.lua %s" },
  { name = "limit", command = build .. "/limit %s %s" },
  { name = "limit, arena", command = build .. "/limit --arena %s %s" },
  {
    name = "elixir",
    needs = "command -v elixir",
    command = "elixir --erl '+P 4000000' " .. here .. "peers/elixir.exs %s %s",
  },
}

local function quiet(command)
  return os.execute(command .. " >/dev/null 2>&1")
end

-- The row of this name; rows stay in the order in which they came.
---@return { name: string, unit: string, values: table<string, number[]> }
local function row_of(rows, name, unit)
  for _, row in ipairs(rows) do
    if row.name == name then
      return row
    end
  end
  rows[#rows + 1] = { name = name, unit = unit, values = {} }
  return rows[#rows]
end

local function ask(rows, question, peer, counts)
  local sizes = smoke and question.smoke or question[peer.name] or question.sizes
  local output <close> = assert(io.popen(peer.command:format(question.name, sizes)))
  for line in output:lines() do
    local name, value, unit = line:match("^(%S+) ([%d.]+) (%S+)$")
    if name and counts then
      local values = row_of(rows, name, unit).values
      values[peer.name] = values[peer.name] or {}
      table.insert(values[peer.name], tonumber(value))
    end
  end
end

local function median(values)
  table.sort(values)
  local middle = (#values + 1) // 2
  return #values % 2 == 1 and values[middle] or (values[middle] + values[middle + 1]) / 2
end

-- As precise as it is worth: three digits, in thousands or millions.
local function short(value)
  for _, scale in ipairs({ { 1e6, " M" }, { 1e3, " k" } }) do
    if value >= scale[1] then
      return ("%.3g%s"):format(value / scale[1], scale[2])
    end
  end
  return ("%.3g"):format(value)
end

-- How many times better dynsup is: more of a rate, less of anything else.
local function ratio(row, own, other)
  return row.unit:find("/s$") and own / other or other / own
end

local function print_row(row, peer, own)
  local values = row.values[peer.name]
  local middle = median(values)
  local times = own and peer.name ~= "dynsup" and ("%.2f x"):format(ratio(row, own, middle)) or ""
  local from, to = short(values[1]), short(values[#values])
  local cells = { row.name .. ", " .. row.unit, peer.name, short(middle), from, to, times }
  print("| " .. table.concat(cells, " | ") .. " |")
end

local function print_table(rows)
  print("| question | peer | median | from | to | dynsup is better by |")
  print("|---|---|---|---|---|---|")
  for _, row in ipairs(rows) do
    local own = row.values.dynsup and median(row.values.dynsup)
    for _, peer in ipairs(peers) do
      if row.values[peer.name] then
        print_row(row, peer, own)
      end
    end
  end
end

local function parse()
  local i = 1
  while arg[i] do
    if arg[i] == "--smoke" then
      smoke, repetitions = true, 1
    elseif arg[i] == "-n" then
      i = i + 1
      repetitions = assert(math.tointeger(tonumber(arg[i])), "-n needs a number of repetitions")
    else
      asked[arg[i]] = true
    end
    i = i + 1
  end
end

local function main()
  parse()
  local present, rows = {}, {}
  for _, peer in ipairs(peers) do
    if not peer.needs or quiet(peer.needs) then
      present[#present + 1] = peer
    else
      print(peer.name .. " is not installed: skipped")
    end
  end
  for repetition = smoke and 1 or 0, repetitions do
    for _, question in ipairs(questions) do
      for i = 1, #present do
        local peer = present[(i + repetition) % #present + 1] -- nobody is always the first
        if not next(asked) or asked[question.name] then
          ask(rows, question, peer, repetition > 0)
        end
      end
    end
  end
  print_table(rows)
end

main()
