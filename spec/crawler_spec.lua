-- The program examples/crawler as a user runs it, at the site of a folder that Python serves.

local example = require "spec.support.example"
local support = require "spec.support.http"

local CRAWLER = "examples/crawler/main.lua"
local DIRECT = "env -u http_proxy DYNSUP_LOG_FORMAT=text"

-- Serves a folder of the test's; returns the URL of its root. The file .log there has a line for each
-- request.
local function serve_folder()
  local command = "sh -c 'exec python3 -u -m http.server --bind 127.0.0.1 --directory %s 0 2>%s'"
  local port = support.serve(command:format(example.directory(), example.path_of ".log"), "port (%d+)")
  return ("http://127.0.0.1:%s/"):format(port)
end

local function crawl(...)
  return example.run(CRAWLER, { ... }, DIRECT)
end

local function page(...)
  local links = {}
  for i, link in ipairs { ... } do
    links[i] = ('<a href="%s">there</a>'):format(link)
  end
  return "<!doctype html>\n" .. table.concat(links, "\n")
end

-- The number in the closing line.
local function totals(out)
  local pages, bytes, broken = out:match "(%d+) pages?, (%d+) bytes?, (%d+) broken links?\n$"
  return { tonumber(pages), tonumber(broken) }, tonumber(bytes)
end

local function count(text, part)
  return select(2, text:gsub(part, ""))
end

example.describe("crawler", function()
  after_each(support.end_servers)

  it("tells which links are broken and where they were found", function()
    example.make {
      ["index.html"] = page("a.html", "b.html", "missing.html"),
      ["a.html"] = page("b.html", "missing.html#there", "also missing"),
      ["b.html"] = page("/"),
    }
    local root = serve_folder()
    local code, out, err = crawl(root)
    local expected = [[
broken: @also%20missing (status 404)
  found on @a.html
broken: @missing.html (status 404)
  found on @
  found on @a.html
5 pages, ]]
    assert.equal(expected:gsub("@", root), out:sub(1, #expected:gsub("@", root)))
    assert.same({ 5, 2 }, totals(out))
    assert.equal("", err)
    assert.equal(1, code)
  end)

  it("is content with a site without them, and counts all bytes", function()
    local index = page("big.bin", "sub/", "/")
    example.make { ["index.html"] = index, ["big.bin"] = ("x"):rep(3000000), ["sub/index.html"] = "done" }
    local code, out = crawl(serve_folder())
    local found, bytes = totals(out)
    assert.same({ 3, 0 }, found)
    assert.equal(#index + 3000000 + 4, bytes)
    assert.equal(0, code)
  end)

  it("resolves links as they are written in pages", function()
    example.make {
      ["index.html"] = page("./dir/in.html#part", "dir/../dir/in.html", "?a=1&amp;b=2", "#here", "",
        "mailto:a@b", "javascript:void(0)", "  dir/in.html\n"),
      ["dir/in.html"] = page("../up.html", "/up.html", "//elsewhere.invalid/", "../../../up.html"),
      ["up.html"] = page("dir"),
      ["dir/index.html"] = page("in.html"),
    }
    local root = serve_folder()
    local code, out = crawl(root)
    -- /, /dir/in.html, /?a=1&b=2, /up.html, /dir, which leads to /dir/
    assert.same({ 6, 0 }, totals(out), out)
    assert.equal(0, code)
  end)

  it("follows redirects as links, on its hosts only", function()
    local code, out = crawl(("http://127.0.0.1:%s/down/3"):format(support.serve_hostile()))
    assert.same({ 4, 0 }, totals(out))
    assert.equal(0, code)
    local port, other = support.serve_hostile(), support.serve_hostile()
    code, out = crawl(("http://127.0.0.1:%s/to/302/%s/not-found"):format(port, other))
    assert.same({ 1, 0 }, totals(out))
    assert.equal(0, code)
  end)

  it("stays within its limits", function()
    local site = {}
    for i = 0, 30 do
      site[("%d.html"):format(i)] = page(("%d.html"):format(i + 1), "x" .. i)
    end
    example.make(site)
    local root = serve_folder()
    local _, out = crawl("--depth", "3", root .. "0.html")
    assert.same({ 7, 3 }, totals(out)) -- 0 to 3, and x0 to x2
    _, out = crawl("--max-pages=5", "--workers=1", root .. "0.html")
    assert.same({ 5, 2 }, totals(out))
    assert.truthy(out:find("2 pages known and not looked at\n", 1, true), out)
  end)

  it("looks at a large site with any number of workers", function()
    local site = {}
    for i = 1, 60 do
      site[("p/%d.html"):format(i)] = page(("%d.html"):format(i * 2), ("%d.html"):format(i * 2 + 1), "/")
    end
    site["index.html"] = page("p/1.html")
    example.make(site)
    local root = serve_folder()
    local outputs = {}
    for i, workers in ipairs { "1", "8", "64" } do
      local _
      _, outputs[i] = crawl("--workers", workers, root)
      assert.same({ 122, 61 }, totals(outputs[i]))
    end
    assert.equal(outputs[1], outputs[2])
    assert.equal(outputs[1], outputs[3])
  end)

  it("tries again where nobody listens, and then says so", function()
    example.make { ["index.html"] = page "a" }
    local root = serve_folder()
    local code, out = crawl("http://127.0.0.1:1/x", root)
    assert.truthy(out:find("broken: http://127.0.0.1:1/x (couldnt_connect)\nbroken: " .. root, 1, true), out)
    assert.same({ 3, 2 }, totals(out))
    assert.equal(1, code)
  end)

  it("survives servers that break off or lie", function()
    local list = {}
    for i, path in ipairs { "garbage", "many-headers", "hello" } do
      list[i] = ("http://127.0.0.1:%s/%s"):format(support.serve_hostile(), path)
    end
    local code, out, err = crawl(table.unpack(list))
    assert.same({ 3, 2 }, totals(out))
    assert.equal(1, count(out, "too_large"))
    assert.equal("", err)
    assert.equal(1, code)
  end)

  for _, signal in ipairs { "INT", "TERM" } do
    it("prints what it has found so far when it is interrupted: SIG" .. signal, function()
      example.make { ["index.html"] = page("a.html", "missing"), ["a.html"] = page "/" }
      local root, port = serve_folder(), support.serve_hostile()
      local line = example.command_line {
        example.program, "run", CRAWLER, "--workers", "2", root, ("http://127.0.0.1:%s/hang"):format(port),
      }
      local pipe = example.open_shell(("echo $$; exec %s %s 2>%s"):format(
        DIRECT, line, example.quote(example.path_of ".err")))
      local pid = pipe:read "l"
      -- until it has nothing to do but to wait for the one that hangs
      example.shell(("while [ $(grep -c GET %s) -lt 3 ]; do sleep 0.05; done; sleep 0.3; kill -%s %s"):format(
        example.path_of ".log", signal, pid))
      local out = pipe:read "a"
      local _, _, code = pipe:close()
      assert.truthy(out:find(("broken: %smissing (status 404)\n  found on %s\n"):format(root, root), 1, true), out)
      assert.same({ 3, 1 }, totals(out))
      local err = example.read_file(example.path_of ".err")
      assert.matches("crawler: interrupted: this is what was found so far\n$", err)
      assert.equal(0, code)
    end)
  end

  describe("on a terminal", function()
    local function on_terminal(...)
      example.make { ["index.html"] = page "a" }
      local line = DIRECT .. " " .. example.command_line { example.program, "run", CRAWLER, ... }
      return example.shell("script -qec " .. example.quote(line) .. " /dev/null </dev/null")
    end

    it("draws a progress line and clears it", function()
      local out = on_terminal(serve_folder())
      assert.truthy(out:find("pages fetched, ", 1, true), out)
      assert.truthy(out:find "\r\27%[Kbroken: ", out)
    end)

    it("draws none with --quiet", function()
      assert.falsy(on_terminal("--quiet", serve_folder()):find("pages fetched, ", 1, true))
    end)
  end)

  describe("refuses", function()
    local usage = "usage: dynsup run examples/crawler/main.lua"

    for words, reason in pairs {
      [""] = "no URL given",
      ["--quiet"] = "no URL given",
      ["--frob http://x/"] = "unknown option '--frob'",
      ["--workers 0 http://x/"] = "--workers takes a number from 1 to 256",
      ["--workers http://x/"] = "--workers takes a number from 1 to 256",
      ["--workers"] = "--workers takes a number from 1 to 256",
      ["--max-pages=-1 http://x/"] = "--max-pages takes a number from 1 to 1000000",
      ["--depth=1.5 http://x/"] = "--depth takes a number from 0 to 1000",
      ["--depth=99999999999999999999 http://x/"] = "--depth takes a number from 0 to 1000",
    } do
      it("the arguments (" .. words .. ")", function()
        local list = {}
        for word in words:gmatch "%S+" do
          list[#list + 1] = word
        end
        local code, out, err = crawl(table.unpack(list))
        assert.equal("crawler: " .. reason .. "\n" .. usage, err:sub(1, 10 + #reason + #usage))
        assert.equal("", out)
        assert.equal(2, code)
      end)
    end

    for _, url in ipairs { "nowhere", "ftp://x/", "http://", "/path", "http://a b/" } do
      it("what is no URL of a page: " .. url, function()
        local code, out, err = crawl(url)
        assert.truthy(err:find("crawler: '" .. url .. "' is no URL of a page: ", 1, true), err)
        assert.same({ "", 2 }, { out, code })
      end)
    end
  end)

  it("--help explains itself", function()
    local code, out = crawl "--help"
    assert.equal(0, code)
    for _, option in ipairs { "--workers N", "--max-pages N", "--depth N", "--quiet", "URL..." } do
      assert.truthy(out:find(option, 1, true))
    end
  end)

  it("says when its output cannot be written", function()
    example.make { ["index.html"] = page() }
    local line = example.command_line { example.program, "run", CRAWLER, serve_folder() }
    local result = example.shell(DIRECT .. " " .. line .. " 2>&1 >/dev/full; echo $?")
    local said = "crawler: cannot write the results: No space left on device\n"
    assert.equal(said, result:sub(1, #said))
    assert.equal("\n1\n", result:sub(-3))
  end)
end)
