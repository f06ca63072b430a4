-- Where a host listens, and whom it lets in: docs/attach.md, "Sockets".
local attach = require "spec.support.attach"
local cli = require "spec.support.cli"
local dynsup = require "dynsup"
local in_host = require "spec.support.host".main
local net = require "spec.support.net"
local patience = require "spec.support.patience"
local place = require "dynsup.attach.place"
local program = require "spec.support.program"
local uv = require "luv"

local quote = program.quote

local function mode_of(path)
  return uv.fs_lstat(path).mode & 511
end

-- Runs the program to its end: its exit code and what it says on stderr.
local function refusal(folder, ...)
  local run = attach.run(folder, { "run", ... })
  assert.equal("", run.out)
  return { run.code, run.err }
end

-- The script must not run.
local function write_script(folder)
  program.write(folder, "app.lua", "print 'the script runs'")
end

-- A run of the program that has printed the line: it listens before the script runs.
local function begun(folder, ...)
  local run = attach.start(folder, { "run", ... })
  run:wait_for "runs\n"
  return run
end

local SAYS = "print((...) or 'it runs') io.stdout:flush()"

describe("--listen", function()
  local function assert_listens(folder, path, ...)
    local run = begun(folder, ...)
    assert.equal(run.pid, tonumber(attach.run(folder, { "eval", "--socket", path, "require 'luv'.os_getpid()" }).out))
    assert.equal(0, run:stop())
    assert.is_nil(uv.fs_lstat(path))
  end

  it("takes a socket in the same word or the next one", attach.main(function(folder)
    program.write(folder, "app.lua", SAYS)
    assert_listens(folder, folder .. "/a", "--listen=" .. folder .. "/a", "app.lua")
    assert_listens(folder, folder .. "/b", "--listen", folder .. "/b", "app.lua", "this runs")
    assert_listens(folder, folder .. "/c.sock", "--listen", "c.sock", "app.lua")
    assert_listens(folder, folder .. "/new/d", "--listen", "new/d", "--log-level", "off", "app.lua")
    assert.equal(448, mode_of(folder .. "/new"))
  end))

  it("takes what is a script for one, and listens at a place of its own", attach.main(function(folder)
    program.write(folder, "app.lua", SAYS)
    program.write(folder, "app", SAYS)
    for _, words in ipairs { { "app.lua" }, { "app" }, { "--log-level", "off", "app" }, { "--", "app" } } do
      local run = begun(folder, "--listen", table.unpack(words))
      assert.same({ run.pid .. ".sock\n" }, { program.shell(folder, "ls dynsup").out })
      assert.equal(0, run:stop())
    end
    local run = attach.start(folder, { "run", "--listen", "-" }, SAYS)
    run:wait_for "runs\n"
    assert.equal(0, run:stop())
  end))

  it("is refused without a name, and where nobody can attach", attach.main(function(folder)
    write_script(folder)
    local said = { 2, "dynsup: --listen needs the path of a socket, or nothing for a place of its own\n" }
    assert.same(said, refusal(folder, "--listen=", "app.lua"))
    assert.same({ 2, "dynsup: run needs a FILE: see 'dynsup help run'\n" }, refusal(folder, "--listen"))
    local repl = attach.run(folder, { "repl", "--listen" })
    assert.same({ 2, "dynsup: unknown option '--listen': see 'dynsup help repl'\n" }, { repl.code, repl.err })
    local unknown = "dynsup: unknown option '--lisen': did you mean '--listen'?\n"
    assert.same({ 2, unknown }, refusal(folder, "--lisen", "app.lua"))
    local long = ("x"):rep(200)
    local too_long = ("dynsup: cannot listen at ./%s: the path of a socket has at most 107 bytes\n"):format(long)
    assert.same({ 2, too_long }, refusal(folder, "--listen", long, "app.lua"))
    local nowhere = "dynsup: cannot make the directory /nowhere/at: no such file or directory\n"
    assert.same({ 2, nowhere }, refusal(folder, "--listen", "/nowhere/at/all", "app.lua"))
  end))
end)

describe("a directory that is gone", function()
  it("is told where a socket is to be in it", attach.main(function(folder)
    write_script(folder)
    local function refused(name)
      local got = program.shell(folder, "mkdir gone && cd gone && rmdir ../gone && \"$DYNSUP\" run --listen=" .. name
        .. " " .. quote(folder .. "/app.lua"))
      assert.same({ "", 2 }, { got.out, got.code })
      return got.err
    end
    assert.equal("dynsup: cannot listen at ./s: there is no such directory\n", refused "s")
    assert.equal("dynsup: cannot make the directory ./new: no such file or directory\n", refused "new/s")
  end))
end)

describe("a socket", function()
  it("is for its owner alone, whatever the umask", attach.main(function(folder)
    write_script(folder)
    for _, mask in ipairs { "0", "077", "0277" } do
      local script = ("umask %s; \"$DYNSUP\" run --listen s app.lua & "):format(mask)
        .. "until [ -S s ] || ! kill -0 $! 2>/dev/null; do sleep 0.01; done; stat -c %a s; kill $!; wait"
      assert.equal("600\n", (program.shell(folder, script).out:gsub("the script runs\n", "")))
    end
  end))

  it("in a directory of its own is for its owner alone", attach.main(function(folder)
    local host = attach.host(folder, "")
    assert.equal(448, mode_of(folder .. "/dynsup"))
    assert.equal(384, mode_of(host.socket))
    assert.equal(0, host:stop())
  end))

  it("is in /tmp without XDG_RUNTIME_DIR", attach.main(function(folder)
    write_script(folder)
    local directory = "/tmp/dynsup-" .. uv.getuid()
    local was_there = uv.fs_lstat(directory)
    local got = program.shell(folder, "unset XDG_RUNTIME_DIR; \"$DYNSUP\" run --listen app.lua & "
      .. "pid=$!; until \"$DYNSUP\" tree >/dev/null 2>&1 || ! kill -0 $pid 2>/dev/null; do :; done; "
      .. "stat -c %a " .. directory .. " " .. directory
      .. "/*.sock; kill $pid; wait")
    if not was_there then
      uv.fs_rmdir(directory)
    end
    cli.assert_has("700\n600\n", got.out)
  end))

  it("that somebody listens at is left alone, and the script does not run", attach.main(function(folder)
    local host = attach.host(folder, "")
    local said = { 2, ("dynsup: there is a host already at %s\n"):format(host.socket) }
    assert.same(said, refusal(folder, "--listen", host.socket, "app.lua"))
    assert.equal("1\n", (attach.client(host):line "1"))
    assert.equal(0, host:stop())
  end))

  it("that is left behind is replaced", attach.main(function(folder)
    program.write(folder, "app.lua", SAYS)
    local run = begun(folder, "--listen", folder .. "/s", "app.lua")
    run:stop "sigkill"
    assert.is_truthy(uv.fs_lstat(folder .. "/s"))
    run = begun(folder, "--listen", folder .. "/s", "app.lua")
    assert.equal("1\n", attach.run(folder, { "eval", "--socket", "s", "1" }).out)
    assert.equal(0, run:stop())
  end))

  it("that is left behind is for one of several hosts that come at once", function()
    local folder = program.folder()
    local path = folder .. "/s"
    net.main(function()
      local function take()
        return place.take(path, function() return (dynsup.net.listen(path)) end)
      end
      assert(program.shell(folder, "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'").code == 0)
      local first = place.take(path, function()
        for _ = 1, 3 do
          dynsup.spawn_monitor(function() dynsup.exit { select(2, take()) } end)
        end
        for _, pid in ipairs(dynsup.info(dynsup.self()).monitors) do
          net.until_waiting(pid)
        end
        return (dynsup.net.listen(path))
      end)
      for _ = 1, 3 do
        local _, _, _, reason = dynsup.receive_match("DOWN", patience * 1000)
        assert.same({ "there is a host already at " .. path }, reason)
      end
      assert.equal("live", place.look(path))
      assert.equal("s", (program.shell(folder, "ls").out:gsub("%s", "")))
      first:close()
      assert(take()):close()
    end)()
    program.remove_folder(folder)
  end)

  it("is not waited for for ever", function()
    local folder = program.folder()
    in_host(function()
      place.take(folder .. "/s", function()
        local said = ("cannot lock %s/s.lock: somebody else has it"):format(folder)
        assert.same({ nil, said }, { place.take(folder .. "/s", error) })
        assert.equal(10000, dynsup.now())
      end)
    end)()
    program.remove_folder(folder)
  end)

  it("is locked by a file of its own, or one of the user's, which stays", function()
    local folder = program.folder()
    in_host(function()
      local function lock()
        return place.take(folder .. "/s", function() return program.shell(folder, "cat s.lock").out end)
      end
      local mark = lock()
      assert.equal("", program.shell(folder, "ls").out)
      program.write(folder, "s.lock", mark) -- of a host that was killed
      assert.equal(mark, lock())
      assert.equal("", program.shell(folder, "ls").out)
      for _, text in ipairs { "", "a file of the user's", mark .. "and more" } do
        program.write(folder, "s.lock", text)
        assert.equal(text, lock())
        assert.equal("s.lock\n", program.shell(folder, "ls").out)
      end
    end)()
    program.remove_folder(folder)
  end)

  it("where a host is says so also if it cannot be locked", function()
    local folder = program.folder()
    local path = folder .. "/s"
    net.main(function()
      local function refused() return select(2, place.take(path, error)) end
      assert(program.shell(folder, "mkdir s.lock").code == 0)
      assert.equal(("cannot lock %s.lock: eisdir"):format(path), refused())
      local listener = dynsup.net.listen(path)
      assert.equal("there is a host already at " .. path, refused())
      listener:close()
      program.write(folder, "s", "text")
      assert.equal(path .. " is no socket: it stays as it is", refused())
    end)()
    program.remove_folder(folder)
  end)

  it("never takes the place of a file", attach.main(function(folder)
    write_script(folder)
    program.write(folder, "file", "text")
    for _, name in ipairs { "file", "link", "folder" } do
      program.shell(folder, "ln -sf file link; mkdir -p folder")
      local said = { 2, ("dynsup: %s/%s is no socket: it stays as it is\n"):format(folder, name) }
      assert.same(said, refusal(folder, "--listen=" .. folder .. "/" .. name, "app.lua"))
    end
    assert.equal("text", program.shell(folder, "cat file").out)
  end))
end)

describe("the directory for sockets", function()
  local function assert_refused(folder, why)
    write_script(folder)
    local said = ("dynsup: %s/dynsup %s\n"):format(folder, why)
    assert.same({ 2, said }, refusal(folder, "--listen", "app.lua"))
    local run = attach.run(folder, { "eval", "1" })
    assert.same({ 2, said }, { run.code, run.err })
  end

  it("is refused when it is open to others", attach.main(function(folder)
    for _, mode in ipairs { "0755", "0710", "0701", "1777" } do
      program.shell(folder, "mkdir -p dynsup; chmod " .. mode .. " dynsup")
      assert_refused(folder, "is open to others: its mode must be 0700")
    end
  end))

  it("is refused when it is none", attach.main(function(folder)
    program.shell(folder, "mkdir -m 0700 real; ln -s real dynsup")
    assert_refused(folder, "is no directory")
  end))

  it("is refused when it is somebody else's", attach.main(function(folder)
    if uv.getuid() ~= 0 then
      return pending "only root can give files away"
    end
    program.shell(folder, "mkdir -m 0700 dynsup; chown 65534 dynsup")
    assert_refused(folder, "belongs to somebody else")
  end))
end)

describe("another user", function()
  local NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups env PATH=/usr/bin:/bin "

  -- Connects and prints what comes, or why it cannot.
  local RAW = [[
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
try:
    s.connect(sys.argv[1])
    print(s.makefile().read(), end="")
except OSError as e:
    print(e.strerror or "timeout")
]]

  local function as_nobody(f)
    return attach.main(function(folder)
      if uv.getuid() ~= 0 then
        return pending "only root can be somebody else"
      end
      program.write(folder, "raw.py", RAW)
      program.shell(folder, "chmod 0755 .")
      f(folder)
    end)
  end

  it("can not open the socket", as_nobody(function(folder)
    local host = attach.host(folder, "")
    local raw = NOBODY .. "python3 raw.py " .. quote(host.socket)
    assert.equal("Permission denied\n", program.shell(folder, raw).out)
    program.shell(folder, "chmod 0755 dynsup")
    assert.equal("Permission denied\n", program.shell(folder, raw).out)
    local got = program.shell(folder, NOBODY .. "\"$DYNSUP\" eval --socket " .. quote(host.socket) .. " 1")
    assert.same({ 2, ("dynsup: %s is not yours to open\n"):format(host.socket) }, { got.code, got.err })
    assert.equal(0, host:stop())
  end))

  it("is turned away also when its modes were changed", as_nobody(function(folder)
    local host = attach.host(folder, "")
    program.shell(folder, "chmod 0755 dynsup; chmod 0666 " .. quote(host.socket))
    local raw = NOBODY .. "python3 raw.py " .. quote(host.socket)
    assert.equal('{"error":"the host belongs to somebody else"}\n', program.shell(folder, raw).out)
    local got = program.shell(folder, NOBODY .. "\"$DYNSUP\" eval --socket " .. quote(host.socket) .. " 1")
    local said = ("dynsup: the host at %s belongs to somebody else\n"):format(host.socket)
    assert.same({ 2, said }, { got.code, got.err })
    assert.equal(0, host:stop())
  end))

  it("is told where it may not listen", as_nobody(function(folder)
    program.write(folder, "app.lua", "print 'the script runs'")
    local function refused(name)
      local listen = "--listen=" .. quote(folder .. "/" .. name)
      local got = program.shell(folder, NOBODY .. '"$DYNSUP" run ' .. listen .. " app.lua")
      assert.same({ "", 2 }, { got.out, got.code })
      return got.err
    end
    local said = "dynsup: cannot listen at %s/%s: %s\n"
    assert.equal(said:format(folder, "s", "you may not write there"), refused "s")
    assert.equal(said:format(folder, "app.lua/s", "what should be its directory is none"), refused "app.lua/s")
    program.shell(folder, "chmod 0777 .; touch s.lock; chmod 0600 s.lock")
    assert.equal(("dynsup: cannot lock %s/s.lock: you may not write there\n"):format(folder), refused "s")
  end))
end)
