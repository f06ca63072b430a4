-- dynsup.http against servers that break off, lie, hang or never end, or are not there.

local dynsup = require "dynsup"
local http = require "dynsup.http"
local support = require "spec.support.http"

local main, get, direct = support.main, support.get, support.direct

-- What a path is answered with.
local REASONS = {
  ["empty"] = "connection_closed",
  ["close-head"] = "connection_closed",
  ["close-body"] = "connection_closed",
  ["reset"] = "connection_closed",
  ["reset-body"] = "connection_closed",
  ["garbage"] = "bad_response",
  ["http09"] = "bad_response",
  ["bad-status"] = "bad_response",
  ["bad-chunk"] = "bad_response",
  ["huge-chunk"] = "bad_response",
  ["bad-length"] = "bad_response",
  ["bad-trailer"] = "bad_response",
  ["null-header"] = "bad_response",
  ["space-header"] = "bad_response",
  ["many-headers"] = "too_large",
  ["long-header"] = "too_large",
  ["long-status"] = "too_large",
  ["long-trailer"] = "too_large",
  ["endless-headers"] = "too_large",
  ["endless-interim"] = "too_large",
  ["endless"] = "too_large",
  ["hang"] = "timeout",
  ["hang-head"] = "timeout",
  ["hang-body"] = "timeout",
}

-- Details that libcurl words as a failure of its own.
local DETAILS = {
  ["http09"] = "no response of HTTP/1",
  ["space-header"] = "the first header of the response begins with a space",
  ["long-header"] = "the headers of the response",
  ["long-status"] = "the headers of the response",
  ["long-trailer"] = "the trailers of the response",
}

support.describe("http fails", function()
  for path, expected in pairs(REASONS) do
    it(("with %s when a server answers with %s"):format(expected, path), main(function()
      local timeout = expected == "timeout" and 100 or 20000
      for _, on_chunk in ipairs { false, function() end } do
        local options = { timeout = timeout, on_chunk = on_chunk or nil, max_bytes = 1000000 }
        local response, reason, detail = get(path, options)
        assert.same({ nil, expected, "string" }, { response, reason, type(detail) }, detail)
        assert.equal(DETAILS[path] or detail, detail)
      end
      support.await_closed()
    end))
  end

  it("with bad_response when what is to be decoded is not encoded", main(function()
    assert.equal("bad_response", (select(2, get("bad-gzip", { decode = true }))))
  end))

  it("with too_large when little decodes to much", main(function()
    assert.equal("too_large", (select(2, get("bomb", { decode = true, timeout = 300000 }))))
    local size = 0
    local function count(data) size = size + #data end
    assert.equal("too_large", (select(2, get("bomb", { decode = true, max_bytes = 30000000, on_chunk = count,
      timeout = 300000 }))))
    assert.is_true(size <= 30000000)
  end))

  it("with what the last connection came to, not a kept one that was reset before", main(function()
    for _, path in ipairs { "bad-chunk", "close-body", "reset-body", "space-header", "http09" } do
      local _, expected, detail = get(path)
      assert.equal("kept", assert(get("keep/once")).body)
      assert.same({ nil, expected, detail }, { get(path) })
    end
  end))

  it("with invalid_url and how to write it when the name of a host cannot be put in ASCII", main(function()
    local response, reason, detail = http.get("http://a\xffb.invalid/", direct())
    assert.same({ nil, "invalid_url" }, { response, reason })
    assert.matches("xn%-%-", detail)
  end))

  it("with what the server has sent told until then", main(function()
    local got = {}
    local response, reason = get("close-body", { on_chunk = function(data) got[#got + 1] = data end })
    assert.same({ nil, "connection_closed" }, { response, reason })
    assert.equal("ten bytes.", table.concat(got))
  end))

  it("with couldnt_connect where nobody listens", main(function()
    local response, reason, detail = http.get("http://127.0.0.1:1/", direct())
    assert.same({ nil, "couldnt_connect", "string" }, { response, reason, type(detail) })
    response, reason = http.get("http://[::1]:1/", direct())
    assert.same({ nil, "couldnt_connect" }, { response, reason })
  end))

  it("with couldnt_resolve_host for a name that nobody has", main(function()
    local response, reason = http.get("http://nobody.invalid/", direct())
    assert.same({ nil, "couldnt_resolve_host" }, { response, reason })
  end))

  it("with couldnt_connect when the proxy is not there", main(function()
    local response, reason = http.get(support.url "hello", { proxy = "http://127.0.0.1:1" })
    assert.same({ nil, "couldnt_connect" }, { response, reason })
  end))

  it("and never hides one header in another", main(function()
    local response, reason = get "cr-header"
    if response then
      assert.is_nil(response.headers["x-injected"])
    else
      assert.equal("bad_response", reason)
    end
  end))

  it("at nothing, and at once, when a header is made of spaces", main(function()
    local before = dynsup.now()
    assert.equal("a" .. (" "):rep(60000) .. "b", get("spaces").headers["x-spaces"])
    assert.equal("", get("only-spaces").headers["x-spaces"])
    assert.is_true(dynsup.now() - before < 1000)
  end))

  it("and the client goes on", main(function()
    for path in pairs(REASONS) do
      dynsup.spawn(get, path, { timeout = 100, max_bytes = 1000000 })
    end
    for _ = 1, 10 do
      assert.equal("hello", assert(get "hello").body)
    end
  end))
end)
