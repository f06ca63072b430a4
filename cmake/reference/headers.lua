--- Public headers: reads their comments and declarations, and tells which functions have no
-- description.
--
-- A header is made of blocks that empty lines part. A comment at the beginning of a block describes
-- what is declared in it; where that are several functions it names each of the later ones: by the
-- last word of its name, or another that the first one's name has not. Comments like
-- /* ---- timers ---- */ begin sections.

local headers = {}

-- ---- lines ----

-- The text of a comment without its marks.
local function comment_text(lines)
  local text = table.concat(lines, "\n"):gsub("^/%*", ""):gsub("%s*%*/%s*$", "")
  return (text:gsub("\n %* ?", "\n"):gsub("^%s+", ""))
end

-- What a line changes about the depth in brackets, comments aside; and whether a comment that was open
-- before it, or not, is open behind it.
local function depth_of(line, is_open)
  local code = (is_open and "/*" or "") .. line
  code = code:gsub("/%*.-%*/", "")
  local rest, count = code:gsub("/%*.*$", "")
  local _, opens = rest:gsub("[({]", "")
  local _, closes = rest:gsub("[)}]", "")
  return opens - closes, count > 0
end

-- The lines between the include guard's, without #include and what is there for C++ only.
local function body_of(text)
  local lines, is_cpp = {}, false
  for line in text:gmatch "([^\n]*)\n" do
    is_cpp = is_cpp or line == "#ifdef __cplusplus"
    local is_frame = line:find "^#include" or line:find "^#ifndef DYNSUP_[%w_]*H$" or line:find "^#pragma"
      or line:find "^#define DYNSUP_[%w_]*H$"
      or line:find "^DYNSUP_DECLARATIONS_%u+$"
    if not is_cpp and not is_frame then
      lines[#lines + 1] = line
    end
    is_cpp = is_cpp and line ~= "#endif"
  end
  if lines[#lines] == "#endif" then
    lines[#lines] = nil
  end
  return lines
end

-- Groups lines into blocks: { comment = lines, code = lines }.
local function blocks_of(lines)
  local blocks, block, depth, in_comment, is_open = {}, nil, 0, false, false
  for _, line in ipairs(lines) do
    if line == "" and depth == 0 and not in_comment and not is_open then
      block = nil
    else
      if not block then
        block = { comment = {}, code = {} }
        blocks[#blocks + 1] = block
      end
      if in_comment or #block.code == 0 and #block.comment == 0 and line:find "^/%*" then
        table.insert(block.comment, line)
        in_comment = not line:find "%*/%s*$"
      else
        local change
        change, is_open = depth_of(line, is_open)
        depth = depth + change
        table.insert(block.code, line)
      end
    end
  end
  return blocks
end

-- ---- declarations ----

-- The code without comments, preprocessor lines and what is in braces.
local function bare(code)
  local text = table.concat(code, "\n"):gsub("/%*.-%*/", ""):gsub("\\\n", " ")
  return ((text .. "\n"):gsub("#[^\n]*\n", ""):gsub("%b{}", "{}"))
end

local function names_of(code)
  local functions, types = {}, {}
  for statement in bare(code):gmatch "[^;]+" do
    local name = statement:match "([%w_]+)%s*%b()%s*$"
    if statement:find "^%s*typedef" then
      table.insert(types, statement:match "%(%*([%w_]+)%)" or statement:match "([%w_]+)%s*$")
    elseif name then
      table.insert(functions, name)
    else
      table.insert(types, statement:match "^%s*enum ([%w_]+)" or statement:match "^%s*struct ([%w_]+)")
    end
  end
  local text = table.concat(code, "\n")
  for _, line in ipairs(code) do
    local macro = line:match "^#define (DYNSUP_[%w_]+)"
    if macro and not text:find("#undef " .. macro, 1, true) then
      table.insert(types, macro)
    end
  end
  return functions, types
end

local function read_section(comment)
  local text = comment_text(comment)
  local title, rest = text:match "^%-%-%-%- (.-) %-%-%-%-+\n?(.*)$"
  return title and { title = title, text = rest, items = {} }
end

--- Reads a header: its text and sections, each with items { text =, code =, functions = names, types =
--- names }.
---@param name string
---@param text string
---@return table
function headers.read(name, text)
  local header = { name = name, text = "", sections = { { text = "", items = {} } } }
  for number, block in ipairs(blocks_of(body_of(text))) do
    local section = header.sections[#header.sections]
    local new = #block.comment > 0 and read_section(block.comment)
    if new then
      table.insert(header.sections, new)
      section, block.comment = new, {}
    end
    if number == 1 and #block.code == 0 then
      header.text = comment_text(block.comment)
    elseif #block.code > 0 or #block.comment > 0 then
      local functions, types = names_of(block.code)
      table.insert(section.items, { text = comment_text(block.comment),
        code = table.concat(block.code, "\n"), functions = functions, types = types })
    end
  end
  return header
end

-- ---- what is missing ----

-- The first function of a block is what its comment is about; others are named in it.
local function is_described(item, number)
  if number == 1 or item.text == "" then
    return item.text ~= ""
  end
  local first = "_" .. item.functions[1] .. "_"
  for word, behind in item.functions[number]:gmatch "([^_]+)(_?)" do
    local tells = behind == "" or not first:find("_" .. word .. "_", 1, true)
    if tells and item.text:find("%f[%w]" .. word .. "%f[%W]") then
      return true
    end
  end
  return false
end

--- All functions of a header, in order: { name =, described =, item = }.
---@param header table
---@return table[]
function headers.functions(header)
  local functions = {}
  for _, section in ipairs(header.sections) do
    for _, item in ipairs(section.items) do
      for number, name in ipairs(item.functions) do
        table.insert(functions, { name = name, described = is_described(item, number), item = item })
      end
    end
  end
  return functions
end

return headers
