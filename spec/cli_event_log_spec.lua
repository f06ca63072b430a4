-- `dynsup run --event-log`: which file is written, and which is left alone.

local cli = require "spec.support.cli"

local SCRIPT = "print 'it runs'\n"

local function content(name)
  return cli.shell("cat " .. name).out
end

cli.describe("an event log", function()
  it("has what happens, in place of what was there", function()
    cli.write("events", "old\n")
    cli.assert_printed("it runs\n", cli.script(SCRIPT, "--event-log", "events"))
    assert.matches("^at=[^\n]*\n", content "events")
    cli.assert_lacks("old", content "events")
  end)

  it("is never the script", function()
    local refused = "--event-log needs the name of a file that is written: 'script.lua' is a script's"
    cli.assert_said(2, refused, cli.script(SCRIPT, "--event-log", "script.lua"))
    cli.assert_said(2, refused, cli.script(SCRIPT, "--event-log=script.lua"))
    cli.write("data", "")
    cli.assert_said(2, refused, cli.run("run", "--event-log", "script.lua", "data"))
    assert.equal(SCRIPT, content "script.lua")
  end)

  it("is not the script by another name, either", function()
    local refused = "the event log '%s' is the script itself, which it would replace"
    cli.write("app", SCRIPT)
    cli.shell "ln app hard && ln -s app soft"
    for _, name in ipairs { "app", "./app", "hard", "soft" } do
      cli.assert_said(2, refused:format(name), cli.run("run", "--event-log", name, "app"))
    end
    cli.assert_said(2, refused:format "app", cli.shell [["$DYNSUP" run --event-log app - <app]])
    assert.equal(SCRIPT, content "app")
  end)

  it("stays as it is when the script cannot be run", function()
    cli.write("events", "old\n")
    cli.assert_said(1, "script.lua:1: unexpected symbol near '='", cli.script("= 1", "--event-log", "events"))
    cli.assert_said(2, "cannot open none.lua: No such file or directory",
      cli.run("run", "--event-log", "events", "none.lua"))
    assert.equal("old\n", content "events")
  end)

  it("that cannot be written is told, and the script does not run", function()
    cli.assert_said(2, "cannot write the event log 'none/events': No such file or directory",
      cli.script(SCRIPT, "--event-log", "none/events"))
  end)

  it("may be what is no file", function()
    cli.assert_printed("it runs\n", cli.script(SCRIPT, "--event-log", "/dev/null"))
  end)
end)
