-- Reads a tracefile of lcov: prints a table of lines and branches, and where a branch of the core was not
-- taken and has no reason. Usage: lua5.4 tools/coverage.lua TRACE REASONS [--docs]
--
-- Left out are tests, and branches of lines with assert() and MUST(): the side on which an assertion
-- fails is never taken, by intent. What is in a header counts as one, however many files it is
-- compiled in. A line of REASONS, if there is such a file, says why branches are not taken, `code`
-- being the line's text:
--   ## core/file.c
--   - `code`: the reason

local trace, reasons, docs = ...

local REGION = "<!-- coverage -->\n"
local FOLDERS = { "core", "bindings" }

local function lines_of(path)
  local list = {}
  for line in assert(io.open(path)):lines() do
    list[#list + 1] = line:match "^%s*(.-)%s*$"
  end
  return list
end

-- ---- what was counted ----

local function is_tested(path)
  return not path:match "_test%.c$" and not path:match "/test_[^/]*$"
end

-- A file: its path in the project, lines[number] = count, branches[place] = { line, count }.
local function file_of(files, path)
  path = path:match "/(core/[^/]*)$" or path:match "/(bindings/[^/]*)$" or ""
  local file = files[path] or { path = path, lines = {}, branches = {}, missed = {} }
  if path ~= "" and is_tested(path) and not files[path] then
    files[path] = file
    files[#files + 1] = file
  end
  return file
end

local function add_line(file, number, count)
  file.lines[number] = (file.lines[number] or 0) + count
end

local function add_branch(file, place, count)
  local branch = file.branches[place] or { tonumber(place:match "^%d+"), 0 }
  branch[2] = branch[2] + count
  file.branches[place] = branch
end

local function read_trace(path)
  local files, file = {}, nil
  for line in assert(io.open(path)):lines() do
    local kind, rest = line:match "^(%u+):(.*)"
    if kind == "SF" then
      file = file_of(files, rest)
    elseif kind == "DA" then
      local number, count = rest:match "^(%d+),(%d+)"
      add_line(file, tonumber(number), tonumber(count))
    elseif kind == "BRDA" then
      local place, count = rest:match "^(%d+,%d+,%d+),(.*)$"
      add_branch(file, place, tonumber(count) or 0)
    end
  end
  table.sort(files, function(x, y) return x.path < y.path end)
  return files
end

local function is_assertion(text)
  return text:find("assert(", 1, true) or text:find("MUST(", 1, true)
end

local function count_file(sums, file)
  local text = lines_of(file.path)
  for _, count in pairs(file.lines) do
    sums.lines = sums.lines + 1
    sums.lines_run = sums.lines_run + (count > 0 and 1 or 0)
  end
  for _, branch in pairs(file.branches) do
    local number, count = table.unpack(branch)
    if not is_assertion(text[number] or "") then
      sums.branches = sums.branches + 1
      sums.branches_taken = sums.branches_taken + (count > 0 and 1 or 0)
      if count == 0 then file.missed[number] = (file.missed[number] or 0) + 1 end
    end
  end
  file.text = text
end

local function count_all(files)
  local folders = {}
  for _, folder in ipairs(FOLDERS) do
    folders[folder] = { lines = 0, lines_run = 0, branches = 0, branches_taken = 0 }
  end
  for _, file in ipairs(files) do
    count_file(folders[file.path:match "^[^/]+"], file)
  end
  return folders
end

-- ---- the table ----

local function share(part, whole)
  return ("%d of %d (%.1f %%)"):format(part, whole, whole > 0 and 100 * part / whole or 100)
end

local function table_text(folders)
  local rows = { "| | lines run | branches taken |\n|---|---|---|" }
  for _, folder in ipairs(FOLDERS) do
    local sums = folders[folder]
    rows[#rows + 1] = ("| %s/ | %s | %s |"):format(folder, share(sums.lines_run, sums.lines),
      share(sums.branches_taken, sums.branches))
  end
  return table.concat(rows, "\n") .. "\n"
end

local function write_docs(text)
  local path = "docs/reliability.md"
  local file = assert(io.open(path))
  local page = file:read "a"
  file:close()
  local _, last = page:find(REGION, 1, true)
  local stop = page:find(REGION, last + 1, true)
  file = assert(io.open(path, "w"))
  file:write(page:sub(1, last), text, page:sub(stop))
  file:close()
end

-- ---- the reasons ----

-- reasons[path][text] = false, true once it was of use. Empty without a file.
local function read_reasons(path)
  local found, here = {}, ""
  local file = io.open(path)
  if not file then return found end
  for line in file:lines() do
    here = line:match "^## (.*)" or here
    local text = line:match "^%- `(.*)`:"
    if text then
      found[here] = found[here] or {}
      found[here][text] = false
    end
  end
  return found
end

local function each_missed(files, f)
  for _, file in ipairs(files) do
    local numbers = {}
    for number in pairs(file.missed) do numbers[#numbers + 1] = number end
    table.sort(numbers)
    for _, number in ipairs(numbers) do f(file, number, file.text[number]) end
  end
end

local function compare(files, known)
  local unexplained, stale = 0, 0
  each_missed(files, function(file, number, text)
    if not file.path:match "^core/" then return end
    local reasons_here = known[file.path] or {}
    if reasons_here[text] == nil then
      unexplained = unexplained + 1
      print(("%s:%d: a branch is never taken: `%s`"):format(file.path, number, text))
    else
      reasons_here[text] = true
    end
  end)
  for path, list in pairs(known) do
    for text, used in pairs(list) do
      if not used then
        stale = stale + 1
        print(("%s: its reason is needed no more: `%s`"):format(path, text))
      end
    end
  end
  return unexplained, stale
end

local files = read_trace(trace)
local text = table_text(count_all(files))
local unexplained, stale = compare(files, read_reasons(reasons))
print(text)
if docs == "--docs" then write_docs(text) end
print(("%d lines of the core without a reason, %d reasons too many"):format(unexplained, stale))
os.exit(unexplained == 0 or not io.open(reasons))
