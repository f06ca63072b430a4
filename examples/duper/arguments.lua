--- The command line.
local arguments = {}

arguments.USAGE =
  "usage: dynsup run examples/duper/main.lua [--workers N] [--json] [--quiet] DIR..."

arguments.HELP = arguments.USAGE .. [[


Finds identical files below the directories: those of the same size and SHA-256.
Empty files do not count, hard links count as files (in the bytes, too), symbolic links are not
followed (but DIR may be one). A file that several DIRs lead to counts once.

  --workers N  hash N files at a time, 1 to 256 (4)
  --json       one JSON document on stdout instead of the groups and the two closing lines; in a
               path, a byte 0xNN that is no part of UTF-8 is \udcNN, as in Python's surrogateescape
  --quiet      no progress line (there is none either when stderr is no terminal)
  --help       this text

What cannot be read or changes meanwhile is skipped and named on stderr. Control characters in
names are shown as \n, \r, \t, \xNN. Ctrl-C ends the search and shows what was found so far.
Exit code: 0, also when files were skipped or after Ctrl-C; 1 when a DIR cannot be read or the
search failed; 2 for misuse.
]]

local MOST_WORKERS = 256

---@class Options
---@field paths string[]
---@field workers integer
---@field json boolean
---@field quiet boolean
---@field help boolean

local function to_workers(text)
  local number = text and text:match "^%d+$" and math.tointeger(tonumber(text))
  return number and number >= 1 and number <= MOST_WORKERS and number or nil
end

local function add_option(options, name, value)
  if name == "--workers" then
    options.workers = to_workers(value)
    return options.workers and true, "--workers takes a number from 1 to " .. MOST_WORKERS
  elseif name == "--json" or name == "--quiet" or name == "--help" then
    options[name:sub(3)] = true
    return true
  end
  return nil, "unknown option '" .. name .. "'"
end

-- Takes one option at `words[i]`; returns the index after it.
local function take_option(options, words, i)
  local name, value = words[i]:match "^(%-%-workers)=(.*)$"
  local following = i + 1
  if words[i] == "--workers" then
    name, value, following = words[i], words[i + 1], i + 2
  end
  local ok, reason = add_option(options, name or words[i], value)
  return ok and following, reason
end

---@param words string[]
---@return Options? options
---@return string? reason
function arguments.parse(words)
  local options = { paths = {}, workers = 4, json = false, quiet = false, help = false }
  local i, only_paths = 1, false
  while words[i] do
    if only_paths or not words[i]:match "^%-." then
      table.insert(options.paths, words[i])
      i = i + 1
    elseif words[i] == "--" then
      only_paths, i = true, i + 1
    else
      local following, reason = take_option(options, words, i)
      if not following then
        return nil, reason
      end
      i = following
    end
  end
  if #options.paths == 0 and not options.help then
    return nil, "no directory given"
  end
  return options
end

return arguments
