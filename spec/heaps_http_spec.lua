-- dynsup.http in a further heap.

local dynsup = require "dynsup"
local support = require "spec.support.http"

support.describe("http in a further heap", function()
  it("answers, fails and is ended with its heap", support.main(function()
    local sup = assert(dynsup.start_link {})
    local pid = assert(dynsup.start_child(sup, {
      body = "spec.support.heap_worker:serve",
      heap = "own",
      restart = "temporary",
    }))
    local function ask(source, ...)
      dynsup.send(pid, dynsup.self(), "eval", source, ...)
      return select(2, dynsup.receive_match(pid, 20000))
    end
    local _, body = ask([[return require("dynsup.http").get(...).body]], support.url "hello")
    assert.equal("hello", body)
    dynsup.send(pid, dynsup.self(), "eval", [[
      require("dynsup.http").get(...)
    ]], support.url "never")
    dynsup.sleep(1)
    local ref = dynsup.monitor(pid)
    dynsup.exit(pid, "kill")
    dynsup.receive_match "DOWN"
    assert.is_truthy(ref)
    dynsup.sleep(1)
    assert.equal(1, #dynsup.heaps())
  end))
end)
