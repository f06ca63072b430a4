-- Holds docs/api.md against the module, and docs/api/NAME.md against dynsup.NAME: every function is
-- there, in the form that the page promises.

local dynsup = require "dynsup"

local FIELDS = { "Type", "Arguments", "Returns", "Fails", "Misuse", "Where" }

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The entries: "### name(arguments)" and the lines below, up to the next heading. Of a method,
-- "### object:name(arguments)", the arguments begin with the colon.
local function read_entries(page)
  local entries, entry = {}, nil
  for line in io.lines(page) do
    local name, arguments = line:match "^### ([%a_]+)(.*)$"
    if name then
      entry = { name = name, arguments = arguments, body = "\n" }
      entries[#entries + 1] = entry
    elseif line:match "^#" then
      entry = nil
    elseif entry then
      entry.body = entry.body .. line .. "\n"
    end
  end
  return entries
end

local function is_method(entry)
  return entry.arguments:sub(1, 1) == ":"
end

local function names_of(entries)
  local names = {}
  for _, entry in ipairs(entries) do
    if not is_method(entry) then
      names[entry.name] = true
    end
  end
  return names
end

-- page -> the module that it describes
local pages = { ["docs/api.md"] = dynsup }
for file in assert(io.popen "ls docs/api 2>/dev/null"):lines() do
  local name, kind = file:match "^([%a_]+)%.(%a+)$"
  if kind == "md" then
    pages["docs/api/" .. file] = require("dynsup." .. name)
  end
end

for page, module in pairs(pages) do
  describe(page, function()
    local entries = read_entries(page)

    it("has an entry for everything in the module", function()
      local names = names_of(entries)
      for name in next, module do
        assert.is_true(names[name], name .. " is not described")
      end
    end)

    it("describes nothing that is not there", function()
      for name in pairs(names_of(entries)) do
        assert.is_not_nil(rawget(module, name), name .. " is described and not there")
      end
    end)

    for _, entry in ipairs(entries) do
      local is_function = is_method(entry) or type(rawget(module, entry.name)) == "function"
      it(("tells all about %s%s"):format(entry.name, entry.arguments), function()
        assert.equal(is_function, entry.arguments:match "^:?[%a_]*%(.*%)$" ~= nil)
        for _, field in ipairs(is_function and FIELDS or {}) do
          assert.matches("\n%- " .. field .. ": %S", entry.body)
        end
      end)
    end
  end)
end

describe("docs/semantics.md", function()
  for _, source in ipairs { "bindings/child/spec.c", "bindings/child/options.c" } do
    it("names every error of " .. source, function()
      local page = read_file "docs/semantics.md"
      local count = 0
      for error_name in read_file(source):gmatch '"(invalid_[%a_]+)"' do
        assert.is_truthy(page:find("`" .. error_name .. "`", 1, true), error_name .. " is missing")
        count = count + 1
      end
      assert.is_true(count > 0)
    end)
  end
end)
