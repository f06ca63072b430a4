--- The results as text for people or as JSON for programs.
local Results = require "results"

local output = {}

-- The text with what is UTF-8 of it as good(part) gives it, and each byte that is not as bad(byte).
local function by_parts(text, good, bad)
  local parts, from = {}, 1
  while from <= #text do
    local _, wrong = utf8.len(text, from)
    local part = text:sub(from, (wrong or #text + 1) - 1)
    parts[#parts + 1] = good(part)
    if wrong then
      parts[#parts + 1] = bad(text:byte(wrong))
    end
    from = from + #part + 1
  end
  return table.concat(parts)
end

local NAMES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function spell_byte(byte)
  return ("\\x%02x"):format(byte)
end

local function spell(bytes)
  return NAMES[bytes] or (bytes:gsub(".", function(c) return spell_byte(c:byte()) end))
end

local function spell_controls(text)
  return (text:gsub("%c", spell):gsub("\xc2[\x80-\x9f]", spell))
end

--- The path, with everything replaced that would spoil the line: control characters, including 8-bit ones,
--- and bytes that are not UTF-8.
---@param path string
---@return string
function output.printable(path)
  return by_parts(path, spell_controls, spell_byte)
end

---@param results Results
---@param write fun(...: string)
function output.text(results, write)
  local groups = results:groups()
  for _, group in ipairs(groups) do
    write(("%d %s each:\n"):format(group.size, group.size == 1 and "byte" or "bytes"))
    for _, path in ipairs(group.paths) do
      write(output.printable(path), "\n")
    end
    write "\n"
  end
  local files, bytes = Results.totals(groups)
  write(("%d groups of identical files, %d files\n"):format(#groups, files))
  write(("%d bytes could be freed\n"):format(bytes))
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c)
  return ESCAPES[c] or ("\\u%04x"):format(c:byte())
end

local function escape_text(text)
  return (text:gsub('[%c"\\]', escape))
end

local function escape_byte(byte)
  return ("\\udc%02x"):format(byte)
end

--- A JSON string. A byte 0xNN that is no part of UTF-8 becomes \udcNN, as in Python's
--- surrogateescape.
---@param text string
---@return string
function output.json_string(text)
  return '"' .. by_parts(text, escape_text, escape_byte) .. '"'
end

local function write_list(write, name, items, write_item)
  write((',\n "%s": ['):format(name))
  for i, item in ipairs(items) do
    write(i == 1 and "\n  " or ",\n  ")
    write_item(item)
  end
  write "]"
end

---@param results Results
---@param write fun(...: string)
function output.json(results, write)
  local groups = results:groups()
  local files, bytes = Results.totals(groups)
  write(('{"complete": %s'):format(results.complete))
  write((',\n "group_count": %d, "file_count": %d'):format(#groups, files))
  write((', "freeable_bytes": %d'):format(bytes))
  write_list(write, "groups", groups, function(group)
    local paths = {}
    for i, path in ipairs(group.paths) do
      paths[i] = output.json_string(path)
    end
    local sum = group.sum:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    write(('{"size": %d, "sha256": "%s", "paths": ['):format(group.size, sum))
    write(table.concat(paths, ", "), "]}")
  end)
  write_list(write, "skipped", results.skipped, function(skipped)
    write('{"path": ', output.json_string(skipped.path))
    write(', "reason": ', output.json_string(skipped.reason), "}")
  end)
  write "}\n"
end

return output
