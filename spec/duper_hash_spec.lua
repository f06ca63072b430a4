-- The module of examples/duper that hashes files: what it refuses, and that it leaves none open.

local example = require "spec.support.example"

local path_of, make, inside, run = example.path_of, example.make, example.inside, example.run

example.describe("duper's hash", function()
  -- Runs a script that may use the modules of duper and `t`, a directory.
  local function run_script(script)
    local head = ([[
      package.path = %q .. "/?.lua;" .. package.path
      local dynsup, uv, hash = require "dynsup", require "luv", require "hash"
      local t = %q .. "/"
    ]]):format("examples/duper", path_of "t")
    make { ["script.lua"] = head .. script }
    local code, out, err = run(path_of "script.lua")
    assert.equal("", err)
    assert.equal(0, code)
    return out
  end

  it("is nil and a reason for what is not the file that was expected", function()
    make { ["t/file"] = "12345" }
    inside "mkfifo t/pipe; mkdir t/directory"
    local out = run_script [[
      for _, name in ipairs { "none", "pipe", "directory", "file" } do
        print(hash.file(t .. name, 4))
      end
    ]]
    local changed = ("nil\tit changed meanwhile\n"):rep(3)
    assert.equal("nil\tno such file or directory\n" .. changed, out)
  end)

  it("leaves no file open when its process is killed", function()
    inside "mkdir t && truncate -s 1T t/big"
    local out = run_script [[
      local function is_open()
        local found = false
        for name in uv.fs_scandir_next, uv.fs_scandir "/proc/self/fd" do
          found = found or uv.fs_readlink("/proc/self/fd/" .. name) == t .. "big"
        end
        return found
      end
      local ok, why = pcall(function()
        for _ = 1, 20 do
          local pid = dynsup.spawn(hash.file, t .. "big", 1 << 40)
          while not is_open() and dynsup.is_alive(pid) do dynsup.sleep(1) end
          assert(is_open())
          dynsup.exit(pid, "kill")
          while is_open() do dynsup.sleep(1) end
        end
      end)
      print(ok and "closed" or why)
      dynsup.halt() -- what is hashed still takes minutes
    ]]
    assert.equal("closed\n", out)
  end)

  it("leaves no file open when its process is killed at any time", function()
    make { ["t/file"] = ("x"):rep(100000) }
    local out = run_script [[
      local function is_open()
        for name in uv.fs_scandir_next, uv.fs_scandir "/proc/self/fd" do
          if uv.fs_readlink("/proc/self/fd/" .. name) == t .. "file" then
            return true
          end
        end
        return false
      end
      for i = 1, 200 do
        local pid = dynsup.spawn(hash.file, t .. "file", 100000)
        for _ = 1, i % 5 do dynsup.yield() end
        dynsup.exit(pid, "kill")
      end
      while is_open() do dynsup.sleep(1) end
      print "closed"
    ]]
    assert.equal("closed\n", out)
  end)
end)
