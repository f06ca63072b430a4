-- dynsup.reload amid everything else: random operations on supervisors whose children run a module,
-- the same ones in every run. In the end all children run, with the newest code.

local dynsup = require "dynsup"
local modules = require "spec.support.modules"
local static = require "dynsup.supervisor"

local text = [[
  local dynsup = require "dynsup"
  local M = {}
  local function loop()
    while true do
      local what = dynsup.receive()
      if what == "crash" then error("boom", 0) end
      if what == "version" then dynsup.send("main", "version", %d) end
      if what == "return" or what == "EXIT" then return end
      if what == "save" then dynsup.save_state { dynsup.self() } end
    end
  end
  local function run(ms, traps)
    dynsup.flag("trap_exit", traps)
    dynsup.previous()
    dynsup.sleep(ms)
    dynsup.ready()
    loop()
    dynsup.sleep(ms)
  end
  M.run = run
  function M.start(ms, traps)
    dynsup.previous()
    dynsup.sleep(ms)
    return dynsup.spawn_link(run, ms, traps)
  end
  return M
]]

-- The operations of one play, all by main; what may wait is done by processes of their own.
local function play_on(sup, is_static, random)
  local version, serial, waiting = 1, 0, 0

  local function apart(f, ...)
    waiting = waiting + 1
    local args = table.pack(...)
    dynsup.spawn(function()
      f(table.unpack(args, 1, args.n))
      waiting = waiting - 1
    end)
  end

  local function some_child()
    local children = dynsup.which_children(sup)
    return children[random(#children)]
  end

  local function spec()
    serial = serial + 1
    local by_start = random(3) == 1
    return {
      id = serial,
      [by_start and "start" or "body"] = by_start and "app.random:start" or "app.random:run",
      args = { random(0, 20), random(2) == 1 },
      restart = random(3) == 1 and "transient" or "permanent",
      ready = not by_start and random(4) == 1 or nil,
      shutdown = ({ 5, 100, "brutal_kill", "infinity" })[random(4)],
      backoff = random(3) == 1 and { min = 10, max = 50 } or nil,
    }
  end

  local operations = {
    function() apart(dynsup.start_child, sup, spec()) end,
    function()
      version = version + 1
      modules.write("app.random", text:format(version))
      apart(dynsup.reload, "app.random")
    end,
    function()
      local child = some_child()
      if child and dynsup.is_pid(child.pid) then
        dynsup.send(child.pid, ({ "crash", "return", "save", "save" })[random(4)])
      end
    end,
    function()
      local child = some_child()
      if child and dynsup.is_pid(child.pid) then dynsup.exit(child.pid, "kill") end
    end,
    function()
      local child = some_child()
      if child and is_static then
        apart(({ static.terminate_child, static.restart_child, static.delete_child })[random(3)], sup, child.id)
      elseif child and child.last_pid then
        apart(dynsup.terminate_child, sup, child.last_pid)
      end
    end,
    function() dynsup.sleep(random(0, 30)) end,
    function() dynsup.sleep(random(0, 30)) end,
  }
  for _ = 1, 150 do
    operations[random(#operations)]()
  end
  dynsup.sleep(5000)
  assert.equal(0, waiting)
  return version
end

-- All children that are to run do so, with this version of the code.
local function check(sup, version)
  local asked = 0
  for _, child in ipairs(dynsup.which_children(sup)) do
    assert.not_equal("restarting", child.pid)
    if child.pid then
      asked = asked + 1
      dynsup.send(child.pid, "version")
    end
  end
  for _ = 1, asked do
    assert.same({ "version", version }, { dynsup.receive_match("version", 1000) })
  end
  assert.equal(asked, dynsup.count_children(sup).active)
end

local function play(seed, strategy)
  local state = seed
  -- Numbers of this spec's own: math.random is seeded by nobody here.
  local function random(low, high)
    if not high then low, high = 1, low end
    state = (state * 6364136223846793005 + 1442695040888963407) & math.maxinteger
    return low + (state >> 20) % math.max(high - low + 1, 1)
  end
  assert(dynsup.run({ clock = "virtual", seed = seed }, function()
    dynsup.flag("trap_exit", true)
    dynsup.register("main", dynsup.self())
    modules.write("app.random", text:format(1))
    local sup = strategy and static.start_link({}, { strategy = strategy, max_restarts = 100000 })
      or dynsup.start_link { max_restarts = 100000 }
    local version = play_on(sup, strategy, random)
    check(sup, version)
    assert.is_true(dynsup.stop(sup))
  end))
  package.loaded["app.random"] = nil
end

describe("reload amid random operations", function()
  before_each(modules.open)
  after_each(modules.close)

  for _, strategy in ipairs { false, "one_for_one", "one_for_all", "rest_for_one" } do
    it("leaves all children with the newest code: " .. (strategy or "dynamic"), function()
      for seed = 1, 10 do play(seed, strategy) end
    end)
  end
end)
