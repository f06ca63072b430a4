-- examples/tool: logwatch, and plug-ins that fail in every way.

local example = require "spec.support.example"
local patience = require "spec.support.patience"

local quote, path_of = example.quote, example.path_of

local logwatch = assert(os.getenv "DYNSUP_BUILD", "DYNSUP_BUILD is not set") .. "/examples/tool/logwatch"

-- Tells each line.
local echo = "return function(watch) for line in watch.lines do watch.alert(line) end end"

-- Counts lines and tells how many at the end.
local count = [[
return function(watch)
  local count = 0
  for _ in watch.lines do count = count + 1 end
  watch.alert(count)
end]]

-- Does something at each line that says "bad", and tells the others.
local function at_bad(code)
  return ([[
local dynsup = require "dynsup"
return function(watch)
  for line in watch.lines do
    if line == "bad" then %s end
    watch.alert(line)
  end
end]]):format(code)
end

-- Makes a log and a folder of plug-ins: name -> code.
local function make(lines, plugins)
  example.make { log = lines, ["plugins/.keep"] = "" }
  for name, code in pairs(plugins) do
    example.make { ["plugins/" .. name .. ".lua"] = code }
  end
end

local function command(words)
  return ("timeout %d %s --plugins %s %s"):format(patience, quote(logwatch), quote(path_of "plugins"), words)
end

-- Runs it in the test's folder; returns the exit code, the lines on stdout and stderr.
local function run(words, input)
  local line = ("cd %s; %s %s >out 2>err; echo $?"):format(quote(example.directory()), input or "", command(words))
  local code = tonumber(example.shell(line))
  local out = {}
  for text in example.read_file(path_of "out"):gmatch "[^\n]+" do
    out[#out + 1] = text
  end
  return code, out, example.read_file(path_of "err")
end

-- Only the lines that a plug-in has told, in their order.
local function told(out, name)
  local texts = {}
  for _, line in ipairs(out) do
    texts[#texts + 1] = line:match("^" .. name .. ": (.*)$")
  end
  return texts
end

-- The row of a plug-in in the table at the end.
local function row_of(out, name)
  for _, line in ipairs(out) do
    local state, lines, alerts, failures, reason =
      line:match("^" .. name .. " +(%a[%a ]-) +(%d+) +(%d+) +(%d+) *(.*)$")
    if state then
      return { state, tonumber(lines), tonumber(alerts), tonumber(failures) }, reason
    end
  end
end

-- One that follows the log; lines of its output are waited for. finish() returns the rest. The
-- process is told before anything that it prints, and is not that of `timeout`, which may end by a
-- signal that comes early without handing it on.
local function follow()
  local line = "cd %s; timeout %d sh -c 'echo $$; exec %s --plugins plugins --follow --status log'; echo code $?"
  local output = example.open_shell(line:format(quote(example.directory()), patience, logwatch))
  local open = { pid = output:read "l" }

  function open.next()
    return output:read "l"
  end

  function open.write(text)
    local file <close> = assert(io.open(path_of "log", "a"))
    file:write(text)
  end

  function open.finish()
    example.shell("kill -TERM " .. open.pid)
    local rest = {}
    for text in output:lines() do
      rest[#rest + 1] = text
    end
    output:close()
    return rest
  end

  return open
end

local lines_with_bad = "one\nbad\ntwo\nbad\nthree\n"
local others = { "one", "two", "three" }

example.describe("logwatch", function()
  it("gives each line to each plug-in", function()
    make("one\ntwo\n\nERROR four", { echo = echo, count = count })
    local code, out, err = run "log"
    assert.equal("", err)
    assert.equal(0, code)
    assert.same({ "one", "two", "", "ERROR four" }, told(out, "echo"))
    assert.same({ "4" }, told(out, "count"))
  end)

  it("has plug-ins that tell errors and repeated lines", function()
    example.make { log = "ok\nERROR disk\nx\nx\nx\nx\n" }
    local out = example.inside(("timeout %d %s log | LC_ALL=C sort"):format(patience, quote(logwatch)))
    assert.equal("errors: 1 errors\nerrors: line 2: ERROR disk\nrepeats: 3 times in a row: x\n", out)
  end)

  it("loses no line of a log that comes faster than a plug-in is", function()
    make(("line\n"):rep(5000), {
      count = count,
      slow = [[
local dynsup = require "dynsup"
return function(watch)
  local count = 0
  for _, number in watch.lines do
    count = count + 1
    if number % 100 == 0 then dynsup.sleep(1) end
  end
  watch.alert(count)
end]],
    })
    local code, out = run "log"
    assert.equal(0, code)
    assert.same({ "5000" }, told(out, "count"))
    assert.same({ "5000" }, told(out, "slow"))
  end)

  it("does without plug-ins", function()
    make("one\n", {})
    local code, out, err = run "log"
    assert.same({ 0, 0, "" }, { code, #out, err })
  end)

  it("is not held up by standard input, and reads lines as they come", function()
    make("", {
      echo = [[
return function(watch)
  for line in watch.lines do
    require("dynsup").sleep(20)
    watch.alert(line)
  end
end]],
    })
    local input = "(echo one; timeout 30 sh -c 'until grep -qs one out; do sleep 0.05; done' && echo two) |"
    local code, out = run("-", input)
    assert.equal(0, code)
    assert.same({ "one", "two" }, told(out, "echo"))
  end)

  it("takes a line without an end, and a very long one in pieces", function()
    make(("x"):rep(100000) .. "\nend", {
      sizes = "return function(watch) for line in watch.lines do watch.alert(#line) end end",
    })
    local _, out = run "log"
    assert.same({ "65536", "34464", "3" }, told(out, "sizes"))
  end)

  describe("survives a plug-in that", function()
    local function survives(code, words)
      make(lines_with_bad, { culprit = code, count = count })
      local exit_code, out, err = run("--status " .. (words or "") .. " log")
      assert.equal("", err)
      assert.equal(0, exit_code)
      assert.same({ "5" }, told(out, "count"))
      assert.same({ "done", 5, 1, 0 }, row_of(out, "count"))
      return out
    end

    it("crashes: it goes on with the next line", function()
      local out = survives(at_bad "error 'bad line'")
      assert.same(others, told(out, "culprit"))
      local row, reason = row_of(out, "culprit")
      assert.same({ "done", 5, 3, 2 }, row)
      assert.truthy(reason:find("culprit.lua:4: bad line", 1, true))
    end)

    it("loops for ever", function()
      local out = survives(at_bad "while true do end", "--patience 50")
      assert.same(others, told(out, "culprit"))
      local row, reason = row_of(out, "culprit")
      assert.same({ "done", 5, 3, 2 }, row)
      assert.equal("it took too long", reason)
    end)

    it("loops in a pcall, and traps exits", function()
      local out = survives(at_bad [[
        dynsup.flag("trap_exit", true)
        while true do pcall(function() while true do end end) end]], "--patience 50")
      assert.same(others, told(out, "culprit"))
    end)

    it("eats memory", function()
      local out = survives(at_bad "local t = {} while true do t[#t + 1] = t end", "--memory 8")
      assert.same(others, told(out, "culprit"))
      local row, reason = row_of(out, "culprit")
      assert.same({ "done", 5, 3, 2 }, row)
      assert.truthy(reason:find "^not.enough.memory$", reason)
    end)

    it("eats messages that it should not", function()
      local row, reason = row_of(survives(at_bad "while true do dynsup.receive() end", "--patience 50"), "culprit")
      assert.same({ "done", 5, 3, 2 }, row)
      assert.equal("it took too long", reason)
    end)

    it("wants to end the program", function()
      local row, reason = row_of(survives(at_bad "os.exit(3)"), "culprit")
      assert.same({ "done", 5, 3, 2 }, row)
      assert.truthy(reason:find("a plug-in cannot end logwatch", 1, true))
    end)

    it("has a syntax error", function()
      local row, reason = row_of(survives "return function(", "culprit")
      assert.same({ "given up", 0, 0, 5 }, row)
      assert.truthy(reason:find("culprit.lua:1: ", 1, true))
    end)

    it("is no function", function()
      local row, reason = row_of(survives "return {}", "culprit")
      assert.same({ "given up", 0, 0, 5 }, row)
      assert.truthy(reason:find("a plug-in returns a function", 1, true))
    end)

    it("fails at every line", function()
      local row = row_of(survives "return function(watch) for _ in watch.lines do error 'no' end end", "culprit")
      assert.same({ "given up", 5, 0, 5 }, row)
    end)

    it("fails often, but not at each line", function()
      make(("bad\nfine\n"):rep(7), { culprit = at_bad "error 'no'" })
      local _, out = run "--status log"
      assert.same({ "done", 14, 7, 7 }, row_of(out, "culprit"))
    end)

    it("ends early", function()
      local row = row_of(survives "return function() end", "culprit")
      assert.same({ "done", 0, 0, 0 }, row)
    end)

    it("sets globals", function()
      make("one\n", {
        first = "return function(watch) count, os.exit = 1, nil for _ in watch.lines do end watch.alert(count) end",
        second = "return function(watch) for _ in watch.lines do end watch.alert(tostring(count)) end",
      })
      local _, out = run "log"
      assert.same({ "1" }, told(out, "first"))
      assert.same({ "nil" }, told(out, "second"))
    end)
  end)

  describe("while it follows a log", function()
    local hello = "return function(watch) watch.alert '%s' for line in watch.lines do watch.alert(line) end end"

    it("takes what is added, and ends by a signal", function()
      make("one\n", { echo = echo })
      local log = follow()
      assert.equal("echo: one", log.next())
      log.write "two\nthr"
      assert.equal("echo: two", log.next())
      log.write "ee\n"
      assert.equal("echo: three", log.next())
      local rest = log.finish()
      assert.same({ "done", 3, 3, 0 }, row_of(rest, "echo"))
      assert.equal("code 0", rest[#rest])
    end)

    it("takes a log that was cut, and one in its place", function()
      make("one\ntwo\n", { echo = echo })
      local log = follow()
      assert.equal("echo: one", log.next())
      assert.equal("echo: two", log.next())
      example.make { log = "cut\n" }
      assert.equal("echo: cut", log.next())
      example.inside "echo new > next; mv next log"
      assert.equal("echo: new", log.next())
      log.finish()
    end)

    it("takes plug-ins that come, change and go", function()
      make("", { echo = hello:format "the first" })
      local log = follow()
      assert.equal("echo: the first", log.next())
      example.make { ["plugins/echo.lua"] = hello:format "the second one" }
      assert.equal("echo: the second one", log.next())
      example.make { ["plugins/other.lua"] = hello:format "another" }
      assert.equal("other: another", log.next())
      example.inside "rm plugins/echo.lua; echo 'return function(watch) watch.alert(1) end' > plugins/seen.lua"
      assert.equal("seen: 1", log.next())
      log.write "one\n"
      assert.equal("other: one", log.next())
      local rest = log.finish()
      assert.equal("removed", row_of(rest, "echo")[1])
      assert.equal("done", row_of(rest, "other")[1])
    end)

    it("gives one that was given up another chance when it is mended", function()
      make("", { echo = "return function(", seen = "" })
      local log = follow()
      example.make { ["plugins/echo.lua"] = hello:format "mended" }
      assert.equal("echo: mended", log.next())
      log.finish()
    end)
  end)

  describe("says what is wrong:", function()
    local function fails(code, message, words)
      make("one\n", {})
      local got, out, err = run(words)
      assert.same({ code, {} }, { got, out })
      assert.truthy(err:find(message, 1, true), err)
    end

    it("no such log", function()
      fails(1, "logwatch: nothing: No such file or directory", "nothing")
    end)

    it("a log that cannot be read", function()
      fails(1, "logwatch: .: Is a directory", ".")
      fails(1, "logwatch: .: Is a directory", "--follow .")
    end)

    it("no such folder", function()
      fails(1, "nowhere: No such file or directory", "--plugins nowhere log")
    end)

    it("a folder that is none", function()
      fails(1, "log: Not a directory", "--plugins log log")
    end)

    it("no file, or two", function()
      fails(2, "no file", "")
      fails(2, "more than one file: two", "one two")
    end)

    it("an option that there is not, or that lacks its value", function()
      fails(2, "no such option: --nonsense", "--nonsense log")
      fails(2, "--patience", "--patience never log")
      fails(2, "--memory", "log --memory")
    end)

    it("output that cannot be written", function()
      make("one\n", { echo = echo })
      local code = example.inside(command "log" .. " >/dev/full 2>err; echo $?")
      assert.equal("1\n", code)
      assert.truthy(example.read_file(path_of "err"):find("standard output", 1, true))
    end)
  end)

  it("explains itself", function()
    make("", {})
    local code, out = run "--help"
    assert.equal(0, code)
    assert.equal("usage: logwatch [OPTION...] FILE", out[1])
  end)
end)
