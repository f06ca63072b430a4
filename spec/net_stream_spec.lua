-- dynsup.net: what goes through a connection.
local dynsup = require "dynsup"
local support = require "spec.support.net"

local net = dynsup.net

local pair, listen, main = support.pair, support.listen, support.main

-- Runs f(...) as a process; its results come as "result", ....
local function ask(f, ...)
  local me = dynsup.self()
  local pid = dynsup.spawn(function(...)
    dynsup.send(me, "result", f(...))
  end, ...)
  support.until_waiting(pid)
  return pid
end

local function answer()
  local message = table.pack(dynsup.receive_match("result", 10000))
  return table.unpack(message, 2, message.n)
end

local function read(socket, ...)
  return socket:read(...)
end

describe("socket:read", function()
  it("of a number waits for just as many bytes", main(function()
    local client, server = pair()
    ask(read, server, 4)
    client:write "ab"
    assert.same({ nil, "timeout" }, { dynsup.receive(5) })
    client:write "cdef"
    assert.equal("abcd", answer())
    assert.equal("e", server:read(1))
    assert.equal("", server:read(0))
    client:close()
    assert.same({ nil, "closed", "f" }, { server:read(4) })
    assert.same({ nil, "closed" }, { server:read(4) })
  end))

  it("of some takes what is there", main(function()
    local client, server = pair()
    ask(read, server, "some")
    client:write "abc"
    assert.equal("abc", answer())
    client:shutdown()
    assert.same({ nil, "closed" }, { server:read "some" })
  end))

  it("of a line takes it without its end", main(function()
    local client, server = pair()
    client:write "one\ntwo\r\n\n\r\nth\rree\nrest"
    client:shutdown()
    local lines = {}
    for line in server:lines() do
      lines[#lines + 1] = line
    end
    assert.same({ "one", "two", "", "", "th\rree" }, lines)
    assert.same({ nil, "closed" }, { server:read "line" })
  end))

  it("of a line that is not complete gives what there is as the detail", main(function()
    local client, server = pair()
    client:write "rest"
    client:shutdown()
    assert.same({ nil, "closed", "rest" }, { server:read "line" })
  end))

  it("of a line that is too long leaves it to be read otherwise", main(function()
    local client, server = pair()
    client:write "12345\r\n"
    assert.equal("12345", server:read("line", nil, 5))
    client:write "123456\n"
    assert.same({ nil, "too_long" }, { server:read("line", nil, 5) })
    assert.same({ nil, "too_long" }, { server:read("line", nil, 5) })
    assert.equal("123456", server:read("line", nil, 6))
    client:write "123456"
    assert.same({ nil, "too_long" }, { server:read("line", 10000, 5) }) -- whatever its end is
    assert.equal("123456", server:read(6))
    client:write "12345\r"
    assert.same({ nil, "timeout" }, { server:read("line", 5, 5) })
    client:write "\n"
    assert.equal("12345", server:read("line", nil, 5))
    ask(read, server, "line")
    client:write(("x"):rep(100000))
    assert.same({ nil, "too_long" }, { answer() })
    assert.equal(("x"):rep(100000), server:read(100000))
  end))

  it("of all waits for the end", main(function()
    local client, server = pair()
    ask(read, server, "all")
    client:write(("x"):rep(100000))
    client:write "y"
    client:close()
    assert.equal(("x"):rep(100000) .. "y", answer())
    assert.equal("", server:read "all")
  end))

  it("of all may be bounded", main(function()
    local client, server = pair()
    client:write "12345"
    client:shutdown()
    assert.same({ nil, "too_long" }, { server:read("all", nil, 4) })
    assert.equal("12345", server:read("all", nil, 5))
  end))

  it("loses nothing when its time is over", main(function()
    local client, server = pair()
    client:write "ab"
    assert.same({ nil, "timeout" }, { server:read(4, 5) })
    assert.same({ nil, "timeout" }, { server:read("line", 0) })
    client:write "cd"
    assert.equal("abcd", server:read(4))
  end))

  it("without time takes what has come", main(function()
    local client, server = pair()
    assert.same({ nil, "timeout" }, { server:read("some", 0) })
    client:write "ab"
    assert.equal("ab", server:read("some", 0))
  end))

  it("is one at a time", main(function()
    local client, server = pair()
    ask(read, server, "some")
    assert.same({ nil, "busy" }, { server:read "some" })
    client:write "ab"
    assert.equal("ab", answer())
    client:write "cd"
    assert.equal("cd", server:read "some")
  end))

  it("is free again when its reader was killed", main(function()
    local client, server = pair()
    local pid = ask(read, server, 4)
    client:write "ab"
    assert.same({ nil, "timeout" }, { dynsup.receive(2) })
    dynsup.exit(pid, "kill")
    dynsup.yield()
    client:write "cd"
    assert.equal("abcd", server:read(4))
  end))

  it("ends when another closes the socket", main(function()
    local client, server = pair()
    ask(read, server, "some")
    server:close()
    assert.same({ nil, "closed" }, { answer() })
    assert.same({ nil, "closed" }, { client:read "some" })
  end))

  it("tells of a reset", main(function()
    local client, server = pair()
    client:write "unread"
    ask(read, client, "some")
    dynsup.sleep(1)
    server:close() -- with bytes that nobody has read
    assert.same({ nil, "econnreset" }, { answer() })
  end))

  it("does not read ahead without bound", main(function()
    local client, server = pair { send_timeout = 50 }
    local piece = ("x"):rep(1 << 20)
    local sent = 0
    while client:write(piece) do
      sent = sent + #piece
    end
    assert.is_true(sent < 64 << 20)
    assert.equal("x", server:read(1))
    assert.same({ nil, "timeout" }, { client:read("some", 50) })
    client:close()
  end))

  it("works inside a coroutine of the process", main(function()
    local client, server = pair()
    local lines = coroutine.wrap(function()
      while true do
        coroutine.yield(server:read "line")
      end
    end)
    dynsup.spawn(function()
      client:write "a\n"
      dynsup.sleep(1)
      client:write "b\n"
    end)
    assert.equal("a", lines())
    assert.equal("b", lines())
  end))

  it("raises for misuse", main(function()
    local client = pair()
    for _, arguments in ipairs { {}, { -1 }, { "word" }, { 1.5 }, { {} }, { 1, -1 }, { "line", 1, 0 } } do
      assert.has_error(function()
        client:read(table.unpack(arguments))
      end)
    end
    assert.error_matches(function()
      table.sort({ 1, 2, 3 }, function()
        client:read "some"
      end)
    end, "cannot wait")
  end))
end)

describe("socket:write", function()
  it("sends strings and numbers as one", main(function()
    local client, server = pair()
    assert.is_true(client:write("a", 1, "", 2.5))
    assert.is_true(client:write())
    assert.is_true(client:write "")
    client:shutdown()
    assert.equal("a12.5", server:read "all")
    assert.error_matches(function()
      client:write("a", {})
    end, "#2")
  end))

  it("waits until the kernel has taken everything", main(function()
    local client, server = pair()
    local data = ("0123456789abcdef"):rep(1 << 20)
    ask(function()
      return client:write(data)
    end)
    assert.same({ nil, "timeout" }, { dynsup.receive(20) })
    assert.is_true(server:read(#data) == data)
    assert.is_true(answer())
  end))

  it("keeps the order of its writers", main(function()
    local client, server = pair()
    local size = 8 << 20
    for _, letter in ipairs { "a", "b", "c" } do
      ask(function()
        return client:write(letter:rep(size))
      end)
    end
    for _, letter in ipairs { "a", "b", "c" } do
      assert.is_true(server:read(size) == letter:rep(size))
      assert.is_true(answer())
    end
  end))

  it("is out of time when the peer does not read, and sends the rest later", main(function()
    local client, server = pair { send_timeout = 5 }
    local data = ("x"):rep(16 << 20)
    assert.same({ nil, "timeout" }, { client:write(data) })
    assert.same({ nil, "busy" }, { client:write "more" })
    assert.is_true(server:read(#data) == data)
    local ok
    repeat
      ok = client:write "y"
      dynsup.sleep(1)
    until ok
    assert.equal("y", server:read(1))
  end))

  it("tells that the peer is gone", main(function()
    local client, server = pair()
    server:close()
    local ok, reason
    repeat
      ok, reason = client:write "x"
      dynsup.sleep(1)
    until not ok
    assert.is_true(reason == "epipe" or reason == "econnreset", reason)
  end))

  it("ends when another closes the socket", main(function()
    local client, server = pair()
    ask(function()
      return client:write(("x"):rep(16 << 20))
    end)
    client:close()
    assert.same({ nil, "closed" }, { answer() })
    server:close()
  end))

  it("ends when the peer goes away meanwhile", main(function()
    local client, server = pair()
    ask(function()
      return client:write(("x"):rep(16 << 20))
    end)
    server:close()
    local ok, reason = answer()
    assert.is_nil(ok)
    assert.is_true(reason == "epipe" or reason == "econnreset", reason)
  end))
end)

describe("socket:shutdown", function()
  it("closes one direction, behind what was written", main(function()
    local client, server = pair()
    client:write "question"
    assert.is_true(client:shutdown())
    assert.is_true(client:shutdown())
    assert.same({ nil, "epipe" }, { client:write "x" })
    assert.equal("question", server:read "all")
    server:write "answer"
    server:close()
    assert.equal("answer", client:read "all")
  end))
end)

describe("sockets", function()
  local PYTHON = [[
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"hello\r\n" + b"x" * 1000000)
s.shutdown(socket.SHUT_WR)
total = b""
while True:
    piece = s.recv(65536)
    if not piece: break
    total += piece
print(len(total), total[:2].decode(), total[-2:].decode())
]]

  it("speak with a client of another make", main(function()
    local listener, port = listen()
    local out = os.tmpname()
    local script = os.tmpname()
    local file <close> = io.open(script, "w")
    file:write(PYTHON)
    file:flush()
    os.execute(("unset LD_PRELOAD; python3 %s %d > %s &"):format(script, port, out))
    local server <close> = assert(listener:accept(20000))
    assert.equal("hello", server:read "line")
    assert.equal(1000000, #server:read "all")
    assert.is_true(server:write(("ab"):rep(500000)))
    assert.is_true(server:shutdown())
    assert.same({ nil, "closed" }, { server:read("some", 20000) })
    server:close()
    local text = ""
    while not text:find "\n" do
      dynsup.sleep(5)
      local result <close> = io.open(out)
      text = result:read "a"
    end
    assert.equal("1000000 ab ab\n", text)
    os.remove(out)
    os.remove(script)
  end))

  it("go through a server of another make", main(function()
    local path = os.tmpname()
    os.remove(path)
    local script = [[python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c, _ = s.accept()
while True:
    piece = c.recv(65536)
    if not piece: break
    c.sendall(piece.upper())
' ]] .. path .. " &"
    os.execute("unset LD_PRELOAD; " .. script)
    local client
    repeat
      dynsup.sleep(5)
      client = net.connect(path)
    until client
    client:write "abc\n"
    assert.equal("ABC", client:read("line", 20000))
    client:close()
    os.remove(path)
  end))
end)
