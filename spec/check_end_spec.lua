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

cli.describe("dynsup check says", function()
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
