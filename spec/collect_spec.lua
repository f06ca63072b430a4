-- collectgarbage in a process. A heap that takes longer to collect than a slice lasts stands for a big one.
local dynsup = require "dynsup"
local host = require "spec.support.host"
local program = require "spec.support.program"

local real = { clock = "real" }
local FEW = 10 -- turns that others have anyway, before and after a collection

-- Runs f in incremental mode; the stock interpreter begins in the other one.
local function incremental(f, options)
  return host.main(function()
    local mode = collectgarbage("incremental")
    f()
    collectgarbage(mode)
  end, options)
end

local function heap_new()
  local heap = {}
  for i = 1, 300000 do
    heap[i] = { i }
  end
  return heap
end

-- A process that counts its turns; returns what tells the count and ends it.
local function counter_start()
  local turns = 0
  local pid = dynsup.spawn(function()
    while true do
      turns = turns + 1
      dynsup.yield()
    end
  end)
  return function()
    dynsup.exit(pid, "kill")
    return turns
  end
end

describe("a full collection", function()
  it("lets others run in between, and finds all garbage", incremental(function()
    local heap = heap_new()
    local stop = counter_start()
    local gone = setmetatable({ {} }, { __mode = "v" })
    assert.equal(0, collectgarbage())
    assert.is_true(stop() > FEW)
    assert.is_nil(gone[1])
    assert.equal(300000, #heap)
  end, { clock = "real", slice = 0.1 }))

  it("runs the finalizers of what it finds", incremental(function()
    local finalized = false
    setmetatable({}, { __gc = function() finalized = true end })
    collectgarbage("collect")
    assert.is_true(finalized)
  end, real))

  it("may be asked for by several at once", incremental(function()
    local heap, refs = heap_new(), {}
    for i = 1, 5 do
      local _, ref = dynsup.spawn_monitor(function()
        collectgarbage()
      end)
      refs[i] = ref
    end
    for i = 1, 5 do
      assert.equal("normal", host.down(refs[i]))
    end
    assert.equal(300000, #heap)
  end, real))

  it("comes to its end when another process switches the mode meanwhile", incremental(function()
    local heap = heap_new()
    local _, ref = dynsup.spawn_monitor(function()
      collectgarbage("generational")
    end)
    assert.equal(0, collectgarbage())
    assert.equal("normal", host.down(ref))
    assert.equal("generational", collectgarbage("incremental"))
    assert.equal(300000, #heap)
  end, real))

  it("leaves the generational mode as it is", host.main(function()
    local mode = collectgarbage("generational")
    assert.equal(0, collectgarbage())
    assert.equal("generational", collectgarbage(mode))
  end, real))

  it("is done at once where the process cannot give way", incremental(function()
    local collected
    table.sort({ 1, 2 }, function(a, b)
      collected = collectgarbage()
      return a < b
    end)
    assert.equal(0, collected)
  end, real))

  it("is done at once on a virtual clock", incremental(function()
    local heap = heap_new()
    local stop = counter_start()
    collectgarbage()
    assert.equal(0, stop())
    assert.equal(300000, #heap)
  end, { slice = 1000 }))

  it("is done at once in a host without preemption", incremental(function()
    local heap = heap_new()
    local stop = counter_start()
    collectgarbage()
    assert.equal(0, stop())
    assert.equal(300000, #heap)
  end, { clock = "real", preempt = false }))
end)

describe("a collection that begins by itself", function()
  -- Counts collections, in f, of which each begins when the heap has grown by a fifth.
  local function collections(f)
    local count, over = 0, false
    local function note()
      setmetatable({}, { __gc = function()
        count = count + 1
        if not over then note() end
      end })
    end
    local pause = collectgarbage("setpause", 120)
    collectgarbage()
    note()
    f()
    collectgarbage("setpause", pause)
    over = true
    return count
  end

  local function start(sup, count, body)
    local spec = { restart = "temporary", body = body }
    for _ = 1, count do
      dynsup.start_child(sup, spec)
    end
    dynsup.sleep(1)
  end

  it("is not hastened by workers that start", incremental(function()
    local sup = dynsup.start_link()
    assert.is_true(collections(function()
      start(sup, 30000, function() dynsup.receive() end)
    end) <= 2)
    dynsup.stop(sup)
  end))

  it("comes as soon as ever where workers leave their coroutines to it", incremental(function()
    local sup = dynsup.start_link()
    assert.is_true(collections(function()
      for _ = 1, 30 do
        start(sup, 1000, coroutine.running)
      end
    end) >= 3)
    dynsup.stop(sup)
  end))

  it("comes again where many workers start and end", incremental(function()
    assert.is_true(collections(function()
      for _ = 1, 10 do
        local sup = dynsup.start_link()
        start(sup, 5000, function() dynsup.receive() end)
        dynsup.stop(sup)
      end
    end) >= 2)
  end))
end)

describe("collectgarbage", function()
  it("is Lua's in all else", host.main(function()
    assert.is_number(collectgarbage("count"))
    assert.is_true(collectgarbage("isrunning"))
    assert.has_error(function()
      collectgarbage("everything")
    end, "bad argument #1 to 'collectgarbage' (invalid option 'everything')")
  end))
end)

describe("the collector of dynsup run", function()
  local folder = program.folder()
  teardown(function() program.remove_folder(folder) end)

  it("works in finer steps than Lua's", function()
    program.write(folder, "steps.lua", [[
      local heap = {}
      for i = 1, 20000 do heap[i] = { i } end
      local function steps()
        local count = 0
        repeat count = count + 1 until collectgarbage("step", 0)
        return count
      end
      steps()
      local fine = steps()
      collectgarbage("incremental", 0, 0, 13)
      steps()
      print(fine > 4 * steps(), #heap)
    ]])
    assert.equal("true\t20000\n", program.run(folder, "run", "steps.lua").out)
  end)
end)
