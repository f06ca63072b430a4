-- Makes random scenarios for dynamic supervisors: text that the interpreters in this directory read.
--
-- A scenario is a line "scenario N" and operations, one a line (README.md lists them). Each can be
-- left out without making the rest senseless: what is not there is skipped by both interpreters. So
-- a scenario that shows a difference can be made smaller.
--
-- What is left to chance on one of the two sides is not made: processes that race, waits near the
-- end of a restart window (Elixir's have whole seconds), children that nobody could ever stop.

local maker = require "fuzz.elixir.maker"

local generate = {}

local Generator = maker.class()
local reasons, own_ends = maker.reasons, maker.own_ends

local restarts = { "permanent", "permanent", "transient", "temporary" }

function Generator:limits(name)
  local window = self.windowed and "1" or "1000"
  local children = self:chance(70) and "infinity" or tostring(self:number(5) - 1)
  self.limited[name] = children ~= "infinity"
  return tostring(self:number(5) - 1), window, children
end

-- Supervisors that share a child must not be above one another: its end and theirs would race.
function Generator:shared_step(sup)
  local third = #self.shared > 0 and self:one(self.shared)
  local home = third and self.home[third] or sup
  if not third or home ~= sup and (self.depth[home] or self.depth[sup]) then return nil end
  self.home[third] = home
  return "shared:" .. third
end

function Generator:start_step(sup)
  local kind = self:number(100)
  if kind <= 55 then return "up" end
  if kind <= 60 then return "info" end
  if kind <= 65 then return "ignore" end
  if kind <= 71 then return "error" end
  if kind <= 74 then return "value" end
  if kind <= 78 then return "raise" end
  if kind <= 81 then return "fail:" .. self:one(reasons) end
  if kind <= 86 then return "dead:" .. self:one(reasons) end
  if kind <= 90 then return "now:" .. self:one(own_ends) end
  if kind <= 94 then return "leftover" end
  if kind <= 97 then return self:shared_step(sup) or "up" end
  return "slow"
end

function Generator:body_step()
  return self:chance(80) and "up" or "now:" .. self:one(own_ends)
end

function Generator:sup()
  local owner = "o" .. #self.owners + 1
  self.owners[#self.owners + 1] = owner
  self:line("owner", owner, self:chance(60) and "ignore" or "none")
  local name = "s" .. #self.owners
  self.tops[#self.tops + 1] = { name = name, owner = owner }
  self.sups[#self.sups + 1] = name
  self:line("sup", name, owner, self:limits(name))
end

-- calm: a worker that neither traps nor ends by itself.
function Generator:child(sup, calm)
  local name = "c" .. #self.children + 1
  local child = { name = name, sup = sup }
  self.children[#self.children + 1] = child
  if self:chance(12) then
    self:child_supervisor(sup, name)
  else
    child.races = self:worker(sup, name, calm)
  end
end

-- Nobody's time ends together with that of somebody above or below.
local supervisor_shutdowns = { { "infinity", "brutal", "300" }, { "infinity", "brutal", "180" } }

function Generator:child_supervisor(sup, name)
  self.sups[#self.sups + 1] = name
  self.depth[name] = (self.depth[sup] or 0) + 1
  local plan = self:chance(75) and "up" or self:plan(self.body_step):gsub("now:[^,]*", "error")
  local shutdown = self:one(supervisor_shutdowns[self.depth[name]] or { "infinity", "brutal" })
  self:line("child", sup, name, "sup", self:one(restarts), shutdown, "none", plan, self:limits(name))
end

-- True when its effect depends on which process is faster.
function Generator:worker(sup, name, calm)
  local trap = calm and "none" or self:trap(30)
  local kind = self:one { "body", "start" }
  local shutdown, plan = self:shutdown(trap), self:plan(self[kind .. "_step"], sup)
  local shared = kind == "start" and self:chance(15) and self:shared_step(sup)
  if shared then plan = self:one { "", "up," } .. shared end
  if calm then plan = plan:gsub("[^,]*:[^,]*", "up") end
  if plan:find "shared" and shutdown == "infinity" then shutdown = "100" end
  self:line("child", sup, name, kind, self:one(restarts), shutdown, trap, plan)
  return trap ~= "none" or plan:find "now" ~= nil or plan:find "dead" ~= nil or plan:find "shared" ~= nil
end

function Generator:process()
  local roll = self:number(100)
  if roll <= 75 and #self.children > 0 then return self:one(self.children).name end
  if roll <= 85 and #self.thirds > 0 then return self:one(self.thirds) end
  return self:one(self.sups)
end

function Generator:terminate()
  if #self.children == 0 then return end
  local child = self:one(self.children)
  self:line("terminate", self:chance(90) and child.sup or self:one(self.sups), child.name)
end

-- Each is linked once: with two links it would pass a signal on beside the supervisor that acts on it.
function Generator:link()
  local single = table.remove(self.singles)
  if not single then return end
  self:line("link", single, self:process())
  self.thirds[#self.thirds + 1] = single
end

function Generator:tell()
  if #self.children > 0 then self:line("tell", self:one(self.children).name, self:one(own_ends)) end
end

function Generator:exit()
  self:line("exit", self:process(), self:one(reasons))
end

-- Several operations while a start function runs: what the supervisor does when it has its turn again.
function Generator:batch()
  local sup = self:one(self.sups)
  if self.limited[sup] then return end
  local victims = {}
  for _, child in ipairs(self.children) do
    if child.sup == sup then victims[#victims + 1] = child end
  end
  local name = "c" .. #self.children + 1
  self:line "{"
  self.children[#self.children + 1] = { name = name, sup = sup }
  self:line("child", sup, name, "start", self:one(restarts), "100", "none", self:one { "slow", "slow,error,up" })
  for _ = 1, self:number(3) do self:batched(sup, victims) end
  if self:chance(10) then
    local top = self:one(self.tops)
    self:line("signal", top.owner, top.name, self:one(reasons))
  end
  self:line "}"
end

-- Each victim once: dynsup goes on while a child ends, so it still finds a child that is ending.
function Generator:batched(sup, victims)
  local roll = self:number(10)
  if roll > 8 or #victims == 0 then return self:child(sup, true) end
  local victim = table.remove(victims, self:number(#victims))
  if roll <= 6 then
    if not victim.races then self:line("exit", victim.name, self:one(reasons)) end
  else
    self:line("terminate", sup, victim.name)
  end
end

-- Takes a supervisor's name out of those that operations are made for.
function Generator:forget(name)
  for i = #self.sups, 1, -1 do
    if self.sups[i] == name then table.remove(self.sups, i) end
  end
  for i = #self.tops, 1, -1 do
    if self.tops[i].name == name then table.remove(self.tops, i) end
  end
  if #self.tops == 0 then self:sup() end
end

-- One that ends a supervisor, or tries.
function Generator:ending()
  local roll, top = self:number(10), self:one(self.tops)
  if roll <= 4 then
    self:line("signal", top.owner, top.name, self:one(reasons))
  elseif roll <= 6 then
    self:line("stop", top.name, self:one(reasons))
  elseif roll <= 8 then
    self:line("exit", top.name, "kill")
  elseif roll <= 9 then
    self:line("exit", top.owner, self:one(reasons))
  else
    return self:line("stop", self:one(self.sups), self:one(reasons))
  end
  self:forget(top.name)
end

function Generator:operation()
  local roll = self:number(100)
  if roll <= 30 then return self:child(self:one(self.sups)) end
  if roll <= 55 then return self:exit() end
  if roll <= 68 then return self:tell() end
  if roll <= 80 then return self:terminate() end
  if roll <= 85 then return self:link() end
  if roll <= 90 then return self:batch() end
  if roll <= 93 then return self:ending() end
  if roll <= 95 and #self.tops < 3 then return self:sup() end
  if self.windowed and roll <= 98 then return self:line("wait", "2050") end
  return self:child(self:one(self.sups))
end

function Generator:third(name)
  self:line("third", name, self:one { "none", "none", "ignore", "exit:boom" })
end

--- The n-th scenario of a seed.
---@param seed integer
---@param number integer
---@return string[] lines operations
function generate.scenario(seed, number)
  local self = maker.new(Generator, seed, number, {
    tops = {}, sups = {}, children = {}, owners = {}, thirds = {}, shared = {}, singles = {}, limited = {}, depth = {},
    home = {},
  })
  self.windowed = self:chance(8)
  for i = 1, self:number(3) - 1 do
    self.shared[i], self.thirds[i] = "t" .. i, "t" .. i
    self:third(self.shared[i])
  end
  for i = 1, self:number(3) - 1 do
    self.singles[i] = "l" .. i
    self:third(self.singles[i])
  end
  self:sup()
  for _ = 1, self:number(30) do self:operation() end
  self:ending()
  return self.lines
end

return generate
