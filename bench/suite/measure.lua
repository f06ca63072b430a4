-- Runs the programs of bench/ in turn with their peers, several times, and writes what they print into
-- a file. Called by tools/bench: measure.lua BUILD FILE [--smoke] [-n REPETITIONS] [QUESTION...]
-- Before the repetitions everything is tried in small, which does not count; what a program needs to
-- warm up it does itself. The programs of a question follow each other, because machines drift, and
-- nobody is always the first.
local figures = require("bench.suite.figures")
local suite = require("bench.suite.questions")

local BENCH = "bench"
local LONGEST_S = 180 -- that a program may take

local build, path = arg[1], arg[2]
local smoke, repetitions, asked = false, 5, {}

local function run_quietly(command)
  return os.execute(command .. " >/dev/null 2>&1")
end

local function output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return (pipe:read("a"):gsub("%s+$", ""))
end

local function file_exists(name)
  local file = io.open(name)
  return file and file:close() or false
end

-- ---- what is there ----

local function present_peers()
  local present = {}
  for _, peer in ipairs(suite.peers) do
    if not peer.needs or run_quietly(peer.needs) then
      present[#present + 1] = peer
    else
      io.stderr:write(("%s is left out: the package %s is not installed\n"):format(peer.title, peer.package))
    end
  end
  return present
end

-- The command by which a peer answers a run; nil when it does not.
local function command_of(peer, run, small)
  local arguments = run[peer.name]
  if arguments == nil then
    arguments = run.arguments
  end
  for _, answer in ipairs(arguments and peer.answers or {}) do
    if file_exists(BENCH .. "/" .. answer.file:gsub("%%q", run.question)) then
      local words = { BUILD = build, BENCH = BENCH }
      local command = answer.command:gsub("%%q", run.question):gsub("%u%u+", words)
      return command .. " " .. (small and "--smoke " .. arguments:gsub("%d+", "") or arguments)
    end
  end
end

local function about(file)
  local facts = {
    cpu = output_of("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1"),
    cores = output_of("nproc"),
    system = output_of(". /etc/os-release && echo $PRETTY_NAME") .. ", Linux " .. output_of("uname -r"),
    dynsup = output_of(build .. "/dynsup version"):gsub("\n", ", "),
    elixir = output_of("elixir --version | sed -n 's/^\\(Elixir [0-9.]*\\).*/\\1/p'"),
    otp = output_of("elixir --version | sed -n 's/^\\(Erlang.OTP [0-9]*\\).*/\\1/p'"),
    date = os.date("!%Y-%m-%d"),
    repetitions = tostring(repetitions),
  }
  for name, text in pairs(facts) do
    file:write(("about %s %s\n"):format(name, text))
  end
end

-- ---- asking ----

local failures = 0

local function ask(file, peer, command, repetition)
  local pipe = assert(io.popen(("timeout -k 5 %d %s"):format(LONGEST_S, command)))
  for line in pipe:lines() do
    if figures.fields(line) and (smoke or repetition > 0) then
      file:write(("peer=%s repetition=%d %s\n"):format(peer.name, repetition, line))
    end
  end
  local ok, how, code = pipe:close()
  if not ok then
    failures = failures + 1
    io.stderr:write(("%s: %s %d\n"):format(command, how, code))
  end
end

local function ask_all(file, run, peers, repetition)
  for i = 1, #peers do
    local peer = peers[(i + repetition) % #peers + 1]
    local command = command_of(peer, run, smoke or repetition == 0)
    if command then
      ask(file, peer, command, repetition)
    end
  end
  file:flush()
end

local function measure(file)
  local peers = present_peers()
  about(file)
  for repetition = 0, repetitions do
    for _, run in ipairs(suite.runs) do
      if not next(asked) or asked[run.question] then
        io.stderr:write(("\r\27[K%d/%d %s %s"):format(repetition, repetitions, run.question, run.arguments))
        ask_all(file, run, peers, repetition)
      end
    end
  end
  io.stderr:write("\r\27[K")
end

-- ---- arguments ----

local function refuse(text)
  io.stderr:write("bench: ", text, "\n")
  os.exit(2)
end

local function check_questions()
  local known = {}
  for _, run in ipairs(suite.runs) do
    known[run.question] = true
  end
  for question in pairs(asked) do
    if not known[question] then
      refuse(("%s is no question of bench/suite/questions.lua"):format(question))
    end
  end
end

local function parse()
  local i = 3
  while arg[i] do
    if arg[i] == "--smoke" then
      smoke, repetitions = true, 0
    elseif arg[i] == "-n" then
      i = i + 1
      repetitions = math.tointeger(tonumber(arg[i])) or refuse("-n needs a number of repetitions")
    else
      asked[arg[i]] = true
    end
    i = i + 1
  end
  check_questions()
end

parse()
local file = assert(io.open(path, "w"))
measure(file)
file:close()
os.exit(failures == 0 and 0 or 1)
