-- Holds the annotation files for editors against the module: every function with all its arguments and
-- results; and the types of tables against what the bindings read.

local dynsup = require "dynsup"
local annotations = require "cmake.annotations.annotations"

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local TYPES_FILE = read_file "cmake/annotations/types.lua"
local TYPES = annotations.types_of(TYPES_FILE)

local function module_of(path)
  return path:gsub("^docs/api/?", "dynsup."):gsub("%.?%.md$", "")
end

local function annotate(path, text)
  return annotations.of_page({ path = path, module = module_of(path), text = text or read_file(path) }, TYPES)
end

local pages = { "docs/api.md" }
for file in assert(io.popen "ls docs/api"):lines() do
  pages[#pages + 1] = "docs/api/" .. file
end

-- The functions of an annotation file: { name =, params = names, annotated = names with a type, results }.
local function functions_of(text)
  local functions, annotated, results = {}, {}, 0
  for line in text:gmatch "[^\n]+" do
    local param = line:match "^%-%-%-@param ([%w_.]+)%?? %S"
    local name, params = line:match "^function [%w_]+[.:]([%w_]+)%((.*)%) end$"
    if param then
      annotated[#annotated + 1] = param
    elseif line:find "^%-%-%-@return %S" then
      results = results + 1
    elseif name then
      functions[#functions + 1] = { name = name, params = params, results = results,
        annotated = table.concat(annotated, ", ") }
      annotated, results = {}, 0
    end
  end
  return functions
end

-- What an entry says that it returns, as far as it matters here.
local function returns_nothing(text, name)
  local returns = text:match("### [%w:_]*" .. name .. "%(.-\n%- Returns: ([^\n]*)")
  return returns == "nothing" or returns == "never"
end

for _, path in ipairs(pages) do
  describe("the annotations of " .. path, function()
    local text = annotate(path)

    it("are a file of Lua with what the module has", function()
      local described = assert(load(text, path, "t", {}))()
      local module = require(module_of(path))
      for name, value in next, module do
        assert.equal(type(value) == "function" and "function" or "nil", type(described[name]), name)
      end
      for name in next, described do
        assert.is_function(module[name], name)
      end
    end)

    it("have a type for every argument", function()
      for _, f in ipairs(functions_of(text)) do
        assert.equal(f.params, f.annotated, f.name)
      end
    end)

    it("have a type for every result", function()
      local page = read_file(path)
      for _, f in ipairs(functions_of(text)) do
        assert.equal(not returns_nothing(page, f.name), f.results > 0, f.name)
      end
    end)
  end)
end

describe("an entry", function()
  local function problem_of(entry)
    local ok, problem = pcall(annotate, "docs/api/log.md", "# log\n\n" .. entry)
    assert.is_false(ok)
    return problem
  end

  it("that is wrong is an error that names it", function()
    assert.equal("docs/api/log.md, f(a): no function: number", problem_of "### f(a)\n- Type: `number`\n")
  end)

  it("without a type has any", function()
    local text = annotate("docs/api/log.md", "# log\n\n### f(a [, b], ...)\n- Fails: never\n")
    assert.matches("\n%-%-%-@param a any\n%-%-%-@param b%? any\n%-%-%-@param %.%.%. any\n%-%-%-@return any\n", text)
  end)

  it("must have a type for each argument of its heading", function()
    assert.matches("the type lacks the argument b$", problem_of "### f(a, b)\n- Type: `fun(a: any)`\n")
    assert.matches("an argument without a type: b$", problem_of "### f(a, b)\n- Type: `fun(a: any, b)`\n")
  end)

  it("says in heading and type alike what may be left out", function()
    assert.matches("the heading does not say .* leave out a$", problem_of "### f(a)\n- Type: `fun(a?: any)`\n")
    assert.matches("the type does not say .* leave out a$", problem_of "### f([a])\n- Type: `fun(a: any)`\n")
  end)

  it("has types that are known", function()
    assert.matches("the type pit is not known$", problem_of "### f(a)\n- Type: `fun(a: pit)`\n")
    assert.matches("nothing closes", problem_of "### f(a)\n- Type: `fun(a: {any)`\n")
  end)

  it("that fails returns nil, reason and detail in place of its results", function()
    local entry = "### f(a)\n- Type: `fun(a: dest): pid, any`\n- Fails: `noproc`\n"
    local text = annotate("docs/api/log.md", "# log\n\n" .. entry)
    assert.matches("\n%-%-%-@param a dynsup.dest\n%-%-%-@return dynsup.pid|nil\n%-%-%-@return any\n"
      .. "%-%-%-@return any detail\n", text)
  end)

  it("with several types has overloads", function()
    local entry = '### f([a,] b)\n- Type: `fun(b: "b"|any)` or `fun(a: pid, b: any): pid`\n'
    local text = annotate("docs/api/log.md", "# log\n\n" .. entry)
    assert.matches('\n%-%-%-@param b "b"|any\n%-%-%-@overload fun%(a: dynsup.pid, b: any%): %(dynsup.pid%)\n'
      .. "function log.f%(b%) end\n", text)
  end)
end)

-- ---- tables ----

-- The names of a class's fields, with those of its parents.
local function fields_of(class)
  local fields = {}
  local head, body = (TYPES_FILE .. "\n\n"):match("%-%-%-@class dynsup%." .. class .. "(:?[^\n]*)\n(.-)\n\n")
  for name in body:gmatch "@field ([%a_]+)" do
    fields[name] = true
  end
  local parent = head:match "dynsup%.([%a_]+)"
  for name in pairs(parent and fields_of(parent) or {}) do
    fields[name] = true
  end
  return fields
end

-- The fields of a spec that have a line like [DSL_WORD_NAME] = read_name.
local function fields_read()
  local names, words = {}, {}
  for id, name in read_file("bindings/child/word.h"):gmatch '\n    X%(([%u_]+), "([%a_]+)"%)' do
    words[id] = name
  end
  for id in read_file("bindings/child/spec.c"):gmatch "%[DSL_WORD_([%u_]+)%] = read_" do
    names[words[id]] = true
  end
  assert(next(names))
  return names
end

-- The names in the table of a C file with lines like {"name", read_name, FLAGS}.
local function names_read(path, flag)
  local names = {}
  for name, rest in read_file(path):gmatch '\n    {"([%a_]+)", read_[%a_]+([^}]*)}' do
    if not flag or rest:find(flag, 1, true) or rest:find("DSL_OPTION_NAME", 1, true) then
      names[name] = true
    end
  end
  assert(next(names))
  return names
end

describe("the type of", function()
  it("a child spec has the fields that are read", function()
    assert.same(fields_read(), fields_of "child_spec")
  end)

  it("a supervisor's options has the options that are read", function()
    assert.same(names_read("bindings/child/options.c", "DSL_OPTION_DYNAMIC"), fields_of "supervisor_options")
    assert.same(names_read("bindings/child/options.c", "DSL_OPTION_STATIC"), fields_of "static_options")
  end)

  it("the options of HTTP has those of the page", function()
    local names = {}
    for name in read_file "docs/api/http.md":match "\n## Options(.-)\n## ":gmatch "\n| `([%a_]+)` |" do
      names[name] = true
    end
    assert.same(names, fields_of "http_request")
  end)

  it("an event's name has the names that there are", function()
    local typed, there = {}, {}
    for name in TYPES_FILE:match "@alias dynsup.event_name\n(.-)\n\n":gmatch '"([%a_]+)"' do
      typed[name] = true
    end
    for name in read_file "core/report_fields.c":gmatch '%[DYNSUP_EVENT_[%u_]+%] = "([%a_]+)"' do
      there[name] = true
    end
    assert.is_true(there.spawned)
    assert.same(there, typed)
  end)

  it("what info tells has the fields that it tells", function()
    local fields = fields_of "process_info"
    local _, told = assert(dynsup.run({ clock = "virtual" }, function()
      return dynsup.info(dynsup.self())
    end))
    for name in next, told do
      assert.is_true(fields[name], name)
    end
  end)
end)
