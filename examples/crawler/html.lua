--- Links in HTML, found without building a tree of it.
local html = {}

-- element -> the attribute with its link
local LINKS = {
  a = "href", area = "href", link = "href", base = "href",
  img = "src", script = "src", iframe = "src", frame = "src", embed = "src",
  audio = "src", video = "src", source = "src",
}

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'", nbsp = "\u{a0}" }

-- The number of a character; nil for more digits than one has, which tonumber takes modulo 2^64.
local function code_of(name)
  local hex, digits = name:match "^#[xX]0*(%x+)$", name:match "^#0*(%d+)$"
  if hex then
    return #hex <= 6 and tonumber(hex, 16) or nil
  end
  return digits and #digits <= 7 and tonumber(digits) or nil
end

local function decode_entity(name)
  local code = code_of(name)
  if code then
    return code < 0x110000 and utf8.char(code) or nil
  end
  return ENTITIES[name]
end

--- "a&amp;b&#61;c" -> "a&b=c"; what is no entity stays.
---@param text string
---@return string
function html.decode(text)
  return (text:gsub("&(#?%w+);", decode_entity))
end

-- The value after an attribute's name, and the place after it; nil when a quote is not closed.
local function read_value(text, at)
  local quote, from = text:match("^=%s*([\"'])()", at)
  if quote then
    local last = text:find(quote, from, true)
    return last and text:sub(from, last - 1), last and last + 1
  end
  return text:match("^=%s*([^%s>]*)()", at)
end

-- The value of an attribute of the tag whose attributes begin here, or nil, and the place after them.
local function read_attributes(text, at, wanted)
  local found
  while true do
    local name, after = text:match("^[%s/]*([^%s=></]+)%s*()", at)
    if not name then
      return found, at
    end
    local value = ""
    if text:sub(after, after) == "=" then
      value, after = read_value(text, after)
    end
    if not value then
      return nil, at + 1
    end
    if name:lower() == wanted then
      found = found or value
    end
    at = after
  end
end

-- What ends the text of an element that is no markup.
local RAW = { script = "</script", style = "</style", textarea = "</textarea", title = "</title" }

-- The place after what begins with "<" at this place, and a link's element and value, if it is one. Each part
-- of the text is read at most a few times, whatever it is.
local function read_markup(text, lower, at)
  if lower:sub(at, at + 3) == "<!--" then
    local _, last = lower:find("-->", at + 4, true)
    return last and last + 1 or #text + 1
  end
  local element, after = lower:match("^<(%a%w*)()", at)
  if not element then
    return at + 1
  end
  local value, behind = read_attributes(text, after, LINKS[element])
  if RAW[element] then
    behind = lower:find(RAW[element], behind, true) or #text + 1
  end
  return behind, element, value
end

local function trim(text)
  local first = text:find "%S"
  return first and text:match(".*%S", first) or ""
end

--- The links of a page, in order, as they were written.
---@param text string
---@return string[] links
---@return string? base that they are relative to
function html.links(text)
  local links, base = {}, nil
  local lower, at = text:lower(), text:find("<", 1, true)
  while at do
    local after, element, value = read_markup(text, lower, at)
    local link = value and trim(html.decode(value))
    if link and element == "base" then
      base = base or link
    elseif link then
      links[#links + 1] = link
    end
    at = text:find("<", after, true)
  end
  return links, base
end

return html
