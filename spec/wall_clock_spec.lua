-- A wall clock that is set while a program runs: times go by the monotonic one.
local cli = require "spec.support.cli"
local example = require "spec.support.example"

cli.describe("a wall clock that jumps", function()
  local folder, library

  setup(function()
    folder = example.shell("mktemp -d"):match "%S+"
    library = folder .. "/wall_clock.so"
    assert.equal("", example.shell(("cc -shared -fPIC -o %s spec/support/wall_clock.c 2>&1"):format(library)))
  end)

  teardown(function() example.shell("rm -rf " .. folder) end)

  local function run(text, options)
    cli.write("script.lua", text)
    local before = "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=" .. library
    return cli.shell(("%s exec \"$DYNSUP\" run %s script.lua"):format(before, options or ""))
  end

  it("wakes nobody early or late, and loses nothing", function()
    local got = run [[
      local dynsup = require "dynsup"
      local function waits(what, f)
        local begun = dynsup.now()
        f()
        local took = dynsup.now() - begun
        if took < 3 or took > 60000 then print(what, took) end
      end
      assert(os.time() ~= os.time(), "it does not jump")
      for _ = 1, 20 do
        waits("sleep", function() dynsup.sleep(3) end)
        waits("receive", function() dynsup.receive(3) end)
        waits("send_after", function() dynsup.send_after(3, dynsup.self(), "x") dynsup.receive() end)
        waits("await", function() dynsup.await(function() end, 3) end)
      end
      local sup = dynsup.start_link()
      local lives = 0
      dynsup.start_child(sup, { backoff = { min = 3, jitter = 0 }, body = function()
        lives = lives + 1
        if lives == 1 then dynsup.exit "again" end
        dynsup.sleep()
      end })
      waits("backoff", function() while lives < 2 do dynsup.sleep(1) end end)
      local pid = dynsup.start_child(sup, { restart = "temporary", deadline = 3, body = dynsup.sleep })
      local ref = dynsup.monitor(pid)
      print(select(4, dynsup.receive_match(function(_, down) return down == ref end)))]]
    assert.not_matches("early", got.out)
    cli.assert_ended(0, got)
    assert.equal("deadline\n", got.out)
  end)

  it("leaves requests, sockets and files what they are", function()
    local got = run [[
      local dynsup = require "dynsup"
      local listener = assert(dynsup.net.listen("127.0.0.1", 0))
      local _, port = assert(listener:sockname())
      assert(listener:give(dynsup.spawn_link(function()
        local socket <close> = assert(listener:accept())
        repeat until socket:read "line" == ""
        socket:write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      end)))
      local answer = assert(dynsup.http.get(("http://127.0.0.1:%d/"):format(port), { timeout = 20000 }))
      print(answer.status, answer.body)
      assert(dynsup.fs.write("file", "text"))
      print(dynsup.fs.read "file", dynsup.fs.hash "file" == dynsup.fs.hash "file")]]
    cli.assert_printed("200\tok\ntext\ttrue\n", got)
  end)

  it("gives each line of the log a time that is one", function()
    local got = run("for i = 1, 50 do require('dynsup').log.error('line', { i = i }) end", "--log-format json")
    cli.assert_ended(0, got)
    local years, lines = {}, 0
    for line in got.err:gmatch "[^\n]+" do
      local year = line:match '^{"time":"(%d%d%d%d)%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ","level":"error"'
      assert.is_not_nil(year, line)
      years[year] = true
      lines = lines + 1
    end
    assert.equal(50, lines)
    assert.is_true(years["1969"] and years["1970"] and years["2262"])
  end)
end)
