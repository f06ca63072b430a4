-- Programs of dynsup.http, with a server of their own; the real clock.
local dynsup = require "dynsup"
local http = require "dynsup.http"
local net = require "dynsup.net"

-- Answers one request after the other and closes each connection; returns the address.
local function serve(...)
  local listener = assert(net.listen("127.0.0.1", 0))
  local _, port = assert(listener:sockname())
  local answers = { ... }
  local server = dynsup.spawn_link(function()
    for _, answer in ipairs(answers) do
      local socket <close> = assert(listener:accept(200))
      repeat until (socket:read("line", 200) or "") == ""
      socket:write(answer)
    end
  end)
  assert(listener:give(server))
  return ("http://127.0.0.1:%d/"):format(port)
end

local function answer(body)
  return ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
end

return {
  { "a page, in one and in pieces", function()
    local url = serve(answer "hello", answer(("x"):rep(100000)))
    http.get(url, { timeout = 200 })
    http.get(url, { timeout = 200, on_chunk = function() dynsup.yield() end })
  end },

  { "a post with headers", function()
    http.post(serve(answer ""), "body", { timeout = 200, headers = { ["X-One"] = "1" } })
  end },

  { "answers that are none", function()
    local url = serve("nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    http.get(url, { timeout = 200 })
    http.get(url, { timeout = 200 })
    http.get("http://127.0.0.1:1/", { timeout = 200 })
  end },

  { "a request that is led on to another page, and one that is given up", function()
    local second = serve(answer "there")
    local url = serve(("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n")
      :format(second))
    http.request { url = url, method = "PUT", body = ("x"):rep(1000), timeout = 200 }
    http.get(serve(), { timeout = 5 })
    http.get(serve(answer "long"), { timeout = 200, max_bytes = 1 })
  end },
}
