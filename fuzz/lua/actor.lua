-- Actors: processes that do random things with the whole library and then wait for ever. What one does
-- comes from its own seed; what it saw of it stands in the world's log.
--
-- A world is a table that all actors of one run share: log, a list of lines; pids, all processes that
-- began; sups, refs of supervisors; limit, how many actors there may be; steps, of each; wrong, what an
-- actor found that cannot be, or nil.
local chance = require "fuzz.lua.chance"
local dynsup = require "dynsup"
local sorted = require "fuzz.lua.sorted"
local registry, server, task = dynsup.registry, dynsup.server, dynsup.task

local actor = {}

local NAMES = { "ann", "bob", "cleo", "dan" }
local REASONS = { "normal", "shutdown", "oops", "kill" }

local Self = {}
Self.__index = Self

function Self:one(list)
  return list[self.random(#list)]
end

function Self:note(...)
  local words = table.pack(self.number, ...)
  for i = 1, words.n do
    words[i] = tostring(words[i])
  end
  table.insert(self.world.log, table.concat(words, " "))
end

-- Somebody, or nil.
function Self:somebody()
  return self:one(self.world.pids)
end

-- ---- how actors come to be ----

local run

-- The arguments of a new actor, or nil when there are enough.
local function newcomer(self)
  local world = self.world
  if world.count >= world.limit then
    return nil
  end
  world.count = world.count + 1
  return { world, world.count, self.random(1 << 30) }
end

local function begun(self, pid)
  if dynsup.is_pid(pid) then
    table.insert(self.world.pids, pid)
  end
  return pid
end

-- ---- what actors do ----

local acts = {}

function acts.spawn(self)
  local how = self:one { "spawn", "spawn_link", "spawn_monitor" }
  local arguments = newcomer(self)
  if arguments then
    self:note(how, begun(self, (dynsup[how](run, table.unpack(arguments)))))
  end
end

function acts.send(self)
  self:note("send", dynsup.send(self:somebody(), "word", self.random(100)))
end

function acts.receive(self)
  self:note("receive", dynsup.receive(self.random(20)))
end

function acts.match(self)
  self:note("match", dynsup.receive_match("word", self.random(5)))
end

function acts.sleep(self)
  dynsup.sleep(self.random(10))
end

function acts.later(self)
  local timer = dynsup.send_after(self.random(30), self:somebody(), "word", "late")
  if timer and self.random(2) == 1 then
    self:note("cancel", dynsup.cancel_timer(timer))
  end
end

function acts.link(self)
  dynsup[self:one { "link", "link", "unlink" }](self:somebody())
end

function acts.monitor(self)
  local ref = dynsup.monitor(self:somebody())
  if self.random(3) == 1 then
    self:note("demonitor", dynsup.demonitor(ref))
  end
end

function acts.trap(self)
  self:note("trap", dynsup.flag("trap_exit", self.random(2) == 1))
end

function acts.signal(self)
  dynsup.exit(self:somebody(), self:one(REASONS))
end

function acts.leave(self)
  if self.random(6) == 1 then
    local _ <close> = setmetatable({}, {
      __close = function()
        self:note("closes", dynsup.self())
      end,
    })
    dynsup.exit(self:one(REASONS))
  end
end

function acts.crash(self)
  if self.random(6) == 1 then
    error("actor " .. self.number .. " breaks")
  end
end

function acts.name(self)
  local name = self:one(NAMES)
  self:note("name", dynsup.register(name, dynsup.self()))
  self:note("name", dynsup.whereis(name), dynsup.send(name, "word", "by name"))
  if self.random(3) == 1 then
    self:note("name", dynsup.unregister(self:one(NAMES)))
  end
end

function acts.entry(self)
  local key = self.random(5)
  self:note("entry", registry.register("unique", key, self.number), registry.whereis("unique", key))
  self:note("entry", registry.register("many", key, self.number), #registry.lookup("many", key))
  if self.random(3) == 1 then
    self:note("entry", registry.unregister("many", key))
  end
end

-- A generator inside a generator, which waits in between.
function acts.generate(self)
  local depth = self.random(3)
  local function numbers(level)
    return coroutine.wrap(function()
      for i = 1, 3 do
        if level > 1 then
          for n in numbers(level - 1) do
            coroutine.yield(n)
          end
        elseif i == 2 then
          dynsup.sleep(self.random(3))
        end
        coroutine.yield(i * level)
      end
    end)
  end
  local sum = 0
  for n in numbers(depth) do
    sum = sum + n
  end
  self:note("sum", depth, sum)
end

function acts.collect(self)
  collectgarbage("step", self.random(100))
end

function acts.work(self)
  local list = {}
  for i = 1, 50 do
    list[i] = self.random(1000)
  end
  table.sort(list)
  self:note("work", list[1], pcall(error, "caught"))
end

function acts.call(self)
  self:note("call", server.call("server", self:one { 1, 2, "crash", "slow" }, 10))
end

function acts.cast(self)
  self:note("cast", server.cast("server", self.random(10)))
end

function acts.task(self)
  local ms, fails = self.random(5), self.random(4) == 1
  local t = task.async_nolink("tasks", function()
    dynsup.sleep(ms)
    return fails and error "a task breaks" or ms
  end)
  if t then
    self:note("task", ms, task.await(t, 3) == ms)
  end
end

local function worker_spec(self, arguments)
  return {
    body = run,
    args = arguments,
    restart = self:one { "permanent", "transient", "temporary", "temporary" },
    shutdown = self:one { 5, 100, "brutal_kill" },
    name = self.random(3) == 1 and "child " .. self.random(4) or nil,
    ready = self.random(4) == 1,
    start_timeout = 50,
    backoff = self.random(3) == 1 and { min = 5, max = 50 } or nil,
  }
end

function acts.start(self)
  local arguments = newcomer(self)
  if arguments then
    local how = self:one { "start_child", "start_child", "ensure_child" }
    self:note(how, begun(self, (dynsup[how](self:one(self.world.sups), worker_spec(self, arguments)))))
  end
end

function acts.start_sup(self)
  if #self.world.sups < 6 then
    local sup = dynsup.start_child("top", {
      type = "supervisor",
      restart = "temporary",
      start = function()
        return dynsup.start_link { max_restarts = self.random(5), max_seconds = 5 }
      end,
    })
    self:note("sup", begun(self, sup))
    table.insert(self.world.sups, sup)
  end
end

-- A server that may take its time to start, or not start at all.
local clerk = {}
server.use(clerk)

function clerk.init(random)
  local ms = random(12) - 6
  if ms > 0 then
    dynsup.sleep(ms)
  end
  if ms == 6 then
    return "stop", "no"
  end
  return "ok", random
end

function clerk.handle_call(_, _, random)
  return "reply", dynsup.self(), random
end

function clerk.handle_cast()
  error "the clerk breaks"
end

function clerk.handle_info(_, random)
  return "noreply", random
end

-- A server joins a supervisor at run time: the static one, which may be busy or in its init function,
-- or a dynamic one. It has a process of its own.
function acts.serve(self)
  local sup = self:one { "order", "late", "pool", self:one(self.world.sups) }
  local how = self:one { "start_child", "start_child", "ensure_child" }
  local pid = dynsup[how](sup, {
    id = self.random(6),
    start = server.start_link,
    args = { clerk, self.random },
    restart = self:one { "permanent", "transient", "temporary" },
  })
  self:note("serve", how, pid)
  if pid and self.random(3) > 1 then
    local who = server.call(pid, "who", 10)
    if who and who ~= pid then
      self.world.wrong = ("a server is %s, and says that it is %s"):format(tostring(pid), tostring(who))
    end
  elseif pid then
    server.cast(pid, "break")
  end
  local late = self.random(4) == 1 and dynsup.whereis "late"
  if late then
    dynsup.exit(late, "kill")
  end
end

function acts.terminate(self)
  self:note("terminate", dynsup.terminate_child(self:one(self.world.sups), self:somebody()))
end

function acts.by_id(self)
  local what = self:one { "terminate_child", "restart_child", "delete_child" }
  self:note(what, dynsup.supervisor[what](self:one { "order", "late" }, self.random(6)))
end

function acts.await(self)
  local me = dynsup.self()
  self:note("await", dynsup.await(function(resume)
    dynsup.spawn(function()
      dynsup.sleep(2)
      resume("done", me)
    end)
  end, self.random(4)))
end

function acts.look(self)
  local info = dynsup.info(self:somebody())
  self:note("look", info and info.status, info and #info.links)
end

local names = sorted(acts)

-- The body of an actor. It says early that it is ready, if anybody wants to know. Each incarnation does
-- something else; late ones only wait.
function run(world, number, seed)
  world.begun = world.begun + 1
  local self = setmetatable({ world = world, number = number, random = chance(seed + world.begun) }, Self)
  if self.random(5) > 1 then
    dynsup.ready()
  end
  for _ = 1, world.begun < 5 * world.limit and world.steps or 0 do
    local name = self:one(names)
    acts[name](self)
  end
  while true do
    dynsup.receive()
  end
end

actor.run = run

return actor
