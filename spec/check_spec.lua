-- `dynsup check`: what it says of scripts, and what it does not run.

local cli = require "spec.support.cli"

local run, shell = cli.run, cli.shell
local assert_ended, assert_has, assert_said = cli.assert_ended, cli.assert_has, cli.assert_said

local PRELUDE = 'local dynsup = require "dynsup"\n'

-- Checks a script, whose first line is the prelude.
local function check(text, ...)
  cli.write("script.lua", PRELUDE .. text)
  return run("check", "script.lua", ...)
end

-- It said these lines, no others, and how many specs there were; code is 1 if any is no note.
local function assert_told(lines, specs, got)
  local expected, mistakes = "", 0
  for _, line in ipairs(lines) do
    expected = expected .. "script.lua:" .. line .. "\n"
    mistakes = mistakes + (line:find "^%d+: note: " and 0 or 1)
  end
  assert.equal(expected, got.err)
  local summary = ("%d child spec%s checked: %s\n"):format(specs, specs == 1 and "" or "s",
    mistakes == 0 and "all right" or ("%d mistake%s"):format(mistakes, mistakes == 1 and "" or "s"))
  assert.equal(summary, got.out:match "[^\n]*\n$")
  assert_ended(mistakes == 0 and 0 or 1, got)
end

local WAITS = ": note: the main process waits here for what no check brings: what follows was not checked"

cli.describe("dynsup check tells of a spec", function()
  local A_CHILD = "a child is a spec, a module with child_spec, { module, arg } or a function"
  local MFA = 'body and start are a function or "module:function"; args is a list, with n if it holds nils'
  local specs = {
    { "42", "invalid_child_spec: 42: " .. A_CHILD },
    { '"worker"', 'invalid_child_spec: "worker": that is neither a field of a child spec nor a child' },
    { "{ body = print, restrat = 1 }",
      'invalid_child_spec: "restrat": there is no such field: did you mean restart?' },
    { "{ body = print, fnord = 1 }",
      'invalid_child_spec: "fnord": that is neither a field of a child spec nor a child' },
    { "{ id = 1 }", "invalid_child_spec: { id = 1 }: it has neither body nor start, and no child_spec" },
    { "{ body = print, start = print }", 'invalid_child_spec: "start": it has both body and start' },
    { "{ start = print, name = 'x' }", 'invalid_child_spec: "name": name goes with body, not with start' },
    { "{ start = print, ready = true }", 'invalid_child_spec: "ready": ready goes with body, not with start' },
    { "{ body = 7 }", "invalid_mfa: 7: " .. MFA },
    { "{ body = print, args = 1 }", "invalid_mfa: 1: " .. MFA },
    { "{ body = print, restart = 'always' }",
      'invalid_restart_type: "always": restart is "permanent", "transient" or "temporary"' },
    { "{ body = print, shutdown = -1 }",
      'invalid_shutdown: -1: shutdown is milliseconds >= 0, "infinity" or "brutal_kill"' },
    { "{ body = print, type = 'servant' }", 'invalid_child_type: "servant": type is "worker" or "supervisor"' },
    { "{ body = print, name = '' }", 'invalid_name: "": a name is a nonempty string, or { registry, key }' },
    { "{ body = print, ready = 1 }", "invalid_ready: 1: ready is true or false" },
    { "{ body = print, start_timeout = 'x' }",
      'invalid_start_timeout: "x": start_timeout is milliseconds >= 0 or "infinity"' },
    { "{ body = print, backoff = { min = -1 } }", "invalid_backoff: { min = -1 }: backoff is true, false, or a "
      .. "table with min, max, factor, jitter and reset_after" },
    { "{ body = print, max_restores = 0 }",
      'invalid_max_restores: 0: max_restores is a whole number > 0 or "infinity"' },
    { "{ body = print, max_memory = '1M' }",
      'invalid_max_memory: "1M": max_memory is a whole number of bytes > 0 or "infinity"' },
    { "{ body = 'm:f', env = 'public' }",
      'invalid_env: "public": env is "private" or { allow = { names } }, with a body by "module:function"' },
    { "{ nil, 1 }", "invalid_child_spec: { module, arg }: the module is nil, not a table with a function child_spec" },
    { "{ body = print, modules = 1 }", 'invalid_modules: 1: modules is a list or "dynamic"' },
    { "{ body = print, significant = true }", "invalid_significant: true: significant is true or false, and true "
      .. "only under a static supervisor with auto_shutdown" },
  }

  it("that is wrong, with its place, the value and what to do, whoever ignores it", function()
    local text, lines = "local sup = dynsup.start_link()\n", {}
    for i, spec in ipairs(specs) do
      text = text .. ("dynsup.start_child(sup, %s)\n"):format(spec[1])
      lines[i] = ("%d: start_child: %s"):format(i + 2, spec[2])
    end
    assert_told(lines, #specs, check(text))
  end)

  it("in the same way for ensure_child", function()
    assert_told({ '3: ensure_child: invalid_restart_type: "x": restart is "permanent", "transient" or "temporary"' }, 1,
      check [[
local sup = dynsup.start_link()
dynsup.ensure_child(sup, { body = print, name = "x", restart = "x" })]])
  end)

  it("that is right with a word for each, and no more", function()
    assert_told({}, 0, check "")
    assert_told({}, 1, check "dynsup.start_child(dynsup.start_link(), print)")
  end)

  it("with a heap of its own, which is not opened", function()
    assert_told({ "7: start_child: invalid_mfa: a function at args[1] cannot travel to another heap" }, 4,
      check [[
local sup = dynsup.start_link()
local name = "string:rep"
dynsup.start_child(sup, { body = name, heap = "own", max_memory = 8000000, args = { "x", 2 } })
dynsup.ensure_child(sup, { body = name, heap = "own", max_memory = 8000000, name = "it" })
dynsup.supervisor.start_link({ { id = 1, body = name, heap = "own", max_memory = 8000000 } })
dynsup.start_child(sup, { body = name, heap = "own", args = { print } })]])
  end)

  it("under a supervisor whose children would have other heaps", function()
    local named = 'what runs in another heap is named "module:function": a function value belongs to its own'
    assert_told({
      "5: start_child: xx", -- what that start function makes of the extra arguments
      "6: start_child: invalid_mfa: " .. named,
      "7: start_child: invalid_mfa: a function at args[1] cannot travel to another heap",
      "8: ensure_child: invalid_mfa: " .. named,
      "15: start_child: invalid_mfa: " .. named,
    }, 7, check [[
local name = "string:rep"
local sup = dynsup.start_link { heaps = 2, extra_arguments = { "x", 2 } }
dynsup.start_child(sup, { body = name, restart = "temporary" })
dynsup.start_child(sup, { start = "string:rep" })
dynsup.start_child(sup, { body = print })
dynsup.start_child(sup, { body = name, args = { print } })
dynsup.ensure_child(sup, { body = function() end, name = "it" })
local bare = dynsup.start_link {
  name = "bare",
  heaps = 1,
  heap_memory = 4000000,
}
dynsup.start_child(bare, name)
dynsup.start_child("bare", print)]])
  end)

  it("once, however often it comes", function()
    assert_told({ "4: start_child: invalid_ready: 1: ready is true or false" }, 3, check [[
local sup = dynsup.start_link()
for _ = 1, 3 do
  dynsup.start_child(sup, { body = print, ready = 1 })
end]])
  end)

  it("of a module, also one whose child_spec fails", function()
    assert_told({
      '4: start_child: invalid_child_type: "x": type is "worker" or "supervisor"',
      "5: start_child: invalid_child_spec: 5: " .. A_CHILD,
    }, 3, check [[
local sup = dynsup.start_link()
local function module(spec) return { child_spec = function(arg) return arg or spec end } end
dynsup.start_child(sup, module { body = print, type = "x" })
dynsup.start_child(sup, { module(), 5 })
print(pcall(dynsup.start_child, sup, { child_spec = function() error "no spec" end }))]])
  end)
end)

cli.describe("dynsup check tells of supervisors", function()
  it("whose options are wrong", function()
    assert_told({
      "2: start_link: invalid_intensity: -1: max_restarts is a whole number >= 0",
      '3: start_link: invalid_strategy: "one_for_all": strategy is "one_for_one", or of a static supervisor also '
        .. '"one_for_all" or "rest_for_one"',
      "4: start_link: invalid_period: 0: max_seconds is a number > 0 and < 1e12",
      '5: start_link: invalid_max_children: "many": max_children is a whole number >= 0 or "infinity"',
      "6: start_link: invalid_extra_arguments: 1: extra_arguments is a list, with n if it holds nils",
      '7: start_link: invalid_option: "nam": there is no such option',
      '8: start_link: invalid_auto_shutdown: "x": auto_shutdown is "never", "any_significant" or "all_significant"',
      '9: start_link: invalid_timeout: "x": timeout is milliseconds >= 0 or "infinity"',
      '10: start_link: invalid_keys: nil: keys is "unique" or "duplicate"',
      "11: start_link: invalid_name: 7: a name is a nonempty string, or { registry, key }",
    }, 0, check [[
dynsup.start_link { max_restarts = -1 }
dynsup.start_link { strategy = "one_for_all" }
dynsup.start_link { max_seconds = 0 }
dynsup.start_link { max_children = "many" }
dynsup.start_link { extra_arguments = 1 }
dynsup.start_link { nam = "x" }
dynsup.supervisor.start_link({}, { auto_shutdown = "x" })
dynsup.server.start_link({}, nil, { timeout = "x" })
dynsup.registry.start_link {}
dynsup.start_link { name = 7 }]])
  end)

  it("that are static, with each of their children", function()
    assert_told({
      "2: start_link: missing_id: { body = function: builtin, restart = \"temporary\" }: "
        .. "a child of a static supervisor has an id",
      "3: start_link: duplicate_child_name: 1: each child of a static supervisor has an id of its own",
      '4: start_link: bad_combination: { auto_shutdown = "never", significant = true }: significant needs '
        .. "auto_shutdown, and another restart than permanent",
      "5: start_link: invalid_ready: 0: ready is true or false",
    }, 8, (function()
      local got = check [[
dynsup.supervisor.start_link { { body = print, restart = "temporary" } }
dynsup.supervisor.start_link { { id = 1, body = print }, { id = 1, body = print } }
dynsup.supervisor.start_link { { id = 1, body = print, significant = true, restart = "temporary" } }
dynsup.supervisor.start_link { { id = 1, body = print }, { id = 2, body = print, ready = 0 }, print }
local sup = dynsup.supervisor.start_link { print }
assert(dynsup.supervisor.count_children(sup).active == 1)]]
      got.err = got.err:gsub("builtin: 0x%x+", "builtin")
      return got
    end)())
  end)

  it("that are nested, by the child that did not start and why", function()
    assert_told({
      '2: start_link: child "outer" did not start: child "inner" did not start: invalid_intensity: "x": '
        .. "max_restarts is a whole number >= 0",
      "7: start_child: invalid_period: -1: max_seconds is a number > 0 and < 1e12",
    }, 3, check [[
dynsup.supervisor.start_link {
  { id = "outer", start = dynsup.supervisor.start_link, args = { {
    { id = "inner", start = dynsup.start_link, args = { { max_restarts = "x" } } },
  } } },
}
dynsup.start_child(dynsup.start_link(), { dynsup, { max_seconds = -1 } })]])
  end)

  it("of modules: init is called, and what it returns validated", function()
    assert_told({
      "4: start_link: invalid_period: 0: max_seconds is a number > 0 and < 1e12",
      "5: start_link: bad_return: 5: a start function returns a pid, or nil and a reason; init what dynsup.init or "
        .. "supervisor.init returns",
      "7: start_link: invalid_ready: 1: ready is true or false",
    }, 1, check [[
local function module(f) return { init = f } end
assert(select(2, dynsup.start_link(module(function() return "ignore" end), 1)) == "ignore")
dynsup.start_link(module(function(seconds) return dynsup.init { max_seconds = seconds } end), 0)
dynsup.start_link(module(function() return 5 end), 1)
local children = { { id = 1, body = print, ready = 1 } }
dynsup.supervisor.start_link(module(function() return dynsup.supervisor.init(children) end))]])
  end)

  it("whose start function fails, with the traceback of its error", function()
    local got = check [[
local sup = dynsup.start_link()
dynsup.start_child(sup, { start = function() return nil, "no luck", { code = 3 } end })
dynsup.start_child(sup, { start = function() end })
dynsup.start_child(sup, { start = function() return "ignore" end })
dynsup.start_child(sup, { start = function() error "boom" end })]]
    assert_ended(1, got)
    assert_has("script.lua:3: start_child: no luck: { code = 3 }\n", got.err)
    assert_has("script.lua:4: start_child: bad_return: a start function returns ", got.err)
    assert_has("script.lua:6: start_child: script.lua:6: boom\nstack traceback:\n", got.err)
    assert.equal("4 child specs checked: 3 mistakes\n", got.out)
  end)

  it("in the line of the start function itself, and in that of who wanted the child", function()
    assert_told({
      "4: start_link: invalid_period: 0: max_seconds is a number > 0 and < 1e12",
      "7: start_child: invalid_period: max_seconds is a number > 0 and < 1e12",
    }, 1, check [[
local sup = dynsup.start_link()
local function start()
  local pid, reason = dynsup.start_link { max_seconds = 0 }
  return pid, reason
end
dynsup.start_child(sup, { start = start })]])
  end)
end)

cli.describe("dynsup check looks for bodies by name", function()
  it("and tells which are not there, in the line that declares them", function()
    cli.write("broken.lua", "return = 1")
    cli.write("there.lua", "return { f = function() error 'it runs' end, g = 1 }")
    cli.write("script.lua", PRELUDE .. [[
local sup = dynsup.start_link()
dynsup.start_child(sup, { body = "there:f", ready = true })
dynsup.start_child(sup, "there:g")
dynsup.start_child(sup, "there:h")
dynsup.start_child(sup, "nowhere:f")
dynsup.start_child(sup, { body = "broken:f", restart = "transient" })
dynsup.supervisor.start_link {
  { id = "sub", start = dynsup.supervisor.start_link, args = { { { id = 1, body = "there:i" } } } },
}
dynsup.spawn "there:j"
dynsup.start_child(sup, { start = "there:k" })]])
    local got = shell [[LUA_PATH="./?.lua" "$DYNSUP" check script.lua]]
    got.err = got.err:gsub("(12: start_child: [^\n]*)\nstack traceback:\n[^s]*", "%1\n")
    assert_told({
      "12: start_child: no function 'k' in module of 'there:k'",
      "4: body: no function 'g' in module of 'there:g'",
      "5: body: no function 'h' in module of 'there:h'",
      "6: body: module 'nowhere' not found",
      "7: body: error loading module 'broken' from file './broken.lua': ./broken.lua:1: unexpected symbol near '='",
      "8: body: no function 'i' in module of 'there:i'",
      "11: body: no function 'j' in module of 'there:j'",
    }, 8, got)
  end)
end)

cli.describe("dynsup check runs", function()
  it("no worker, no server, no task, and none of their close handlers", function()
    assert_told({}, 6, check [[
local function worker()
  print "a worker runs"
end
local server = { init = function() print "init runs" end, handle_call = worker, handle_cast = worker,
  handle_info = worker, terminate = worker }
dynsup.server.use(server)
local sup = dynsup.start_link()
dynsup.spawn(worker)
dynsup.spawn_link(worker)
dynsup.spawn_monitor(worker)
dynsup.start_child(sup, { body = worker, restart = "temporary" })
dynsup.start_child(sup, { body = worker, ready = true, start_timeout = 1 })
dynsup.start_child(sup, server)
dynsup.start_child(sup, { dynsup.server, server })
assert(dynsup.server.start_link(server, 1, { name = "server", timeout = 1 }))
dynsup.task.async(worker)
assert(dynsup.task.async_nolink(sup, worker))
assert(dynsup.task.start_child(sup, worker))
dynsup.observe(nil, worker)
dynsup.send("server", "message")
dynsup.server.cast("server", "request")
dynsup.sleep(1000)
dynsup.stop(sup)]])
  end)

  it("main, to whom everything that it has started is there", function()
    local got = check([[
local sup = dynsup.start_link { name = "pool" }
local pid = assert(dynsup.start_child(sup, { id = 1, name = "worker", body = function() end, ready = true }))
print(dynsup.whereis "worker" == pid, dynsup.is_alive(pid), dynsup.count_children("pool").active)
print(dynsup.info(pid).supervisor == sup, dynsup.info(pid).status)
print(dynsup.ensure_child(sup, { name = "worker", body = function() end }) == pid)
dynsup.send_after(60000, dynsup.self(), "later")
print(dynsup.receive(1), dynsup.now() >= 60000)
print(dynsup.receive(0))
print(dynsup.terminate_child(sup, "worker"), dynsup.is_alive(pid))
print(...)]], "a", "b")
    assert.equal("true\ttrue\t1\ntrue\tidle\ntrue\nlater\ttrue\nnil\ttimeout\ntrue\tfalse\na\tb\n"
      .. "2 child specs checked: all right\n", got.out)
    assert.equal("", got.err)
    assert_ended(0, got)
  end)

  it("main up to where it waits for what does not come, and says where", function()
    local waits = {
      "dynsup.receive()", "dynsup.receive(1000)", 'dynsup.receive_match("x", 5)', 'dynsup.sleep "infinity"',
      'dynsup.server.call(dynsup.spawn(print), "x")', "dynsup.task.await(dynsup.task.async(print))",
      "dynsup.await(function() end, 10)", "while true do dynsup.sleep(1000) end",
      "while not dynsup.whereis 'x' do dynsup.yield() end", "while true do dynsup.sleep(0) end",
      'dynsup.net.connect("localhost", 80)', 'dynsup.http.get("http://localhost/")',
      "dynsup.run(function() end)", 'dynsup.net.listen("127.0.0.1", 80):accept():read "line"',
      'dynsup.start_child(dynsup.start_link(), dynsup.receive) dynsup.receive()',
    }
    for _, wait in ipairs(waits) do
      local got = check('local function f()\n  ' .. wait .. '\nend\nf()\nprint "not reached"\nerror "no"')
      assert.equal("script.lua:3" .. WAITS .. "\n", got.err, wait)
      assert.matches("^%d child specs? checked: all right\n$", got.out)
      assert_ended(0, got)
    end
  end)

  it("start functions up to where they wait, and says where, too", function()
    assert_told({
      "3: note: a start function waits here for what no check brings: what follows was not checked",
      "5" .. WAITS,
    }, 2, check [[
local function start()
  dynsup.receive()
end
dynsup.supervisor.start_link {
  { id = 1, body = print },
  { id = 2, start = start },
}]])
  end)

  it("none of main after that, not even one that traps exits", function()
    assert_told({ "6" .. WAITS }, 1, check [[
dynsup.flag("trap_exit", true)
local sup = dynsup.start_link()
dynsup.start_child(sup, print)
while true do
  local got = dynsup.receive()
  print(got)
  dynsup.start_child(sup, { ready = 1 })
end]])
  end)

  it("without a port or a peer: a listener has one connection, so that its worker is checked", function()
    assert_told({
      "5: start_child: invalid_shutdown: \"x\": shutdown is milliseconds >= 0, \"infinity\" or \"brutal_kill\"",
    }, 1, check [[
local sup = dynsup.start_link()
local listener <close> = assert(dynsup.net.listen("localhost", 80, { nodelay = true }))
print(listener:sockname())
print(dynsup.net.serve(listener, sup, { body = function() end, shutdown = "x" }))
assert(select(2, dynsup.net.listen("127.0.0.1", 80, { nodelai = true })) == "invalid_option")]])
    assert_told({ "3" .. WAITS }, 1, check [[
local listener = dynsup.net.listen "./a/socket"
dynsup.net.serve(listener, dynsup.start_link(), function() end)]])
  end)

  it("what files need", function()
    assert_told({}, 0, check [[assert(dynsup.fs.read("script.lua"):find "dynsup")]])
  end)
end)

cli.describe("dynsup check notes what may be right in a run", function()
  it("names that are taken, places that are, and supervisors that a worker may be", function()
    assert_told({
      "4: note: start_child: already_started: <0.3.0>: somebody has the name or key, who in a run may have ended "
        .. "before",
      "6: note: start_child: max_children: no child ends in a check; in a run one may have",
      "7: note: start_child: noproc: nobody has that name, unless a worker, which does not run in a check, takes it",
    }, 5, check [[
local sup = dynsup.start_link()
dynsup.start_child(sup, { name = "x", body = function() end })
dynsup.start_child(sup, { name = "x", body = function() end })
local full = dynsup.start_link { max_children = 1 }
for _ = 1, 2 do dynsup.start_child(full, function() end) end
dynsup.start_child("fnord", function() end)]])
  end)

  it("but not a supervisor that nobody can be", function()
    assert_told({ "3: start_child: not_a_supervisor: that process is none",
      "2: start_child: noproc: nobody has that name" }, 2, check [[
dynsup.start_child("fnord", function() end)
dynsup.start_child(dynsup.self(), function() end)]])
  end)
end)

cli.describe("dynsup check ends with", function()
  it("1 and the traceback, where main fails", function()
    local got = check "local function f() error 'boom' end\nf()"
    assert_ended(1, got)
    assert.matches("^script.lua:2: boom\nstack traceback:\n.*script.lua:3: in", got.err)
    assert.equal("0 child specs checked: 1 mistake\n", got.out)
  end)

  it("1 where main exits with a reason, or by a code", function()
    local got = check "dynsup.exit 'oops'"
    assert.equal("script.lua: main: the main process ended: oops\n", got.err)
    assert_ended(1, got)
    assert_told({ "3: halt: the script ends itself with the code 3" }, 0, check "\ndynsup.halt(3)")
    assert_told({ "2: halt: the script ends itself with the code 1" }, 0, check "os.exit(false)")
    assert_told({}, 0, check "dynsup.halt()")
    assert_told({}, 0, check "dynsup.exit 'normal'")
  end)

  it("1 and one line for a syntax error", function()
    local got = check "x = = 2"
    assert.same({ "script.lua:2: unexpected symbol near '='\n", "" }, { got.err, got.out })
    assert_ended(1, got)
  end)

  it("2 for a file that cannot be read, and for misuse", function()
    assert_said(2, "cannot open none.lua: No such file or directory", run("check", "none.lua"))
    assert_said(2, "check needs a FILE: see 'dynsup help check'", run "check")
    assert_said(2, "check needs a FILE: see 'dynsup help check'", run("check", ""))
    assert_said(2, "unknown option '--fnord': see 'dynsup help check'", run("check", "--fnord", "x"))
    assert_said(2, "unknown command 'chekc': did you mean 'check'?", run "chekc")
  end)

  it("what it has found in a script from the standard input", function()
    cli.write("script.lua", PRELUDE .. "dynsup.start_link { max_seconds = 0 }")
    local got = shell [["$DYNSUP" check - <script.lua]]
    assert.equal("stdin:2: start_link: invalid_period: 0: max_seconds is a number > 0 and < 1e12\n", got.err)
    assert_ended(1, got)
  end)
end)

describe("dynsup check finds nothing wrong in", function()
  local program = require "spec.support.program"
  local arguments = {
    ["examples/duper/main.lua"] = "examples",
    ["examples/crawler/main.lua"] = "http://127.0.0.1:9/",
  }

  for script in assert(io.popen "ls examples/*.lua examples/*/main.lua"):lines() do
    it(script, function()
      local folder = program.folder()
      local here = program.quote(assert(os.getenv "PWD"))
      local words = script .. " " .. (arguments[script] or "")
      local got = program.shell(folder, ('cd %s && "$DYNSUP" check %s'):format(here, words))
      program.remove_folder(folder)
      assert.matches("%d+ child specs? checked: all right\n$", got.out)
      assert.equal(0, got.code, got.err)
      for line in got.err:gmatch "[^\n]+" do assert.matches(": note: ", line) end
    end)
  end
end)

describe("dynsup check", function()
  it("knows what to do about each spec and option that is refused", function()
    require "dynsup"
    local text = require "dynsup.check_text"
    local pipe <close> = assert(io.popen "cat bindings/child/spec.c bindings/child/options.c bindings/server/server.c")
    local count = 0
    for reason in pipe:read "a":gmatch '"(invalid_[%w_]+)"' do
      assert(text.failure(reason, 1) ~= reason .. ": 1", "nothing is said about " .. reason)
      count = count + 1
    end
    assert(count > 15)
  end)
end)
