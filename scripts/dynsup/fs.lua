--- dynsup.fs: files and folders. The work is done in libuv's thread pool (`native`) while the
-- calling process waits; here options are read.
local native = ...

---@class dynsup.fs
local fs = {}

fs.stat, fs.lstat = native.stat, native.lstat
fs.read, fs.remove, fs.rename = native.read, native.remove, native.rename
fs.realpath = native.realpath

local DEFAULT_FILE_MODE = tonumber("666", 8)
local DEFAULT_FOLDER_MODE = tonumber("777", 8)

local function is_boolean(value)
  return type(value) == "boolean"
end

local function is_mode(value)
  return math.type(value) == "integer" and value >= 0 and value <= DEFAULT_FOLDER_MODE
end

local function is_size(value)
  return math.type(value) == "integer" and value >= 0
end

-- count: of the arguments from this position on, where there is to be none.
local function check_surplus(count, position, name)
  if count > 0 then
    error(("bad argument #%d to '%s' (no further argument expected)"):format(position, name), 3)
  end
end

-- Checked here, because an error from C would name a function and a line of this file. level: of the place to
-- blame, by default the caller of the calling function.
local function check_text(value, position, name, level)
  if type(value) ~= "string" and type(value) ~= "number" then
    error(("bad argument #%d to '%s' (string expected, got %s)"):format(position, name, type(value)), level or 3)
  end
end

local function check_path(path, name)
  check_text(path, 1, name, 4)
  if tostring(path):find("\0", 1, true) then
    error(("bad argument #1 to '%s' (a path has no zero bytes)"):format(name), 3)
  end
end

local modes = { r = true, w = true, a = true, ["r+"] = true, ["w+"] = true, ["a+"] = true }

local function check_how(how)
  if how == nil or modes[how] then
    return
  end
  local what = "string expected, got " .. type(how)
  if type(how) == "string" then
    what = ("r, w, a, r+, w+ or a+ expected, got '%s'"):format(how)
  end
  error(("bad argument #2 to 'open' (%s)"):format(what), 3)
end

-- The first option that is not as `known` says: its name; nil if all are.
local function wrong_option(options, known, position, name)
  if options ~= nil and type(options) ~= "table" then
    local message = "bad argument #%d to '%s' (table expected, got %s)"
    error(message:format(position, name, type(options)), 3)
  end
  for key, value in next, options or {} do
    if not (known[key] and known[key](value)) then
      return key
    end
  end
end

local NO_OPTIONS = {}
local WRITE_OPTIONS = { append = is_boolean, mode = is_mode }
local MKDIR_OPTIONS = { mode = is_mode, parents = is_boolean }
local SCANDIR_OPTIONS = { stat = is_boolean }
local OPEN_OPTIONS = { mode = is_mode }
local HASH_OPTIONS = { size = is_size }

--- Writes a whole file.
---@async
---@param path string
---@param data string
---@param options? { append?: boolean, mode?: integer }
---@return true? ok
---@return string? reason
---@return string? detail
function fs.write(path, data, options, ...)
  check_surplus(select("#", ...), 4, "write")
  check_path(path, "write")
  check_text(data, 2, "write")
  local wrong = wrong_option(options, WRITE_OPTIONS, 3, "write")
  if wrong ~= nil then
    return nil, "invalid_option", wrong
  end
  options = options or NO_OPTIONS
  return native.write(path, data, options.append, options.mode or DEFAULT_FILE_MODE)
end

--- Makes a folder.
---@async
---@param path string
---@param options? { mode?: integer, parents?: boolean }
---@return true? ok
---@return string? reason
---@return string? detail
function fs.mkdir(path, options, ...)
  check_surplus(select("#", ...), 3, "mkdir")
  check_path(path, "mkdir")
  local wrong = wrong_option(options, MKDIR_OPTIONS, 2, "mkdir")
  if wrong ~= nil then
    return nil, "invalid_option", wrong
  end
  options = options or NO_OPTIONS
  return native.mkdir(path, options.mode or DEFAULT_FOLDER_MODE, options.parents)
end

--- What is in a folder, for a `for` loop: name, type, and with the option `stat` the stat.
---@async
---@param path string
---@param options? { stat?: boolean }
---@return function? iterator
---@return string? reason
---@return string? detail
function fs.scandir(path, options, ...)
  check_surplus(select("#", ...), 3, "scandir")
  check_path(path, "scandir")
  local wrong = wrong_option(options, SCANDIR_OPTIONS, 2, "scandir")
  if wrong ~= nil then
    return nil, "invalid_option", wrong
  end
  return native.scandir(path, (options or NO_OPTIONS).stat)
end

--- Opens a file, which the calling process owns.
---@async
---@param path string
---@param how? "r"|"w"|"a"|"r+"|"w+"|"a+"
---@param options? { mode?: integer }
---@return userdata? file
---@return string? reason
---@return string? detail
function fs.open(path, how, options, ...)
  check_surplus(select("#", ...), 4, "open")
  check_path(path, "open")
  check_how(how)
  local wrong = wrong_option(options, OPEN_OPTIONS, 3, "open")
  if wrong ~= nil then
    return nil, "invalid_option", wrong
  end
  return native.open(path, how, (options or NO_OPTIONS).mode or DEFAULT_FILE_MODE)
end

--- Whether there is something at the path, symbolic links followed.
---@async
---@param path string
---@return boolean? there
---@return string? reason
---@return string? detail
function fs.exists(path, ...)
  check_surplus(select("#", ...), 2, "exists")
  check_path(path, "exists")
  local stat, reason, detail = native.stat(path)
  if stat then
    return true
  elseif reason == "enoent" or reason == "enotdir" then
    return false
  end
  return nil, reason, detail
end

--- The hash of a file's content, as bytes, and how many bytes it has.
---@async
---@param path string
---@param algorithm? string "sha256", or another that OpenSSL knows
---@param options? { size?: integer } which the file must have
---@return string? sum
---@return integer|string size or reason
---@return string? detail
function fs.hash(path, algorithm, options, ...)
  check_surplus(select("#", ...), 4, "hash")
  check_path(path, "hash")
  if algorithm ~= nil then
    check_text(algorithm, 2, "hash")
  end
  local wrong = wrong_option(options, HASH_OPTIONS, 3, "hash")
  if wrong ~= nil then
    return nil, "invalid_option", wrong
  end
  return native.hash(path, algorithm or "sha256", (options or NO_OPTIONS).size or -1)
end

return fs
