-- dynsup.fs: files and folders.
local dynsup = require "dynsup"
local example = require "spec.support.example"
local host = require "spec.support.host"
local support = require "spec.support.net"

local fs = dynsup.fs
local main, path_of, make, inside = support.main, example.path_of, example.make, example.inside

local function failure(...)
  local value, reason, detail = ...
  assert.is_nil(value)
  return { reason, detail }
end

-- In a run on a virtual clock os.time tells of that.
local wall_clock = os.time()

-- The same on both clocks: with libuv's threads, and at once.
for _, clock in ipairs { "real", "virtual" } do
  local options = { clock = clock }

  example.describe("on the " .. clock .. " clock, fs", function()
    it("reads and writes whole files", main(function()
      local path = path_of "file"
      local data = ("some\0bytes\n"):rep(300000)
      assert.is_true(fs.write(path, data))
      assert.is_true(fs.read(path) == data)
      assert.is_true(fs.write(path, "short"))
      assert.is_true(fs.write(path, "er", { append = true }))
      assert.equal("shorter", fs.read(path))
      assert.is_true(fs.write(path, ""))
      assert.equal("", fs.read(path))
      assert.is_truthy(fs.read("/proc/self/status"):match "Name:")
    end, options))

    it("makes files with a mode", main(function()
      assert.is_true(fs.write(path_of "a", "x", { mode = 384 }))
      assert.equal(384, fs.stat(path_of "a").mode)
    end, options))

    it("tells what a path is", main(function()
      make { ["t/file"] = "12345" }
      inside "ln -s file t/link; mkfifo t/pipe; ln -s nowhere t/dangling"
      local stat = assert(fs.stat(path_of "t/link"))
      assert.equal("file", stat.type)
      assert.equal(5, stat.size)
      assert.is_true(math.abs(stat.mtime - wall_clock) < 1000)
      assert.equal(stat.inode, fs.lstat(path_of "t/file").inode)
      assert.equal("link", fs.lstat(path_of "t/link").type)
      assert.equal("directory", fs.stat(path_of "t").type)
      assert.equal("fifo", fs.stat(path_of "t/pipe").type)
      assert.is_true(fs.exists(path_of "t/file"))
      assert.is_false(fs.exists(path_of "t/none"))
      assert.is_false(fs.exists(path_of "t/file/none"))
      assert.is_false(fs.exists(path_of "t/dangling"))
      assert.equal(path_of "t/file", fs.realpath(path_of "t/./link"))
    end, options))

    it("lists a folder in the order of names", main(function()
      make { ["t/b"] = "12345", ["t/a"] = "", ["t/in/c"] = "" }
      inside "ln -s b t/link; mkfifo t/pipe"
      local found = {}
      for name, kind, more in assert(fs.scandir(path_of "t")) do
        assert.is_nil(more)
        found[#found + 1] = name .. " " .. kind
      end
      assert.same({ "a file", "b file", "in directory", "link link", "pipe fifo" }, found)
      local sizes = {}
      for name, _, stat in assert(fs.scandir(path_of "t", { stat = true })) do
        sizes[name] = stat.size
      end
      assert.equal(5, sizes.b)
      assert.equal(0, sizes.a)
      inside "mkdir empty"
      assert.is_nil((assert(fs.scandir(path_of "empty"))()))
    end, options))

    it("lists a folder of a thousand", main(function()
      inside "mkdir t; cd t; seq 1000 | xargs touch"
      local count = 0
      for _ in assert(fs.scandir(path_of "t")) do
        count = count + 1
      end
      assert.equal(1000, count)
      assert.is_truthy(fs.scandir(path_of "t")) -- and the iterator may be left alone
    end, options))

    it("makes, renames and removes", main(function()
      assert.is_true(fs.mkdir(path_of "a"))
      assert.is_true(fs.mkdir(path_of "b/c/d", { parents = true }))
      assert.is_true(fs.mkdir(path_of "b/c/d", { parents = true }))
      for _, behind in ipairs { "", "/", "//", "/.", "/./", "//.//" } do
        local private = { parents = true, mode = tonumber("700", 8) }
        assert.is_true(fs.mkdir(path_of("e/f" .. behind), private))
        assert.equal(tonumber("700", 8), fs.stat(path_of "e/f").mode, behind)
        assert.is_true(fs.remove(path_of "e/f") and fs.remove(path_of "e"))
      end
      for _, path in ipairs { "/", "//", "/.", ".", "./" } do
        assert.is_true(fs.mkdir(path, { parents = true }))
      end
      assert.equal("eexist", failure(fs.mkdir(path_of "a"))[1])
      assert.equal("enoent", failure(fs.mkdir(path_of "x/y"))[1])
      assert.is_true(fs.write(path_of "b/file", "1"))
      assert.equal("eexist", failure(fs.mkdir(path_of "b/file", { parents = true }))[1])
      assert.is_true(fs.rename(path_of "b/file", path_of "a/file"))
      assert.equal("1", fs.read(path_of "a/file"))
      assert.equal("enotempty", failure(fs.remove(path_of "a"))[1])
      assert.is_true(fs.remove(path_of "a/file"))
      assert.is_true(fs.remove(path_of "a"))
      assert.is_false(fs.exists(path_of "a"))
    end, options))

    it("says by libuv's names why not, and where", main(function()
      local path = path_of "none"
      local expected = { "enoent", path .. ": no such file or directory" }
      for _, name in ipairs { "read", "stat", "lstat", "scandir", "remove", "realpath", "open", "hash" } do
        assert.same(expected, failure(fs[name](path)))
      end
      assert.same(expected, failure(fs.rename(path, path)))
      make { ["file"] = "" }
      assert.equal("enotdir", failure(fs.scandir(path_of "file"))[1])
      assert.equal("eisdir", failure(fs.read(example.directory()))[1])
    end, options))

    it("does not wait for the other end of a pipe", main(function()
      inside "mkfifo pipe"
      assert.equal("", fs.read(path_of "pipe"))
      assert.equal("enxio", failure(fs.write(path_of "pipe", "x"))[1])
      assert.equal("not_a_file", failure(fs.hash(path_of "pipe"))[1])
    end, options))

    it("hands on what a pipe had before there was no more", main(function()
      inside "mkfifo pipe"
      local file <close> = assert(fs.open(path_of "pipe", "r+"))
      assert(file:write "hello")
      assert.equal("hello", file:read(100))
      assert.equal("eagain", failure(file:read(100))[1])
    end, options))

    it("hashes files", main(function()
      local function hex(sum)
        return (sum:gsub(".", function(c)
          return ("%02x"):format(c:byte())
        end))
      end
      make { ["file"] = "abc", ["empty"] = "", ["large"] = ("x"):rep(1000000) }
      local sum, size = fs.hash(path_of "file")
      assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex(sum))
      assert.equal(3, size)
      assert.equal("900150983cd24fb0d6963f7d28e17f72", hex((fs.hash(path_of "file", "md5"))))
      local expected = example.shell("sha256sum " .. path_of "large"):match "%x+"
      assert.equal(expected, hex((fs.hash(path_of "large", "sha256", { size = 1000000 }))))
      assert.equal(0, select(2, fs.hash(path_of "empty")))
      assert.same({ "invalid_algorithm", "nonsense" }, failure(fs.hash(path_of "file", "nonsense")))
      assert.equal("changed", failure(fs.hash(path_of "file", nil, { size = 4 }))[1])
      assert.equal("not_a_file", failure(fs.hash(example.directory()))[1])
      local file = assert(fs.open(path_of "file"))
      assert.equal(hex(sum), hex((file:hash())))
    end, options))

    it("is read with room for what there is, not for what is asked", main(function()
      local path = path_of "small"
      assert(fs.write(path, ("x"):rep(3 << 20)))
      local file <close> = assert(fs.open(path))
      assert.equal(3 << 20, #assert(file:read(1 << 53)))
      assert.same({ "eof" }, failure(file:read(1 << 53)))
      assert.equal(("x"):rep(10), file:read(1 << 53, (3 << 20) - 10))
      assert.equal((2 << 20) + 1, #file:read((2 << 20) + 1, 5))
    end))

    it("reads and writes open files in pieces", main(function()
      make { ["file"] = "0123456789" }
      local file = assert(fs.open(path_of "file"))
      assert.equal("0123", file:read(4))
      assert.equal("89", file:read(4, 8))
      assert.equal("456789", file:read(100))
      assert.same({ "eof" }, failure(file:read(1)))
      assert.equal(10, file:stat().size)
      assert.equal("ebadf", failure(file:write "x")[1])
      assert.is_false(file:is_closing())
      assert.is_true(file:close())
      assert.is_true(file:close())
      assert.is_true(file:is_closing())
      for _, call in ipairs { "stat", "hash" } do
        assert.same({ "closed" }, failure(file[call](file)))
      end
      assert.same({ "closed" }, failure(file:read(1)))
      assert.same({ "closed" }, failure(file:write "x"))
      local other <close> = assert(fs.open(path_of "file", "r+"))
      assert.is_true(other:write("ab", 2))
      assert.is_true(other:write "xy")
      assert.equal("xyab456789", fs.read(path_of "file"))
      local more <close> = assert(fs.open(path_of "file", "a"))
      assert.is_true(more:write "!")
      assert.equal("xyab456789!", fs.read(path_of "file"))
    end, options))

    it("refuses wrong options", main(function()
      local calls = {
        write = { path_of "a", "" },
        mkdir = { path_of "a" },
        scandir = { path_of "a" },
        open = { path_of "a", "r" },
        hash = { path_of "a", "md5" },
      }
      for name, arguments in host.sorted(calls) do
        table.insert(arguments, { wrong = 1 })
        assert.same({ "invalid_option", "wrong" }, failure(fs[name](table.unpack(arguments))))
        arguments[#arguments] = 1
        assert.error_matches(function()
          fs[name](table.unpack(arguments))
        end, "to '" .. name .. "' %(table expected")
        arguments[#arguments + 1] = 1
        assert.has_error(function()
          fs[name](table.unpack(arguments))
        end)
      end
      for _, mode in ipairs { -1, 512, 600, 0755 } do -- Lua has no octal numbers
        assert.same({ "invalid_option", "mode" }, failure(fs.mkdir(path_of "a", { mode = mode })))
      end
      assert.is_false(fs.exists(path_of "a"))
    end, options))

    it("raises for misuse", main(function()
      for _, name in ipairs { "read", "stat", "lstat", "scandir", "remove", "realpath", "open", "hash", "exists" } do
        assert.has_error(function()
          fs[name]()
        end)
        assert.error_matches(function()
          fs[name] "a\0b"
        end, "zero")
      end
      assert.is_true(fs.write(path_of "kept", "kept"))
      assert.is_true(fs.write(path_of "new", "new"))
      assert.error_matches(function()
        fs.rename(path_of "new", path_of "kept\0.new")
      end, "#2 to 'rename' %(a path has no zero bytes")
      assert.equal("kept", fs.read(path_of "kept"))
      assert.is_true(fs.remove(path_of "kept") and fs.remove(path_of "new"))
      assert.has_error(function()
        fs.open("README.md", "q")
      end)
      local file = assert(fs.open "README.md")
      for _, arguments in ipairs { {}, { 0 }, { "x" }, { 1, -1 }, { 1, 1, 1 } } do
        assert.has_error(function()
          file:read(table.unpack(arguments))
        end)
      end
      assert.error_matches(function()
        table.sort({ 1, 2, 3 }, function()
          fs.read "README.md"
        end)
      end, "cannot wait")
    end, options))
  end)
end

example.describe("fs", function()
  it("lets others run meanwhile", main(function()
    inside "truncate -s 200M big"
    local turns, done = 0, false
    dynsup.spawn(function()
      while not done do
        turns = turns + 1
        dynsup.sleep(1)
      end
    end)
    assert.is_truthy(fs.hash(path_of "big"))
    done = true
    assert.is_true(turns > 10, turns .. " turns")
  end))

  it("closes the files of a process that ends", main(function()
    host.reason(function()
      assert(fs.open "README.md")
    end)
    local pid = dynsup.spawn(function()
      assert(fs.open "README.md")
      dynsup.sleep()
    end)
    dynsup.sleep(5)
    host.stop(pid, "kill")
  end))

  it("notices that a file changes while it is hashed", main(function()
    inside "truncate -s 300M big"
    dynsup.spawn(function()
      local file <close> = assert(fs.open(path_of "big", "r+"))
      while fs.exists(path_of "big") do
        file:write("x", 0)
        dynsup.sleep(1)
      end
    end)
    assert.equal("changed", failure(fs.hash(path_of "big"))[1])
    fs.remove(path_of "big")
  end))
end)

-- name -> a call that takes its time in the pool
local calls = {
  ["open"] = function()
    assert(fs.open "README.md")
    dynsup.sleep()
  end,
  ["read"] = function()
    fs.read(path_of "big")
  end,
  ["write"] = function()
    fs.write(path_of "new", ("x"):rep(1 << 22))
  end,
  ["scandir"] = function()
    fs.scandir(path_of "many", { stat = true })
  end,
  ["hash"] = function()
    fs.hash(path_of "huge")
  end,
  ["stat"] = function()
    fs.stat "README.md"
  end,
  ["file:read"] = function()
    fs.open(path_of "huge"):read(1 << 24)
  end,
  ["file:hash"] = function()
    fs.open(path_of "huge"):hash()
  end,
}

example.describe("a process that is killed in fs", function()
  for name, call in host.sorted(calls) do
    it(name .. " leaves nothing open", main(function()
      inside "truncate -s 20M big; truncate -s 1T huge; mkdir many; cd many; seq 200 | xargs touch"
      for round = 1, 20 do
        local pid = dynsup.spawn(call)
        for _ = 1, round % 4 do
          dynsup.yield()
        end
        if round > 10 then
          dynsup.sleep(round - 10)
        end
        host.stop(pid, "kill")
      end
    end, { log_level = "off" }))
  end

  it("does not hold up a halt", main(function()
    inside "truncate -s 1T huge"
    for _ = 1, 10 do
      dynsup.spawn(calls.hash)
    end
    dynsup.sleep(5)
    dynsup.halt(0)
  end))
end)

describe("misuse of dynsup.fs", function()
  for _, name in ipairs { "write", "mkdir", "scandir", "open", "exists", "hash" } do
    it("names " .. name .. " and its caller", main(function()
      local _, message = pcall(function() return (fs[name](nil)) end)
      local expected = "^spec/fs_spec.lua:%%d+: bad argument #1 to '%s' %%(string expected, got nil%%)$"
      assert.matches(expected:format(name), message)
      local arguments = { "a\0b", name == "write" and "" or nil }
      _, message = pcall(function() return (fs[name](table.unpack(arguments))) end)
      expected = "^spec/fs_spec.lua:%%d+: bad argument #1 to '%s' %%(a path has no zero bytes%%)$"
      assert.matches(expected:format(name), message)
    end))
  end

  it("names the argument that is too much", main(function()
    for name, most in next, { write = 3, mkdir = 2, scandir = 2, open = 3, exists = 1, hash = 3 } do
      local _, message = pcall(function() return (fs[name](table.unpack({ "a" }, 1, most + 1))) end)
      local expected = "^spec/fs_spec.lua:%%d+: bad argument #%d to '%s' %%(no further argument expected%%)$"
      assert.matches(expected:format(most + 1, name), message)
    end
  end))

  it("names the mode and the algorithm", main(function()
    local _, message = pcall(function() return (fs.open("x", "rw")) end)
    local expected = "^spec/fs_spec.lua:%d+: bad argument #2 to 'open' %(r, w, a, r%+, w%+ or a%+ expected, got 'rw'%)$"
    assert.matches(expected, message)
    _, message = pcall(function() return (fs.open("x", 1)) end)
    assert.matches("^spec/fs_spec.lua:%d+: bad argument #2 to 'open' %(string expected, got number%)$", message)
    _, message = pcall(function() return (fs.hash("x", {})) end)
    assert.matches("^spec/fs_spec.lua:%d+: bad argument #2 to 'hash' %(string expected, got table%)$", message)
  end))
end)
