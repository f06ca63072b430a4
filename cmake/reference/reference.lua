--- The reference of the C API: makes a page in Markdown of each public header, and one that lists all
-- functions. What a page says is what the header says.

local headers = require "cmake.reference.headers"

local reference = {}

-- Words of code in a comment, as Markdown wants them.
local function marked(text)
  text = text:gsub("<", "&lt;")
  text = text:gsub("%f[%w_*](%**[%a_][%w_]*_[%w_]*%**)", function(word)
    return "`" .. word .. "`"
  end)
  return (text:gsub("%f[%w_*`](%*[%a]+)%f[^%w_]", "`%1`"))
end


local function write_item(out, item)
  local names = #item.functions > 0 and item.functions or item.types
  if #names > 0 then
    out(("### %s\n"):format(table.concat(names, ", ")))
  end
  if item.code ~= "" then
    out(("```c\n%s\n```\n"):format(item.code))
  end
  if item.text ~= "" then
    out(marked(item.text) .. "\n")
  end
end

local function write_section(out, section)
  if section.title then
    out(("## %s\n"):format(section.title))
  end
  if section.text ~= "" then
    out(marked(section.text) .. "\n")
  end
  for _, item in ipairs(section.items) do
    write_item(out, item)
  end
end

--- The page of a header.
---@param header table of headers.read
---@return string
function reference.page(header)
  local lines = {}
  local function out(line)
    lines[#lines + 1] = line
  end
  out(("# %s\n\n`#include <dynsup/%s>`\n"):format(header.name, header.name))
  out(marked(header.text) .. "\n")
  for _, section in ipairs(header.sections) do
    write_section(out, section)
  end
  return table.concat(lines, "\n")
end

local function first_sentence(text)
  local flat = text:gsub("\n\n.*$", ""):gsub("\n", " ")
  return flat:match "^(.-%.) " or flat
end

--- The page that lists the functions of all headers.
---@param all table[] of headers.read
---@return string
function reference.index(all)
  local lines = { "# The C API\n" }
  for _, header in ipairs(all) do
    lines[#lines + 1] = ("## [%s](%s.md)\n\n%s\n\n| function | |\n|---|---|"):format(header.name,
      header.name:gsub("%.h$", ""), marked(first_sentence(header.text)))
    for _, f in ipairs(headers.functions(header)) do
      lines[#lines + 1] = ("| [%s](%s.md#%s) | %s |"):format(f.name, header.name:gsub("%.h$", ""),
        table.concat(f.item.functions, "-"):lower(), marked(first_sentence(f.item.text)))
    end
    lines[#lines + 1] = ""
  end
  return table.concat(lines, "\n")
end

return reference
