-- Coroutines many levels inside one another in a process, whose own may have been seen before or not, and
-- closed inside one another.

local dynsup = require "dynsup"
local host = require "spec.support.host"

describe("coroutine.status", function()
  it("is told of a process's own thread and of each of many inside it", host.main(function()
    for _, seen_first in ipairs { true, false } do
      local threads = {}
      local function nest(depth)
        threads[#threads + 1] = coroutine.running()
        if depth == 0 then
          return dynsup.receive()
        end
        return select(2, coroutine.resume(coroutine.create(nest), depth - 1))
      end
      local got
      local pid = dynsup.spawn(function()
        if not seen_first then
          coroutine.wrap(dynsup.yield)()
        end
        got = nest(20)
      end)
      dynsup.sleep(1)
      assert.equal(21, #threads)
      for _, thread in ipairs(threads) do
        assert.equal("normal", coroutine.status(thread))
      end
      dynsup.send(pid, "values")
      dynsup.sleep(1)
      assert.equal("values", got)
      for _, thread in ipairs(threads) do
        assert.equal("dead", coroutine.status(thread))
      end
    end
  end))
end)

describe("coroutine.close", function()
  it("ends with an error where closing closes the next one without end", host.main(function()
    local depth = 0
    local function nest()
      depth = depth + 1
      local co = coroutine.wrap(function()
        local _ <close> = host.closer(nest)
        coroutine.yield(coroutine.running())
      end)()
      assert(coroutine.close(co))
    end
    local ok, message = pcall(nest)
    assert.is_false(ok)
    assert.matches("C stack overflow", message)
    assert.is_true(depth < 1000)
  end))
end)
