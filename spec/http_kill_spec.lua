-- Requests of dynsup.http end with their processes, wherever these stand, and with the run.

local dynsup = require "dynsup"
local host = require "spec.support.host"
local http = require "dynsup.http"
local support = require "spec.support.http"

local main, get = support.main, support.get

-- Sends a request, then tells; on_chunk tells as well, and waits for ever.
local function worker(owner, path, stream)
  local function on_chunk()
    dynsup.send(owner, "chunk", dynsup.self())
    dynsup.sleep("infinity")
  end
  local options = { on_chunk = stream and on_chunk or nil, max_bytes = "infinity" }
  dynsup.send(owner, "done", dynsup.self(), get(path, options))
end

-- Waits until the server has got more requests than so many.
local function await_seen(before)
  repeat
    dynsup.sleep(1)
  until support.number "seen" > before
end

support.describe("http, when its process ends,", function()
  local SILENT = { "hang", "hang-head", "hang-body", "drip", "endless", "to/302/hang" }

  for _, path in ipairs(SILENT) do
    for _, reason in ipairs { "kill", "shutdown" } do
      it(("cancels a request to %s: %s"):format(path, reason), main(function()
        local before = support.number "seen"
        local pid = dynsup.spawn(worker, dynsup.self(), path)
        await_seen(before + 1)
        assert.equal(reason == "kill" and "killed" or reason, host.stop(pid, reason))
        support.await_closed()
        assert.same({}, host.drain())
      end))
    end
  end

  it("cancels one whose on_chunk waits, also when it holds the server up", main(function()
    for _, path in ipairs { "endless", "drip", "hang-body" } do
      local pid = dynsup.spawn(worker, dynsup.self(), path, true)
      assert.same({ "chunk", pid }, { dynsup.receive() })
      dynsup.sleep(20)
      host.stop(pid, "kill")
      support.await_closed()
    end
  end))

  it("cancels one that has not begun to be sent", main(function()
    local pid = dynsup.spawn(worker, dynsup.self(), "hang")
    dynsup.yield()
    host.stop(pid, "kill")
    support.await_closed()
  end))

  it("cancels it at whatever moment, beside others that go on", main(function()
    local me, paths = dynsup.self(), { "hello", "chunked", "big/300000", "down/3", "endless", "reset-body" }
    for round = 1, 120 do
      local pid = dynsup.spawn(worker, me, paths[round % #paths + 1], round % 2 == 0)
      dynsup.send_after(round % 12 / 2, me, "kill", pid)
      if round % 12 == 0 then
        assert.equal("hello", get("hello").body)
      end
    end
    for _ = 1, 120 do
      local _, pid = dynsup.receive_match "kill"
      host.stop(pid, "kill")
    end
    support.await_closed()
  end))

  it("has let go of it before anybody hears of the end", main(function()
    local pid = dynsup.spawn(worker, dynsup.self(), "hang-body", true)
    dynsup.receive_match "chunk"
    local open = support.number "open"
    host.stop(pid, "kill")
    assert.is_true(open >= 1)
    support.await_closed()
  end))

  it("cancels one that it has left in a generator", main(function()
    local chunk, kept
    local pid, ref = dynsup.spawn_monitor(function()
      local chunks = coroutine.wrap(function() get("endless", { on_chunk = coroutine.yield }) end)
      chunk, kept = chunks(), chunks
    end)
    assert.equal("normal", host.down(ref))
    assert.is_false(dynsup.is_alive(pid))
    assert.matches("^x+$", chunk)
    support.await_closed()
    assert.is_function(kept)
  end))

  it("may still be closing, and then cannot send one", main(function()
    local ok, err
    local pid = dynsup.spawn(function()
      local _ <close> = host.closer(function() ok, err = pcall(get, "hello") end)
      dynsup.sleep "infinity"
    end)
    dynsup.sleep(1)
    host.stop(pid, "shutdown")
    assert.is_false(ok)
    assert.matches("cannot wait here: the process is ending", err)
  end))

  it("is a start function: its request ends with it", main(function()
    local sup = assert(dynsup.start_link {})
    local spec = { start = function() get("hello", { on_chunk = function() dynsup.exit "enough" end }) end }
    assert.same({ nil, "enough" }, { dynsup.start_child(sup, spec) })
    support.await_closed()
    assert.is_true(dynsup.is_alive(sup))
  end))

  it("is ended together with the run", function()
    for _, path in ipairs(SILENT) do
      host.outcome(function()
        for stream = 0, 1 do
          dynsup.spawn(worker, dynsup.self(), path, stream == 1)
        end
        dynsup.sleep(30)
        dynsup.halt()
      end, { clock = "real" })
    end
    host.run(support.await_closed, { clock = "real" })
  end)

  it("is ended together with a run inside another", main(function()
    dynsup.run(function()
      dynsup.spawn(worker, dynsup.self(), "hang")
      assert.equal("hello", get("hello").body)
      dynsup.halt()
    end)
    support.await_closed()
    assert.equal("hello", get("hello").body)
  end))
end)

support.describe("http", function()
  it("serves many processes at the same time", main(function()
    local me, before = dynsup.self(), dynsup.now()
    for _ = 1, 200 do
      dynsup.spawn(function() dynsup.send(me, get("slow/200").body) end)
    end
    for _ = 1, 200 do
      assert.equal("hello", (dynsup.receive()))
    end
    assert.is_true(dynsup.now() - before < 200 * 200 / 4)
  end))

  it("lets a transfer of much beside another one that waits", main(function()
    local pid = dynsup.spawn(worker, dynsup.self(), "endless", true)
    dynsup.receive_match "chunk"
    assert.equal(1000000, #get("big/1000000").body)
    host.stop(pid, "kill")
  end))

  it("uses a connection again", main(function()
    local before = support.number "open"
    for _ = 1, 20 do
      assert.equal("kept", get("keep/it").body)
    end
    assert.is_true(support.number "open" - before <= 1)
  end))

  it("survives that a kept connection is reset", main(function()
    for _ = 1, 5 do
      assert.equal("kept", get("keep/it").body)
      assert.equal("kept", get("keep/reset").body)
      assert.equal("hello", get("hello").body)
    end
  end))

  it("sends a request again when its kept connection turns out to be reset", main(function()
    for _ = 1, 10 do
      assert.equal("kept", assert(get("keep/once")).body)
    end
  end))

  it("sends what may not be done twice once, whatever its kept connection turns out to be", main(function()
    for _, method in ipairs { "POST", "PATCH", "LOCK" } do
      for _, path in ipairs { "keep/it", "keep/once" } do
        local before = support.number "others"
        assert.equal("kept", assert(get(path)).body)
        local options = support.direct { method = method, url = support.url "empty", body = "x" }
        local response, reason = http.request(options)
        assert.same({ nil, "connection_closed" }, { response, reason })
        assert.equal(1, support.number "others" - before)
      end
    end
  end))

  it("hands out an answer that came before the body was read, and a reset", main(function()
    for _ = 1, 50 do
      local response, reason, detail = http.post(support.url "early", ("x"):rep(50), support.direct())
      assert.same({ 413, "too large" }, { response and response.status, response and response.body or reason }, detail)
    end
  end))

  it("works in a generator", main(function()
    local next_body = coroutine.wrap(function()
      for _ = 1, 3 do coroutine.yield(get("hello").body) end
    end)
    assert.same({ "hello", "hello", "hello" }, { next_body(), next_body(), next_body() })
  end))

  it("is the same table by both names", function()
    assert.equal(http, dynsup.http)
  end)

  it("keeps a run going until its answer is there", function()
    local body
    assert.is_true(host.outcome(function()
      dynsup.spawn(function() body = get("slow/50").body end)
    end, { clock = "real" }))
    assert.equal("hello", body)
  end)
end)
