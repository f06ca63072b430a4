-- A call in the wrong place is put down to who has called dynsup, not to a line of dynsup's own.

local dynsup = require "dynsup"
local host = require "spec.support.host"
local registry = require "dynsup.registry"
local supervisor = require "dynsup.supervisor"
local task = require "dynsup.task"

-- A task to wait for, and a registry: they are there before the calls.
local t, reg

-- Each function calls in its first line what is to be told of it.
local waits = {
  ["task.await"] = function() local _ = task.await(t) end,
  ["task.yield"] = function() local _ = task.yield(t) end,
  ["task.ignore"] = function() local _ = task.ignore(t) end,
  ["task.shutdown"] = function() local _ = task.shutdown(t) end,
  ["task.await_many"] = function() local _ = task.await_many { t } end,
  ["task.yield_many"] = function() local _ = task.yield_many { t } end,
  ["task.async_stream"] = function() for _ in task.async_stream(nil, { 1 }, dynsup.yield) do dynsup.yield() end end,
  ["supervisor.start_link"] = function() local _ = supervisor.start_link {} end,
  ["supervisor.start_link of a module"] = function() local _ = supervisor.start_link { init = dynsup.yield } end,
  ["registry.stop"] = function() local _ = registry.stop(reg) end,
  ["reload"] = function() local _ = dynsup.reload "os" end,
}

local need_a_process = {
  ["task.async"] = function() local _ = task.async(dynsup.yield) end,
  ["task.async_link"] = function() local _ = task.async_link("sup", dynsup.yield) end,
  ["task.async_nolink"] = function() local _ = task.async_nolink("sup", dynsup.yield) end,
  ["the beginning of task.async_stream"] = function() local _ = task.async_stream(nil, {}, dynsup.yield) end,
  ["registry.start_link"] = function() local _ = registry.start_link { keys = "unique" } end,
  ["registry.unregister"] = function() local _ = registry.unregister(reg, "key") end,
  ["registry.unregister_match"] = function() local _ = registry.unregister_match(reg, "key", print) end,
  ["save_state"] = function() local _ = dynsup.save_state(1) end,
  ["previous"] = function() local _ = dynsup.previous() end,
}
for name, f in pairs(waits) do need_a_process[name] = f end

local sup
local ask_their_supervisor = {
  ["task.async_link"] = function() local _ = task.async_link(sup, dynsup.yield) end,
  ["task.async_nolink"] = function() local _ = task.async_nolink(sup, dynsup.yield) end,
  ["task.start_child"] = function() local _ = task.start_child(sup, dynsup.yield) end,
  ["task.async_stream"] = function() for _ in task.async_stream(sup, { 1 }, dynsup.yield) do dynsup.yield() end end,
}

-- Calls each of the functions by `call` (pcall, or what calls that elsewhere), and asserts of the errors where
-- they are from and what they say.
local function assert_told(functions, call, what)
  for name, f in host.sorted(functions) do
    local ok, message = call(f)
    local place = ("spec/blame_spec.lua:%d: "):format(debug.getinfo(f, "S").linedefined)
    assert.is_false(ok, name)
    assert.equal(place, message:sub(1, #place), ("%s: %s"):format(name, message))
    assert.truthy(message:find(what, 1, true), ("%s: %s"):format(name, message))
  end
end

local function prepare()
  t = task.async(dynsup.sleep, "infinity")
  reg = registry.start_link { keys = "unique" }
end

describe("the place of an error is the caller's", function()
  it("where it cannot wait", host.main(function()
    prepare()
    assert_told(waits, host.in_comparator, "cannot wait across a C-call boundary")
    dynsup.halt()
  end))

  it("where it is no process", host.main(function()
    prepare()
    local uv = require "luv"
    assert_told(need_a_process, function(f)
      return dynsup.await(function(resume)
        local timer = uv.new_timer()
        timer:start(0, 0, function()
          timer:close()
          resume(pcall(f))
        end)
      end)
    end, "process")
    dynsup.halt()
  end, { clock = "real" }))

  it("outside of a host", function()
    local functions = {}
    for _, name in ipairs { "task.async", "registry.start_link", "reload", "supervisor.start_link" } do
      functions[name] = need_a_process[name]
    end
    assert_told(functions, pcall,
      "no host is running")
  end)

  it("where it asks the supervisor that waits for it", host.main(function()
    sup = dynsup.start_link {}
    assert_told(ask_their_supervisor, function(f)
      local results
      dynsup.start_child(sup, { start = function() results = { pcall(f) } end, restart = "temporary" })
      return table.unpack(results)
    end, "calls itself")
  end))
end)
