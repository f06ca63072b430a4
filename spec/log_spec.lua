-- dynsup.log, and the formats of the log, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local json = require "spec.support.json"

-- What the host of f logs at that level and in that format: a list of { level =, text = }.
local function log_of(f, format, level)
  local lines = {}
  host.run(f, {
    log = function(of, text) lines[#lines + 1] = { level = of, text = text } end,
    log_format = format,
    log_level = level or "debug",
  })
  return lines
end

-- The lines of f that scripts have written, as tables.
local function records_of(f, level)
  local records = {}
  for _, line in ipairs(log_of(f, "json", level or "info")) do
    records[#records + 1] = json.read(line.text)
  end
  return records
end

local function texts_of(f, format)
  local texts = {}
  for i, line in ipairs(log_of(f, format, "info")) do texts[i] = line.text end
  return texts
end

describe("dynsup.log", function()
  it("takes tables with metatables that hide or raise", function()
    local raising = { __index = function() error "called" end }
    local records = records_of(function()
      dynsup.log.info(setmetatable({ "hidden", a = 1 }, { __metatable = 1 }))
      dynsup.log.info(setmetatable({ a = 2 }, raising))
      dynsup.log.info("fields", setmetatable({ a = 3 }, raising))
      dynsup.log.info(setmetatable({ "a table", a = 4 }, setmetatable({}, raising)))
    end)
    local got = {}
    for i, record in ipairs(records) do got[i] = { record.message or "none", record.a } end
    assert.same({ { "hidden", 1 }, { "none", 2 }, { "fields", 3 }, { "a table", 4 } }, got)
  end)

  it("writes a line with its level and fields, in the order of their names", function()
    local lines = log_of(function()
      assert.is_true(dynsup.log.info("hello", { b = "two words", a = 1, c = true, d = 1.5 }))
      assert.is_true(dynsup.log.error "alone")
    end, "text", "info")
    assert.same({ { level = "info", text = "hello a=1 b=\"two words\" c=true d=1.5" },
      { level = "error", text = "alone" } }, lines)
  end)

  it("takes a table of fields, with the message among them or without one", function()
    local function f()
      dynsup.log.info { "said", n = 1 }
      dynsup.log.info { message = "said", n = 1 }
      dynsup.log.info { event = "ordered", n = 1 }
      dynsup.log.info("said", { event = "ordered" })
      dynsup.log.info(12)
    end
    assert.same({ "said n=1", "said n=1", "ordered n=1", "said", "12" }, texts_of(f, "text"))
    local events, messages = {}, {}
    for i, record in ipairs(records_of(f)) do
      events[i], messages[i] = record.event, record.message or false
    end
    assert.same({ "log", "log", "ordered", "ordered", "log" }, events)
    assert.same({ "said", "said", false, "said", "12" }, messages)
  end)

  it("says who speaks and when", function()
    local pid
    local record = records_of(function()
      dynsup.sleep(61001)
      pid = dynsup.self()
      dynsup.register("speaker", pid)
      dynsup.log.warning "hi"
    end)[1]
    assert.same({ time = "1970-01-01T00:01:01.001Z", level = "warning", event = "log", message = "hi",
      pid = tostring(pid), name = "speaker" }, record)
  end)

  it("shows every kind of value and never fails", function()
    local pid
    local record = records_of(function()
      pid = dynsup.self()
      dynsup.log.info("x", {
        pid_of = pid, list = { 1, { 2 } }, f = print,
        self = setmetatable({}, { __tostring = function() return "me" end }),
        bad = setmetatable({}, { __tostring = function() error "no" end }),
        worse = setmetatable({}, { __tostring = function() return {} end }),
        [1] = "one", [true] = "yes", ["a b"] = 0,
      })
    end)[1]
    assert.equal(tostring(pid), record.pid_of)
    assert.equal("{ 1, { 2 } }", record.list)
    assert.matches("^function: ", record.f)
    assert.equal("me", record.self)
    assert.equal("table", record.bad)
    assert.equal("table", record.worse)
    assert.equal("one", record["1"])
    assert.equal("yes", record["true"])
    assert.equal(0, record.a_b)
  end)

  it("keeps the user's fields apart from its own", function()
    local record = records_of(function()
      dynsup.log.info("m", { time = 1, level = 2, message = 3, pid = 4, name = 5 })
    end)[1]
    assert.equal("m", record.message)
    assert.equal("info", record.level)
    assert.same({ 1, 2, 3, 4, 5 }, { record.time_, record.level_, record.message_, record.pid_, record.name_ })
  end)

  it("cannot be forged and steers no terminal", function()
    local evil = "a\n[error] b\27[31m\r\"level\":\"error\"\255"
    local text = texts_of(function() dynsup.log.info(evil, { k = evil }) end, "text")[1]
    assert.falsy(text:find "\n%[" or text:find "[\27\r]")
    for _, format in ipairs { "logfmt", "json" } do
      local line = texts_of(function() dynsup.log.info(evil, { k = evil }) end, format)[1]
      assert.falsy(line:find "%c")
      assert.is_truthy(utf8.len(line))
    end
    local record = records_of(function() dynsup.log.info(evil, { k = evil }) end)[1]
    assert.equal("info", record.level)
    assert.equal(evil:gsub("\255", "\u{FFFD}"), record.message)
  end)

  it("writes what is long cut, as one whole line", function()
    local long = ("\u{e9}"):rep(20000)
    local record = records_of(function() dynsup.log.info(long, { a = 1, b = long, c = 2 }) end)[1]
    assert.equal(1, record.a)
    assert.is_true(record.cut)
    for _, text in ipairs { record.message, record.b } do assert.matches("%.%.%.$", text) end
  end)

  it("costs nothing below the level and says whether it wrote", function()
    local calls = 0
    local counted = setmetatable({}, { __tostring = function() calls = calls + 1 return "x" end })
    local lines = log_of(function()
      assert.is_false(dynsup.log.debug("no", { counted }))
      assert.is_true(dynsup.log.info("yes", { counted }))
    end, "text", "info")
    assert.equal(1, #lines)
    assert.equal(1, calls)
  end)

  it("works in a callback, in a start function and in a close handler", function()
    local texts = texts_of(function()
      local sup = dynsup.start_link()
      local pid = dynsup.start_child(sup, { restart = "temporary", start = function()
        dynsup.log.info "starting"
        return dynsup.spawn_link(function()
          local _ <close> = host.closer(function() dynsup.log.info "closing" end)
          dynsup.receive()
        end)
      end })
      dynsup.sleep(1)
      host.stop(pid, "shutdown")
    end, "text")
    local own = {}
    for _, text in ipairs(texts) do
      if text:find "^%w+ing$" then own[#own + 1] = text end
    end
    assert.same({ "starting", "closing" }, own)
  end)

  it("does nothing outside of a run", function()
    assert.is_false(dynsup.log.error "nobody hears")
  end)

  it("is misused by another type", function()
    host.run(function()
      for _, call in ipairs { { nil, 1, "string or table" }, { true, 1, "string or table" }, { "x", 2, "table" } } do
        local ok, message = pcall(function() return (dynsup.log.info(call[1], call[2] == 2 and 5 or nil)) end)
        assert.is_false(ok)
        assert.matches("log_spec%.lua:%d+: bad argument #" .. call[2] .. " to 'info' %(" .. call[3], message)
      end
      assert.error_matches(function() dynsup.log.level "loud" end, "bad argument #1 to 'level'")
      assert.error_matches(function() dynsup.log.level(1) end, "bad argument #1 to 'level'")
    end)
  end)
end)

describe("dynsup.log.level", function()
  it("changes at run time what scripts and the host write", function()
    local lines = log_of(function()
      assert.equal("error", dynsup.log.level())
      dynsup.start_child(dynsup.start_link(), family.idle)
      assert.equal("error", dynsup.log.level "info")
      dynsup.start_child(dynsup.start_link(), family.idle)
      dynsup.log.info "said"
      assert.equal("info", dynsup.log.level "off")
      dynsup.log.error "not said"
    end, "text", "error")
    assert.equal(2, #lines)
    assert.matches("^worker .* started$", lines[1].text)
    assert.equal("said", lines[2].text)
  end)
end)

describe("reports as fields", function()
  local function crashing()
    local sup = dynsup.start_link { name = "pool", max_restarts = 1 }
    dynsup.flag("trap_exit", true)
    dynsup.start_child(sup, { id = "the id", name = "it", body = function() error "boom" end })
    dynsup.sleep(1)
  end

  local function having(records, event)
    local found = {}
    for _, record in ipairs(records) do
      if record.event == event then found[#found + 1] = record end
    end
    return found
  end

  it("tell which child ended how, which restart is next, and where it failed", function()
    local records = records_of(crashing, "error")
    local first, second = table.unpack(having(records, "child_terminated"))
    assert.equal("error", first.level)
    assert.equal("pool", first.supervisor_name)
    assert.equal("the id", first.id)
    assert.equal(1, first.incarnation)
    assert.same({ 0, 1, 5 }, { first.restarts, first.max_restarts, first.max_seconds })
    assert.equal("restart", first.next)
    assert.matches("log_spec%.lua:%d+: boom$", first.reason)
    assert.matches("^stack traceback:\n", first.traceback)
    assert.matches("^worker <.*ended abnormally %(child_terminated%)$", first.message)
    assert.equal("give_up", second.next)
    assert.equal(1, #having(records, "gave_up"))
  end)

  it("tell the last message of who failed, at the level debug", function()
    local function crash_after(receive)
      local pid = dynsup.spawn(function()
        dynsup.receive()
        receive()
        error "boom"
      end)
      dynsup.yield()
      dynsup.send(pid, "first")
      dynsup.yield()
      dynsup.send(pid, "second", { n = 2 }, nil, 4)
      dynsup.send(pid, "third")
      dynsup.sleep(1)
    end
    local function match() dynsup.receive_match "third" end
    local function late()
      dynsup.yield()
      dynsup.receive()
    end
    for receive, expected in pairs { [dynsup.receive] = "{ second, { n = 2 }, ... }", [match] = "{ third }",
      [late] = "{ second, { n = 2 }, ... }" } do
      for level, count in pairs { debug = 1, info = 0 } do
        local found = 0
        for _, line in ipairs(log_of(function() crash_after(receive) end, "text", level)) do
          if line.level == "error" and line.text:find("last message: " .. expected, 1, true) then found = found + 1 end
        end
        assert.equal(count, found, expected)
      end
    end
    local function sends_in_a_callback()
      local pid = dynsup.spawn(function() error(dynsup.receive()) end)
      dynsup.spawn(function()
        local _ <close> = host.closer(function() dynsup.send(pid, "from a handler") end)
      end)
      dynsup.sleep(1)
    end
    local crashed = having(records_of(sends_in_a_callback, "debug"), "crashed")[1]
    assert.matches("last message: { from a handler }$", crashed.traceback)
  end)

  it("are as many as reports for people", function()
    assert.equal(#log_of(crashing, "text", "debug"), #log_of(crashing, "logfmt", "debug"))
    assert.equal(#log_of(crashing, "text", "debug"), #log_of(crashing, "json", "debug"))
  end)

  it("are limited and counted like those", function()
    local function flood()
      local sup = dynsup.start_link()
      for _ = 1, 500 do dynsup.start_child(sup, function() dynsup.exit "oops" end) end
      dynsup.sleep(1)
    end
    local records = records_of(flood, "warning")
    local count = #having(records, "child_terminated")
    assert.is_true(count >= 50 and count < 100, tostring(count))
    local held = having(records, "host")
    assert.equal(1, #held)
    assert.equal("warning", held[1].level)
    assert.equal(("%d reports were held back: there were too many"):format(500 - count), held[1].message)
  end)
end)

describe("the option log_format", function()
  it("is one of three words", function()
    assert.error_matches(function() dynsup.run({ log_format = "xml" }, print) end, "bad option 'log_format'")
    assert.error_matches(function() dynsup.run({ log_format = 1 }, print) end, "bad option 'log_format'")
  end)
end)
