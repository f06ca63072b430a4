-- What a process opens is closed when it ends.
local dynsup = require "dynsup"
local finalizer = require "spec.support.finalizer"
local host = require "spec.support.host"

-- A handle that notes in `list` that it was closed.
local function handle_of(list, name)
  local handle = { closed = 0 }
  function handle:close()
    self.closed = self.closed + 1
    list[#list + 1] = name
  end
  function handle:is_closing()
    return self.closed > 0
  end
  return handle
end

local ends = {
  ["a return"] = function() end,
  ["an error"] = function()
    error "oops"
  end,
  ["exit"] = function()
    dynsup.exit "done"
  end,
  ["an exit signal of its own"] = function()
    dynsup.exit(dynsup.self(), "kill")
  end,
}

describe("own", function()
  for name, finish in host.sorted(ends) do
    it("closes what a process owns after " .. name, host.main(function()
      local closed = {}
      host.reason(function()
        dynsup.own(handle_of(closed, "a"))
        finish()
      end)
      assert.same({ "a" }, closed)
    end, { log_level = "off" }))
  end

  it("closes after a kill while the owner waits", host.main(function()
    local closed = {}
    local pid = dynsup.spawn(function()
      dynsup.own(handle_of(closed, "a"))
      dynsup.sleep()
    end)
    dynsup.sleep(1)
    assert.same({}, closed)
    assert.equal("killed", host.stop(pid, "kill"))
    assert.same({ "a" }, closed)
  end))

  it("returns the handle", host.main(function()
    local handle = handle_of({}, "a")
    assert.equal(handle, dynsup.own(handle))
    assert.equal(handle, dynsup.own(handle, false))
    assert.equal(handle, dynsup.own(handle, false))
  end))

  it("closes the newest first, after the close handlers", host.main(function()
    local closed = {}
    host.reason(function()
      local _ <close> = host.closer(function()
        closed[#closed + 1] = "handler"
      end)
      dynsup.own(handle_of(closed, "a"))
      dynsup.own(handle_of(closed, "b"))
      dynsup.own(handle_of(closed, "c"))
    end)
    assert.same({ "handler", "c", "b", "a" }, closed)
  end))

  it("closes before links and monitors are told", host.main(function()
    local closed = {}
    dynsup.flag("trap_exit", true)
    local pid = dynsup.spawn_link(function()
      dynsup.own(handle_of(closed, "a"))
    end)
    assert.same({ "EXIT", pid, "normal" }, { dynsup.receive() })
    assert.same({ "a" }, closed)
  end))

  it("is possible in a close handler", host.main(function()
    local closed = {}
    host.reason(function()
      local _ <close> = host.closer(function()
        dynsup.own(handle_of(closed, "a"))
      end)
    end)
    assert.same({ "a" }, closed)
  end))

  it("closes once what is owned twice", host.main(function()
    local closed = {}
    host.reason(function()
      local handle = { close = function()
        closed[#closed + 1] = "a"
      end }
      dynsup.own(handle)
      dynsup.own(handle)
    end)
    assert.same({ "a" }, closed)
  end))

  it("leaves alone what was given up", host.main(function()
    local closed = {}
    host.reason(function()
      local a = dynsup.own(handle_of(closed, "a"))
      dynsup.own(handle_of(closed, "b"))
      dynsup.own(a, false)
    end)
    assert.same({ "b" }, closed)
  end))

  it("lets nobody but the owner give it up", host.main(function()
    local closed = {}
    local handle = handle_of(closed, "a")
    local pid = dynsup.spawn(function()
      dynsup.own(handle)
      dynsup.sleep()
    end)
    dynsup.sleep(1)
    dynsup.own(handle, false)
    host.stop(pid, "kill")
    assert.same({ "a" }, closed)
  end))

  it("moves a handle to its new owner", host.main(function()
    local closed = {}
    local handle = handle_of(closed, "a")
    local function keep()
      dynsup.own(handle)
      dynsup.sleep()
    end
    local old = dynsup.spawn(keep)
    dynsup.sleep(1)
    local new = dynsup.spawn(keep)
    dynsup.sleep(1)
    host.stop(old, "kill")
    assert.same({}, closed)
    host.stop(new, "kill")
    assert.same({ "a" }, closed)
  end))

  it("closes what fails to tell whether it is, and others beside it", host.main(function()
    local closed = 0
    local function handle(is_closing)
      return { close = function() closed = closed + 1 end, is_closing = is_closing }
    end
    local pid = dynsup.spawn(function()
      dynsup.own(handle(function() error "it cannot tell" end))
      for _ = 1, 40 do dynsup.own(handle()) end
      dynsup.sleep()
    end)
    dynsup.yield()
    host.stop(pid, "kill")
    assert.equal(41, closed)
  end))

  it("does not close again what is closed", host.main(function()
    local handle
    host.reason(function()
      handle = dynsup.own(handle_of({}, "a"))
      handle:close()
    end)
    assert.equal(1, handle.closed)
  end))

  it("keeps no closed handles of a process that opens many", host.main(function()
    local seen = setmetatable({}, { __mode = "k" })
    local pid = dynsup.spawn(function()
      for _ = 1, 1000 do
        local handle = dynsup.own(handle_of({}, "a"))
        seen[handle] = true
        handle:close()
      end
      dynsup.sleep()
    end)
    dynsup.sleep(1)
    collectgarbage()
    local count = 0
    for _ in pairs(seen) do
      count = count + 1
    end
    assert.is_true(count <= 16, count .. " are left")
    host.stop(pid, "kill")
  end))

  it("closes what a finalizer has owned in the middle of the first call", host.main(function()
    local closed = {}
    local outer, inner = handle_of(closed, "outer"), handle_of(closed, "inner")
    host.reason(function()
      finalizer.within(function() dynsup.own(inner) end, dynsup.own, outer)
    end)
    table.sort(closed)
    assert.same({ "inner", "outer" }, closed)
  end))

  it("closes what a finalizer has owned in the middle of a look for closed handles", host.main(function()
    local closed, owned = {}, 0
    local function own(name)
      owned = owned + 1
      return dynsup.own(handle_of(closed, name))
    end
    host.reason(function()
      own("closed"):close()
      for _ = 2, 16 do
        own "open"
      end
      local outer = handle_of(closed, "outer")
      finalizer.within(function() own "inner" end, dynsup.own, outer)
    end)
    table.sort(closed)
    assert.equal(17, owned)
    assert.equal(18, #closed)
    assert.same({ "closed", "inner" }, { table.unpack(closed, 1, 2) })
    assert.equal("outer", closed[18])
  end))

  it("closes what the look for closed handles has owned itself", host.main(function()
    local closed = {}
    local late = handle_of(closed, "late")
    host.reason(function()
      for i = 1, 17 do
        local handle = handle_of(closed, "early")
        if i == 1 then
          function handle:is_closing()
            self.is_closing = nil
            dynsup.own(late)
          end
        end
        dynsup.own(handle)
      end
    end)
    table.sort(closed)
    assert.equal(18, #closed)
    assert.equal("late", closed[18])
  end))

  it("does not keep alive what an ended process owned, or what was given up", host.main(function()
    local seen = setmetatable({}, { __mode = "k" })
    host.reason(function()
      seen[dynsup.own(handle_of({}, "a"))] = true
    end)
    seen[dynsup.own(dynsup.own(handle_of({}, "b")), false)] = true
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(seen))
  end))

  it("closes the rest when one fails, and logs the error", function()
    local closed, log = {}, {}
    local function note(_, text)
      log[#log + 1] = text
    end
    host.run(function()
      host.reason(function()
        dynsup.own(handle_of(closed, "a"))
        dynsup.own { close = function()
          error "stuck valve"
        end }
        dynsup.own(handle_of(closed, "c"))
      end)
    end, { log = note })
    assert.same({ "c", "a" }, closed)
    assert.matches("stuck valve", table.concat(log, "\n"))
  end)

  it("cuts off a close method that does not end, and the ones after it", function()
    local log = {}
    host.run(function()
      host.reason(function()
        dynsup.own { close = function()
          while true do
            pcall(function()
              while true do
              end
            end)
          end
        end }
      end)
    end, { log = function(_, text)
      log[#log + 1] = text
    end })
    assert.matches("took longer than 10 ms", table.concat(log, "\n"))
  end)

  it("closes what a supervisor's start function owns when the supervisor ends", host.main(function()
    local closed = {}
    local sup = dynsup.start_link {}
    dynsup.start_child(sup, { start = function()
      dynsup.own(handle_of(closed, "a"))
      return dynsup.spawn_link(dynsup.sleep)
    end })
    dynsup.sleep(1)
    assert.same({}, closed)
    dynsup.stop(sup)
    assert.same({ "a" }, closed)
  end))

  it("closes at an orderly halt", function()
    local closed = {}
    host.outcome(function()
      dynsup.own(handle_of(closed, "main"))
      dynsup.spawn(function()
        dynsup.own(handle_of(closed, "worker"))
        dynsup.sleep()
      end)
      dynsup.sleep(1)
      dynsup.halt(0)
    end)
    table.sort(closed)
    assert.same({ "main", "worker" }, closed)
  end)

  it("closes files", host.main(function()
    local file
    host.reason(function()
      file = dynsup.own(io.open "README.md", true)
      dynsup.own(io.open "README.md", true):close()
    end)
    assert.equal("closed file", io.type(file))
  end))

  it("closes by __close a userdata that has no fields", host.main(function()
    local closed, file = 0, assert(io.open "/dev/null")
    local meta = debug.getmetatable(file)
    debug.setmetatable(file, { __close = function() closed = closed + 1 end })
    local pid = dynsup.spawn(function() dynsup.own(file) end)
    dynsup.yield()
    assert.is_false(dynsup.is_alive(pid))
    assert.equal(1, closed)
    debug.setmetatable(file, meta)
    file:close()
  end))

  it("closes by __close what has no close method", host.main(function()
    local closed = 0
    host.reason(function()
      dynsup.own(host.closer(function()
        closed = closed + 1
      end))
    end)
    assert.equal(1, closed)
  end))

  for _, clock in ipairs { "virtual", "real" } do
    it("closes handles of luv on the " .. clock .. " clock", host.main(function()
      local uv = require "luv"
      local timer, pipe
      host.reason(function()
        timer = dynsup.own(uv.new_timer())
        timer:start(100000, 0, print)
        pipe = dynsup.own(uv.new_pipe(false))
        dynsup.own(uv.new_tcp()):close()
      end)
      assert.is_true(timer:is_closing())
      assert.is_true(pipe:is_closing())
    end, { clock = clock }))
  end

  it("raises for what cannot be closed", host.main(function()
    for _, value in ipairs { 1, "x", true, {}, print, dynsup.self() } do
      assert.error_matches(function()
        dynsup.own(value)
      end, "bad argument #1 to 'own'")
    end
    assert.error_matches(function()
      dynsup.own(handle_of({}, "a"), 1)
    end, "bad argument #2 to 'own'")
    assert.error_matches(function()
      dynsup.own()
    end, "own")
  end))

  it("needs a process", function()
    assert.has_error(function()
      dynsup.own(io.stdout)
    end)
  end)
end)
