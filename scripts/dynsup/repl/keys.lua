--- What a terminal sends, parted into whole keys.

local keys = {}

local ESCAPE = "\27"
local SEQUENCE_MAX = 32 -- bytes; no terminal sends longer ones

-- Bytes of the UTF-8 character that begins at `at`; nil: its end is missing.
local function character_length(bytes, at)
  local lead = bytes:byte(at)
  local length = lead < 0xc0 and 1 or lead < 0xe0 and 2 or lead < 0xf0 and 3 or lead < 0xf8 and 4 or 1
  for i = 1, length - 1 do
    local byte = bytes:byte(at + i)
    if not byte then
      return nil
    elseif byte < 0x80 or byte >= 0xc0 then
      return 1 -- no UTF-8
    end
  end
  return length
end

-- Bytes of a sequence that ends with a letter or the like. Another byte breaks it off, and so does its
-- length: what waits for an end that never comes would fill the room for input.
local function control_length(bytes, at)
  local last = bytes:match("^%[[\48-\63]*[\32-\47]*()", at + 1)
  local byte = bytes:byte(last)
  if byte then
    return last - at + (byte >= 64 and byte <= 126 and 1 or 0)
  end
  return last - at > SEQUENCE_MAX and last - at or nil
end

-- Bytes of an escape sequence.
local function sequence_length(bytes, at)
  local second = bytes:sub(at + 1, at + 1)
  if second == "[" then
    return control_length(bytes, at)
  elseif second == ESCAPE and bytes:sub(at + 2, at + 2) == ESCAPE then
    return 1
  elseif second == "O" then
    return #bytes >= at + 2 and 3 or nil
  elseif second ~= "" then
    local length = keys.length(bytes, at + 1)
    return length and length + 1
  end
end

--- How many bytes the key has that begins at `at`; nil: it is not all there yet. Two keys of Emacs
--- begin another: what follows Ctrl-X and Ctrl-V belongs to them.
---@param bytes string
---@param at integer
---@return integer?
function keys.length(bytes, at)
  local first = bytes:sub(at, at)
  if first == ESCAPE then
    return sequence_length(bytes, at)
  elseif first == "\24" or first == "\22" then
    local length = at < #bytes and character_length(bytes, at + 1)
    return length and length + 1 or nil
  end
  return character_length(bytes, at)
end

-- Sequences that the editor knows; it would take others for text.
local known = {}
for word in ("[A [B [C [D [H [F OA OB OC OD OH OF [1~ [3~ [4~ [7~ [8~ [1;5C [1;5D [1;3C [1;3D [3;5~"):gmatch "%S+" do
  known[ESCAPE .. word] = true
end

-- Ctrl-Space would be the end of the input for the editor, and Alt-X asks for further keys.
local misunderstood = { ["\0"] = true, [ESCAPE .. "x"] = true, [ESCAPE .. "X"] = true }

--- Is the key one that the editor can do something with?
---@param key string
---@return boolean
function keys.is_known(key)
  if misunderstood[key] then
    return false
  elseif key:sub(1, 1) ~= ESCAPE then
    return true
  end
  return known[key] or #key > 1 and not key:find "^\27[%[O\27]"
end

--- Is it text, and no command?
---@param key string
---@return boolean
function keys.is_text(key)
  return not key:find "^[%c\127]"
end

return keys
