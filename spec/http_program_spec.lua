-- dynsup.http where libcurl is not installed, and where names are resolved slowly.

local cli = require "spec.support.cli"
local example = require "spec.support.example"

local PRELOAD = "spec/support/preload.c"

cli.describe("http in a program", function()
  local folder, library

  setup(function()
    folder = example.shell("mktemp -d"):match "%S+"
    library = folder .. "/preload.so"
    assert.equal("", example.shell(("cc -shared -fPIC -o %s %s 2>&1"):format(library, PRELOAD)))
  end)

  teardown(function() example.shell("rm -rf " .. folder) end)

  -- A sanitizer wants to be loaded first: it is told that this is all right.
  local function run(text, environment)
    cli.write("script.lua", text)
    local before = "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=" .. library
    return cli.shell(("%s %s exec \"$DYNSUP\" run script.lua"):format(before, environment or ""))
  end

  it("says what is to be installed when libcurl is not there", function()
    local got = run([[
      local ok, err = pcall(require, "dynsup.http")
      print(ok, err)
      print(pcall(function() return require("dynsup").http end) )]], "PRELOAD_NO_CURL=1")
    cli.assert_ended(0, got)
    local said = "false\t[^\n]*dynsup.http needs libcurl, the Debian package libcurl4: libcurl%-is%-not%-there"
    assert.matches("^" .. said .. "[^\n]*\n" .. said, got.out)
  end)

  it("lets others go on while libcurl is being loaded", function()
    local got = run([[
      local dynsup = require "dynsup"
      local ticks = 0
      dynsup.spawn(function() while true do dynsup.sleep(10) ticks = ticks + 1 end end)
      local pid, ref = dynsup.spawn_monitor(function() return require "dynsup.http" end)
      dynsup.sleep(10)
      dynsup.exit(pid, "kill")
      print(select(4, dynsup.receive()))
      print(type(require("dynsup.http").get), ticks > 20)
      dynsup.halt()]], "PRELOAD_SLOW_CURL=1")
    assert.equal("killed\nfunction\ttrue\n", got.out)
    cli.assert_ended(0, got)
  end)

  it("lets a run end while libcurl is being loaded", function()
    local got = run([[
      local dynsup = require "dynsup"
      dynsup.spawn(function() return require "dynsup.http" end)
      dynsup.sleep(20)
      dynsup.halt(3)]], "PRELOAD_SLOW_CURL=1")
    cli.assert_ended(3, got)
  end)

  it("does not wait for the resolving of a name when its time is over, its process or the run ends", function()
    local got = run [[
      local dynsup = require "dynsup"
      local http = require "dynsup.http"
      local before = dynsup.now()
      local url = "http://slow.example/"
      print(select(2, http.get(url, { timeout = 50, proxy = "" })))
      local pid, ref = dynsup.spawn_monitor(http.get, url, { proxy = "" })
      dynsup.sleep(20)
      dynsup.exit(pid, "kill")
      print(select(4, dynsup.receive()))
      dynsup.spawn(http.get, url, { proxy = "" })
      dynsup.sleep(20)
      print(dynsup.now() - before < 1500)
      dynsup.halt()]]
    assert.matches("^timeout\t[^\n]*\nkilled\ntrue\n$", got.out)
    cli.assert_ended(0, got)
  end)

  it("fails when the resolving fails", function()
    local got = run [[
      print(select(2, require("dynsup.http").get("http://slow.example/", { proxy = "" })))]]
    assert.matches("^couldnt_resolve_host\t", got.out)
  end)
end)
