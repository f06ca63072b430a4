--- Completion of what is typed: globals, fields, methods after a colon, modules in the string of a require,
--- and names of running processes in any other string.
--
-- No user code is called: tables are read raw, and __index is followed only if it is a table.

local dynsup = require "dynsup"
local show = require "dynsup.repl.show"

local complete = {}

local LIMIT = 1000    -- candidates that are shown, and names of processes that are looked for
local NAME = 150      -- bytes of a candidate: an attached client gets all of them in a line
local KEYS = 100000   -- keys of a table that are looked at
local ANCESTORS = 100 -- tables in a chain of __index

-- Internal modules; so are those of several words, which are parts of others.
local own = {
  arguments = true, check = true, environment = true, loading = true, observation = true, reloading = true, repl = true,
  require = true, saving = true, sorting = true,
}

local function is_own(name)
  local short = name:match "^dynsup%.(.*)$"
  return short and (own[short] or short:find "[_.]") ~= nil
end

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
               return then true until while]]):gmatch "%a+" do
  keywords[#keywords + 1] = word
end

-- ---- where the cursor is ----

-- Lua's quotes, long brackets and comments, from their first characters on: where they end.
local function string_end(text, at)
  local quote = text:sub(at, at)
  local i = at + 1
  while i <= #text do
    local byte = text:sub(i, i)
    if byte == quote or byte == "\n" then
      return i
    end
    i = i + (byte == "\\" and 2 or 1)
  end
end

local function long_end(text, at)
  local equals = text:match("^%[(=*)%[", at)
  return equals and (select(2, text:find("]" .. equals .. "]", at + 2, true)) or #text + 1)
end

local function comment_end(text, at)
  return long_end(text, at + 2) or text:find("\n", at, true) or #text + 1
end

-- The place of the quote if the text ends in a string, "other" in a comment or long string.
local function scan(text)
  local at = 1
  while true do
    local from, _, mark = text:find("([\"'%[%-])", at)
    if not from then
      return nil
    end
    local last = from
    if mark == "[" then
      last = long_end(text, from) or from
    elseif mark ~= "-" then
      last = string_end(text, from)
      if not last then
        return from
      end
    elseif text:sub(from + 1, from + 1) == "-" then
      last = comment_end(text, from)
    end
    if last > #text then
      return "other"
    end
    at = last + 1
  end
end

-- ---- fields ----

-- The table that is a value's __index, or nil.
local function ancestor(value)
  local meta = debug.getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  return type(index) == "table" and index or nil
end

-- The tables in which a value's fields are.
local function field_tables(value)
  local tables = {}
  local current = type(value) == "table" and value or ancestor(value)
  while current and #tables < ANCESTORS do
    tables[#tables + 1] = current
    current = ancestor(current)
  end
  return tables
end

local function field(value, name)
  if value == dynsup then
    return dynsup[name] -- loads a module that is compiled in
  end
  for _, fields in ipairs(field_tables(value)) do
    local found = rawget(fields, name)
    if found ~= nil then
      return found
    end
  end
end

local function add_fields(found, value, prefix, methods)
  for _, fields in ipairs(field_tables(value)) do
    local looked = 0
    for name, item in next, fields do
      looked = looked + 1
      if show.is_name(name) and name:sub(1, #prefix) == prefix and (not methods or type(item) == "function") then
        found[name] = true
      end
      if looked > KEYS then
        break
      end
    end
  end
end

-- The other modules are fields of dynsup that do not exist before their first use.
local function add_modules_beside(found, prefix)
  for name in next, package.preload do
    local short = type(name) == "string" and name:match "^dynsup%.([%a_]+)$"
    if short and not is_own(name) and short:sub(1, #prefix) == prefix then
      found[short] = true
    end
  end
end

-- For "a.b:c" at the end of the text: the value before the last separator.
local function find_owner(path, env)
  local owner = env
  for name in path:gmatch "[%a_][%w_]*" do
    owner = field(owner, name)
    if owner == nil then
      return nil
    end
  end
  return owner
end

-- The owner, the separator and the name that end the text; without an owner only the name. A pattern anchored
-- at the end would be tried at each position, and hold everybody up at a long word.
local function read_name(text)
  local ending = text:reverse():match("^[%w_.:]*"):reverse()
  local path, separator, prefix = ending:match "^[%d.:]*([%a_][%w_.:]*)([.:])([%a_]?[%w_]*)$"
  if path then
    return path, separator, prefix
  end
  return nil, nil, ending:reverse():match("^[%w_]*"):reverse():match "^%d*(.*)$"
end

local function complete_name(text, env)
  local found = {}
  local path, separator, prefix = read_name(text)
  if not path then
    local before = text:sub(1, #text - #prefix)
    if before:find "[%w_%])\"'}]$" or before:find "[^.][.:]%s*$" or before:find "^[.:]%s*$" then
      return prefix, found -- a number, or a field of what has no name
    end
    add_fields(found, env, prefix)
    for _, word in ipairs(keywords) do
      if prefix ~= "" and word:sub(1, #prefix) == prefix then
        found[word] = true
      end
    end
    return prefix, found
  end
  local owner = find_owner(path, env)
  if owner ~= nil then
    add_fields(found, owner, prefix, separator == ":")
    if owner == dynsup and separator == "." then
      add_modules_beside(found, prefix)
    end
  end
  return prefix, found
end

-- ---- strings ----

local function add_matching(found, map, prefix)
  for name in next, map do
    if type(name) == "string" and name:sub(1, #prefix) == prefix and not name:find "^_G$" then
      found[name] = true
    end
  end
end

-- Modules in the files that one template of package.path leads to.
local function add_files(found, template, folder, prefix)
  local uv = require "luv"
  local before, behind = template:match "^([^?]*)%?([^?]*)$"
  local parts = folder:gsub("%.", "/")
  local scan_handle = before and uv.fs_scandir(before .. parts)
  for _ = 1, scan_handle and LIMIT or 0 do
    local file = uv.fs_scandir_next(scan_handle)
    if not file then
      return
    end
    local name = behind == "/init.lua" and file or file:sub(-#behind) == behind and file:sub(1, -#behind - 1)
    local is_module = name and name:find "^[%w_-]+$" and name:sub(1, #prefix) == prefix
    if is_module and (behind ~= "/init.lua" or uv.fs_stat(before .. parts .. file .. behind)) then
      found[folder .. name] = true
    end
  end
end

local function complete_module(partial)
  local found = {}
  local folder, prefix = partial:match "^(.*%.)([^.]*)$"
  add_matching(found, package.loaded, partial)
  add_matching(found, package.preload, partial)
  for name in next, found do
    if is_own(name) then
      found[name] = nil
    end
  end
  for template in tostring(package.path):gmatch "[^;]+" do
    add_files(found, template, folder or "", prefix or partial)
  end
  return found
end

local function without_end_blanks(text)
  return text:match "^.*%S" or ""
end

local function ends_in_require(text)
  local before = without_end_blanks(text)
  if before:sub(-1) == "(" then
    before = without_end_blanks(before:sub(1, -2))
  end
  return before:sub(-#"require") == "require"
end

-- Can the name be inserted as it is? 8-bit control characters cannot, nor can invalid UTF-8.
local function is_plain(name)
  return utf8.len(name) and not name:find "%c" and not name:find "\xc2[\x80-\x9f]"
end

local function complete_string(text, quote_at, names)
  local partial = text:sub(quote_at + 1)
  if ends_in_require(text:sub(1, quote_at - 1)) then
    return partial, complete_module(partial)
  end
  local found = {}
  for _, name in ipairs(names(partial, LIMIT)) do
    if is_plain(name) then
      found[name] = true
    end
  end
  return partial, found
end

-- ---- the result ----

local function common_prefix(a, b)
  local length = math.min(#a, #b)
  while a:sub(1, length) ~= b:sub(1, length) do
    length = length - 1
  end
  return a:sub(1, length)
end

--- Completions of the word that ends the text.
---@param text string the line up to the cursor
---@param env? table the globals
---@param names? fun(prefix: string, limit: integer): string[] of running processes
---@return string word
---@return string[] candidates sorted; each begins with the word; not all when there are many
---@return string common what all of them begin with, including those left out
function complete.candidates(text, env, names)
  local place = scan(text)
  local word, found
  if place == "other" then
    return "", {}, ""
  elseif place then
    word, found = complete_string(text, place, names or require "dynsup.repl.session".names)
  else
    word, found = complete_name(text, env or _G)
  end
  for name in next, found do
    if #name > NAME then
      found[name] = nil
    end
  end
  local candidates, common = {}, next(found) or word
  for name in next, found do
    if #candidates < LIMIT then -- sorting more would hold everybody up
      candidates[#candidates + 1] = name
    end
    common = common_prefix(common, name)
  end
  table.sort(candidates)
  return word, candidates, common
end

--- What Tab inserts at the end of the text, and the choices.
---@param text string
---@param env? table
---@param names? function
---@return string insertion
---@return string[] candidates
function complete.line(text, env, names)
  local word, candidates, common = complete.candidates(text, env, names)
  while not utf8.len(common) and #common > #word do
    common = common:sub(1, -2)
  end
  return common:sub(#word + 1), candidates
end

--- The candidates in columns.
---@param candidates string[]
---@param width integer
---@return string
function complete.table(candidates, width)
  local longest = 0
  for _, name in ipairs(candidates) do
    longest = math.max(longest, utf8.len(name) or #name)
  end
  local columns = math.max(1, width // (longest + 2))
  local rows = (#candidates + columns - 1) // columns
  local lines = {}
  for row = 1, rows do
    local cells = {}
    for i = row, #candidates, rows do
      cells[#cells + 1] = candidates[i] .. (" "):rep(longest + 2 - (utf8.len(candidates[i]) or #candidates[i]))
    end
    lines[row] = without_end_blanks(table.concat(cells))
  end
  return table.concat(lines, "\n")
end

return complete
