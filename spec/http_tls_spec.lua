-- HTTPS with dynsup.http: whose certificates are trusted. Also in a stock interpreter, where SIGPIPE
-- would end the program.

local dynsup = require "dynsup"
local example = require "spec.support.example"
local support = require "spec.support.http"

local http = dynsup.http

local main, direct = support.main, support.direct

local folder

-- A key and a certificate of its own for the names.
local function make_certificate(name, names)
  local command = "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    .. "-subj /CN=%s -addext subjectAltName=%s -days 2 -keyout %s.key -out %s.pem 2>&1"
  example.shell(command:format(folder, name, names, name, name))
  return folder .. "/" .. name .. ".pem", folder .. "/" .. name .. ".key"
end

local function https(port, path)
  return ("https://127.0.0.1:%s/%s"):format(port, path)
end

describe("https", function()
  local ours, other, port, foreign

  setup(function()
    folder = example.shell("mktemp -d"):match "%S+"
    local key, other_key
    ours, key = make_certificate("ours", "IP:127.0.0.1")
    other, other_key = make_certificate("other", "DNS:other.example")
    port = support.serve_hostile(ours, key)
    foreign = support.serve_hostile(other, other_key)
  end)

  teardown(function()
    support.end_servers()
    example.shell("rm -rf " .. folder)
  end)

  local function refused(address, options)
    local response, reason, detail = http.get(address, direct(options))
    assert.same({ nil, "ssl_error", "string" }, { response, reason, type(detail) })
    return detail
  end

  it("refuses a certificate that nobody vouches for", main(function()
    assert.matches("certificate", refused(https(port, "hello")))
    refused(https(port, "hello"), { verify = true })
    refused(https(port, "hello"), { ca_file = other })
  end))

  it("takes it with its file of certificates", main(function()
    local response = assert(http.get(https(port, "hello"), direct { ca_file = ours }))
    assert.same({ 200, "hello" }, { response.status, response.body })
  end))

  it("refuses one for another host", main(function()
    refused(https(foreign, "hello"), { ca_file = other })
  end))

  it("takes whatever there is when it is told to, and for that request alone", main(function()
    assert.equal("hello", http.get(https(foreign, "hello"), direct { verify = false }).body)
    assert.equal("kept", http.get(https(port, "keep/it"), direct { verify = false }).body)
    refused(https(port, "keep/it"))
  end))

  it("fails without its file of certificates", main(function()
    refused(https(port, "hello"), { ca_file = folder .. "/none.pem" })
    refused(https(port, "hello"), { ca_file = folder .. "/ours.key" })
  end))

  it("is not spoken by a server without TLS, nor is http by one with it", main(function()
    refused(https(support.serve_hostile(), "hello"))
    local response, reason = http.get(("http://127.0.0.1:%s/"):format(port), direct { timeout = 5000 })
    assert.is_nil(response)
    assert.is_true(reason == "connection_closed" or reason == "bad_response", reason)
  end))

  it("works with the server of openssl", main(function()
    local command = "openssl s_server -www -accept 127.0.0.1:0 -cert %s/ours.pem -key %s/ours.key"
    local address = https(support.serve(command:format(folder, folder), "^ACCEPT.*:(%d+)"), "")
    assert.matches("Ciphers supported", assert(http.get(address, direct { ca_file = ours })).body)
    refused(address)
  end))

  it("breaks off without an end to the program", main(function()
    local options = direct { ca_file = ours, timeout = 5000 }
    for _, path in ipairs { "reset-body", "close-body", "reset", "empty", "garbage" } do
      assert.is_nil((http.get(https(port, path), options)))
    end
    for _ = 1, 20 do
      assert.equal("kept", assert(http.get(https(port, "keep/it"), options)).body)
      http.get(https(port, "keep/reset"), options)
    end
  end))
end)
