-- Runs the small programs in examples/ as a user does: dynsup run FILE.

local example = require "spec.support.example"

local run = example.run

example.describe("examples", function()
  describe("hello.lua", function()
    it("sends messages to a supervised worker and ends by itself", function()
      local code, out, err = run "examples/hello.lua"
      assert.equal("Hello, world!\nHello, moon!\nchildren:\t1\n", out)
      assert.equal("", err)
      assert.equal(0, code)
    end)
  end)

  describe("restart.lua", function()
    it("shows restarts, giving up and backoff, and reports each crash", function()
      local code, out, err = run "examples/restart.lua"
      assert.equal([[
--- three restarts are allowed
started	incarnation 1
restarted	incarnation 2
restarted	incarnation 3
restarted	incarnation 4
the supervisor gave up:	shutdown
the worker is there:	false
--- delayed restarts do not count
started	incarnation 1
restarted	incarnation 2	after 20 ms
restarted	incarnation 3	after 40 ms
restarted	incarnation 4	after 80 ms
restarted	incarnation 5	after 80 ms
restarted	incarnation 6	after 80 ms
]], out)
      assert.truthy(err:find("I was told to crash", 1, true))
      assert.truthy(err:find("traceback", 1, true))
      assert.equal(0, code)
    end)
  end)

  describe("upgrade.lua", function()
    it("keeps a worker's state over a crash and over new code", function()
      local code, out, err = run "examples/upgrade.lua"
      assert.equal([[
counts 1
counts 2
--- it crashes
goes on with 2
counts 3
--- new code: it counts in tens
restarted: 1
goes on with 3
counts 13
--- code that does not compile is refused
refused: syntax
counts 23
]], out)
      assert.truthy(err:find("I can only count", 1, true))
      assert.equal(0, code)
    end)
  end)

  describe("tree.lua", function()
    it("starts and stops a tree in order, and restarts the rest", function()
      local code, out, err = run "examples/tree.lua"
      assert.equal([[
up	store
up	cache
up	job
--- the cache breaks
down	cache
down	job
up	cache
jobs:	0
--- the cache is taken out and put in again
down	cache
up	cache
--- the end, in reverse order
down	cache
down	store
]], out)
      assert.truthy(err:find("the cache is broken", 1, true))
      assert.equal(0, code)
    end)
  end)
end)
