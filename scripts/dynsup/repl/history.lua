--- The lines of earlier sessions: a file with one line each, the latest last.
--
-- Each line is appended as soon as it was typed, so several sessions at a time lose nothing. The prompt works
-- without a file that cannot be read or written.

local uv = require "luv"

local KEPT = 2000 -- lines
local FILE_MODE, FOLDER_MODE = tonumber("600", 8), tonumber("700", 8)

local history = {}
history.__index = history
history.__name = "dynsup.repl.history"

---@return string? folder where the state of programs is kept
local function state_folder()
  local state, home = os.getenv "XDG_STATE_HOME", os.getenv "HOME"
  if state and state:sub(1, 1) == "/" then
    return state
  end
  return home and home ~= "" and home .. "/.local/state" or nil
end

-- Makes the folder and those above it.
local function make_folder(path)
  for last in path:gmatch "/()" do
    if last > 2 then
      uv.fs_mkdir(path:sub(1, last - 2), FOLDER_MODE)
    end
  end
  uv.fs_mkdir(path, FOLDER_MODE)
end

local function read_lines(path)
  local lines = {}
  local file <close> = io.open(path, "rb")
  local text = file and file:read "a" or "" -- a folder can be opened, not read
  for line in text:gmatch "[^\n]+" do -- after a line cut by a full disk there is an empty one
    lines[#lines + 1] = line
  end
  return lines
end

-- True when all of it is in the file.
local function write(path, flags, text)
  local fd = uv.fs_open(path, flags, FILE_MODE)
  if not fd then
    return false
  end
  local size = uv.fs_write(fd, text, -1)
  return uv.fs_close(fd) and size == #text
end

-- Leaves out the oldest lines of a long file, by a new one in its place.
local function shorten(path, lines)
  if #lines <= 2 * KEPT then
    return lines
  end
  local kept = table.move(lines, #lines - KEPT + 1, #lines, 1, {})
  if write(path .. ".new", "w", table.concat(kept, "\n") .. "\n") then
    uv.fs_rename(path .. ".new", path)
  else
    uv.fs_unlink(path .. ".new")
  end
  return kept
end

-- A line without its end is what a full disk has left.
local function is_cut(path)
  local file = io.open(path)
  if not file then
    return false
  end
  local size = file:seek "end" or 0
  local cut = size > 0 and file:seek("end", -1) and file:read(1) ~= "\n"
  file:close()
  return cut
end

--- The history of this user.
function history.open()
  local folder = state_folder()
  local self = setmetatable({ lines = {}, remember = function() end, cut = false }, history)
  if folder then
    make_folder(folder .. "/dynsup")
    self.path = folder .. "/dynsup/history"
    self.lines = shorten(self.path, read_lines(self.path))
    self.cut = is_cut(self.path)
  end
  return self
end

--- Takes a line, unless it is empty, begins with a blank, or is the one before again.
---@param line string
function history:add(line)
  if not line:find "^%S" or line == self.lines[#self.lines] then
    return
  end
  self.lines[#self.lines + 1] = line
  self.remember(line)
  if self.path then
    local begin = self.cut and "\n" or ""
    self.cut = not write(self.path, "a", begin .. line .. "\n")
  end
end

return history
