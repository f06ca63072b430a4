--- help(): the reference at the prompt. It is docs/api.md and docs/api/*.md, which are compiled in.

local dynsup = require "dynsup"

local OVERVIEW = [[
Lines of Lua run here as you type them; what they start goes on.

  help(f)                of a function of dynsup: help(dynsup.start_child)
  help "name"            the same by its name: help "http.get"
  help(dynsup.http)      of a module beside dynsup
  flush()                shows and takes the messages that wait for this session
  tree() top() info(p)   looks at what runs; so do children(sup), processes(),
                         events(), waits(), deadlocks(): help(tree) tells more
  kill(p) restart(p)     acts on one process; pause(p) and resume(p) too
  _                      the last value
  Ctrl-C                 unwinds the line that runs, or drops the one you type
  Ctrl-R, Tab, Up, Down  search earlier lines, complete, go through them
]]

local ENDS = "  Ctrl-D                 ends: everything is stopped in order\n"
local DETACHES = [[
  Ctrl-D                 detaches: everything there goes on
  os.exit()              ends the host, as dynsup.halt() does: the whole program
]]

local help = {}

-- ---- pages ----

-- "api/http.md" describes dynsup.http, "api.md" dynsup.
local function module_of(page)
  return page:match "^api/([%a_]+)%.md$" or page == "api.md" and "" or nil
end

local function full_name(module, name)
  return module == "" and name or module .. "." .. name
end

-- Parts a page at its headings: { level =, title =, text = }, the first without a title.
local function sections_of(text)
  local sections, section, fenced = {}, { level = 0, title = "", text = "" }, false
  sections[1] = section
  for line in text:gmatch "([^\n]*)\n" do
    fenced = fenced ~= (line:find "^```" ~= nil)
    local marks, title = line:match "^(#+) (.*)$"
    if marks and not fenced then
      section = { level = #marks, title = title, text = "" }
      sections[#sections + 1] = section
    else
      section.text = section.text .. line .. "\n"
    end
  end
  return sections
end

-- Entries of functions have the third level: "### name(arguments)", or of a method
-- "### object:name(arguments)".
local function read_page(index, module, text)
  local group
  for _, section in ipairs(sections_of(text)) do
    local name = section.level == 3 and section.title:match "^[%a_][%w_]*:?[%w_]*"
    if name then
      local full = full_name(module, name)
      index.entries[full] = index.entries[full] or {}
      table.insert(index.entries[full], section)
      table.insert(group.names, full)
    elseif section.level == 2 then
      group = { module = module, title = section.title, text = section.text, names = {} }
      table.insert(index.groups, group)
    end
    if section.level == 1 then
      index.intros[module] = section.text
    end
  end
end

local function read_pages(pages)
  local index = { entries = {}, groups = {}, intros = {} }
  local names = {}
  for page in next, pages do
    names[#names + 1] = page
  end
  table.sort(names, function(a, b) return (module_of(a) or "") < (module_of(b) or "") end)
  for _, page in ipairs(names) do
    if module_of(page) then
      read_page(index, module_of(page), pages[page])
    end
  end
  return index
end

-- ---- texts ----

-- Without the marks of the pages' language.
local function plain(text)
  return (text:gsub("\n```[^\n]*", "")
    :gsub("%[([^%]]+)%]%([^%)]+%)", "%1") -- links
    :gsub("`", ""):gsub("%*%*", "")
    :gsub("\n%- ", "\n  "):gsub("^%- ", "  ")
    :gsub("\n|[-|]+", ""):gsub("\n| ([^\n]*[^\n |])[ |]*", "\n  %1") -- rows of tables
    :gsub("^\n+", ""):gsub("%s+$", ""))
end

local function entry_text(module, section)
  local title = module == "" and section.title or full_name(module, section.title)
  return title .. "\n" .. plain(section.text) .. "\n"
end

-- What a module's page says apart from its functions: their entries rely on it.
local function beside(index, module)
  local titles = {}
  for _, group in ipairs(index.groups) do
    if group.module == module and #group.names == 0 then
      titles[#titles + 1] = group.title
    end
  end
  return titles
end

local function function_text(index, names)
  local texts, module = {}, nil
  for _, name in ipairs(names) do
    module = name:match "^([%a_]+)%." or ""
    for _, section in ipairs(index.entries[name]) do
      texts[#texts + 1] = entry_text(module, section)
    end
  end
  local titles = #names == 1 and module ~= "" and beside(index, module) or {}
  if #titles > 0 then
    texts[#texts + 1] = ('help "%s" tells of: %s\n'):format(module, table.concat(titles, ", "))
  end
  return table.concat(texts, "\n")
end

-- Words in rows below a title.
local function list(title, words, width)
  local rows, row = { title }, nil
  local seen = {}
  for _, word in ipairs(words) do
    if not seen[word] then
      seen[word] = true
      if row and #row + 2 + #word <= width then
        row = row .. ", " .. word
        rows[#rows] = row
      else
        row = "  " .. word
        rows[#rows + 1] = row
      end
    end
  end
  return table.concat(rows, "\n")
end

local function title_of(group)
  return group.module == "" and group.title or "dynsup." .. group.module .. ": " .. group.title
end

local function overview(index, width)
  local texts = {}
  for _, group in ipairs(index.groups) do
    if #group.names > 0 then
      texts[#texts + 1] = list(title_of(group), group.names, width)
    end
  end
  return table.concat(texts, "\n\n") .. "\n"
end

local function module_text(index, module, width)
  local texts = { plain(index.intros[module]) }
  for _, group in ipairs(index.groups) do
    if group.module == module then
      local text = plain(group.text)
      local separator = text ~= "" and #group.names > 0 and "\n" or ""
      texts[#texts + 1] = list(title_of(group) .. (text ~= "" and "\n" .. text .. separator or ""), group.names, width)
    end
  end
  return table.concat(texts, "\n\n") .. "\n"
end

-- ---- what is asked for ----

-- The full names for which is_it is true, in their order.
local function names_where(known, is_it)
  local names = {}
  for full in next, known do
    if is_it(full) then
      names[#names + 1] = full
    end
  end
  table.sort(names)
  return names
end

-- The full names of a function or module of dynsup's.
local function names_of(index, value)
  local functions = names_where(index.entries, function(full)
    local module, name = full:match "^([%a_]+)%.(.*)$"
    local owner = module and rawget(package.loaded, "dynsup." .. module) or not module and dynsup
    return type(owner) == "table" and rawget(owner, name or full) == value
  end)
  return #functions > 0 and functions or names_where(index.intros, function(module)
    return value == (module == "" and dynsup or rawget(package.loaded, "dynsup." .. module))
  end)
end

-- A name as it may be typed: "dynsup.http.get", "http.get", "start_child", "http", "dynsup"; or the last part
-- of some: "read".
local function find(index, text)
  local name = text:gsub("^dynsup%.?", ""):gsub("%(.*$", "")
  if index.entries[name] or index.intros[name] then
    return { name }
  end
  local last = "[.:]" .. name:gsub("^[.:]", ""):gsub("%W", "%%%0") .. "$"
  return names_where(index.entries, function(full) return full:find(last) ~= nil end)
end

--- The text of help(topic).
---@param pages table<string, string> the pages of docs/ by their names
---@param topic any a function or module of dynsup's, or a name; nil: an overview
---@param width? integer
---@param attached? boolean to a host that is another program's
---@return string
function help.text(pages, topic, width, attached)
  local index = read_pages(pages)
  width = width or 80
  if topic == nil then
    return OVERVIEW .. (attached and DETACHES or ENDS) .. "\n" .. overview(index, width)
  end
  local names = type(topic) == "string" and find(index, topic) or names_of(index, topic)
  if #names == 0 then
    return ("There is no help on %s: help() shows what there is help on.\n"):format(tostring(topic))
  elseif index.entries[names[1]] then
    return function_text(index, names)
  end
  return module_text(index, names[1], width)
end

--- The function help of a session.
---@param pages fun(): table<string, string>
---@param width fun(): integer
---@param streams? table those of an attached session, with stdout; without them it writes to io's
function help.new(pages, width, streams)
  return function(topic)
    local text = help.text(pages(), topic, width(), streams ~= nil)
    local to = streams or io
    to.stdout:write(text)
  end
end

return help
