-- What `dynsup check` says where main ends, or where a value tells little by itself.

local cli = require "spec.support.cli"

local PRELUDE = 'local dynsup = require "dynsup"\n'

-- What it says of a script whose first line is the prelude, and its last line on stdout.
local function check(text, ...)
  cli.write("script.lua", PRELUDE .. text)
  local words = { "check", ... }
  words[#words + 1] = "script.lua"
  local got = cli.run(table.unpack(words))
  got.summary = got.out:match "([^\n]*)\n$"
  return got
end

local OPTION = 'script.lua:2: start_link: invalid_option: "max_restart": there is no such option\n'
local SPEC = 'script.lua:%d: start_child: invalid_child_spec: "boby": there is no such field: did you mean body?\n'

cli.describe("dynsup check tells a mistake once", function()
  it("where main ends by an assert of it", function()
    local got = check "assert(dynsup.start_link { max_restart = 3 })"
    assert.same({ OPTION, "0 child specs checked: 1 mistake" }, { got.err, got.summary })
    cli.assert_ended(1, got)
    got = check "local sup = dynsup.start_link()\nassert(\n  dynsup.start_child(sup, { boby = print }))"
    assert.same({ SPEC:format(4), "1 child spec checked: 1 mistake" }, { got.err, got.summary })
  end)

  it("also that there is no such supervisor", function()
    local got = check "assert(dynsup.start_child('nosuch', { body = dynsup.sleep }))"
    assert.equal("script.lua:2: start_child: noproc: nobody has that name\n", got.err)
    assert.equal("1 child spec checked: 1 mistake", got.summary)
    cli.assert_ended(1, got)
  end)

  it("where main exits with its reason", function()
    local got = check "local _, why = dynsup.start_link { max_restart = 3 }\ndynsup.exit(why)"
    assert.same({ OPTION, "0 child specs checked: 1 mistake" }, { got.err, got.summary })
  end)

  it("also where the reason is a table", function()
    local got = check [[
local sup = dynsup.start_link()
assert(dynsup.start_child(sup, { start = function() return nil, { "no" } end }))]]
    assert.equal('script.lua:3: start_child: { "no" }\n', got.err)
    assert.equal("1 child spec checked: 1 mistake", got.summary)
  end)

  it("and another one where main goes on and ends by something else", function()
    local got = check "dynsup.start_link { max_restart = 3 }\nerror 'other'"
    assert.equal(OPTION .. "script.lua:3: other\n", got.err:match "^(.-)stack")
    assert.equal("0 child specs checked: 2 mistakes", got.summary)
    got = check "dynsup.start_link { max_restart = 3 }\ndynsup.start_link()\nerror 'invalid_option'"
    assert.equal("0 child specs checked: 2 mistakes", got.summary)
  end)
end)

cli.describe("dynsup check ends well behind a note", function()
  local ENDS = "script.lua:%d: note: the main process ends by that: what follows was not checked\n"
  local FULL = "script.lua:%d: note: start_child: max_children: no child ends in a check; in a run one may have\n"

  -- It said these lines, all of them notes, of so many specs.
  local function assert_noted(expected, specs, got)
    assert.equal(expected, got.err)
    assert.equal(("%d child spec%s checked: all right"):format(specs, specs == 1 and "" or "s"), got.summary)
    cli.assert_ended(0, got)
  end

  it("where main ends by an assert of it", function()
    assert_noted(FULL:format(3) .. ENDS:format(3), 2, check [[
local sup = dynsup.start_link { max_children = 1 }
for _ = 1, 2 do assert(dynsup.start_child(sup, { body = print, restart = "temporary" })) end]])
    local got = check [[
local sup = dynsup.start_link()
for _ = 1, 2 do
  local pid, why = dynsup.start_child(sup, { body = print, name = "x" })
  if not pid then error("no child: " .. why) end
end]]
    assert.matches("^script.lua:4: note: start_child: already_started: [^\n]*\n" .. ENDS:format(5) .. "$", got.err)
    cli.assert_ended(0, got)
  end)

  it("where main exits with its reason", function()
    assert_noted(FULL:format(3) .. ENDS:format(3), 1, check [[
local sup = dynsup.start_link { max_children = 0 }
local _, why = dynsup.start_child(sup, print)
dynsup.exit(why)]])
  end)

  it("where a worker would take the name of the supervisor", function()
    local lines = "script.lua:4: note: start_child: noproc: nobody has that name, unless a worker, which does not run "
      .. "in a check, takes it\n" .. ENDS:format(4)
    assert_noted(lines, 2, check [[
local sup = dynsup.start_link()
dynsup.start_child(sup, { body = function() dynsup.start_link { name = "pool" } dynsup.ready() end, ready = true })
assert(dynsup.start_child("pool", print))]])
  end)

  it("also where that is in a start function, or in a child of a static supervisor", function()
    assert_noted(FULL:format(4) .. ENDS:format(6), 2, check [[
local sup, full = dynsup.start_link(), dynsup.start_link { max_children = 0 }
local function start()
  return assert(dynsup.start_child(full, print))
end
assert(dynsup.start_child(sup, { start = start }))]])
    local got = check [[
dynsup.start_child(dynsup.start_link(), { body = print, name = "x" })
assert(dynsup.supervisor.start_link { { id = 1, body = print, name = "x" } })]]
    assert.matches("^script.lua:3: note: start_link: child 1 did not start: already_started: ", got.err)
    assert.matches("\n" .. ENDS:format(3) .. "$", got.err)
    cli.assert_ended(0, got)
  end)
end)

cli.describe("dynsup check says", function()
  it("where it is, also of a script that has cleared arg", function()
    for _, clear in ipairs { "arg = nil", "arg[0] = nil", "arg = { [0] = 1 }" } do
      local got = check(clear .. "\ndynsup.exit 'x'")
      assert.equal("script.lua: main: the main process ended: x\n", got.err)
      assert.equal("0 child specs checked: 1 mistake", got.summary)
      cli.assert_ended(1, got)
    end
  end)

  it("how many specs there were, also behind an error that cannot be told", function()
    for _, raise in ipairs { "error", "function() error {} end" } do
      local got = check(("error(setmetatable({ code = 1 }, { __tostring = %s }))"):format(raise))
      assert.matches("^{ code = 1 }\nstack traceback:\n.*script.lua:2: in main chunk", got.err)
      assert.equal("0 child specs checked: 1 mistake\n", got.out)
      cli.assert_ended(1, got)
    end
    local own = "dynsup.exit(setmetatable({ traceback = 'mine' }, { __tostring = function() error(%s) end }))"
    assert.matches("^an error that cannot be told: why\nmine\n", check(own:format "'why', 0").err)
    assert.matches("^an error that cannot be told\nmine\n", check(own:format "{}").err)
  end)

  it("the same of one in a start function, and goes on", function()
    local got = check [[
local sup = dynsup.start_link()
dynsup.start_child(sup, { start = function() error(setmetatable({}, { __tostring = error })) end })
dynsup.start_child(sup, { boby = print })]]
    assert.matches("^script.lua:3: start_child: { }\nstack traceback:\n", got.err)
    cli.assert_has(SPEC:format(4), got.err)
    assert.equal("2 child specs checked: 2 mistakes", got.summary)
  end)

  it("nothing of how supervisors end with main, unless it is asked for", function()
    local text = "dynsup.start_link()\ndynsup.registry.start_link { name = 'r', keys = 'unique' }\nerror 'boom'"
    local got = check(text)
    assert.matches("^script.lua:4: boom\nstack traceback:\n", got.err)
    cli.assert_lacks("crashed", got.err)
    cli.assert_has("crashed", check(text, "--log-level", "info").err)
  end)

  it("what the script logs", function()
    local got = check "dynsup.log.warning 'from the script'"
    cli.assert_has("from the script", got.err)
    cli.assert_ended(0, got)
  end)
end)
