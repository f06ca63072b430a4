-- Reads a tracefile of lcov: prints a table of lines and branches, and which branches of the core were not
-- taken and have no reason. Usage: lua5.4 tools/coverage.lua TRACE REASONS [--docs]
-- Or, of the core alone: lua5.4 tools/coverage.lua TRACE --least LINES BRANCHES, which says whether at least that
-- percentage of its lines and branches was reached.
--
-- Left out are tests, and branches that nothing can take:
--   - those of assert() and MUST(), in all lines of the call: the side on which an assertion fails;
--   - of a switch without default, the one for a value without case. -Wswitch makes sure that each
--     enumerator has a case;
--   - of luaL_argcheck() and luaL_argexpected(), what would follow from luaL_argerror(), which raises.
-- What is in a header counts as one, however many files it is compiled in. A line of REASONS, if there
-- is such a file, says why branches are not taken. They are named by their function and the text of
-- the line, so that a reason outlives changes elsewhere; the numbers are those of all such lines in the
-- function, "1 of 4" branches never taken, and a function that is never called has the code "never called":
--   ## core/file.c
--   - `function`: `code` (1 of 4): the reason

local trace, reasons, docs = ...
local least = reasons == "--least" and { lines = tonumber(docs), branches = tonumber((select(4, ...))) }

local REGION = "<!-- coverage -->\n"
local FOLDERS = { "core", "bindings" }

-- ---- what was counted ----

local function is_tested(path)
  return not path:match "_test%.c$" and not path:match "/test_[^/]*$"
end

-- A file: its path in the project, lines[number] = count, branches[place] = { line, count },
-- functions[name] = count, starts[number] = the name of the function that begins there.
local function file_of(files, path)
  path = path:match "^.*/(core/[^/]*)$" or path:match "^.*/(bindings/.*)$" or ""
  local file = files[path] or { path = path, lines = {}, branches = {}, functions = {}, starts = {} }
  if path ~= "" and is_tested(path) and not files[path] then
    files[path] = file
    files[#files + 1] = file
  end
  return file
end

local function add_branch(file, place, count)
  local branch = file.branches[place] or { tonumber(place:match "^%d+"), 0 }
  branch[2] = branch[2] + (tonumber(count) or 0)
  file.branches[place] = branch
end

local READERS = {
  DA = function(file, rest)
    local number, count = rest:match "^(%d+),(%d+)"
    number = tonumber(number)
    file.lines[number] = (file.lines[number] or 0) + tonumber(count)
  end,
  BRDA = function(file, rest) add_branch(file, rest:match "^(%d+,%d+,%d+),(.*)$") end,
  FN = function(file, rest)
    local number, name = rest:match "^(%d+),(.*)$"
    file.starts[tonumber(number)] = name
  end,
  FNDA = function(file, rest)
    local count, name = rest:match "^(%d+),(.*)$"
    file.functions[name] = (file.functions[name] or 0) + tonumber(count)
  end,
}

local function read_trace(path)
  local files, file = {}, nil
  for line in assert(io.open(path)):lines() do
    local kind, rest = line:match "^(%u+):(.*)"
    if kind == "SF" then
      file = file_of(files, rest)
    elseif READERS[kind] then
      READERS[kind](file, rest)
    end
  end
  table.sort(files, function(x, y) return x.path < y.path end)
  return files
end

-- ---- what nothing can take ----

-- The lines of a file: text without indentation, indent, and is_assertion.
local function source_of(path)
  local list, is_inside = {}, false
  for line in assert(io.open(path)):lines() do
    local indent, text = line:match "^(%s*)(.-)%s*$"
    is_inside = is_inside or text:find("assert(", 1, true) or text:find("MUST(", 1, true)
    list[#list + 1] = { text = text, indent = indent, is_assertion = is_inside and true }
    if text:find ";" then is_inside = false end
  end
  return list
end

-- Does the switch in this line come to its end without a default? clang-format puts both at its indent.
local function lacks_default(source, number)
  if not source[number].text:match "^switch " then return false end
  local indent = source[number].indent
  for i = number + 1, #source do
    local line = source[i]
    if line.indent == indent and line.text:match "^default:" then return false end
    if line.indent == indent and line.text == "}" then return true end
  end
end

local function impossible_branches(source, number)
  local is_check = source[number].text:match "^luaL_arg[ce]%a+%("
  return is_check and 2 or lacks_default(source, number) and 1 or 0
end

-- missed[number] = how many branches of the line were not taken; total[number]: of how many.
local function count_branches(file, source)
  file.missed, file.total = {}, {}
  for _, branch in pairs(file.branches) do
    local number, count = table.unpack(branch)
    if not source[number].is_assertion then
      file.total[number] = (file.total[number] or 0) + 1
      file.missed[number] = (file.missed[number] or 0) + (count == 0 and 1 or 0)
    end
  end
  for number, missed in pairs(file.missed) do
    local impossible = math.min(missed, impossible_branches(source, number))
    file.missed[number] = missed - impossible
    file.total[number] = file.total[number] - impossible
  end
end

-- ---- sums ----

local function sums_new() return { lines = 0, lines_run = 0, branches = 0, branches_taken = 0 } end

local function sums_add(sums, more)
  for key in pairs(sums) do sums[key] = sums[key] + more[key] end
end

local function count_file(file)
  local source, sums = source_of(file.path), sums_new()
  count_branches(file, source)
  for _, count in pairs(file.lines) do
    sums.lines = sums.lines + 1
    sums.lines_run = sums.lines_run + (count > 0 and 1 or 0)
  end
  for number, total in pairs(file.total) do
    sums.branches = sums.branches + total
    sums.branches_taken = sums.branches_taken + total - file.missed[number]
  end
  file.source, file.sums = source, sums
end

local function count_all(files)
  local folders = {}
  for _, folder in ipairs(FOLDERS) do folders[folder] = sums_new() end
  for _, file in ipairs(files) do
    count_file(file)
    sums_add(folders[file.path:match "^[^/]+"], file.sums)
  end
  return folders
end

-- ---- the tables ----

local function share(part, whole)
  return ("%d of %d (%.1f %%)"):format(part, whole, whole > 0 and 100 * part / whole or 100)
end

local function row(name, sums)
  return ("| %s | %s | %s |\n"):format(name, share(sums.lines_run, sums.lines),
    share(sums.branches_taken, sums.branches))
end

local HEAD = "| | lines run | branches taken |\n|---|---|---|\n"

local function folders_text(folders)
  local text = HEAD
  for _, folder in ipairs(FOLDERS) do text = text .. row(folder .. "/", folders[folder]) end
  return text
end

-- The files of which something was not reached.
local function files_text(files)
  local text = HEAD
  for _, file in ipairs(files) do
    local sums = file.sums
    if sums.lines_run < sums.lines or sums.branches_taken < sums.branches then
      text = text .. row(file.path, sums)
    end
  end
  return text
end

local function write_region(path, text)
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

-- known[path .. key] = { path, key, missed, is_used }, and known[key] the same; the key is "function: code".
-- Empty without a file.
local function read_reasons(path)
  local known, here = {}, ""
  local file = io.open(path)
  if not file then return known end
  for line in file:lines() do
    here = line:match "^## (.*)" or here
    local name, code, missed = line:match "^%- `([%w_]+)`: `(.*)` %((%d+) of %d+%):"
    if name then
      local key = name .. ": " .. code
      local reason = { path = here, key = key, missed = tonumber(missed) }
      known[here .. key], known[key] = reason, reason
    end
  end
  return known
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- What was not reached in a file, in order: { key, name, code, number, missed, total }.
local function gaps_of(file)
  local list, by_key = {}, {}
  local name, next_start = "", 1
  local starts = sorted_keys(file.starts)
  local function gap_at(number, code, missed, total)
    local key = name .. ": " .. code
    local gap = by_key[key]
    if not gap then
      gap = { key = key, name = name, code = code, number = number, missed = 0, total = 0 }
      by_key[key] = gap
      list[#list + 1] = gap
    end
    gap.missed, gap.total = gap.missed + missed, gap.total + total
  end
  for number, line in ipairs(file.source) do
    while starts[next_start] and starts[next_start] <= number do
      name = file.starts[starts[next_start]]
      next_start = next_start + 1
      if file.functions[name] == 0 then gap_at(number, "never called", 1, 1) end
    end
    if file.total[number] and file.functions[name] ~= 0 then
      gap_at(number, line.text, file.missed[number], file.total[number])
    end
  end
  return list
end

-- A function may have moved to another file since.
local function is_explained(known, path, gap)
  local reason = known[path .. gap.key] or known[gap.key]
  if not reason then return false end
  reason.is_used = true
  return gap.missed <= reason.missed
end

local function compare_file(file, known)
  local unexplained = 0
  for _, gap in ipairs(gaps_of(file)) do
    if gap.missed > 0 and not is_explained(known, file.path, gap) then
      unexplained = unexplained + 1
      print(("%s:%d: - `%s`: `%s` (%d of %d):"):format(file.path, gap.number, gap.name, gap.code, gap.missed,
        gap.total))
    end
  end
  return unexplained
end

local function compare(files, known)
  local unexplained, stale = 0, 0
  for _, file in ipairs(files) do
    if file.path:match "^core/" then unexplained = unexplained + compare_file(file, known) end
  end
  for index, reason in pairs(known) do
    if index == reason.path .. reason.key and not reason.is_used then
      stale = stale + 1
      print(("%s: its reason was not needed: %s"):format(reason.path, reason.key))
    end
  end
  return unexplained, stale
end

-- ---- a part of the tests ----

local function reaches(sums, what, reached)
  local part = 100 * sums[reached] / math.max(sums[what], 1)
  if part >= least[what] then return true end
  print(("the tests reach %.2f %% of the core's %s, and should %.2f %%"):format(part, what, least[what]))
  return false
end

-- The files that the tests reach least of come first: there one will look.
local function print_worst(files)
  table.sort(files, function(x, y)
    return x.sums.lines - x.sums.lines_run > y.sums.lines - y.sums.lines_run
  end)
  print(files_text { table.unpack(files, 1, 10) })
end

local function judge(files, sums)
  io.write(HEAD, row("core/", sums))
  local enough = reaches(sums, "lines", "lines_run")
  enough = reaches(sums, "branches", "branches_taken") and enough
  if not enough then print_worst(files) end
  return enough
end

local files = read_trace(trace)
local folders = count_all(files)
if least then os.exit(judge(files, folders.core)) end
local unexplained, stale = compare(files, read_reasons(reasons))
print(folders_text(folders))
if docs == "--docs" then
  write_region("docs/reliability.md", folders_text(folders))
  write_region(reasons, files_text(files))
end
print(("%d gaps of the core without a reason, %d reasons that were not needed"):format(unexplained, stale))
os.exit(unexplained == 0 or not io.open(reasons))
