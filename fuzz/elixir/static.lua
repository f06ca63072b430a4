-- Makes random scenarios for static supervisors: text that the interpreters in this directory read
-- (README.md says what a scenario is).
--
-- Operations whose outcome is random on one of the two sides are not made: workers that end by themselves
-- while their supervisor is busy, several operations on more than one supervisor at once. Nor is what dynsup
-- does differently on purpose: under one_for_one nobody waits for a restarted child that calls ready
-- (docs/semantics.md, 4.2).

local maker = require "fuzz.elixir.maker"

local static = {}

local Generator = maker.class()

local strategies = { "one_for_one", "one_for_all", "rest_for_one" }
local restarts = { "permanent", "permanent", "transient", "transient", "temporary" }
local before_ready = { "normal", "shutdown", "shutdown+x", "boom" }

-- A supervisor that children can be made for, in `self.sups` when it is started.
local function new_sup(self, name)
  local strategy = self:one(strategies)
  local shutdown = self:chance(60) and "never" or self:one { "any_significant", "all_significant" }
  return { name = name, strategy = strategy, auto_shutdown = shutdown, restarts = self:number(5) - 1 }
end

local function limits(sup)
  return sup.strategy, tostring(sup.restarts), "1000", sup.auto_shutdown
end

function Generator:restart(sup)
  local restart = self:one(restarts)
  local may_weigh = sup.auto_shutdown ~= "never" and restart ~= "permanent"
  return restart .. (may_weigh and self:chance(50) and "!" or "")
end

function Generator:start_step(sup)
  local kind = self:number(100)
  if kind <= 60 then return "up" end
  if kind <= 63 then return "info" end
  if kind <= 73 then return "ignore" end
  if kind <= 83 then return "error" end
  if kind <= 88 then return "raise" end
  if kind <= 93 then return "fail:" .. self:one(maker.reasons) end
  if kind <= 96 or sup.is_calm then return "value" end
  return "dead:" .. self:one(maker.reasons)
end

function Generator:ready_step()
  return self:chance(65) and "up" or "fail:" .. self:one(before_ready)
end

function Generator:child(how, sup)
  local child = { name = "c" .. #self.children + 1, sup = sup }
  self.children[#self.children + 1] = child
  if self:chance(20) and not sup.is_child then
    self:nested(how, child)
  else
    self:worker(how, child)
  end
end

function Generator:worker(how, child)
  local sup, kind = child.sup, self:one { "start", "start", "body", "ready" }
  if kind == "ready" and sup.strategy == "one_for_one" then kind = "start" end
  local trap = kind == "body" and "none" or self:trap(50)
  local plan = kind == "body" and "up" or self:plan(self[kind .. "_step"], sup)
  self:line(how, sup.name, child.name, kind, self:restart(sup), self:shutdown(trap), trap, plan)
end

-- Its children come before it, with names of their own.
function Generator:nested(how, child)
  local sup = new_sup(self, child.name)
  sup.is_child, sup.is_calm, child.is_sup = true, true, true
  child.sup.nests = (child.sup.nests or 0) + 1
  self:inits(sup, 3)
  self.sups[#self.sups + 1] = sup
  local plan = self:chance(70) and "up" or self:one { "up,error,up", "error,up", "up,ignore,up" }
  local shutdown = self:one { "brutal", "250", "infinity" } -- its children take tens or hundreds
  self:line(how, child.sup.name, child.name, "static", self:restart(child.sup), shutdown, "none", plan, limits(sup))
end

function Generator:inits(sup, most)
  for _ = 1, self:number(most + 1) - 1 do self:child("init", sup) end
end

function Generator:sup()
  local number = #self.tops + 1
  local top = new_sup(self, "s" .. number)
  top.owner = "o" .. number
  self.tops[number], self.sups[#self.sups + 1] = top, top
  top.is_calm = self:chance(40) -- one that ended at once would take its owner along
  self:line("owner", top.owner, top.is_calm and "none" or "ignore")
  self:inits(top, 5)
  self:line("static", top.name, top.owner, limits(top))
  top.is_calm = false
end

-- Supervisors that lose their supervisor end at the same time, in an unknown order.
function Generator:reason(sup)
  local reason = self:one(maker.reasons)
  return reason == "kill" and (sup.nests or 0) > 1 and "shutdown" or reason
end

local requests = { "terminate", "terminate", "restart", "restart", "restart", "delete", "delete", "again", "again" }

-- Asks for one of the children, sometimes a supervisor that it is no child of.
function Generator:request(child)
  local request = self:one(requests)
  local sup = (request == "again" or self:chance(95)) and child.sup or self:one(self.sups)
  self:line(request, sup.name, child.name)
end

function Generator:tell(child)
  if child.is_sup then return self:line("exit", child.name, self:one(maker.reasons)) end
  self:line("tell", child.name, self:one(maker.own_ends))
end

-- Several operations while a start function runs: all for the same supervisor, which does them in
-- their order.
function Generator:batch()
  local sup, members = self:one(self.sups), {}
  for _, child in ipairs(self.children) do
    if child.sup == sup then members[#members + 1] = child end
  end
  local name = "c" .. #self.children + 1
  self.children[#self.children + 1] = { name = name, sup = sup }
  self:line "{"
  self:line("child", sup.name, name, "start", self:one { "permanent", "temporary" }, "100", "none",
    self:one { "slow", "slow,error,up" })
  for _ = 1, #members > 0 and self:number(4) or 0 do self:batched(self:one(members)) end
  if self:chance(10) then self:line("stop", sup.name, self:one(maker.reasons)) end
  self:line "}"
end

function Generator:batched(child)
  local roll = self:number(10)
  if roll <= 6 then
    self:line(self:one(requests), child.sup.name, child.name)
  elseif child.is_sup then
    self:line("terminate", child.sup.name, child.name)
  elseif roll <= 8 then
    self:line("exit", child.name, self:one(maker.reasons))
  else
    self:tell(child)
  end
end

function Generator:ending()
  local top = self:one(self.tops)
  local roll = self:number(10)
  if roll <= 4 then
    self:line("stop", top.name, self:one(maker.reasons))
  elseif roll <= 7 then
    self:line("signal", top.owner, top.name, self:reason(top))
  elseif roll <= 8 then
    self:line("exit", top.owner, self:one(maker.reasons))
  else
    local sup = self:one(self.sups)
    self:line("exit", sup.name, self:reason(sup))
  end
end

function Generator:operation()
  local roll, child = self:number(100), #self.children > 0 and self:one(self.children)
  if not child or roll <= 14 then return self:child("child", self:one(self.sups)) end
  if roll <= 35 then return self:line("exit", child.name, self:one(maker.reasons)) end
  if roll <= 50 then return self:tell(child) end
  if roll <= 84 then return self:request(child) end
  if roll <= 95 then return self:batch() end
  if roll <= 97 then return self:ending() end
  if #self.tops < 2 then self:sup() end
end

--- The n-th scenario of a seed.
---@param seed integer
---@param number integer
---@return string[] lines operations
function static.scenario(seed, number)
  local self = maker.new(Generator, seed, number, { tops = {}, sups = {}, children = {} })
  self:sup()
  for _ = 1, self:number(20) do self:operation() end
  self:ending()
  return self.lines
end

return static
