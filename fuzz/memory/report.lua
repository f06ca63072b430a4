-- What the notes of fuzz/memory/preload.c say: where a process was when it crashed, or when it was told
-- to quit, and whether that is known to be somebody else's.
local report = {}

-- What dynsup cannot mend: the first frames that are neither the C library's raise nor the preload's are
-- matched from the top, as "library function".
local KNOWN = {
  { "^libuv%.so", "libuv aborts when it cannot grow its table of descriptors (maybe_resize), which has no "
    .. "way to say so, or cannot start its threads" },
  { "^libcurl", "libcurl aborts" },
  { "^libcmocka", "a C test has failed: CMOCKA_TEST_ABORT ends it there, for what a test leaves halfway is "
    .. "not what its teardown expects" },
}

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a"
end

local names = {}

-- "function file:line" of "PATH(FUNCTION+0xOFFSET)[0xADDRESS]", or what is known of that.
local function name(frame)
  if names[frame] then return names[frame] end
  local path, symbol, offset = frame:match "^(.-)%(([^+]*)%+?(0?x?%x*)%)"
  local found
  if path and symbol == "" and offset ~= "" then
    local place = path:find "/" and path or output("command -v " .. path):gsub("\n", "")
    local where = ("%#x"):format(tonumber(offset) - 1)
    local f, line = output(("addr2line -f -s -e '%s' %s 2>/dev/null"):format(place, where)):match "^(.-)\n(.-)\n"
    found = f and f ~= "??" and f .. " " .. line
  end
  local library = (path or frame):match "[^/]*$"
  names[frame] = library .. " " .. (found or (symbol and symbol ~= "" and symbol) or offset or "?")
  return names[frame]
end

local RAISES = { abort = true, raise = true, gsignal = true, __assert_fail = true, fatal = true }

local function is_raise(frame)
  local f = frame:match "%S+ (%S*)" or ""
  return frame:find "^memory_preload" or RAISES[f] or f:find "^__pthread_kill" or f:find "sigaction"
    or f:find "^__GI_" or frame:find "^libc%.so"
end

local function frames(lines)
  local list = {}
  for line in lines:gmatch "[^\n]+" do
    local frame = name(line)
    if #list > 0 or not is_raise(frame) then list[#list + 1] = frame end
  end
  return list
end

--- The crashes in a file of notes: of each the program, the signal, where it was, and where memory was
--- refused first; known: whose fault it is, where that is known.
function report.crashes(text)
  local list = {}
  for head, stack, refused in text:gmatch "crash ([^\n]*)\n(.-)refused [^\n]*\n(.-)end [^\n]*\n" do
    local crash = { head = head, stack = frames(stack), refused = frames(refused) }
    for _, known in ipairs(KNOWN) do
      if (crash.stack[1] or ""):find(known[1]) then crash.known = known[2] end
    end
    list[#list + 1] = crash
  end
  return list
end

--- The most requests that a process of a program made.
function report.requests(text)
  local most = 0
  for n in text:gmatch "count %S+ %S+ (%d+)\n" do most = math.max(most, math.tointeger(n)) end
  return most
end

--- Lines about a crash.
function report.describe(crash)
  local lines = { "    " .. crash.head .. " at:" }
  for i = 1, math.min(#crash.stack, 14) do lines[#lines + 1] = "      " .. crash.stack[i] end
  lines[#lines + 1] = "    memory was refused at:"
  for i = 1, math.min(#crash.refused, 10) do lines[#lines + 1] = "      " .. crash.refused[i] end
  return table.concat(lines, "\n")
end

return report
