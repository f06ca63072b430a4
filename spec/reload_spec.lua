-- dynsup.reload: new code for a module, and what stays of the old one.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local modules = require "spec.support.modules"
local server = require "dynsup.server"

local write = modules.write

local function version(n)
  return ("local M = {} function M.version() return %d end return M"):format(n)
end

describe("reload", function()
  before_each(modules.open)
  after_each(modules.close)

  it("gives the module's table the new code", host.main(function()
    write("app.a", version(1))
    local module = require "app.a"
    write("app.a", version(2))
    assert.same({ 0, 0 }, { dynsup.reload "app.a" })
    assert.equal(2, module.version())
    assert.equal(module, require "app.a")
  end))

  it("takes a module from its file", host.main(function()
    local path = os.tmpname()
    local function save(text)
      local file <close> = assert(io.open(path, "w"))
      file:write(text)
    end
    local old = package.path
    local restore <close> = host.closer(function() -- luacheck: ignore restore
      package.path = old
      os.remove(path)
      package.loaded["app.file"] = nil
    end)
    package.path = path
    save(version(1))
    local module = require "app.file"
    save(version(2))
    assert(dynsup.reload "app.file")
    assert.equal(2, module.version())
    save "return {"
    local _, reason, message = dynsup.reload "app.file"
    assert.equal("syntax", reason)
    assert.equal(1, message:find("error loading module 'app.file' from file '" .. path, 1, true), message)
    assert.equal(2, module.version())
  end))

  it("takes away what the new code does not have", host.main(function()
    write("app.a", "return { gone = print, stays = 1, [1] = 'x' }")
    local module = require "app.a"
    write("app.a", "return { stays = 2, new = 3 }")
    dynsup.reload "app.a"
    assert.same({ stays = 2, new = 3 }, module)
  end))

  it("loads a module that was not loaded", host.main(function()
    write("app.a", version(1))
    assert.same({ 0, 0 }, { dynsup.reload "app.a" })
    assert.equal(1, require("app.a").version())
  end))

  it("replaces what is no table", host.main(function()
    for _, pair in ipairs { { "return 1", "return 2", 2 }, { "return {}", "return 'x'", "x" }, { "return 1", "", true },
      { "return {}", "return false", false }, { "return {}", "package.loaded[...] = 'set'", "set" } } do
      write("app.a", pair[1])
      package.loaded["app.a"] = nil
      require "app.a"
      write("app.a", pair[2])
      assert(dynsup.reload "app.a")
      assert.equal(pair[3], package.loaded["app.a"])
    end
  end))

  it("gives the loader the name and where it was found", host.main(function()
    write("app.a", "return { ... }")
    local module = require "app.a"
    dynsup.reload "app.a"
    assert.same({ "app.a", "app.a.lua" }, module)
  end))
end)

describe("reload leaves everything as it was", function()
  before_each(modules.open)
  after_each(modules.close)

  local function refused(text, reason, part)
    write("app.a", version(1))
    local module = require "app.a"
    write("app.a", text)
    local answer = table.pack(dynsup.reload "app.a")
    assert.is_nil(answer[1])
    assert.equal(reason, answer[2])
    assert.truthy(tostring(answer[3]):find(part, 1, true), answer[3])
    assert.equal(module, package.loaded["app.a"])
    assert.equal(1, module.version())
    return answer[3]
  end

  it("when the code has a syntax error", host.main(function()
    refused("return {\n x = = 1 }", "syntax", "app.a.lua:2:")
  end))

  it("when the code fails", host.main(function()
    refused("package.loaded[...] = 42 error('not today', 0)", "load_error", "not today")
    local why = { code = 1 }
    _G.reload_spec_why = why
    assert.equal(why, refused("error(reload_spec_why)", "load_error", ""))
    _G.reload_spec_why = nil
  end))

  it("when there is no such module any more", host.main(function()
    refused(nil, "not_found", "module 'app.a' not found:")
    refused(nil, "not_found", "no text 'app.a'")
  end))

  it("when it is not in Lua", host.main(function()
    package.preload["app.c"] = string.len
    assert.same({ nil, "not_lua", ":preload:" }, { dynsup.reload "app.c" })
    package.preload["app.c"] = nil
    local _, reason = dynsup.reload "dynsup.server"
    assert.equal("not_lua", reason)
    assert.equal(server, package.loaded["dynsup.server"])
  end))

  it("when the caller is killed while the code runs", host.main(function()
    write("app.a", version(1))
    local module = require "app.a"
    write("app.a", "package.loaded[...] = 'half' require 'dynsup'.sleep(100) return {}")
    local pid = dynsup.spawn(dynsup.reload, "app.a")
    dynsup.sleep(10)
    host.stop(pid, "kill")
    assert.equal(module, package.loaded["app.a"])
    assert.equal(1, module.version())
    write("app.a", version(2))
    assert.equal(0, (dynsup.reload "app.a"))
    assert.equal(2, module.version())
  end))

  it("when an option is wrong", host.main(function()
    write("app.a", version(1))
    assert.same({ nil, "invalid_option", "colour" }, { dynsup.reload("app.a", { colour = 1 }) })
    assert.same({ nil, "invalid_restart", "yes" }, { dynsup.reload("app.a", { restart = "yes" }) })
    assert.is_nil(package.loaded["app.a"])
  end))

  it("when it is misused", host.main(function()
    assert.has_error(function() dynsup.reload() end)
    assert.has_error(function() dynsup.reload(42) end)
    assert.has_error(function() dynsup.reload("app.a", true) end)
    assert.has_error(function() dynsup.reload("app.a", {}, 1) end)
    assert.has_error(function() table.sort({ 1, 2 }, function() dynsup.reload "app.a" end) end)
    local sup = dynsup.start_link {}
    local _, crash = dynsup.start_child(sup, { start = function() dynsup.reload "app.a" end })
    assert.matches("a start function cannot reload", crash.error)
  end))
end)

describe("while a module is reloaded", function()
  before_each(modules.open)
  after_each(modules.close)

  it("others have the old one, and who requires it does not wait", host.main(function()
    write("app.a", version(1))
    local module = require "app.a"
    write("app.a", "require 'dynsup'.sleep(100) " .. version(2))
    local main = dynsup.self()
    dynsup.spawn(function() dynsup.send(main, "done", dynsup.reload "app.a") end)
    dynsup.sleep(50)
    local before = dynsup.now()
    assert.equal(1, require("app.a").version())
    assert.equal(before, dynsup.now())
    assert.same({ "done", 0, 0 }, { dynsup.receive(100) })
    assert.equal(2, module.version())
  end))

  it("a second reload of it follows behind", host.main(function()
    _G.reload_spec_loads = 0
    write("app.a", "reload_spec_loads = reload_spec_loads + 1 local n = reload_spec_loads\n" ..
      "require 'dynsup'.sleep(100) return { n = n }")
    local module = require "app.a"
    local main = dynsup.self()
    for _ = 1, 3 do
      dynsup.spawn(function() dynsup.send(main, "done", (dynsup.reload "app.a"), module.n) end)
    end
    for i = 2, 4 do
      assert.same({ "done", 0, i }, { dynsup.receive(1000) })
    end
    _G.reload_spec_loads = nil
  end))
end)

describe("a reloaded module", function()
  before_each(modules.open)
  after_each(modules.close)

  it("is one table for its own code, too", host.main(function()
    local text = [[
      local M = { n = %d }
      M.__index = M
      local function helper() return M end
      local Inner = { of = function() return M end }
      local hidden = { of = function() return Inner.of() end }
      function M.new() return setmetatable({}, M) end
      function M.is(object) return getmetatable(object) == M end
      function M.mine() return helper() end
      function M.hidden() return hidden.of() end
      M.tools = { mine = function() return M end }
      function M:number() return self.n end
      return M
    ]]
    write("app.class", text:format(1))
    local class = require "app.class"
    local old = class.new()
    for n = 2, 3 do
      write("app.class", text:format(n))
      assert(dynsup.reload "app.class")
      local new = class.new()
      assert.is_true(class.is(old) and class.is(new))
      assert.same({ n, n }, { old:number(), new:number() })
      assert.equal(class, class.mine())
      assert.equal(class, class.hidden())
      assert.equal(class, class.tools.mine())
      assert.equal(class, class.__index)
    end
  end))

  it("is one table for the objects of all versions, whatever their metatable", host.main(function()
    local text = [[
      local M = {}
      local meta = { __index = M }
      function M.new() return setmetatable({}, meta) end
      function M.number() return %d end
      return M
    ]]
    local objects = {}
    for n = 1, 4 do
      write("app.class", text:format(n))
      assert(dynsup.reload "app.class")
      objects[n] = require("app.class").new()
      for _, object in ipairs(objects) do assert.equal(n, object.number()) end
    end
  end))

  it("is one table for the tables in its fields and upvalues", host.main(function()
    local text = [[
      local M = { n = %d }
      M.__index = M
      local names = { [M] = "M", M }
      local Inner = setmetatable({ outer = M }, { __index = M })
      M.tools, M.inner, M.zero = { M = M }, Inner, setmetatable({}, M)
      M.tools.tools = M.tools
      setmetatable(M, { __call = function(self) return self == M end, M = M })
      function M.name() return names[M], names[1] end
      function M.number() return Inner.n, Inner.outer end
      return M
    ]]
    write("app.class", text:format(1))
    local class = require "app.class"
    for n = 2, 3 do
      write("app.class", text:format(n))
      assert(dynsup.reload "app.class")
      assert.equal(class, class.tools.M)
      assert.equal(class, getmetatable(class.inner).__index)
      assert.equal(class, getmetatable(class.zero))
      assert.equal(class, getmetatable(class).M)
      assert.is_true(class())
      assert.same({ "M", class }, { class.name() })
      assert.same({ n, class }, { class.number() })
    end
  end))

  it("leaves the tables of other modules alone", host.main(function()
    write("app.list", "return {}")
    write("app.a", [[
      local list, M = require "app.list", {}
      list[#list + 1] = M
      function M.list() return list end
      return M
    ]])
    local list = require "app.list"
    local module = require "app.a"
    dynsup.reload "app.a"
    assert.equal(2, #list)
    assert.is_true(rawequal(module, list[1]) and not rawequal(module, list[2]))
  end))

  it("may be its own metatable, or have another", host.main(function()
    local text = "local M = { n = %d } M.__index = function(_, k) return k .. %d end return setmetatable(M, M)"
    write("app.a", text:format(1, 1))
    local module = require "app.a"
    write("app.a", text:format(2, 2))
    dynsup.reload "app.a"
    assert.equal(module, getmetatable(module))
    assert.equal("x2", module.x)
    write("app.a", "return {}")
    dynsup.reload "app.a"
    assert.is_nil(getmetatable(module))
    assert.same({}, module)
  end))

  it("has its new callbacks as a server, from the next message on", family.trapping(function()
    local text = [[
      local M = {}
      function M.handle_call(_, _, state) return "reply", %d, state end
      return require("dynsup.server").use(M)
    ]]
    write("app.server", text:format(1))
    local module = require "app.server"
    local sup = dynsup.start_link {}
    local pid = dynsup.start_child(sup, { module, "arg" })
    assert.equal(1, server.call(pid, {}))
    for n = 2, 3 do
      write("app.server", text:format(n))
      assert.same({ 0, 0 }, { dynsup.reload "app.server" })
      assert.equal(n, server.call(pid, {}))
    end
    assert.equal(3, server.call(dynsup.start_child(sup, { module, "arg" }), {}))
    dynsup.exit(pid, "kill")
    dynsup.sleep(1)
    assert.equal(3, server.call(dynsup.which_children(sup)[1].pid, {}))
  end))
end)
