-- Plays random scenarios on Elixir's supervisors and on dynsup, and compares what was seen, from the
-- project's folder: compare.lua GAME SEED FIRST LAST. tools/compare-elixir is its command.
--
-- A difference counts when it shows again each time the scenario is played alone; then the scenario
-- is made as small as it can be and is shown with both logs.

local tolerance = require "fuzz.elixir.tolerance"

local FOLDER = "build/compare-elixir"
local CHUNK = 1000
local ALONE = 3
local SHOWN = 5

local programs = {
  elixir = "elixir --erl '+S 1 +sbwt none' fuzz/elixir/interpret.exs",
  dynsup = "lua5.4 fuzz/elixir/interpret.lua",
}

local function read_logs(path)
  local logs, log = {}, nil
  for line in io.lines(path) do
    local number = line:match "^scenario (%d+)$"
    if number then
      log = {}
      logs[tonumber(number)] = log
    elseif log then
      log[#log + 1] = line
    end
  end
  for number, lines in pairs(logs) do logs[number] = table.concat(lines, "\n") end
  return logs
end

-- The operations in a file, as they are shown.
local function read_scenario(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

-- The logs of scenarios, each a list of lines, on one of the two: a table by position.
local function play(name, scenarios)
  local input, output = FOLDER .. "/scenarios", FOLDER .. "/" .. name
  local file = assert(io.open(input, "w"))
  for i, lines in ipairs(scenarios) do file:write("scenario ", i, "\n", table.concat(lines, "\n"), "\n\n") end
  file:close()
  if not os.execute(("%s %s >%s"):format(programs[name], input, output)) then
    io.stderr:write(("compare-elixir: %s failed with the scenarios in %s\n"):format(name, input))
    os.exit(1)
  end
  return read_logs(output)
end

-- Which of the scenarios differ, as a list of positions, and the logs.
local function differing(scenarios)
  local elixir, dynsup = play("elixir", scenarios), play("dynsup", scenarios)
  local list = {}
  for i in ipairs(scenarios) do
    if not elixir[i] or not dynsup[i] or not tolerance.same(elixir[i], dynsup[i]) then list[#list + 1] = i end
  end
  return list, elixir, dynsup
end

local function is_steady(scenario)
  for _ = 1, ALONE do
    if #differing { scenario } == 0 then return false end
  end
  return true
end

-- The scenario without its i-th line; a batch loses both its ends.
local function without(scenario, i)
  local shorter, closing = table.move(scenario, 1, i - 1, 1, {}), scenario[i] == "{"
  for k = i + 1, #scenario do
    if closing and scenario[k] == "}" then
      closing = false
    else
      shorter[#shorter + 1] = scenario[k]
    end
  end
  return shorter
end

local function all_shorter(scenario)
  local list = {}
  for i = #scenario, 1, -1 do
    if scenario[i] ~= "}" then list[#list + 1] = without(scenario, i) end
  end
  return list
end

local function minimal(scenario)
  while true do -- one candidate at a time is taken: many runs, but few scenarios differ
    local candidates = all_shorter(scenario)
    local found
    for _, i in ipairs((differing(candidates))) do
      found = is_steady(candidates[i]) and candidates[i]
      if found then break end
    end
    if not found then return scenario end
    scenario = found
  end
end

local function show(title, scenario)
  local _, elixir, dynsup = differing { scenario }
  print(title)
  print(table.concat(scenario, "\n"))
  print("--- Elixir\n" .. (elixir[1] or "nothing"))
  print("--- dynsup\n" .. (dynsup[1] or "nothing"))
end

-- Plays a few: how many differ always, and sometimes. shown: how many have been shown before.
local function chunk(game, seed, first, last, shown)
  local scenarios, found, raced = {}, 0, 0
  for number = first, last do
    scenarios[#scenarios + 1] = game.scenario(seed, number)
  end
  for _, i in ipairs((differing(scenarios))) do
    if is_steady(scenarios[i]) then
      found = found + 1
      if shown + found <= SHOWN then
        show(("scenario %d of seed %d, made smaller:"):format(first + i - 1, seed), minimal(scenarios[i]))
      end
    else
      raced = raced + 1
    end
  end
  return found, raced
end

-- One scenario, with both logs.
local function look(scenario)
  show("", scenario)
  os.exit(#differing { scenario } == 0)
end

local function main(name, seed, first, last)
  io.stdout:setvbuf "line"
  if name == "file" then return look(read_scenario(seed)) end
  local game = require("fuzz.elixir." .. name)
  seed, first, last = math.tointeger(seed), math.tointeger(first), math.tointeger(last)
  if first == last then return look(game.scenario(seed, first)) end
  local found, raced = 0, 0
  for from = first, last, CHUNK do
    local more_found, more_raced = chunk(game, seed, from, math.min(from + CHUNK - 1, last), found)
    found, raced = found + more_found, raced + more_raced
  end
  local result = "%s %s: %d scenarios compared, %d differences (%d more only sometimes)"
  print(result:format(found == 0 and "ok" or "FAILED", name, last - first + 1, found, raced))
  os.exit(found == 0)
end

main(table.unpack(arg))
