-- Precompiled code, which is loaded by name only if that is asked for.

local cli = require "spec.support.cli"

local run, shell = cli.run, cli.shell
local assert_said, assert_printed, assert_has = cli.assert_said, cli.assert_printed, cli.assert_has

local code = string.dump(load "print 'ran' return { run = print }")

cli.describe("a precompiled script", function()
  before_each(function()
    cli.write("code.lua", code)
  end)

  it("is refused by run, check and repl", function()
    for _, command in ipairs { "run", "check" } do
      assert_said(2, "code.lua is precompiled code, which is loaded with --allow-bytecode only",
        shell(('"$DYNSUP" %s code.lua'):format(command)))
    end
    assert_said(2, "- is precompiled code, which is loaded with --allow-bytecode only",
      shell '"$DYNSUP" run - < code.lua')
    local got = shell '"$DYNSUP" repl code.lua < /dev/null'
    assert.not_equal(0, got.code)
    assert.is_nil(got.out:find "ran")
  end)

  it("is refused whatever stands in front of it", function()
    cli.write("code.lua", "#!/usr/bin/env dynsup\n" .. code)
    assert_said(2, "code.lua is precompiled code, which is loaded with --allow-bytecode only",
      shell '"$DYNSUP" run code.lua')
  end)

  it("runs with --allow-bytecode", function()
    assert_printed("ran\n", shell '"$DYNSUP" run --allow-bytecode code.lua')
    assert.equal(0, shell('"$DYNSUP" check --allow-bytecode code.lua').code)
  end)

  it("is no mistake in how the option is written", function()
    assert_said(2, "unknown option '--alow-bytecode': did you mean '--allow-bytecode'?",
      run("run", "--alow-bytecode", "x"))
  end)
end)

cli.describe("a precompiled module", function()
  local app = [[
    local dynsup = require "dynsup"
    local ok, message = pcall(require, "code")
    print(ok, ok or message:match "precompiled code is not loaded[^\n]*")
    local pid, ref = dynsup.spawn_monitor "code:run"
    local _, _, _, reason = dynsup.receive()
    print(reason == "normal" or tostring(reason):match "precompiled code is not loaded")
    print(select(2, dynsup.reload "code"))]]

  before_each(function()
    cli.write("code.lua", code)
    cli.write("app.lua", app)
  end)

  it("is refused by require, by name and by reload", function()
    local got = shell [[LUA_PATH='./?.lua;;' "$DYNSUP" run app.lua]]
    assert.equal(0, got.code)
    assert_has("false\tprecompiled code is not loaded unless package.bytecode is true (dynsup run --allow-bytecode)\n",
      got.out)
    assert_has("\nprecompiled code is not loaded\n", got.out)
    assert.is_nil(got.out:find "ran")
  end)

  it("is none where a mistake in a text only names it", function()
    cli.write("code.lua", "return 1 'attempt to load a binary chunk (mode is)'")
    local got = shell [[LUA_PATH='./?.lua;;' "$DYNSUP" run app.lua]]
    cli.assert_lacks("precompiled", got.out .. got.err)
    assert_has("code.lua:1: <eof> expected near", got.out)
  end)

  it("is loaded with --allow-bytecode", function()
    local got = shell [[LUA_PATH='./?.lua;;' "$DYNSUP" run --allow-bytecode app.lua]]
    assert_has("ran\ntrue\ttrue\n", got.out)
  end)

  it("is loaded where package.bytecode is true", function()
    cli.write("app.lua", "package.bytecode = true " .. app)
    assert_has("ran\ntrue\ttrue\n", shell([[LUA_PATH='./?.lua;;' "$DYNSUP" run app.lua]]).out)
  end)
end)
