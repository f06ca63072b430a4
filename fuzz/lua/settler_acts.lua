-- What settlers do: one function an act, each given the settler.
local dynsup = require "dynsup"
local parcel = require "fuzz.lua.settler_parcel"
local sorted = require "fuzz.lua.sorted"
local registry, server, task = dynsup.registry, dynsup.server, dynsup.task

local acts = {}

local NAMES = { "ann", "bob", "cleo", "dan" }
local SUPS = { "town", "village", "hermits", "plain", "tasks", "ordered" }
local REASONS = { "normal", "shutdown", "oops", "kill" }

-- ---- memory ----

local eating = {}

-- Where nothing limits it, it ends with 4 MB.
function eating.strings()
  local eaten = {}
  for _ = 1, 800 do
    eaten[#eaten + 1] = ("x"):rep(5000) .. #eaten
  end
end

function eating.stubbornly()
  local eaten = {}
  for _ = 1, 200 do
    pcall(function()
      eaten[#eaten + 1] = ("y"):rep(20000) .. #eaten
    end)
  end
end

function eating.at_once()
  return ("z"):rep(10000000)
end

function eating.deeply()
  local eaten = {}
  coroutine.wrap(function()
    ("abc"):gsub(".", function()
      for i = 1, 10000 do
        eaten[#eaten + 1] = { i, ("x"):rep(100) .. i }
      end
    end)
  end)()
end

function eating.on_closing()
  local _ <close> = setmetatable({}, {
    __close = function()
      eating.strings()
    end,
  })
  dynsup.sleep(1)
end

function eating.in_finalizers()
  for _ = 1, 50 do
    setmetatable({}, {
      __gc = function()
        _G.left = { _G.left, ("g"):rep(20000) }
      end,
    })
  end
  collectgarbage()
end

-- What each message costs its receiver as well.
function eating.by_messages()
  for i = 1, 300 do
    dynsup.send(dynsup.self(), "food", ("m"):rep(5000) .. i)
  end
end

local ways = { "strings", "stubbornly", "at_once", "deeply", "on_closing", "in_finalizers", "by_messages" }

-- Needs more and more memory, by default in the first way.
function acts.eat(self)
  if not self then
    eating.strings()
  elseif self.random(4) == 1 then
    eating[self:one(ways)]()
  end
end

-- ---- processes and signals ----

local function small(number, ms)
  dynsup.send("keeper", "born", dynsup.self())
  dynsup.sleep(ms)
  dynsup.send("keeper", "note", number, "small")
end

function acts.spawn(self)
  local how = self:one { "spawn", "spawn_link", "spawn_monitor" }
  self:meet((dynsup[how](small, self.number, self.random(30))))
end

function acts.spawn_named(self)
  local arguments = self:newcomer()
  if arguments then
    self:meet(dynsup.spawn("fuzz.lua.settler:run", table.unpack(arguments)))
  end
end

function acts.link(self)
  dynsup[self:one { "link", "link", "unlink" }](self:somebody())
end

function acts.monitor(self)
  local ref = dynsup.monitor(self:somebody())
  if self.random(3) == 1 then
    dynsup.demonitor(ref)
  end
end

function acts.trap(self)
  dynsup.flag("trap_exit", self.random(2) == 1)
end

function acts.signal(self)
  if self.random(3) > 1 then
    return
  end
  local reason = self.random(4) == 1 and { "reason", parcel.new(self.random, 5) } or self:one(REASONS)
  dynsup.exit(self:somebody(), reason)
end

function acts.leave(self)
  if self.random(8) == 1 then
    local _ <close> = setmetatable({}, {
      __close = function()
        self:note("closes")
      end,
    })
    dynsup.exit(self:one { "normal", "oops", { "shutdown", { self } }, { print, self.known } })
  end
end

function acts.crash(self)
  local how = self.random(20)
  if how == 1 then
    error { "settler " .. self.number, parcel.new(self.random, 5) }
  elseif how == 2 then
    error(setmetatable({}, { __tostring = error }))
  elseif how == 3 then
    error(acts.crash)
  end
end

-- ---- messages ----

function acts.send(self)
  local value = parcel.new(self.random, 50)
  self:note("send", dynsup.send(self:somebody(), parcel.message(value)))
end

function acts.send_big(self)
  local to = self:somebody()
  self:note("big", dynsup.send(to, "big", ("b"):rep(self.random(60000)), self.known))
end

function acts.refused(self)
  self:note("refused", (pcall(dynsup.send, self:somebody(), "no", { { self.random } })))
end

function acts.later(self)
  local timer = dynsup.send_after(self.random(30), self:somebody(), "late", parcel.new(self.random, 5))
  if timer and self.random(2) == 1 then
    dynsup.cancel_timer(timer)
  end
end

function acts.receive(self)
  for _ = 1, self.random(5) do
    self:heard(dynsup.receive(self.random(10)))
  end
end

-- In order as well, for it takes the first that matches. What the predicate was shown is another copy than
-- what is taken.
function acts.match(self)
  local what, _, _, taken = dynsup.receive_match(function(what, _, _, value)
    return what == "parcel" and value.total % 2 == 0
  end, self.random(10))
  local wrong = what and parcel.check_value(taken)
  if wrong then
    self:wrong("a message that was chosen: %s", wrong)
  end
  self:note("match", (dynsup.receive_match("late", 0)))
end

function acts.sleep(self)
  dynsup.sleep(self.random(10))
end

-- ---- servers and tasks ----

function acts.call(self)
  local request = parcel.without_sum(self.random, 10)
  request.kind = self:one { "echo", "echo", "echo", "echo", "slow", "crash", "eat" }
  local reply, reason = server.call(self:one { "office", "counter" }, request, self.random(30))
  self:note("call", request.kind, reply ~= nil, type(reason))
  local wrong = reply and parcel.check_value(reply)
  if wrong then
    self:wrong("a reply: %s", wrong)
  end
end

function acts.cast(self)
  self:note("cast", server.cast(self:one { "office", "counter" }, parcel.new(self.random, 10)))
end

function acts.task(self)
  local value, fails = parcel.new(self.random, 10), self.random(4) == 1
  local t = task.async_nolink("tasks", function()
    dynsup.sleep(1)
    return fails and error { value } or value
  end)
  if t then
    local result = task.await(t, self.random(4))
    self:note("task", result ~= nil)
    if result and result ~= value and parcel.check_value(result) then
      self:wrong("a task's result has changed")
    end
  end
end

-- ---- names ----

function acts.name(self)
  local name = self:one(NAMES)
  self:note("name", (dynsup.register(name, dynsup.self())))
  dynsup.send(name, parcel.message(parcel.new(self.random, 3)))
  if self.random(3) == 1 then
    dynsup.unregister(self:one(NAMES))
  end
end

function acts.entry(self)
  local key = self:one { "a", "b", 3 }
  registry.register("unique", key, parcel.without_sum(self.random, 3))
  registry.register("many", key, { self.number })
  for _, entry in ipairs(registry.lookup("unique", key)) do
    local wrong = parcel.check_value(entry.value)
    if wrong then
      self:wrong("an entry: %s", wrong)
    end
  end
  self:note("entries", #registry.lookup("many", key), registry.count "many")
  if self.random(3) == 1 then
    registry.unregister("many", key)
  end
end

-- ---- children ----

local function worker_spec(self, arguments)
  return {
    id = self:one { self.number, { self.number } },
    body = "fuzz.lua.settler:run",
    args = arguments,
    restart = self:one { "permanent", "transient", "temporary", "temporary" },
    shutdown = self:one { 5, 100, "brutal_kill" },
    name = self.random(3) == 1 and "child " .. self.random(4) or nil,
    ready = self.random(4) == 1,
    start_timeout = 50,
    heap = self.random(4) == 1 and "own" or nil,
    max_memory = self.random(3) == 1 and self:one { 300000, 1000000 } or nil,
    max_message = self.random(4) == 1 and 2000 or nil,
    max_mailbox = self.random(5) == 1 and { max = 5, policy = self:one { "exit", "refuse", "drop_oldest" } } or nil,
    max_restarts = self.random(5), -- a heap that cannot be opened is tried again at once
    backoff = self.random(4) == 1 and { min = 5, max = 50 } or nil,
  }
end

function acts.start(self)
  local arguments = self:newcomer()
  if arguments then
    local how = self:one { "start_child", "start_child", "ensure_child" }
    local pid, more = dynsup[how](self:one(SUPS), worker_spec(self, arguments))
    self:note("start", self:meet(pid), type(more))
  end
end

function acts.start_function(self)
  local arguments = self:newcomer()
  if arguments then
    local pid, more = dynsup.start_child(self:one(SUPS), {
      start = "fuzz.lua.settler:found",
      args = { self:one { "returns", "returns", "refuses", "breaks", "waits", "eats" }, table.unpack(arguments) },
      restart = self:one { "permanent", "transient", "temporary" },
      heap = self.random(4) == 1 and "own" or nil,
      max_restarts = 3,
    })
    self:note("found", self:meet(pid), type(more))
  end
end

-- A function of this heap, started by supervisors of others.
function acts.start_here(self)
  local number, ms = self.number, self.random(30)
  local pid = dynsup.start_child(self:one(SUPS), {
    body = function()
      small(number, ms)
    end,
    restart = self:one { "permanent", "transient", "temporary" },
    max_restarts = 3,
  })
  self:note("here", self:meet(pid))
end

function acts.start_sup(self)
  local options = { max_restarts = self.random(5), heaps = self:one { nil, 1, 2 } }
  if self.random(2) == 1 then
    options.heaps = self.random(3)
    options.heap_memory = self.random(2) == 1 and self:one { 50000, 400000, 1000000 } or nil
  end
  local sup = dynsup.start_child("plain", {
    type = "supervisor",
    start = "fuzz.lua.settler:govern",
    args = { options },
    restart = "temporary",
  })
  self:note("sup", self:meet(sup))
  local arguments = dynsup.is_pid(sup) and self:newcomer()
  if arguments then
    self:note("under it", self:meet((dynsup.start_child(sup, worker_spec(self, arguments)))))
    if self.random(4) == 1 then
      self:note("stop", dynsup.stop(sup, "normal", 20))
    end
  end
end

function acts.terminate(self)
  self:note("terminate", dynsup.terminate_child(self:one(SUPS), self:somebody()))
end

function acts.by_id(self)
  local what = self:one { "terminate_child", "restart_child" }
  self:note(what, (dynsup.supervisor[what]("ordered", self.random(3))))
end

function acts.count(self)
  local sup = self:one(SUPS)
  local counts, list = dynsup.count_children(sup), dynsup.which_children(sup)
  self:note("count", counts and counts.specs, list and #list)
end

-- ---- the rest ----

function acts.save(self)
  local numbers = { self.random(100), self.known }
  self:note("save", dynsup.save_state { numbers = numbers, again = numbers })
end

function acts.look(self)
  local info = dynsup.info(self:somebody())
  self:note("look", info and info.status, info and #info.links)
  for _, row in ipairs(dynsup.heaps()) do
    if row.heap > 0 and row.processes > 1000 then
      self:wrong("heap %d has %d processes", row.heap, row.processes)
    end
  end
end

function acts.observe(self)
  local ends = 0
  local observation = dynsup.observe({ events = { "exited", "child_terminated" } }, function(event)
    ends = ends + 1
    if not event.pid then
      self:wrong("an end of nobody")
    end
  end)
  dynsup.sleep(self.random(5))
  if self.random(2) == 1 then
    observation:close()
  end
end

function acts.await(self)
  local me, value = dynsup.self(), parcel.new(self.random, 5)
  local result = dynsup.await(function(resume)
    dynsup.spawn(function()
      dynsup.sleep(2)
      resume(value, me)
    end)
  end, self.random(4))
  self:note("await", result == value)
end

function acts.generate(self)
  local sum = 0
  for n in coroutine.wrap(function()
    for i = 1, 3 do
      dynsup.sleep(self.random(3))
      coroutine.yield(i)
    end
  end) do
    sum = sum + n
  end
  self:note("sum", sum)
end

function acts.own(self)
  local number = self.number
  dynsup.own({
    close = function()
      dynsup.send("keeper", "note", number, "closed")
    end,
  })
end

function acts.collect(self)
  collectgarbage(self:one { "step", "step", "collect", "generational", "incremental" })
end

-- Of a start function that runs in the first heap of a supervisor's it is that heap's.
function acts.remember(self)
  local dict = dynsup.dict()
  dict.seen = { dict.seen and #dict.seen or 0, self.number }
end

-- Its supervisor, and others, while they may be ending.
function acts.family(self)
  local info = dynsup.info(dynsup.self())
  if info.supervisor and self.random(10) == 1 then
    dynsup.exit(info.supervisor, self:one { "shutdown", "kill" })
  end
  for _, child in ipairs(info.supervisor and dynsup.which_children(info.supervisor) or {}) do
    self:meet(child.pid)
  end
end

function acts.log(self)
  dynsup.log.debug("settler", { number = self.number })
end

function acts.reload(self)
  if self.random(20) == 1 then
    self:note("reload", (dynsup.reload "fuzz.lua.settler_module"))
  end
end

local names = sorted(acts)

return { list = acts, names = names, eat = acts.eat }
