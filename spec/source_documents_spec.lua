-- The programs of the documents that dynsup was made after, written for it.

local dynsup = require "dynsup"
local family = require "spec.support.family"
local host = require "spec.support.host"

describe("the duplicate finder", function()
  local NAME = "WorkerSupervisor"

  -- The worker supervisor and a worker that takes paths from finder and tells gatherer.
  local function duper(finder, gatherer)
    local worker, supervisor = {}, {}

    function worker.run()
      while true do
        dynsup.send(finder, "next", dynsup.self())
        local _, path = dynsup.receive_match("path")
        if not path then break end
        if path == "bad" then error "unreadable" end
        dynsup.send(gatherer, "hash", path)
      end
      dynsup.send(gatherer, "done")
    end

    function worker.child_spec()
      return { id = worker, body = worker.run, restart = "transient" }
    end

    dynsup.use(supervisor)

    function supervisor.start_link(_)
      return dynsup.start_link(supervisor, "no_args", { name = NAME })
    end

    function supervisor.init(argument)
      assert.equal("no_args", argument)
      return dynsup.init { strategy = "one_for_one" }
    end

    function supervisor.add_worker()
      local pid, reason = dynsup.start_child(NAME, worker)
      assert.is_true(dynsup.is_pid(pid), tostring(reason))
      return pid
    end

    return supervisor, worker
  end

  local function path_finder(paths)
    return dynsup.spawn(function()
      for i = 1, math.huge do
        local _, worker = dynsup.receive()
        dynsup.send(worker, "path", paths[i])
      end
    end)
  end

  -- What the gatherer hears until all workers are done.
  local function gather(workers)
    local hashes = {}
    while workers > 0 do
      local what, path = dynsup.receive_match(function(tag)
        return tag == "hash" or tag == "done"
      end)
      if what == "done" then workers = workers - 1 else hashes[#hashes + 1] = path end
    end
    table.sort(hashes)
    return hashes
  end

  local function numbered(count)
    local paths = {}
    for i = 1, count do paths[i] = ("file %03d"):format(i) end
    return paths
  end

  it("adds workers to a module-based supervisor until the work is done", host.main(function()
    local paths = numbered(100)
    local supervisor, worker = duper(path_finder(paths), dynsup.self())
    local sup = supervisor.start_link()
    assert.equal(sup, dynsup.whereis(NAME))
    for _ = 1, 10 do supervisor.add_worker() end
    assert.same(family.workers(10), dynsup.count_children(NAME))
    for child in dynsup.children(NAME) do assert.equal(worker, child.id) end
    assert.same(paths, gather(10))
    dynsup.sleep(1)
    assert.same(family.workers(0), dynsup.count_children(NAME))
  end))

  it("goes on when a file lets a worker crash", host.main(function()
    local paths = numbered(20)
    table.insert(paths, 10, "bad")
    local supervisor = duper(path_finder(paths), dynsup.self())
    supervisor.start_link()
    for _ = 1, 3 do supervisor.add_worker() end
    assert.same(numbered(20), gather(3))
    dynsup.sleep(1)
    assert.same(family.workers(0), dynsup.count_children(NAME))
  end))

  it("stands under another supervisor by its module alone", host.main(function()
    local supervisor = duper(path_finder {}, dynsup.self())
    local top = dynsup.start_link {}
    local sup = dynsup.start_child(top, { supervisor, nil })
    assert.equal(sup, dynsup.whereis(NAME))
    local entry = family.only(top)
    assert.equal(supervisor, entry.id)
    assert.equal("supervisor", entry.type)
    supervisor.add_worker()
    assert.same({}, gather(1))
  end))
end)

describe("the buckets", function()
  local NAME = "KV.BucketSupervisor"

  -- A worker that registers itself under its name when it is started.
  local bucket, bodies = {}, 0

  function bucket.run()
    bodies = bodies + 1
    local content = dynsup.dict()
    while true do
      local what, key, value = dynsup.receive()
      if what == "put" then content[key] = value else dynsup.send(what, "value", content[key]) end
    end
  end

  function bucket.start_link(name)
    local running = dynsup.whereis(name)
    if running then return nil, "already_started", running end
    local pid = dynsup.spawn_link(bucket.run)
    dynsup.register(name, pid)
    return pid
  end

  function bucket.child_spec(name)
    return { id = bucket, start = bucket.start_link, args = { name }, restart = "temporary" }
  end

  before_each(function() bodies = 0 end)

  -- The tree of the document: the supervisor is named in the tree, without a module of its own.
  local function start_tree()
    local top = dynsup.start_link {}
    local sup = dynsup.start_child(top, { dynsup, { name = NAME, strategy = "one_for_one" } })
    assert.equal(sup, dynsup.whereis(NAME))
    return top
  end

  it("are started, or found by already_started with their pid", host.main(function()
    start_tree()
    local pid = dynsup.start_child(NAME, { bucket, "shopping" })
    dynsup.send(pid, "put", "milk", 3)
    local again, reason, existing = dynsup.start_child(NAME, { bucket, "shopping" })
    assert.is_nil(again)
    assert.equal("already_started", reason)
    assert.equal(pid, existing)
    dynsup.send(existing, dynsup.self(), "milk")
    assert.same({ "value", 3 }, { dynsup.receive() })
    assert.same(family.workers(1), dynsup.count_children(NAME))
    assert.equal(1, bodies)
  end))

  it("are one for all who ask at the same time", host.main(function()
    start_tree()
    local jobs, started, pids = {}, 0, {}
    for i = 1, 50 do
      jobs[i] = family.async(dynsup.start_child, NAME, { bucket, "shopping" })
    end
    for i = 1, 50 do
      local pid, _, existing = family.result(jobs[i])
      if pid then started = started + 1 end
      pids[pid or existing] = true
    end
    assert.equal(1, started)
    assert.equal(1, bodies)
    assert.same({ [dynsup.whereis("shopping")] = true }, pids)
  end))

  it("are shut down together with the tree", host.main(function()
    local top, refs = start_tree(), {}
    for i = 1, 5 do
      refs[i] = dynsup.monitor((dynsup.start_child(NAME, { bucket, "bucket " .. i })))
    end
    local took, done = family.elapsed(dynsup.stop, top)
    assert.is_true(done)
    assert.equal(0, took)
    for i = 1, 5 do assert.equal("shutdown", host.down(refs[i])) end
  end))
end)

describe("the loader of rules", function()
  local NAME, URL = "AuthDataLoaderSup", "http://auth_service.some_cluster.data_center/rules"

  -- The service: what it has written, what it has stored, and a remote end that answers as told.
  local function new_service(answers)
    local service = { lines = {}, requests = 0 }

    local function say(...) service.lines[#service.lines + 1] = table.concat({ ... }, " ") end

    local function load_data(url)
      say("load data from", url)
      service.requests = service.requests + 1
      dynsup.sleep(100)
      return answers[service.requests] or error("the service does not answer", 0)
    end

    local function worker(url)
      say("worker started with", url)
      dynsup.ready()
      local rules = load_data(url)
      say("save data", table.unpack(rules))
      service.rules = rules
      say("work done")
    end

    function service.start()
      return dynsup.start_link { name = NAME }
    end

    function service.update_auth_rules()
      return dynsup.start_child(NAME, { body = worker, args = { URL }, restart = "transient",
        ready = true })
    end

    return service
  end

  it("does its work, ends, and does it again when it is asked again", host.main(function()
    local service = new_service { { "rule_1", "rule_2" }, { "rule_3" } }
    service.start()
    local first = service.update_auth_rules()
    assert.same({ "worker started with " .. URL, "load data from " .. URL }, service.lines)
    assert.same(family.workers(1), dynsup.count_children(NAME))
    assert.equal("normal", host.down(dynsup.monitor(first)))
    assert.same({ "rule_1", "rule_2" }, service.rules)
    assert.same({
      "worker started with " .. URL, "load data from " .. URL, "save data rule_1 rule_2",
      "work done",
    }, service.lines)
    assert.same(family.workers(0), dynsup.count_children(NAME))
    local second = service.update_auth_rules()
    assert.are_not.equal(first, second)
    host.down(dynsup.monitor(second))
    assert.same({ "rule_3" }, service.rules)
    assert.equal(2, service.requests)
    dynsup.sleep(1000)
    assert.equal(2, service.requests)
  end))

  it("tries again when the other service fails, and then ends", host.main(function()
    local service = new_service { [3] = { "rule_1" } }
    service.start()
    service.update_auth_rules()
    dynsup.sleep(250)
    assert.is_nil(service.rules)
    assert.same(family.workers(1), dynsup.count_children(NAME))
    dynsup.sleep(100)
    assert.same({ "rule_1" }, service.rules)
    assert.equal(3, service.requests)
    assert.same(family.workers(0), dynsup.count_children(NAME))
  end))

  it("is given up when the other service never answers", family.trapping(function()
    local service = new_service {}
    local ref = dynsup.monitor(service.start())
    service.update_auth_rules()
    assert.equal("shutdown", host.down(ref))
    assert.equal(4, service.requests)
  end))
end)
