-- examples/game: the meadow without a screen, on a clock that counts frames.

local example = require "spec.support.example"
local patience = require "spec.support.patience"

local quote, path_of = example.quote, example.path_of

local game = assert(os.getenv "DYNSUP_BUILD", "DYNSUP_BUILD is not set") .. "/examples/game/game"

-- Only a build on a machine with SDL2 has the game.
local function is_built()
  return example.shell "pkg-config --exists sdl2 && echo yes" ~= ""
end

-- Plays it with these words; returns the exit code, and what it has printed.
local function play(words)
  local command = ("SDL_VIDEODRIVER=dummy timeout %d %s %s"):format(patience, quote(game), words)
  local out, err = path_of "out", path_of "err"
  local code = example.shell(("%s >%s 2>%s </dev/null; echo $?"):format(command, quote(out), quote(err)))
  return tonumber(code), example.read_file(out), example.read_file(err)
end

-- "frames 60 crashes 0 ..." as a table.
local function counts_of(line)
  local counts = {}
  for name, number in line:gmatch "(%a+) (%d+)" do
    counts[name] = tonumber(number)
  end
  return counts
end

local tame = "return { run = function() require('dynsup').sleep() end }"

-- A game that is played by a number of frames at a time, with scripts of its own that can be edited.
-- Nobody crashes there but by an edit: fox and moth sleep.
local function open_game()
  local folder = path_of "scripts"
  example.shell(("cp -r examples/game %s && mkfifo %s"):format(quote(folder), quote(path_of "in")))
  example.write_file(folder .. "/creatures/fox.lua", tame)
  example.write_file(folder .. "/creatures/moth.lua", tame)
  local command = "exec timeout %d %s --headless --scripts %s --picture %s <%s"
  local open = {
    folder = folder,
    output = example.open_shell(command:format(patience, quote(game), quote(folder), quote(path_of "picture.bmp"),
      quote(path_of "in"))),
    input = assert(io.open(path_of "in", "w")),
  }
  function open.play(frames)
    open.input:write(frames, "\n")
    open.input:flush()
    return counts_of(assert(open.output:read "l", "the game has ended"))
  end

  function open.edit(name, change)
    local file = ("%s/creatures/%s.lua"):format(folder, name)
    example.write_file(file, change(example.read_file(file)))
  end

  function open.close()
    open.input:close()
    open.output:close()
  end

  return open
end

-- How many colours there are in a picture.
local function colours_of(path)
  local data = example.read_file(path)
  local colours, count = {}, 0
  for place = 1 + string.unpack("<I4", data, 11), #data - 2, 3 do
    local colour = data:sub(place, place + 2)
    if not colours[colour] then
      colours[colour], count = true, count + 1
    end
  end
  return count
end

example.describe("the game", function()
  if not is_built() then
    pending "is not built: SDL2 is not there"
    return
  end

  it("lives with a worker that crashes and one that never waits", function()
    local code, out, err = play "--headless --frames 400"
    assert.equal("", err)
    assert.equal(0, code)
    local counts = counts_of(out)
    assert.equal(400, counts.frames)
    assert.is_true(counts.crashes > 0, out)
    assert.is_true(counts.restarts > 0, out)
    assert.equal(400, counts.preempted)
    assert.equal(0, counts.late)
  end)

  it("shows nobody who is gone", function()
    local open = open_game()
    open.edit("rabbit", function(text)
      return (text:gsub("    hop%(self%)", "self:show() error 'gone'"))
    end)
    local counts = open.play(60)
    open.close()
    assert.is_true(counts.crashes > 3)
    assert.equal(2, counts.creatures) -- snake and owl: the others do not show themselves, or crash
  end)

  it("goes the same way each time with the same seed", function()
    local pictures = {}
    for i, seed in ipairs { 1, 1, 2 } do
      local path = path_of(i .. ".bmp")
      assert.equal(0, (play(("--headless --frames 150 --seed %d --picture %s"):format(seed, quote(path)))))
      pictures[i] = example.read_file(path)
    end
    assert.is_true(pictures[1] == pictures[2], "the same seed")
    assert.is_false(pictures[1] == pictures[3], "another seed")
  end)

  it("draws a picture", function()
    assert.equal(0, (play("--headless --frames 20 --picture " .. quote(path_of "picture.bmp"))))
    assert.is_true(colours_of(path_of "picture.bmp") > 30)
  end)

  it("keeps to real time with a window", function()
    local code, out, err = play "--frames 20"
    assert.equal("", err)
    assert.equal(0, code)
    assert.equal(20, counts_of(out).frames)
  end)

  it("gives a creature new code while it lives", function()
    local open = open_game()
    open.play(30)
    open.edit("snake", function(text)
      return (text:gsub("SAYS = nil", 'SAYS = "hello"'))
    end)
    local after = open.play(30)
    open.close()
    assert.equal(1, after.reloads)
    assert.equal(1, after.restarts)
    assert.equal(0, after.crashes)
  end)

  it("takes no code that does not compile", function()
    local open = open_game()
    open.play(30)
    open.edit("owl", function()
      return "return }"
    end)
    local after = open.play(60)
    open.close()
    assert.equal(1, after.refused)
    assert.equal(0, after.reloads)
    assert.equal(0, after.crashes)
    assert.equal(90, after.preempted) -- by the owl as it was
  end)

  it("survives new code that crashes, and takes the next", function()
    local open = open_game()
    local good
    open.play(30)
    open.edit("owl", function(text)
      good = text
      return "return { run = function() error 'no thoughts' end }"
    end)
    local broken = open.play(30)
    assert.is_true(broken.crashes > 0)
    open.edit("owl", function()
      return good
    end)
    local mended = open.play(30)
    open.close()
    assert.equal(90, mended.frames)
    assert.equal(2, mended.reloads)
    assert.is_true(mended.preempted > broken.preempted)
    assert.equal(broken.crashes, mended.crashes)
  end)

  it("survives a creature that tells nonsense", function()
    local open = open_game()
    open.play(30)
    open.edit("snake", function(text)
      return (text:gsub('"snake"', '"dragon"'))
    end)
    local after = open.play(30)
    open.close()
    assert.equal(1, after.reloads)
    assert.equal(0, after.crashes)
  end)

  it("says what is wrong with its command line", function()
    local code, _, err = play "--nonsense"
    assert.equal(2, code)
    assert.equal("game: no such option: --nonsense (--help says how it is called)\n", err)
    code, _, err = play "--frames none"
    assert.equal(2, code)
    assert.truthy(err:find("--frames", 1, true))
  end)

  it("explains itself", function()
    local code, out = play "--help"
    assert.equal(0, code)
    assert.truthy(out:find("usage: game", 1, true))
  end)

  it("ends without its scripts", function()
    local code, _, err = play("--headless --frames 1 --scripts " .. quote(path_of "nowhere"))
    assert.equal(1, code)
    assert.truthy(err:find("nowhere/tree.lua", 1, true))
  end)

  it("ends when its tree does", function()
    example.make { ["scripts/tree.lua"] = "error 'no tree'" }
    local code, _, err = play("--headless --frames 5 --scripts " .. quote(path_of "scripts"))
    assert.equal(1, code)
    assert.truthy(err:find("tree.lua:1: no tree", 1, true), err)
  end)
end)
