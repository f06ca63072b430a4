local dynsup = require "dynsup"
local host = require "spec.support.host"

local function explode()
  error("boom")
end

-- A body in whose traceback explode has its name.
local function crash_by_explode()
  explode()
end

describe("an uncaught error", function()
  it("becomes a crash object with the error and a traceback", host.main(function()
    local crash = host.reason(crash_by_explode)
    assert.equal("table", type(crash))
    assert.matches("^[^\n]*crash_spec.lua:%d+: boom$", crash.error)
    assert.equal("string", type(crash.traceback))
  end))

  it("leaves an error without a position as it is", host.main(function()
    local crash = host.reason(function()
      error("boom", 0)
    end)
    assert.equal("boom", crash.error)
  end))

  it("keeps the very value that was thrown", host.main(function()
    local thrown = { code = 7 }
    assert.equal(thrown, host.reason(error, thrown).error)
    assert.equal(7, host.reason(error, 7).error)
    assert.is_false(host.reason(error, false).error)
    local crash = host.reason(error, nil)
    assert.is_nil(crash.error)
    assert.equal("string", type(crash.traceback))
  end))

  it("is told apart from an exit with a string or a table", host.main(function()
    assert.equal("boom", host.reason(dynsup.exit, "boom"))
    assert.equal("table", type(host.reason(error, "boom")))
  end))

  it("ends its process and no other", host.main(function()
    local ticks = 0
    local other = dynsup.spawn(function()
      for _ = 1, 3 do
        dynsup.sleep(10)
        ticks = ticks + 1
      end
    end)
    host.reason(crash_by_explode)
    dynsup.sleep(50)
    assert.equal(3, ticks)
    assert.is_false(dynsup.is_alive(other))
  end))

  it("may be an error of Lua itself", host.main(function()
    local crash = host.reason(function()
      local nothing = nil
      return nothing.field
    end)
    assert.matches("attempt to index a nil value %(local 'nothing'%)", crash.error)
  end))

  it("may be a stack overflow", host.main(function()
    local function deeper()
      return 1 + deeper()
    end
    local crash = host.reason(deeper)
    assert.matches("stack overflow", crash.error)
    assert.equal("normal", host.reason(function() end))
  end))

  it("may come after waits, in a generator", host.main(function()
    local crash = host.reason(function()
      for _ in coroutine.wrap(function()
        coroutine.yield(1)
        dynsup.sleep(5)
        error({ code = 7 })
      end) do
        dynsup.sleep(5)
      end
    end)
    assert.same({ code = 7 }, crash.error)
  end))

  it("can be caught as ever, across waits", host.main(function()
    local ok, err = pcall(function()
      dynsup.sleep(10)
      error("boom", 0)
    end)
    assert.is_false(ok)
    assert.equal("boom", err)
    local handled = select(2, xpcall(function()
      dynsup.sleep(10)
      error("boom", 0)
    end, function(message)
      return "handled " .. message
    end))
    assert.equal("handled boom", handled)
  end))
end)

describe("the text of a crash", function()
  it("is the message, then the traceback", host.main(function()
    local text = tostring(host.reason(error, "boom", 0))
    assert.matches("^boom\nstack traceback:\n\t", text)
  end))

  it("shows what an error object without a text of its own holds", host.main(function()
    local text = tostring(host.reason(error, { "io", code = 404, at = { line = 3 } }))
    assert.matches("^{ io, at = { line = 3 }, code = 404 }\nstack traceback:\n", text)
    local named = setmetatable({ code = 5 }, { __tostring = function() return "not found" end })
    assert.matches("^not found\nstack traceback:\n", tostring(host.reason(error, named)))
  end))

  it("names the functions and lines of the process", host.main(function()
    local line = debug.getinfo(explode, "S").linedefined + 1
    local text = tostring(host.reason(crash_by_explode))
    assert.matches("crash_spec.lua:" .. line .. ": boom\nstack traceback:\n", text)
    assert.matches("crash_spec.lua:" .. line .. ": in [^\n]*explode", text)
  end))

  it("shows where the process was after a wait", host.main(function()
    local function after_the_wait()
      dynsup.sleep(10)
      explode()
    end
    local text = tostring(host.reason(function()
      after_the_wait()
    end))
    assert.matches("after_the_wait", text)
  end))

  it("shows nothing of the process that started it", host.main(function()
    local function the_starter()
      return host.reason(crash_by_explode)
    end
    local crash = the_starter()
    assert.not_matches("the_starter", tostring(crash))
  end))

  it("holds the same traceback as its field", host.main(function()
    local crash = host.reason(crash_by_explode)
    assert.is_truthy(tostring(crash):find(crash.traceback, 1, true))
    assert.matches("explode", crash.traceback)
  end))

  it("uses the __tostring of an error object", host.main(function()
    local thrown = setmetatable({}, { __tostring = function()
      return "an object of mine"
    end })
    assert.matches("^an object of mine\nstack traceback:\n", tostring(host.reason(error, thrown)))
  end))

  it("survives an error object whose __tostring fails", host.main(function()
    local thrown = setmetatable({}, { __tostring = function()
      error("no text")
    end })
    local crash = host.reason(error, thrown)
    assert.equal(thrown, crash.error)
    assert.matches("stack traceback:\n", crash.traceback)
    assert.equal("normal", host.reason(function() end))
  end))

  it("describes an error object whose __tostring fails as reports do", host.main(function()
    for _, fails in ipairs { function() error("no text") end, function() return {} end } do
      local thrown = setmetatable({ code = 404 }, { __tostring = fails })
      assert.matches("^{ code = 404 }\nstack traceback:\n", tostring(host.reason(error, thrown)))
    end
    local server = require "dynsup.server"
    local pid = server.start { handle_cast = function() error("boom", 0) end }
    local ref = dynsup.monitor(pid)
    server.cast(pid, setmetatable({ "hello" }, { __tostring = error }))
    assert.matches("^boom\n.*\nin handle_cast, last message: { hello }$", tostring(host.down(ref)))
  end))

  it("ends with the host that a __tostring halts", function()
    local thrown = setmetatable({}, { __tostring = function() dynsup.halt(3) end })
    local went_on
    assert.equal(3, select(3, host.outcome(function()
      local crash = host.reason(error, thrown)
      local _ = tostring(crash)
      went_on = true
    end)))
    assert.is_nil(went_on)
  end)

  it("can still be read after the process and others like it are gone", host.main(function()
    local crash = host.reason(crash_by_explode)
    for _ = 1, 100 do
      host.reason(function() end)
    end
    collectgarbage()
    assert.matches("boom\nstack traceback:\n.*explode", tostring(crash))
  end))
end)

describe("the traceback of a crash object", function()
  -- Where Lua's own traceback says that a coroutine stands in which f has failed.
  local function expected(f, ...)
    local co = coroutine.create(f)
    assert.is_false((coroutine.resume(co, ...)))
    return debug.traceback(co)
  end

  local function deep(n)
    if n == 0 then error("deep down") end
    return 1 + deep(n - 1)
  end

  local bodies = {
    ["a function of C"] = error,
    ["a local function"] = crash_by_explode,
    ["a tail call"] = function() return explode() end,
    ["a metamethod"] = function() return setmetatable({}, { __index = explode }).x end,
    ["a callback of C"] = function() table.sort({ 1, 2, 3 }, explode) end,
    ["a function of a module"] = function() string.rep() end,
    ["a main chunk"] = function() load("error 'in a chunk'")() end,
    ["22 levels"] = function() deep(19) end,
  }

  for what, body in pairs(bodies) do
    it("is Lua's for " .. what, host.main(function()
      assert.equal(expected(body), host.reason(body).traceback)
    end))
  end

  it("leaves out levels in the middle of many", host.main(function()
    local text = host.reason(deep, 100).traceback
    local _, lines = text:gsub("\n", "\n")
    assert.equal(22, lines)
    -- error, 101 times deep, and 10 and 11 are shown
    assert.matches("\n\t...\t%(skipping 81 levels%)\n", text)
  end))

  it("has the names of functions in modules, also of those that come later", host.main(function()
    local late = {}
    function late.explode() error("late") end
    assert.not_matches("late.explode", host.reason(late.explode).traceback)
    package.loaded["a.late"] = late
    assert.matches("in function 'a.late.explode'$", host.reason(late.explode).traceback)
    package.loaded["a.late"] = nil
    assert.not_matches("late.explode", host.reason(late.explode).traceback)
  end))
end)
