--- The command line.
local arguments = {}

arguments.USAGE = "usage: dynsup run examples/crawler/main.lua"
  .. " [--workers N] [--max-pages N] [--depth N] [--quiet] URL..."

arguments.HELP = arguments.USAGE .. [[


Fetches the pages that the URLs lead to, nearest first, and tells which links are broken and where
they were found. It stays on the hosts of the URLs: links to others are not looked at. A page that
is not HTML is fetched as well, and not searched for links.

  --workers N    fetch N pages at a time, 1 to 256 (8)
  --max-pages N  look at N pages at most (1000)
  --depth N      follow at most N links one after the other, 0 to 1000 (1000)
  --quiet        no progress line (there is none either when stderr is no terminal)
  --help         this text

A host that does not answer, or answers 429 or 5xx, is left alone for a while, which doubles each
time up to 4 s; each of its pages is tried three times. Ctrl-C ends the search and shows what was
found so far. Exit code: 0 when no link was broken, and after Ctrl-C; 1 when one was or the search
failed; 2 for misuse.
]]

---@class Options
---@field urls string[]
---@field workers integer
---@field max_pages integer
---@field depth integer
---@field quiet boolean
---@field help boolean

-- option -> the field, the least and the most
local NUMBERS = {
  ["--workers"] = { "workers", 1, 256 },
  ["--max-pages"] = { "max_pages", 1, 1000000 },
  ["--depth"] = { "depth", 0, 1000 },
}

local FLAGS = { ["--quiet"] = "quiet", ["--help"] = "help" }

local function add_number(options, name, text)
  local field, least, most = table.unpack(NUMBERS[name])
  local number = text and text:match "^%d+$" and math.tointeger(tonumber(text))
  if not number or number < least or number > most then
    return nil, ("%s takes a number from %d to %d"):format(name, least, most)
  end
  options[field] = number
  return true
end

-- Takes one option at `words[i]`; returns the index after it.
local function take_option(options, words, i)
  local name, value = words[i]:match "^(%-%-[%a-]+)=(.*)$"
  if NUMBERS[name or words[i]] then
    local ok, reason = add_number(options, name or words[i], value or words[i + 1])
    return ok and (value and i + 1 or i + 2), reason
  elseif FLAGS[words[i]] then
    options[FLAGS[words[i]]] = true
    return i + 1
  end
  return nil, "unknown option '" .. words[i] .. "'"
end

---@param words string[]
---@return Options? options
---@return string? reason
function arguments.parse(words)
  local options = { urls = {}, workers = 8, max_pages = 1000, depth = 1000, quiet = false, help = false }
  local i = 1
  while words[i] do
    if words[i]:match "^%-" then
      local following, reason = take_option(options, words, i)
      if not following then
        return nil, reason
      end
      i = following
    else
      table.insert(options.urls, words[i])
      i = i + 1
    end
  end
  if #options.urls == 0 and not options.help then
    return nil, "no URL given"
  end
  return options
end

return arguments
