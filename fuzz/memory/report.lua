-- Reads the notes of fuzz/memory/preload.c: where a process was when it crashed, or when it got SIGQUIT, and
-- whether that is known to be the fault of another library.
local report = {}

-- What dynsup cannot mend. library: the first in the stack that is not the C library; without assertion: it
-- has called abort; assertion: in which function of it one failed; inside: a function of the C library
-- that was called, for a hang when memory was refused first; is_panic: Lua's, with no protected call between
-- the library and libuv; is_unchecked: libuv got from it what one of the two had been refused; is_careless: it went on
-- with what it had been refused itself.
local LUV = "luv%.so" -- as dynsup is linked with it, or as Lua loads it
local KNOWN = {
  { inside = "getaddrinfo", why = "glibc's getaddrinfo without memory reads through a null pointer or aborts "
    .. "(nss_database.c), or keeps a lock, so that the next one waits for ever (resolv_conf.c)" },
  { library = "^libuv%.so", why = "libuv aborts when it cannot grow its table of descriptors (maybe_resize), "
    .. "which has no way to say so, or cannot start its threads" },
  { library = LUV, assertion = "luv_alloc_cb", why = "luv asserts that it got the buffer for what "
    .. "is read from a stream (luv_alloc_cb)" },
  { library = LUV, is_panic = true, why = "luv makes the arguments of a callback outside of any "
    .. "protected call: without memory Lua panics" },
  { library = LUV, is_unchecked = true, why = "luv hands a new handle to libuv that it got no "
    .. "memory for (uv_pipe_init and others), and a loop for which libuv got none (loop_gc: uv_walk)" },
  { library = "^libedit%.so", is_careless = true, why = "libedit does not look whether it got memory (el_init: "
    .. "ct_decode_string, keymacro_init and others); a program of five lines crashes there, too" },
  { library = "^libtinfo%.so", is_careless = true, why = "libtinfo does not look whether it got memory when "
    .. "libedit has it read what the terminal is (tgetent, tgetflag)" },
  { library = LUV, is_careless = true, why = "luv goes on with a handle that it got no memory for (luv_spawn)" },
}

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a"
end

-- A frame is PATH(FUNCTION+0xOFFSET)[0xADDRESS], without the function where it is static.
local function parts(frame)
  local path, symbol, offset = frame:match "^(.-)%(([^+]*)%+?(0?x?%x*)%)"
  return path or frame, symbol or "", offset or ""
end

local places = {} -- by path and offset: asking for one takes long

-- What an address belongs to: one where a call returns belongs to the instruction before.
local function place(path, offset, is_return)
  local key = path .. offset .. tostring(is_return)
  if not places[key] then
    local file = path:find "/" and path or output("command -v " .. path):gsub("\n", "")
    local command = ("addr2line -f -s -e '%s' %#x 2>/dev/null"):format(file, tonumber(offset) - (is_return and 1 or 0))
    places[key] = output(command):gsub("\n", " ", 1):gsub("\n", "")
  end
  return places[key]
end

local function name(frame, is_return)
  local path, symbol, offset = parts(frame)
  local found = symbol == "" and offset ~= "" and place(path, offset, is_return)
  local is_known = found and not found:find("?", 1, true) -- without debug information its function is a guess
  return path:match "[^/]*$" .. " " .. (is_known and found or symbol .. "+" .. offset)
end

-- The C library's frames from a failed assertion or abort to the signal, and those of the library that notes
-- it.
local function is_raise(frame)
  local library = parts(frame):match "[^/]*$"
  return library == "memory_preload.so" or library == "libc.so.6"
end

local function frames(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    if #list > 0 or not is_raise(line) then list[#list + 1] = line end
  end
  return list
end

-- A test that goes on with what it did not get, or calls Lua unprotected: whoever is between it and the
-- signal is a library that dynsup is not in.
local TESTS_OWN = "a C test itself went on without what it had asked for, or called Lua unprotected"

-- These hand what raises a state of Lua without any protected call, and mean to.
local UNPROTECTED = { bindings_misuse_test = true, bindings_codec_test = true }

local function is_panic(stack, program)
  local all = table.concat(stack, "\n")
  return UNPROTECTED[program] and all:find "^[^\n]*liblua" and not all:find("lua_pcallk", 1, true)
end

local function is_tests_own(stack, program)
  if is_panic(stack, program) then return true end
  for _, frame in ipairs(stack) do
    if parts(frame):match "[^/]*$" == program then
      local file = name(frame, true):match "%S+ (%S+%.[ch]):%d+" or ""
      return file:find "_test%.c$" or file:find "^test_"
    end
  end
end

local function library_of(frame)
  return frame and parts(frame):match "[^/]*$" or ""
end

local function is_panic_of(library, stack)
  local is_passed = false
  for _, frame in ipairs(stack) do
    local _, symbol = parts(frame)
    local found = library_of(frame)
    if symbol == "lua_pcallk" or symbol == "lua_resume" then return false end
    if found:find "^libuv%.so" then return is_passed end
    is_passed = is_passed or found:find(library) ~= nil
  end
  return false
end

local function is_unchecked_of(library, crash)
  local n = 1
  while library_of(crash.stack[n]):find "^libuv%.so" do n = n + 1 end
  local refused = library_of(crash.refused[1])
  return crash.signal == "SIGSEGV" and n > 1 and library_of(crash.stack[n]):find(library) ~= nil
    and (refused:find(library) or refused:find "^libuv%.so") ~= nil
end

local function is_careless_of(library, crash)
  local function is_its(frame) return library_of(frame):find(library) ~= nil end
  return crash.signal == "SIGSEGV" and is_its(crash.stack[1]) and (is_its(crash.refused[1]) or is_its(crash.latest[1]))
end

local function is_of(known, crash)
  if known.inside then
    local where = crash.signal == "SIGQUIT" and crash.notes_refused or crash.notes
    return where:find("(" .. known.inside .. "+", 1, true) ~= nil
  end
  if known.is_panic then return crash.signal == "SIGABRT" and is_panic_of(known.library, crash.stack) end
  if known.is_unchecked then return is_unchecked_of(known.library, crash) end
  if known.is_careless then return is_careless_of(known.library, crash) end
  local library = library_of(crash.stack[1])
  return crash.signal == "SIGABRT" and library:find(known.library) ~= nil and crash.asserted_in == known.assertion
end

local function known(crash)
  for _, each in ipairs(KNOWN) do
    if is_of(each, crash) then return each.why end
  end
  local program = crash.head:match "^%S+"
  return crash.signal ~= "SIGQUIT" and program:find "_test$" and is_tests_own(crash.stack, program) and TESTS_OWN or nil
end

--- The crashes in a file of notes: of each the program and the signal, the assertion that failed, where it was, and
-- where memory was refused first and last; known: whose fault it is, where that is known; is_failure: a C test has
-- failed, and was ended there (CMOCKA_TEST_ABORT), for what it leaves halfway is not what its teardown expects.
function report.crashes(text)
  local list = {}
  local pattern = "crash ([^\n]*)\n(.-)refused [^\n]*\n(.-)latest [^\n]*\n(.-)end [^\n]*\n"
  for head, stack, refused, latest in text:gmatch(pattern) do
    local crash = { head = head, signal = head:match "^%S+ (%S+)", notes = stack, notes_refused = refused }
    crash.asserted_in, crash.assertion = stack:match "assert (%S+): ([^\n]*)"
    crash.stack = frames((stack:gsub("assert [^\n]*\n", "")))
    crash.refused, crash.latest = frames(refused), frames(latest)
    crash.is_failure = library_of(crash.stack[1]):find "^libcmocka" ~= nil
    crash.known = not crash.is_failure and known(crash) or nil
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
  if crash.assertion then table.insert(lines, 1, "    not true: " .. crash.assertion) end
  for i = 1, math.min(#crash.stack, 14) do
    lines[#lines + 1] = "      " .. name(crash.stack[i], i > 1 or crash.signal == "SIGABRT")
  end
  lines[#lines + 1] = "    memory was refused first at:"
  for i = 1, math.min(#crash.refused, 10) do lines[#lines + 1] = "      " .. name(crash.refused[i], true) end
  lines[#lines + 1] = "    and last at:"
  for i = 1, math.min(#crash.latest, 5) do lines[#lines + 1] = "      " .. name(crash.latest[i], true) end
  return table.concat(lines, "\n")
end

return report
