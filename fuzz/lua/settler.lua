-- Settlers: processes in further heaps that do random things with all that reaches beyond a heap, and then
-- wait. They share only messages: what one does comes from its own seed, the processes it knows from its
-- arguments and from messages. A settler reports what it finds wrong to the run's keeper.
local chance = require "fuzz.lua.chance"
local dynsup = require "dynsup"
local acts = require "fuzz.lua.settler_acts"
local parcel = require "fuzz.lua.settler_parcel"

local settler = {}

local Self = {}
Self.__index = Self

function Self:one(list)
  return list[self.random(#list)]
end

-- A process that it knows, often one that is gone.
function Self:somebody()
  return self:one(self.known)
end

function Self:meet(pid)
  if dynsup.is_pid(pid) then
    self.known[#self.known % 30 + 1] = pid
  end
  return pid
end

function Self:note(...)
  dynsup.send("keeper", "note", self.number, ...)
end

function Self:wrong(form, ...)
  dynsup.send("keeper", "wrong", ("settler %d: " .. form):format(self.number, ...))
end

-- The arguments of a new settler; nil when there have been enough.
function Self:newcomer()
  if self.left < 1 then
    return nil
  end
  self.left = self.left - 1
  return { self.number * 10 + self.left, self.random(1 << 30), self.steps // 2, { self:somebody(), dynsup.self() } }
end

-- ---- bodies ----

local function act(self)
  for _ = 1, self.steps do
    local name = self:one(acts.names)
    acts.list[name](self)
  end
end

-- What the mailbox still holds, and what comes later.
local function listen(self)
  while true do
    self:heard(dynsup.receive())
  end
end

-- Looks at a message as far as it has a meaning.
function Self:heard(first, ...)
  if first == "parcel" then
    local wrong = parcel.check(self.heard_of, ...)
    if wrong then
      self:wrong("%s", wrong)
    end
    self:meet((...))
  end
  return first
end

-- The body of a settler: its number, a seed, how much it does, the processes it knows.
function settler.run(number, seed, steps, known)
  local self = setmetatable({
    number = number,
    random = chance(seed),
    steps = steps,
    known = known,
    heard_of = {},
    left = 4,
  }, Self)
  local before = dynsup.previous()
  if before and before.state.again ~= before.state.numbers then
    self:wrong("its state came back as something else")
  end
  dynsup.send("keeper", "born", dynsup.self())
  if self.random(5) > 1 then
    dynsup.ready { number = number }
  end
  local incarnation = dynsup.info(dynsup.self()).incarnation or 1
  if incarnation > 1 then -- a restarted one does something else, and less
    self.random = chance(seed + incarnation)
    self.steps = incarnation < 5 and steps // 2 or 0
  end
  act(self)
  listen(self)
end

-- ---- start functions ----

-- Returns a settler, fails, waits, or is too big for its heap: as `how` says.
function settler.found(how, ...)
  if how == "refuses" then
    return nil, "refused", { how }
  elseif how == "breaks" then
    error { "broken", how }
  elseif how == "waits" then
    dynsup.sleep(20)
  elseif how == "eats" then
    acts.eat()
  end
  return dynsup.spawn_link(settler.run, ...), { how }
end

-- A supervisor, of settlers in heaps or of none.
function settler.govern(options)
  return dynsup.start_link(options)
end

-- ---- a server ----

local office = {}

function office.init(state)
  return "ok", state
end

function office.handle_call(request, _, state)
  if request.kind == "crash" then
    error { "the office breaks", request }
  elseif request.kind == "slow" then
    dynsup.sleep(20)
  elseif request.kind == "eat" then
    acts.eat()
  end
  return "reply", request, state
end

function office.handle_cast(request, state)
  state[#state % 10 + 1] = request
  return "noreply", state
end

function office.handle_info(_, state)
  return "noreply", state
end

settler.office = office

function settler.open_office(name)
  return dynsup.server.start_link(office, {}, { name = name })
end

return settler
