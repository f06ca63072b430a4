-- The programs of bench/ and those of their peers, each tried in small: what they print is what
-- tools/bench reads.
local figures = require "bench.suite.figures"
local program = require "spec.support.program"
local suite = require "bench.suite.questions"

local source = debug.getinfo(1, "S").source:sub(2)
local root = source:match "^(.*)/spec/[^/]*$" or "."
local build = assert(os.getenv "DYNSUP_BUILD", "DYNSUP_BUILD is not set")
local preloaded = os.getenv "LD_PRELOAD" -- of a sanitizer; who starts slowly is not tried once more then

local function exists(path)
  local file = io.open(path)
  return file and file:close()
end

-- The questions that are asked, once each.
local questions = {}
for _, run in ipairs(suite.runs) do
  if run.question ~= questions[#questions] then
    questions[#questions + 1] = run.question
  end
end

-- Runs a program in the project's folder; returns the kinds of its figures.
local function kinds_of(command, question)
  local folder = program.folder()
  local result = program.shell(folder, 'cd "$OLDPWD" && cd ' .. program.quote(root) .. " && " .. command)
  program.remove_folder(folder)
  assert.equal(0, result.code, result.err)
  local kinds = {}
  for line in result.out:gmatch "[^\n]+" do
    local fields = figures.fields(line)
    assert.is_table(fields, line)
    assert.equal(question, fields.question)
    kinds[fields.kind] = fields
  end
  assert.not_nil(next(kinds), command)
  return kinds
end

-- What tools/bench calls, with the program and folder of the tests.
local function command_of(answer, question)
  local words = { BUILD = build, BENCH = "bench" }
  local command = answer.command:gsub("%%q", question):gsub("%u%u+", words)
  return (command:gsub("^%S+/dynsup ", '"$DYNSUP" ')) .. " --smoke"
end

describe("bench", function()
  local found = {} -- the kinds that dynsup has, QUESTION.KIND

  for _, peer in ipairs(suite.peers) do
    for _, question in ipairs(questions) do
      for _, answer in ipairs(peer.answers) do
        if exists(("%s/bench/%s"):format(root, answer.file:gsub("%%q", question))) then
          it(("has an answer of %s to %s"):format(peer.name, question), function()
            if peer.needs and (preloaded or not os.execute(peer.needs .. " >/dev/null 2>&1")) then
              return pending(peer.name .. " is not there")
            end
            for kind in pairs(kinds_of(command_of(answer, question), question)) do
              found[question .. "." .. kind] = found[question .. "." .. kind] or peer.name
            end
          end)
        end
      end
    end
  end

  it("loses no connection and leaves no file open in echo", function()
    local kinds = kinds_of('"$DYNSUP" run bench/echo.lua --smoke', "echo")
    assert.equal("0", kinds.lost.value)
    assert.equal("0", kinds.left.value)
  end)

  it("tells looks and lateness in attach", function()
    local kinds = kinds_of('"$DYNSUP" run bench/attach.lua --smoke', "attach")
    for _, kind in ipairs { "tree_p99", "info_p99", "top_p99", "late_quiet", "late_looked_at" } do
      assert.not_nil(kinds[kind], kind)
    end
  end)

  it("tells the longest look in look", function()
    assert.not_nil(kinds_of('"$DYNSUP" run bench/look.lua --smoke', "look").longest)
  end)

  it("has a figure of dynsup for each row of the table", function()
    for _, row in ipairs(suite.rows) do
      assert.equal("dynsup", found[row[1]], row[1])
    end
    for kind in pairs(suite.growth.titles) do
      assert.equal("dynsup", found["growth." .. kind], kind)
    end
  end)
end)
