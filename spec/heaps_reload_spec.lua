-- dynsup.reload among heaps: a module has its new code in all heaps that have it, or in none.

local heaps = require "spec.support.heaps"
local host = require "spec.support.host"
local dynsup = require "dynsup"

local ask, heap_of, serving = heaps.ask, heaps.heap_of, heaps.serving

local NAME = "spec_reloaded" -- a module in a file: further heaps have no other searchers

local folder, path

local function write(text)
  local file <close> = assert(io.open(folder .. "/" .. NAME .. ".lua", "w"))
  file:write(text)
end

-- A module with a version, and a worker that serves; before it is complete it runs more.
local function version(n, more)
  write(([[
    local M = {}
    function M.version() return %d end
    M.run = require("spec.support.heap_worker").serve
    %s
    return M
  ]]):format(n, more or ""))
end

local VERSION = ("return require('%s').version()"):format(NAME)
local HAS = ("return package.loaded['%s'] ~= nil"):format(NAME)
local RELOAD = ("return require('dynsup').reload('%s')"):format(NAME)

-- Two workers in two heaps that have the module in this version, and one in a third that has it not.
local function three(sup)
  local pids = { serving(sup), serving(sup), serving(sup) }
  for i = 1, 2 do
    ask(pids[i], "eval", VERSION)
  end
  return table.unpack(pids)
end

local function process_counts()
  local counts = {}
  for i, row in ipairs(dynsup.heaps()) do
    counts[i] = row.processes or false
  end
  return counts
end

local function kept_counts(f, ...)
  local before = process_counts()
  local results = table.pack(f(...))
  dynsup.sleep(1)
  assert.same(before, process_counts())
  return table.unpack(results, 1, results.n)
end

local function main(f)
  return host.main(function()
    version(1)
    f(heaps.supervisor { heaps = 3 })
  end, { log_level = "off" })
end

describe("reload among heaps", function()
  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    path = package.path
    package.path = folder .. "/?.lua;" .. path
  end)

  after_each(function()
    package.path = path
    package.loaded[NAME] = nil
    os.execute("rm -r " .. folder)
  end)

  it("gives the module its new code wherever it has been loaded", main(function(sup)
    local first, second, third = three(sup)
    local module = require(NAME)
    version(2)
    assert.same({ 0, 0 }, { kept_counts(dynsup.reload, NAME) })
    assert.equal(2, module.version())
    assert.equal(2, ask(first, "eval", VERSION))
    assert.equal(2, ask(second, "eval", VERSION))
    assert.is_false(ask(third, "eval", HAS))
  end))

  it("leaves tables in other heaps the same tables", main(function(sup)
    local pid = serving(sup)
    ask(pid, "eval", ("_G.held = require '%s'"):format(NAME))
    version(2)
    dynsup.reload(NAME)
    assert.same({ 2, true }, { ask(pid, "eval", ("return held.version(), held == require '%s'"):format(NAME)) })
  end))

  it("restarts children in their heaps, with the new code", main(function(sup)
    local pids, old = {}, {}
    for i = 1, 3 do
      pids[i] = serving(sup, { body = NAME .. ":run", name = "w" .. i })
      old[i] = heap_of(pids[i])
    end
    version(2)
    assert.same({ 3, 0 }, { kept_counts(dynsup.reload, NAME) })
    for i = 1, 3 do
      local pid = dynsup.whereis("w" .. i)
      assert.not_equal(pids[i], pid)
      assert.equal(old[i], heap_of(pid))
      assert.equal(2, ask(pid, "eval", VERSION))
    end
  end))

  it("gives children with heaps of their own the new code", main(function(sup)
    local pid = serving(dynsup.start_link(), { body = NAME .. ":run", heap = "own", name = "w" })
    local held = serving(dynsup.start_link(), { body = heaps.SERVE, heap = "own" })
    ask(held, "eval", VERSION)
    version(2)
    assert.same({ 1, 0 }, { dynsup.reload(NAME) })
    assert.is_false(dynsup.is_alive(pid))
    assert.equal(2, ask(dynsup.whereis "w", "eval", VERSION))
    assert.equal(2, ask(held, "eval", VERSION))
    dynsup.stop(sup)
  end))

  it("does the same when it is called in a further heap", main(function(sup)
    local first, second = three(sup)
    local module = require(NAME)
    version(2)
    assert.same({ 0, 0 }, { kept_counts(ask, second, "eval", RELOAD) })
    assert.equal(2, module.version())
    assert.equal(2, ask(first, "eval", VERSION))
    assert.equal(2, ask(second, "eval", VERSION))
  end))

  it("refuses code with a syntax error everywhere", main(function(sup)
    local first, second = three(sup)
    write "return {"
    local done, reason = kept_counts(dynsup.reload, NAME)
    assert.same({ nil, "syntax" }, { done, reason })
    done, reason = ask(second, "eval", RELOAD)
    assert.same({ nil, "syntax" }, { done, reason })
    assert.equal(1, ask(first, "eval", VERSION))
    assert.equal(1, ask(second, "eval", VERSION))
    assert.is_nil(package.loaded[NAME])
  end))

  it("refuses code everywhere that fails in one heap", main(function(sup)
    local first, second = three(sup)
    local module = require(NAME)
    ask(second, "eval", "_G.fails = true")
    for _, what in ipairs { "'not here'", "{ 'not here', print }" } do
      version(2, "if fails then error(" .. what .. ", 0) end")
      local done, reason, detail = kept_counts(dynsup.reload, NAME)
      assert.same({ nil, "load_error" }, { done, reason })
      assert.matches("^table: ", what == "'not here'" and "table: " .. detail or detail)
      assert.equal(1, module.version())
      assert.equal(1, ask(first, "eval", VERSION))
      assert.equal(1, ask(second, "eval", VERSION))
    end
    ask(second, "eval", "_G.fails = nil")
    assert.same({ 0, 0 }, { dynsup.reload(NAME) })
    assert.equal(2, ask(second, "eval", VERSION))
  end))

  it("changes nothing when its caller is killed meanwhile", main(function(sup)
    local first, second = three(sup)
    ask(second, "eval", "_G.waits = true")
    version(2, "if waits then require('dynsup').sleep(10) end")
    local caller = dynsup.spawn(dynsup.reload, NAME)
    dynsup.sleep(1)
    host.stop(caller, "kill")
    dynsup.sleep(20)
    assert.equal(1, ask(first, "eval", VERSION))
    assert.equal(1, ask(second, "eval", VERSION))
    assert.same({ 0, 0 }, { kept_counts(dynsup.reload, NAME) })
    assert.equal(2, ask(second, "eval", VERSION))
  end))

  it("is done by one after the other when several call it", main(function(sup)
    local first, second = three(sup)
    version(2, "require('dynsup').sleep(1)")
    local refs = {}
    for i = 1, 3 do
      local _, ref = dynsup.spawn_monitor(function()
        dynsup.exit { dynsup.reload(NAME) }
      end)
      refs[i] = ref
    end
    local me = dynsup.self()
    for _, pid in ipairs { first, second } do
      dynsup.send(pid, me, "eval", RELOAD)
    end
    for i = 1, 3 do
      assert.same({ 0, 0 }, host.down(refs[i]))
    end
    for _, pid in ipairs { first, second } do
      assert.same({ pid, true, 0, 0 }, { dynsup.receive_match(pid, 1000) })
    end
  end))

  it("goes on without a heap that the new code is too big for", main(function()
    local sup = heaps.supervisor { heaps = 1, heap_memory = 3000000 }
    local pid = serving(sup, { name = "w" })
    ask(pid, "eval", VERSION)
    ask(pid, "eval", "_G.eats = true")
    version(2, "if eats then local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end end")
    local ref = dynsup.monitor(pid)
    assert.same({ 0, 0 }, { dynsup.reload(NAME) })
    assert.equal("memory_exceeded", host.down(ref))
    dynsup.sleep(1)
    assert.equal(2, ask(dynsup.whereis "w", "eval", VERSION))
  end))
end)
