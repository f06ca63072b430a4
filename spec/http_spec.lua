-- dynsup.http against a server that behaves: what is sent, what comes back, redirects, options.

local dynsup = require "dynsup"
local host = require "spec.support.host"
local http = require "dynsup.http"
local support = require "spec.support.http"

local main, get, url, direct = support.main, support.get, support.url, support.direct

support.describe("http", function()
  -- What the server got.
  local function echo(options)
    options.url = options.url or url "echo"
    return assert(http.request(direct(options))).body
  end

  describe("a response", function()
    it("has status, headers, body and URL", main(function()
      local response = assert(get "hello")
      assert.equal(200, response.status)
      assert.equal("hello", response.body)
      assert.equal(url "hello", response.url)
      assert.equal("text/plain", response.headers["content-type"])
    end))

    it("with an error status is a response", main(function()
      local response = assert(get "not-found")
      assert.same({ 404, "gone" }, { response.status, response.body })
    end))

    it("finds headers in any case", main(function()
      local headers = get("hello").headers
      for _, name in ipairs { "Content-Type", "content-type", "CONTENT-TYPE" } do
        assert.equal("text/plain", headers[name])
      end
      assert.is_nil(headers["x-none"])
      assert.is_nil(headers[17])
    end))

    it("keeps repeated, folded and empty headers in order", main(function()
      local headers, list = get("cookies").headers, {}
      for i, header in ipairs(headers) do
        list[i] = header.name .. "=" .. header.value
      end
      assert.same({ "Content-Length=0", "Set-Cookie=a=1, b", "set-cookie=c=2", "X-Folded=one two", "X-Empty=" }, list)
      assert.equal("a=1, b, c=2", headers["set-cookie"])
      assert.equal("", headers["x-empty"])
    end))

    it("may have no body", main(function()
      local response = get "nothing"
      assert.same({ 204, "" }, { response.status, response.body })
    end))

    it("may come after interim ones, whose headers are not its own", main(function()
      local response = get "interim"
      assert.same({ 200, "late" }, { response.status, response.body })
      assert.equal("1", response.headers["x-late"])
      assert.is_nil(response.headers["x-early"])
    end))

    it("may come in chunks, with trailers, or up to the end of the connection", main(function()
      assert.equal("onetwothree", get("chunked").body)
      local response = get "trailer"
      assert.same({ 200, "one" }, { response.status, response.body })
      assert.is_nil(response.headers["x-trailer"])
      assert.equal("to the end", get("until-close").body)
    end))

    it("is left as it was encoded, or decoded when asked for", main(function()
      assert.equal("\x1f\x8b", get("gzip").body:sub(1, 2))
      assert.equal(("hello "):rep(1000), get("gzip", { decode = true }).body)
      assert.matches("\r\nAccept%-Encoding: [^\r]*gzip", echo { decode = true })
      assert.falsy(echo({}):find("Accept-Encoding", 1, true))
    end))

    it("may be large", main(function()
      local body = get("big/8000000").body
      assert.equal(8000000, #body)
      assert.equal("0123456789abcdef", body:sub(-16))
    end))
  end)

  describe("a request", function()
    it("is a GET with little beside what is asked for", main(function()
      local expected = ("GET /echo HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAccept: */*\r\nUser-Agent: dynsup/%s\r\n\r\n")
      assert.equal(expected:format(support.port, dynsup.version), echo {})
    end))

    it("posts a body, whatever is in it", main(function()
      local body = ("\0\r\n\255 body"):rep(10000)
      local response = assert(http.post(url "echo", body, direct()))
      assert.matches("^POST /echo HTTP/1.1\r\n", response.body)
      assert.matches("\r\nContent%-Length: 90000\r\n", response.body)
      assert.equal(body, response.body:match "\r\n\r\n(.*)$")
      assert.falsy(response.body:find("Content-Type", 1, true))
      assert.falsy(response.body:find("Expect", 1, true))
    end))

    it("has any method", main(function()
      for _, method in ipairs { "GET", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH" } do
        assert.matches("^" .. method:gsub("%-", "%%-") .. " /echo ", echo { method = method })
      end
      for _, method in ipairs { "POST", "PUT", "PATCH" } do
        assert.matches("\r\nContent%-Length: 0\r\n", echo { method = method })
      end
      assert.matches("\r\n\r\nx$", echo { method = "DELETE", body = "x" })
      assert.matches("^GET .*\r\n\r\nx$", echo { body = "x" })
    end))

    it("by HEAD has a response without a body", main(function()
      local response = http.request(direct { url = url "hello", method = "HEAD" })
      assert.same({ 200, "" }, { response.status, response.body })
      assert.equal("5", response.headers["content-length"])
    end))

    it("has the given headers, also repeated and empty ones and in place of the usual", main(function()
      local got = echo {
        headers = {
          ["X-One"] = "1",
          ["X-Number"] = 7,
          ["X-Many"] = { "a", "b" },
          ["X-Empty"] = "",
          ["User-Agent"] = "me",
          ["Content-Type"] = "text/x",
          Host = "example.org",
          Accept = "a/b",
        },
        body = "x",
      }
      for _, line in ipairs {
        "X-One: 1", "X-Number: 7", "X-Many: a", "X-Many: b", "X-Empty:", "User-Agent: me", "Content-Type: text/x",
        "Host: example.org", "Accept: a/b",
      } do
        assert.truthy(got:find("\r\n" .. line .. "\r\n", 1, true), line)
      end
      assert.falsy(got:find("dynsup", 1, true))
      assert.falsy(got:find("*/*", 1, true))
    end))

    it("keeps to its own options table", main(function()
      local options = direct { url = url "echo", headers = { A = "1" } }
      http.request(options)
      assert.same(direct { url = url "echo", headers = { A = "1" } }, options)
    end))
  end)

  describe("a redirect", function()
    it("is followed to the end, whose URL is told", main(function()
      local response = get "down/3"
      assert.same({ 200, "hello", url "hello" }, { response.status, response.body, response.url })
    end))

    it("is a response when none is to be followed", main(function()
      local response = get("down/3", { follow = 0 })
      assert.same({ 302, "over there", url "down/3" }, { response.status, response.body, response.url })
      assert.equal("/down/2", response.headers.location)
    end))

    it("is one too many when there are more than allowed", main(function()
      assert.equal("hello", get("down/3", { follow = 3 }).body)
      assert.same({ nil, "too_many_redirects", url "hello" }, { get("down/3", { follow = 2 }) })
      assert.same({ nil, "too_many_redirects", url "loop" }, { get "loop" })
    end))

    it("of a POST leads to a GET, or says to post again", main(function()
      local options = { headers = { ["Content-Type"] = "text/x" } }
      for status, method in pairs { [301] = "GET", [302] = "GET", [303] = "GET", [307] = "POST", [308] = "POST" } do
        local got = http.post(url("to/%d/echo"):format(status), "body", direct(options)).body
        assert.equal(method, got:match "^%u+")
        assert.equal(method == "POST" and "body" or "", got:match "\r\n\r\n(.*)$")
        assert.equal(method == "POST", got:find("Content-Type: text/x", 1, true) ~= nil)
      end
    end))

    it("of other methods keeps them, but for 303", main(function()
      for status, method in pairs { [301] = "PUT", [302] = "PUT", [303] = "GET", [307] = "PUT", [308] = "PUT" } do
        local got = echo { url = url("to/%d/echo"):format(status), method = "PUT", body = "x" }
        assert.equal(method, got:match "^%u+")
      end
      local response = http.request(direct { url = url "to/303/echo", method = "HEAD" })
      assert.same({ 200, "", url "echo" }, { response.status, response.body, response.url })
    end))

    it("to another origin takes no secrets along", main(function()
      local other = support.serve_hostile()
      local headers = { Authorization = "secret", Cookie = "secret", ["X-Other"] = "1" }
      local got = get("to/302/echo", { headers = headers }).body
      assert.matches("\r\nAuthorization: secret\r\n", got)
      got = get("to/302/" .. other .. "/echo", { headers = headers }).body
      assert.falsy(got:find("secret", 1, true))
      assert.matches("\r\nX%-Other: 1\r\n", got)
    end))

    it("to another origin takes no Host of the caller's along", main(function()
      local other = support.serve_hostile()
      local got = get("to/302/echo", { headers = { Host = "mine.example" } }).body
      assert.matches("\r\nHost: mine.example\r\n", got)
      got = get("to/302/" .. other .. "/echo", { headers = { Host = "mine.example" } }).body
      assert.falsy(got:find("mine.example", 1, true))
    end))

    it("with several Locations leads to the first", main(function()
      local response = get "two-locations"
      assert.same({ "hello", url "hello" }, { response.body, response.url })
      assert.equal("/hello, /not-found", get("two-locations", { follow = 0 }).headers.location)
    end))

    it("without a Location is a response", main(function()
      assert.equal(302, get("no-location").status)
    end))

    it("to nowhere or to another protocol is a bad response", main(function()
      for _, path in ipairs { "bad-location", "to-file" } do
        local response, reason, detail = get(path)
        assert.same({ nil, "bad_response" }, { response, reason })
        assert.matches("^redirect: ", detail)
      end
    end))

    it("with an endless body is not waited for", main(function()
      local got
      local response = get("endless-redirect", { on_chunk = function(data) got = data end })
      assert.same({ 200, url "hello", "hello" }, { response.status, response.url, got })
      assert.equal("hello", get("endless-redirect").body)
    end))

    it("has a body that max_bytes does not count", main(function()
      local got
      assert.equal("hello", get("to/302/hello", { max_bytes = 5 }).body)
      assert.equal(200, get("to/302/hello", { max_bytes = 5, on_chunk = function(data) got = data end }).status)
      assert.equal("hello", got)
      assert.equal("too_large", (select(2, get("to/302/hello", { max_bytes = 5, follow = 0 }))))
      assert.equal("too_large", (select(2, get("to/302/hello", { max_bytes = 4 }))))
    end))
  end)

  describe("on_chunk", function()
    it("gets the body piece by piece, and the response without it", main(function()
      local pieces, seen = {}, nil
      local response = get("big/1000000", {
        on_chunk = function(data, head)
          pieces[#pieces + 1], seen = data, head
        end,
      })
      assert.equal(("0123456789abcdef"):rep(62500), table.concat(pieces))
      assert.is_true(#pieces > 1)
      assert.equal(response, seen)
      assert.equal(200, response.status)
      assert.is_nil(response.body)
    end))

    it("runs in the calling process, and may wait", main(function()
      local me, size = dynsup.self(), 0
      get("big/500000", {
        on_chunk = function(data)
          assert.equal(me, dynsup.self())
          dynsup.sleep(1)
          size = size + #data
        end,
      })
      assert.equal(500000, size)
    end))

    it("may send requests", main(function()
      local inner
      get("hello", { on_chunk = function() inner = get("hello").body end })
      assert.equal("hello", inner)
    end))

    it("is not called without a body, nor with that of a redirect", main(function()
      local got = {}
      local function on_chunk(data) got[#got + 1] = data end
      assert.equal(204, get("nothing", { on_chunk = on_chunk }).status)
      assert.equal(200, get("down/2", { on_chunk = on_chunk }).status)
      assert.same({ "hello" }, got)
    end))

    it("lets its error through, and the request ends", main(function()
      local ok, err = pcall(get, "endless", { on_chunk = function() error("enough", 0) end })
      assert.same({ false, "enough" }, { ok, err })
      support.await_closed()
    end))

    it("holds the server up while it waits", main(function()
      local before = support.number "sent"
      get("endless", {
        timeout = 400,
        on_chunk = function() dynsup.sleep(300) end,
      })
      local stalled = support.number "sent" - before
      get("endless", { timeout = 400, on_chunk = function() end })
      local free = support.number "sent" - before - stalled
      assert.is_true(stalled * 4 < free, ("%d bytes while it waits, %d else"):format(stalled, free))
    end))
  end)

  describe("the options", function()
    local function refused(detail, options)
      options.url = options.url or "http://127.0.0.1:1/"
      assert.same({ nil, "invalid_option", detail }, { http.request(options) })
    end

    it("are checked before anything is sent", main(function()
      refused("frob", { frob = 1 })
      refused(1, { [1] = "x" })
      refused("method: a method in capitals expected", { method = "get" })
      refused("method: a method in capitals expected", { method = "CONNECT" })
      refused("method: a method in capitals expected", { method = "G\r\nX: y" })
      refused("timeout: milliseconds or \"infinity\" expected", { timeout = -1 })
      refused("timeout: milliseconds or \"infinity\" expected", { timeout = 0 / 0 })
      refused("max_bytes: a number of bytes or \"infinity\" expected", { max_bytes = 1.5 })
      refused("follow: a number of redirects expected", { follow = true })
      refused("on_chunk: a function expected", { on_chunk = "f" })
      refused("ca_file: a path expected", { ca_file = "a\0b" })
      refused("verify: a boolean expected", { verify = 0 })
      refused("proxy: a URL expected", { proxy = false })
      refused("decode: a boolean expected", { decode = "gzip" })
      refused("body: a string expected", { body = {} })
      refused("body: HEAD has none", { method = "HEAD", body = "" })
      refused("headers: a table of names and values expected", { headers = "A: b" })
      refused("headers: not a value of A", { headers = { A = "b\r\nC: d" } })
      refused("headers: not a value of A", { headers = { A = { "b", {} } } })
      refused("headers: not possible: A: b", { headers = { ["A: b"] = "c" } })
      refused("headers: not possible: Content-Length", { headers = { ["Content-Length"] = 5 } })
      refused("headers: not possible: 1", { headers = { "A: b" } })
    end))

    it("of get and post leave out what these set themselves", main(function()
      assert.same({ nil, "invalid_option", "url" }, { http.get(url "hello", { url = "x" }) })
      assert.same({ nil, "invalid_option", "method" }, { http.get(url "hello", { method = "PUT" }) })
      assert.same({ nil, "invalid_option", "body" }, { http.post(url "hello", "x", { body = "y" }) })
    end))

    it("say how long it may take", main(function()
      local response, reason = get("hello", { timeout = 0 })
      assert.same({ nil, "timeout" }, { response, reason })
      local before = dynsup.now()
      response, reason = get("hang", { timeout = 50 })
      local took = dynsup.now() - before
      assert.same({ nil, "timeout" }, { response, reason })
      assert.is_true(took >= 50 and took < 5000, took)
      assert.equal("hello", get("slow/50", { timeout = "infinity" }).body)
    end))

    it("count the time of all redirects together", main(function()
      local response, reason = get("loop", { follow = 1000000, timeout = 100 })
      assert.same({ nil, "timeout" }, { response, reason })
    end))

    it("say how large the body may be", main(function()
      assert.equal("hello", get("hello", { max_bytes = 5 }).body)
      assert.same({ nil, "too_large", "the body of the response" }, { get("hello", { max_bytes = 4 }) })
      assert.equal("", get("cookies", { max_bytes = 0 }).body)
      assert.equal(1600, #get("big/1600", { max_bytes = "infinity" }).body)
      assert.equal("too_large", (select(2, get "endless")))
      local got = 0
      local _, reason = get("endless", { max_bytes = 100000, on_chunk = function(data) got = got + #data end })
      assert.equal("too_large", reason)
      assert.is_true(got <= 100000, got)
    end))
  end)

  describe("a URL", function()
    for _, text in ipairs {
      "", "hello", "/hello", "http://", "http://a b/", "http://x:99999/", "http://[::1", "http://x\0y/",
    } do
      it("like " .. ("%q"):format(text) .. " is refused", main(function()
        local response, reason, detail = http.get(text)
        assert.same({ nil, "invalid_url", "string" }, { response, reason, type(detail) })
      end))
    end

    it("that others are relative to has no zero byte", main(function()
      local whole, reason = http.resolve("http://a/\0b", "c")
      assert.same({ nil, "invalid_url" }, { whole, reason })
    end))

    it("is needed", main(function()
      assert.equal("invalid_url", (select(2, http.request {})))
    end))

    it("of another protocol is refused", main(function()
      for _, text in ipairs { "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "javascript:1" } do
        local response, reason = http.get(text)
        assert.is_nil(response)
        assert.is_true(reason == "unsupported_protocol" or reason == "invalid_url", reason)
      end
    end))

    it("may have a query and a fragment, which stays here", main(function()
      assert.matches("^GET /echo%?a=1&b=%%20 HTTP", echo { url = url "echo?a=1&b=%20#there" })
      assert.equal(url "echo?a", get("echo?a#b").url)
    end))

    it("has the name of its host in ASCII", main(function()
      assert.equal("http://xn--exmple-cua.invalid/a", http.resolve("http://ex\u{e4}mple.invalid/", "a"))
      assert.equal("http://xn--exmple-cua.invalid:81/", http.resolve("http://a/", "//EX%C3%84MPLE.invalid:81/"))
      local address = "http://u:p@ex\u{e4}mple.invalid/?\u{e4}"
      assert.equal("http://u:p@xn--exmple-cua.invalid/?\u{e4}", http.resolve(address, ""))
      local response, reason = http.get(address, support.direct())
      assert.same({ nil, "couldnt_resolve_host" }, { response, reason })
    end))

    it("is resolved against that of its page", function()
      local base = "http://h.example:81/a/b/c?q=1#f"
      for reference, expected in pairs {
        [""] = "http://h.example:81/a/b/c?q=1",
        ["d"] = "http://h.example:81/a/b/d",
        ["./d?x#y"] = "http://h.example:81/a/b/d?x",
        ["../d"] = "http://h.example:81/a/d",
        ["../../../d"] = "http://h.example:81/d",
        ["/d/./e/../f"] = "http://h.example:81/d/f",
        ["//other/d"] = "http://other/d",
        ["https://other"] = "https://other/",
        ["?x=2"] = "http://h.example:81/a/b/c?x=2",
        ["#g"] = "http://h.example:81/a/b/c?q=1",
        ["a b"] = "http://h.example:81/a/b/a%20b",
      } do
        assert.equal(expected, http.resolve(base, reference), reference)
      end
      for _, reference in ipairs { "ftp://x/", "mailto:a@b", "javascript:1", "data:text/plain,x" } do
        assert.equal("unsupported_protocol", (select(2, http.resolve(base, reference))))
      end
      assert.equal("invalid_url", (select(2, http.resolve("a", "b"))))
    end)
  end)

  describe("misuse", function()
    local function raises(message, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.truthy(err:find(message, 1, true), err)
    end

    it("is an error that names the argument", main(function()
      raises("bad argument #1 to 'get' (string expected, got nil)", http.get)
      raises("bad argument #2 to 'get' (table expected, got number)", http.get, "http://x/", 1)
      raises("bad argument #3 to 'get' (no further argument expected)", http.get, "http://x/", nil, 1)
      raises("bad argument #2 to 'post' (string expected, got nil)", http.post, "http://x/")
      raises("bad argument #3 to 'post' (table expected, got string)", http.post, "http://x/", "", "")
      raises("bad argument #1 to 'request' (table expected, got string)", http.request, "http://x/")
      raises("bad argument #2 to 'resolve' (string expected, got nil)", http.resolve, "http://x/")
    end))

    it("is a request where nothing can wait", main(function()
      raises("cannot wait", table.sort, { 1, 2 }, function() get "hello" end)
      raises("cannot wait", string.gsub, "x", "x", function() get "hello" end)
    end))

    it("is a request without a host", function()
      raises("no host is running", http.get, "http://127.0.0.1:1/")
    end)

    it("is a request on a virtual clock", host.main(function()
      raises("requests of dynsup.http need the real clock: this run has a virtual one", http.get, "http://127.0.0.1:1/")
    end))
  end)
end)
