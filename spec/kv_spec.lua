-- The program examples/kv as a user runs it, and clients that are not ours.

local dynsup = require "dynsup"
local example = require "spec.support.example"
local host = require "spec.support.host"
local registry = require "dynsup.registry"
local support = require "spec.support.http"

local KV = "examples/kv/main.lua"

local function serve()
  return support.serve(example.command_line { example.program, "run", KV, "--port", "0" },
    "^listening on 127%.0%.0%.1:(%d+)$")
end

local function client(port, what, input)
  example.make { ["input"] = input or "" }
  local words = { "python3", "spec/support/kv_client.py", port, what }
  return example.shell(example.command_line(words) .. " 2>&1 <" .. example.quote(example.path_of "input"))
end

-- What comes back for the text of a whole session.
local function answers(port, text)
  return client(port, "session", text)
end

example.describe("kv", function()
  after_each(support.end_servers)

  it("keeps values under keys in buckets", function()
    local port = serve()
    assert.equal("OK\r\nOK\r\n1\r\nOK\r\nOK\r\n\r\nOK\r\n",
      answers(port, "CREATE shopping\r\nPUT shopping milk 1\r\nGET shopping milk\r\n" ..
        "DELETE shopping milk\r\nGET shopping milk\r\n"))
    assert.equal("OK\r\nOK\r\n2\r\nOK\r\n", answers(port, "CREATE shopping\nPUT shopping eggs 2\nGET shopping eggs\n"))
    assert.equal("2\r\nOK\r\n\r\nOK\r\n", answers(port, "GET shopping eggs\nGET shopping nothing\n"))
  end)

  it("knows no other bucket", function()
    local port = serve()
    local not_found = "NOT FOUND\r\n"
    assert.equal(not_found:rep(3), answers(port, "PUT b k v\r\nGET b k\r\nDELETE b k\r\n"))
  end)

  it("knows no other command", function()
    local port = serve()
    local lines = { "UNKNOWN x", "", "  ", "create b", "CREATE", "CREATE a b", "PUT b k", "PUT b k v w", "GET b",
      "GET b k v", "DELETE b", "\0\1\255", "run", "UNKNOWN" }
    assert.equal(("UNKNOWN COMMAND\r\n"):rep(#lines), answers(port, table.concat(lines, "\r\n") .. "\r\n"))
  end)

  it("takes commands in pieces, and several in one", function()
    assert.equal("b'OK\\r\\n' b'OK\\r\\n1\\r\\nOK\\r\\n'\n", client(serve(), "pieces"))
  end)

  it("serves a thousand clients at once", function()
    assert.equal("[True, b'OK\\r\\nOK\\r\\nOK\\r\\n']\n", client(serve(), "crowd"))
  end)

  it("sends a client away whose line has no end, and serves others beside silent ones", function()
    assert.equal("sent away\nb'OK\\r\\n' 100\n", client(serve(), "endless"))
  end)

  it("ends with 0 by SIGTERM", function()
    local command = ("mkfifo lines; %s run %s --port 0 >lines 2>err & exec 3<lines; read -r line <&3; kill $!; " ..
      "wait $!; echo $?; cat err")
    local root = example.shell("pwd"):match "%C+"
    command = command:format(example.quote(example.program), example.quote(root .. "/" .. KV))
    assert.equal("0\n", example.inside(command))
  end)

  it("says what is wrong with the command line or the port", function()
    for _, words in ipairs { { "--port" }, { "--port", "x" }, { "--port", "65536" }, { "1" } } do
      local code, out, err = example.run(KV, words)
      assert.same({ 2, "", "kv: usage: dynsup run examples/kv/main.lua [--port N]\n" }, { code, out, err })
    end
    local port = serve()
    local code, out, err = example.run(KV, { "--port", port })
    assert.same({ 1, "" }, { code, out })
    assert.matches("kv: cannot listen at port " .. port .. ": .*eaddrinuse", err)
  end)
end)

describe("a bucket that crashes", function()
  local path, bucket = package.path, nil

  before_each(function()
    package.path = "examples/kv/?.lua;" .. path
    bucket = require "bucket"
  end)

  after_each(function()
    package.path, package.loaded.bucket = path, nil
  end)

  local function main(f)
    return function()
      host.run(function()
        registry.start_link { keys = "unique", name = "buckets" }
        dynsup.start_link { name = "bucket_supervisor", max_restarts = 0 }
        f()
      end)
    end
  end

  it("loses what it has kept, and nothing else", main(function()
    local pid = bucket.create "a"
    bucket.create "b"
    bucket.put("a", "k", "1")
    bucket.put("b", "k", "2")
    host.stop(pid, "boom")
    assert.same({ false }, { bucket.get("a", "k") })
    assert.same({ true, "2" }, { bucket.get("b", "k") })
    assert.is_true(dynsup.is_pid((bucket.create "a")))
    assert.same({ true }, { bucket.get("a", "k") })
  end))

  it("is no answer to who waits for one, at any moment", main(function()
    for slices = 0, 3 do
      local pid, got = bucket.create "a", nil
      local asking, ref = dynsup.spawn_monitor(function() got = table.pack(bucket.get("a", "k")) end)
      for _ = 1, slices do dynsup.yield() end
      dynsup.exit(pid, "kill")
      assert.equal("normal", host.down(ref))
      assert.equal(slices >= 2, got[1], tostring(asking))
    end
    assert.same({}, host.drain())
  end))
end)
