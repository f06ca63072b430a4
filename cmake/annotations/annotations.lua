--- Annotation files: makes of the pages of the Lua API (docs/api.md, docs/api/*.md) what LuaLS and
-- editors read, one file for each module. An entry of a page that cannot be made one is an error that
-- names it; one that gives no type (spec/api_docs_spec.lua finds it) has arguments of any type.

local signature = require "cmake.annotations.signature"

local annotations = {}

-- ---- reading ----

-- Parts a page at its headings: { level =, title =, lines = }. Code blocks have none.
local function sections_of(text)
  local sections, section, fenced = {}, nil, false
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    fenced = fenced ~= (line:find "^```" ~= nil)
    local marks, title = line:match "^(#+) (.*)$"
    if marks and not fenced then
      section = { level = #marks, title = title, lines = {} }
      sections[#sections + 1] = section
    elseif section then
      table.insert(section.lines, line)
    end
  end
  return sections
end

-- The items of an entry: "- Returns: ..." with the lines that go on.
local function fields_of(lines)
  local fields, name = {}, nil
  for _, line in ipairs(lines) do
    local begins, text = line:match "^%- (%a+): (.*)$"
    if begins then
      name = begins
      fields[name] = text
    elseif name and line:find "^  " then
      fields[name] = fields[name] .. " " .. line:match "^%s*(.*)$"
    end
  end
  return fields
end

-- The names in a heading, in order and by name: "call(dest, request [, ms = 5000])" has dest, request and
-- the optional ms.
local function heading_params(text)
  local params, names = {}, {}
  local depth = 0
  for open, name, close in text:gsub("=%s*[%w.]+", ""):gmatch "(%[?)[%s,]*([%a_.][%w_.]*)[%s,]*(%]*)" do
    depth = depth + #open
    params[name] = depth > 0 and "optional" or "required"
    names[#names + 1] = name
    depth = depth - #close
  end
  return params, names
end

local function read_entry(section)
  local object, name, arguments = section.title:match "^([%a_]+):([%a_]+)%((.*)%)$"
  if not object then
    name, arguments = section.title:match "^([%a_]+)%((.*)%)$"
  end
  local entry = {
    title = section.title,
    object = object,
    name = name or section.title,
    lines = section.lines,
    fields = fields_of(section.lines),
  }
  if arguments then
    entry.params, entry.names = heading_params(arguments)
  end
  entry.fails = (entry.fields.Fails or "never"):find "^never" == nil
  return entry
end

-- The heading and the types must have the same arguments; one in brackets may be left out in the type,
-- too, or in one of several.
local function check_params(entry)
  local seen = {}
  for _, read in ipairs(entry.signatures) do
    for _, param in ipairs(read.params) do
      seen[param.name] = true
      local is_optional = entry.params[param.name] == "optional"
      if param.optional and not is_optional then
        error("the heading does not say that one may leave out " .. param.name, 0)
      elseif is_optional and not param.optional and #entry.signatures == 1 then
        error("the type does not say that one may leave out " .. param.name, 0)
      end
    end
  end
  for name in pairs(entry.params) do
    if not seen[name] then
      error("the type lacks the argument " .. name, 0)
    end
  end
end

-- The type of a function of which none is given.
local function unknown_type(entry)
  local params = {}
  for i, name in ipairs(entry.names) do
    params[i] = name .. (name ~= "..." and entry.params[name] == "optional" and "?" or "") .. ": any"
  end
  return ("`fun(%s): any, any, any`"):format(table.concat(params, ", "))
end

local function read_types(entry, types)
  if not entry.params then
    entry.type = (entry.fields.Type or "`any`"):match "^`([^`]+)`$"
    return
  end
  local text = entry.fields.Type or unknown_type(entry)
  entry.signatures = {}
  for code in text:gmatch "`([^`]+)`" do
    table.insert(entry.signatures, signature.read(code, types))
  end
  check_params(entry)
end

local function read_page(page, types)
  local read = { entries = {}, intro = {} }
  for _, section in ipairs(sections_of(page.text)) do
    if section.level == 1 then
      read.intro = section.lines
    elseif section.level == 3 then
      local entry = read_entry(section)
      local ok, problem = pcall(read_types, entry, types)
      if not ok then
        error(("%s, %s: %s"):format(page.path, section.title, problem), 0)
      end
      table.insert(read.entries, entry)
    end
  end
  return read
end

-- ---- writing ----

-- Without the targets of links, which lead nowhere from an editor.
local function plain(line)
  return (line:gsub("%[([^%]]+)%]%([^%)]+%)", "%1"))
end

local function first_paragraph(lines)
  local paragraph = {}
  for _, line in ipairs(lines) do
    if line == "" and #paragraph > 0 then
      break
    elseif line ~= "" then
      paragraph[#paragraph + 1] = line
    end
  end
  return paragraph
end

-- An entry's lines without its type, and without empty ones at both ends; a list begins behind one.
local function text_of(lines)
  local text, is_type, is_list = {}, false, false
  for _, line in ipairs(lines) do
    is_type = line:find "^%- Type:" ~= nil or is_type and line:find "^  " ~= nil
    local is_item = line:find "^%- " ~= nil and not is_type
    if is_item and not is_list and #text > 0 then
      text[#text + 1] = ""
    end
    is_list = is_list or is_item
    if not is_type and (line ~= "" or #text > 0) then
      text[#text + 1] = plain(line)
    end
  end
  while text[#text] == "" do
    text[#text] = nil
  end
  return text
end

local function write_text(out, lines)
  for _, line in ipairs(text_of(lines)) do
    out(line == "" and "---" or "--- " .. line)
  end
end

local function write_signature(out, entry, read)
  if read.generic then
    out("---@generic " .. read.generic)
  end
  for _, param in ipairs(read.params) do
    out(("---@param %s%s %s"):format(param.name, param.optional and "?" or "", param.type))
  end
  for _, result in ipairs(signature.results(read, entry.fails)) do
    out(("---@return %s"):format(result.type) .. (result.name and " " .. result.name or ""))
  end
end

-- All entries of one name: the first signature is the function's, the others are overloads.
local function write_function(out, owner, entries)
  local names, overloads = {}, {}
  for i, entry in ipairs(entries) do
    if #entries > 1 then
      out(("%s--- `%s`"):format(i > 1 and "---\n" or "", entry.title))
      out "---"
    end
    write_text(out, entry.lines)
    for j, read in ipairs(entry.signatures) do
      if i > 1 or j > 1 then
        table.insert(overloads, "---@overload " .. signature.text(read, entry.fails))
      end
    end
  end
  local first = entries[1].signatures[1]
  for i, param in ipairs(first.params) do
    names[i] = param.name
  end
  write_signature(out, entries[1], first)
  for _, overload in ipairs(overloads) do
    out(overload)
  end
  local sign = entries[1].object and ":" or "."
  out(("function %s%s%s(%s) end\n"):format(owner, sign, entries[1].name, table.concat(names, ", ")))
end

-- The entries with the same owner and name together, in the order of the first.
local function groups_of(entries)
  local groups, by_name = {}, {}
  for _, entry in ipairs(entries) do
    local key = (entry.object or "") .. ":" .. entry.name
    if not by_name[key] then
      by_name[key] = {}
      table.insert(groups, by_name[key])
    end
    table.insert(by_name[key], entry)
  end
  return groups
end

local function write_fields(out, page, entries)
  for _, entry in ipairs(entries) do
    if entry.type then
      out(("---@field %s %s %s"):format(entry.name, entry.type, first_paragraph(entry.lines)[1]))
    end
  end
  for _, name in ipairs(page.modules or {}) do
    out(("---@field %s dynsup.%s"):format(name, name))
  end
end

local function write_page(page, read)
  local lines, owners = {}, {}
  local function out(line)
    lines[#lines + 1] = line
  end
  local owner = page.module:match "[^.]+$"
  out(("---@meta %s\n\n-- Made from %s.\n"):format(page.module, page.path))
  write_text(out, first_paragraph(read.intro))
  out("---@class " .. page.module)
  write_fields(out, page, read.entries)
  out(("local %s = {}\n"):format(owner))
  for _, entries in ipairs(groups_of(read.entries)) do
    local object = entries[1].object
    if object and not owners[object] then
      owners[object] = true
      out(("---@class dynsup.%s\nlocal %s = {}\n"):format(object, object))
    end
    if entries[1].signatures then
      write_function(out, object or owner, entries)
    end
  end
  out("return " .. owner)
  return table.concat(lines, "\n") .. "\n"
end

-- ---- all ----

--- The names of the types that a file of annotations defines.
---@param text string
---@return table<string, true>
function annotations.types_of(text)
  local types = {}
  for name in text:gmatch "%-%-%-@%a+ dynsup%.([%a_]+)" do
    types[name] = true
  end
  return types
end

--- The annotation file of a page: { path = "docs/api/log.md", module = "dynsup.log", text =, modules =
--- names of those beside it }.
---@param page table
---@param types table<string, true>
---@return string
function annotations.of_page(page, types)
  return write_page(page, read_page(page, types))
end

return annotations
