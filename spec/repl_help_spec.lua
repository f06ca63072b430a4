-- help() at the prompt: the reference.

local dynsup = require "dynsup"
local help = require "dynsup.repl.help"

local pages = {}
for file in assert(io.popen "cd docs && ls api.md api/*.md"):lines() do
  local page <close> = assert(io.open("docs/" .. file))
  pages[file] = page:read "a"
end

local function helped(topic)
  return help.text(pages, topic)
end

local function assert_begins(expected, text)
  assert.equal(expected, text:sub(1, #expected))
end

describe("help", function()
  it("says what Ctrl-D does, and attached what ends the host", function()
    local own, attached = helped(nil), help.text(pages, nil, 80, true)
    assert.is_truthy(own:find("\n  Ctrl-D                 ends: everything is stopped", 1, true))
    assert.is_nil(own:find("os.exit", 1, true))
    assert.is_truthy(attached:find("\n  Ctrl-D                 detaches: ", 1, true))
    assert.is_truthy(attached:find("\n  os.exit()              ends the host, ", 1, true))
    for line in attached:gmatch "[^\n]+" do
      assert.is_true(#line <= 80, line)
    end
  end)

  it("without a topic shows what there is", function()
    local text = helped(nil)
    assert_begins("Lines of Lua run here", text)
    assert.is_truthy(text:find("\nProcesses\n  spawn, spawn_link", 1, true))
    assert.is_truthy(text:find("\ndynsup.http: Functions\n  http.get, ", 1, true))
    for line in text:gmatch "[^\n]+" do
      assert.is_true(#line <= 80, line)
    end
  end)

  it("on a function is its entry, without marks", function()
    local text = helped(dynsup.start_child)
    assert_begins("start_child(sup, child)\nStarts a child.", text)
    assert.is_truthy(text:find("\n  Returns: its pid [, info]\n", 1, true))
    assert.is_nil(text:find("[`#]"))
    assert_begins("http.get(url [, options])\n", helped(dynsup.http.get))
  end)

  it("on a function with two entries is both", function()
    local text = helped(dynsup.exit)
    assert_begins("exit(reason)\n", text)
    assert.is_truthy(text:find("\n\nexit(dest, reason)\n", 1, true))
  end)

  it("on a name is the same", function()
    assert.equal(helped(dynsup.start_child), helped "start_child")
    assert.equal(helped(dynsup.start_child), helped "dynsup.start_child")
    assert.equal(helped(dynsup.start_child), helped "start_child(sup, child)")
    assert.equal(helped(dynsup.http.get), helped "http.get")
    assert_begins("net.socket:read(", helped "socket:read")
    assert_begins("net.socket:read(", helped "net.socket:read")
  end)

  it("on a part of a name is on all that have it, in their order", function()
    local read = helped "read"
    assert_begins("fs.file:read(", read)
    assert.is_truthy(read:find("\n\nfs.read(", 1, true))
    assert.is_truthy(read:find("\n\nnet.socket:read(", 1, true))
    assert.is_nil(read:find("net.socket:read_", 1, true))
    assert.equal(read, helped ".read")
  end)

  it("on a module has what its page says beside its functions, of which an entry tells", function()
    local http = helped "http"
    for _, title in ipairs { "Requests", "Options", "Responses", "Failures" } do
      assert.is_truthy(http:find("\n\ndynsup.http: " .. title .. "\n[^\n]", 1, false), title)
    end
    assert.is_truthy(http:find("\n  follow | 10 | how many redirects", 1, true))
    assert.is_nil(http:find("[`#]"))
    local get = helped "http.get"
    assert.is_truthy(get:find '\nhelp "http" tells of: Requests, Options, Responses, Failures\n$')
    assert.is_nil(helped(dynsup.exit):find("tells of", 1, true))
    assert.is_truthy(helped "net":find "dynsup.net: Sockets\n[^\n]")
  end)

  it("on a module tells of it and lists its functions", function()
    assert_begins("dynsup.log (or", helped(dynsup.log))
    assert.equal(helped(dynsup.log), helped "dynsup.log")
    assert.is_truthy(helped(dynsup.log):find("\n  log.error, log.warning", 1, true))
    assert.is_truthy(helped(dynsup):find("\nProcesses\n  spawn, ", 1, true))
  end)

  it("on anything else says so", function()
    assert_begins("There is no help on nothing: ", helped "nothing")
    assert_begins("There is no help on function: ", helped(print))
    assert_begins("There is no help on 5: ", helped(5))
  end)

  it("finds every function of dynsup", function()
    for name, value in pairs(dynsup) do
      if type(value) == "function" then
        assert_begins(name, helped(value))
      end
    end
  end)
end)
