-- Modules whose code is a text in the spec, found by a searcher as files are.

local modules = {}

local texts = {}

-- The standard searcher raises for a file with an error as well.
local function searcher(name)
  if not texts[name] then
    return ("no text '%s'"):format(name)
  end
  local chunk, message = load(texts[name], "@" .. name .. ".lua")
  if not chunk then
    error(("error loading module '%s':\n\t%s"):format(name, message))
  end
  return chunk, name .. ".lua"
end

-- A module's code from now on; nil: there is none.
function modules.write(name, text)
  texts[name] = text
end

-- For before_each and after_each.
function modules.open()
  table.insert(package.searchers, 2, searcher)
end

function modules.close()
  for i, other in ipairs(package.searchers) do
    if other == searcher then
      table.remove(package.searchers, i)
      break
    end
  end
  for name in pairs(texts) do
    package.loaded[name] = nil
  end
  texts = {}
end

return modules
