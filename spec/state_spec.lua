-- State over a restart: what may be saved, and what is handed on, on the virtual clock.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"
local keeping = require "spec.support.keeping"

local began, save, crash, start_keeper = keeping.began, keeping.save, keeping.crash, keeping.start

describe("a saved state", function()
  it("reaches the next incarnation, with the reason and the attempt", family.trapping(function()
    local tell = start_keeper()
    assert.is_true(save(tell, { step = 3, done = { "a", "b" } }))
    local previous = crash(tell, "boom")
    assert.same({ step = 3, done = { "a", "b" } }, previous.state)
    assert.equal("boom", previous.reason.error)
    assert.equal(1, previous.attempt)
    assert.is_nil(next(previous, next(previous, next(previous, next(previous)))))
  end))

  it("is not there before one was saved, and not after it was forgotten", family.trapping(function()
    local tell = start_keeper()
    assert.is_false(crash(tell))
    save(tell, { 1 })
    assert.is_true(save(tell, nil))
    assert.is_false(crash(tell))
    assert.is_true(save(tell, nil))
  end))

  it("may be a plain value", family.trapping(function()
    local tell = start_keeper()
    for _, value in ipairs { 42, 0.5, "text", true, false, dynsup.self(), dynsup.monitor(dynsup.self()) } do
      assert.is_true(save(tell, value))
      assert.equal(value, crash(tell).state)
    end
  end))

  it("is a copy of the moment it was saved", family.trapping(function()
    local tell = start_keeper()
    local shared = { n = 1 }
    local value = { shared, shared, [shared] = "as a key" }
    value.itself = value
    save(tell, value)
    shared.n = 2
    local state = crash(tell).state
    assert.equal(1, state[1].n)
    assert.equal(state[1], state[2])
    assert.equal("as a key", state[state[1]])
    assert.equal(state, state.itself)
    assert.not_equal(shared, state[1])
  end))

  it("is given as a copy, so that what an incarnation breaks does not reach the next", family.trapping(function()
    local lives, main = 0, dynsup.self()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { max_restores = 5, body = function()
      lives = lives + 1
      if lives == 1 then
        dynsup.save_state { list = { 1, 2 } }
        error "boom"
      end
      local first, second = dynsup.previous().state, dynsup.previous().state
      assert.not_equal(first, second)
      first.list[1] = "broken"
      if lives == 2 then error "boom" end
      dynsup.send(main, second.list)
      family.idle()
    end })
    assert.same({ 1, 2 }, (dynsup.receive(100)))
  end))

  it("is replaced by the next one", family.trapping(function()
    local tell = start_keeper()
    save(tell, "first")
    save(tell, "second")
    assert.equal("second", crash(tell).state)
    save(tell, "third")
    assert.same({ "third", 1 }, { crash(tell).state, 1 })
  end))

  it("is nothing previous any more once the incarnation has saved", host.main(function()
    local main, lives = dynsup.self(), 0
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { restart = "transient", body = function()
      lives = lives + 1
      if lives == 1 then
        dynsup.save_state "old"
        error("boom", 0)
      end
      local before = dynsup.previous()
      dynsup.save_state "new"
      dynsup.send(main, before.state, dynsup.previous())
    end })
    local answer = table.pack(dynsup.receive(100))
    assert.same({ "old", nil, n = 2 }, answer)
  end))

  it("may be as deep as it likes", family.trapping(function()
    local tell = start_keeper()
    local deep = {}
    for _ = 1, 20000 do deep = { deep } end
    save(tell, deep)
    local depth, state = 0, crash(tell).state
    while state[1] do state, depth = state[1], depth + 1 end
    assert.equal(20000, depth)
  end))

  it("does not hold up others while it is copied", host.main(function()
    local big = {}
    for i = 1, 50000 do big[i] = { i } end
    local slices, done = 0, false
    dynsup.spawn(function()
      while not done do
        slices = slices + 1
        dynsup.yield()
      end
    end)
    assert.same({ nil, "not_a_child" }, { dynsup.save_state(big) })
    done = true
    assert.is_true(slices > 3)
  end))

  it("may be saved while the process ends", family.trapping(function()
    local main, lives = dynsup.self(), 0
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { body = function()
      lives = lives + 1
      dynsup.send(main, lives, dynsup.previous())
      local n = 0
      local keep <close> = host.closer(function() dynsup.save_state { n = n } end) -- luacheck: ignore keep
      n = 7
      if lives == 1 then error "boom" end
      family.idle()
    end })
    assert.equal(1, dynsup.receive(10))
    local _, previous = dynsup.receive(10)
    assert.equal(7, previous.state.n)
  end))
end)

describe("save_state refuses", function()
  local function refused(value, path)
    local ok, message = pcall(dynsup.save_state, value)
    assert.is_false(ok)
    assert.truthy(message:find(path, 1, true), message)
    assert.truthy(message:find("bad argument #1 to 'save_state'", 1, true), message)
  end

  it("what is no data, and says where it is", host.main(function()
    refused(print, "state is a function")
    refused({ on = { done = print } }, "state.on.done is a function")
    refused({ { {}, { coroutine.create(print) } } }, "state[1][2][1] is a thread")
    refused({ ["a b"] = io.stdout }, [[state["a b"] is a userdata]])
    refused({ [true] = print }, "state[true] is a function")
    refused({ a = { [print] = 1 } }, "state.a has a key that is a function")
    refused({ [{ print }] = 1 }, "state[a table][1] is a function")
    refused({ a = setmetatable({}, {}) }, "state.a has a metatable")
    refused(setmetatable({}, { __metatable = false }), "state has a metatable")
  end))

  it("to be called without exactly one argument", host.main(function()
    assert.has_error(function() dynsup.save_state() end)
    assert.has_error(function() dynsup.save_state(1, 2) end)
    assert.has_error(function() dynsup.previous(1) end)
  end))

  it("who is nobody's child", host.main(function()
    assert.same({ nil, "not_a_child" }, { dynsup.save_state {} })
    assert.is_nil(dynsup.previous())
    local main = dynsup.self()
    dynsup.spawn_link(function() dynsup.send(main, dynsup.save_state {} == nil) end)
    assert.is_true(dynsup.receive(10))
  end))

  it("a temporary child", host.main(function()
    local main = dynsup.self()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, function() dynsup.send(main, "it", dynsup.save_state {}) end)
    assert.same({ "it", nil, "temporary" }, { dynsup.receive(10) })
  end))

  it("what is called in no process", function()
    assert.has_error(function() dynsup.save_state {} end)
    assert.has_error(function() dynsup.previous() end)
  end)

  it("and keeps the state that is there", family.trapping(function()
    local tell = start_keeper()
    save(tell, "good")
    tell("save", print)
    assert.equal("good", began().state)
  end))
end)

describe("restores that fail", function()
  -- What incarnations are left until there is nothing any more: a list of attempts.
  local function attempts(fields, reason)
    local tell = start_keeper(fields)
    save(tell, "poison")
    local list = {}
    while #list < 20 do
      local previous = crash(tell, reason)
      if not previous then return list, tell end
      list[#list + 1] = previous.attempt
    end
    return list, tell
  end

  it("are two, then it starts fresh", family.trapping(function()
    assert.same({ 1, 2 }, (attempts()))
  end))

  it("are as many as max_restores says", family.trapping(function()
    assert.same({ 1 }, (attempts { max_restores = 1, restart = "transient" }))
    dynsup.sleep(1)
  end))

  it("are not limited by \"infinity\"", family.trapping(function()
    assert.equal(20, #attempts { max_restores = "infinity" })
  end))

  it("leave one restart of the usual three for the start from fresh", family.trapping(function()
    local lives, main = 0, dynsup.self()
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { body = function()
      lives = lives + 1
      if lives == 1 then
        dynsup.save_state "poison"
        error("boom", 0)
      end
      if dynsup.previous() then error("boom", 0) end
      dynsup.send(main, "fresh")
      family.idle()
    end })
    assert.equal("fresh", dynsup.receive(100))
    assert.is_true(dynsup.is_alive(sup))
    assert.equal(4, lives)
  end))

  it("begin anew when something is saved", family.trapping(function()
    local tell = start_keeper()
    save(tell, "a")
    crash(tell)
    assert.equal(2, crash(tell).attempt)
    save(tell, "b")
    assert.same({ "b", 1 }, (function(p) return { p.state, p.attempt } end)(crash(tell)))
  end))

  it("begin anew after a good end, which is none", family.trapping(function()
    local tell = start_keeper()
    save(tell, "a")
    crash(tell)
    for _, how in ipairs { { "return" }, { "exit", "shutdown" }, { "exit", { "shutdown", 1 } } } do
      assert.equal(2, crash(tell).attempt)
      tell(table.unpack(how))
      assert.equal(1, began().attempt)
    end
  end))

  it("are only those of who asked for the state", family.trapping(function()
    local lives, main = 0, dynsup.self()
    local sup = dynsup.start_link { max_restarts = 100 }
    dynsup.start_child(sup, { body = function()
      lives = lives + 1
      if lives == 1 then dynsup.save_state "kept" end
      if lives < 10 then error("before it asks", 0) end
      dynsup.send(main, dynsup.previous())
      family.idle()
    end })
    local previous = dynsup.receive(100)
    assert.same({ "kept", 1 }, { previous.state, previous.attempt })
  end))

  it("are told in the log, and to observers", family.trapping(function()
    local lines, seen = {}, nil
    local function log(level, text) lines[#lines + 1] = level .. " " .. text end
    dynsup.run({ clock = "virtual", log = log }, function()
      dynsup.flag("trap_exit", true)
      dynsup.observe({ events = "state_dropped" }, function(event) seen = event end)
      attempts()
    end)
    local found
    for _, line in ipairs(lines) do
      if line:find("state_dropped", 1, true) then found = line end
    end
    assert.matches('^warning worker <[%d.]+> "keeper" of supervisor .* failed 2 times %(state_dropped%)\n', found)
    assert.matches("reason: boom", found)
    assert.same({ 2, "warning", "keeper" }, { seen.restores, seen.level, seen.name })
  end))
end)

describe("a state that cannot be saved", function()
  it("is told with the first and the last steps of a long path", family.trapping(function()
    local sup, main = dynsup.start_link {}, dynsup.self()
    local state = { f = print }
    for _ = 1, 10000 do state = { state } end
    dynsup.start_child(sup, { restart = "transient", body = function()
      dynsup.send(main, dynsup.self(), pcall(dynsup.save_state, state))
    end })
    local _, _, message = dynsup.receive(100)
    assert.equal("state" .. ("[1]"):rep(8) .. "...(9984 more)..." .. ("[1]"):rep(8) .. ".f is a function: "
      .. "only plain values and tables of them can be saved", (tostring(message):match "state%[.*saved"))
  end))
end)
