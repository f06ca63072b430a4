-- What examples/crawler decides: which page is next, and when. Its modules run here on a virtual
-- clock, with fetchers that make up their pages.

local dynsup = require "dynsup"
local host = require "spec.support.host"

local FOLDER = "examples/crawler/"
local MODULES = {
  "fetcher", "fetcher_supervisor", "frontier", "host", "html", "progress", "results", "urls",
}

local function forget()
  for _, name in ipairs(MODULES) do
    package.loaded[name] = nil
  end
end

-- A fetcher's work in place of the real one: `site` is a page's name -> { ms =, status =, reason =,
-- links = } or a function of how often it was asked before. Notes the names as they are asked for.
local function fetcher_for(site, asked)
  local counts = {}
  return function(frontier, url)
    local name = url:match "^http://(.*)$":gsub("^a/", "")
    local page = site[name] or { status = 404 }
    counts[name] = (counts[name] or 0) + 1
    asked[#asked + 1] = name
    if type(page) == "function" then
      page = page(counts[name])
    end
    dynsup.sleep(page.ms or 10)
    if page.crash then
      error "this page is cursed"
    end
    local links = {}
    for link in (page.links or ""):gmatch "%S+" do
      links[#links + 1] = "http://" .. (link:find("/", 1, true) and link or "a/" .. link)
    end
    local status = not page.reason and (page.status or 200) or nil
    dynsup.send(frontier, "fetched", url, { status = status, reason = page.reason, bytes = 1, links = links })
  end
end

-- Crawls a site from page `start` and returns the names asked for, the results, and the ms it took.
local function crawl(site, options, ...)
  local asked = {}
  local work = fetcher_for(site, asked)
  package.loaded.fetcher = {
    child_spec = function(arg)
      return { body = work, args = { arg.frontier, arg.url }, restart = "temporary" }
    end,
  }
  options = setmetatable(options or {}, { __index = { workers = 1, max_pages = 1000, depth = 1000 } })
  local starts = { ... }
  if #starts == 0 then
    starts[1] = "http://a/start"
  end
  local before = dynsup.now()
  require("fetcher_supervisor").start_link(options.workers)
  dynsup.flag("trap_exit", true)
  require("frontier").start_link(starts, options, require("progress").new(false))
  local _, results = dynsup.receive_match "results"
  return asked, results, dynsup.now() - before
end

describe("the frontier of crawler", function()
  local path

  before_each(function()
    forget()
    path = package.path
    package.path = FOLDER .. "?.lua;" .. path
  end)

  after_each(function()
    forget()
    package.path = path
  end)

  it("takes pages breadth first, each once", host.main(function()
    local asked, results = crawl {
      start = { links = "b c b start" },
      b = { links = "d c" },
      c = { links = "e start" },
      d = { links = "f" },
      e = {},
      f = {},
    }
    assert.same({ "start", "b", "c", "d", "e", "f" }, asked)
    assert.is_true(results.complete)
    assert.same({ 6, 6, 0, 0 }, { results.fetched, results.bytes, results.broken_count, results.left })
  end))

  it("has as many fetched at a time as are allowed", host.main(function()
    local site = { start = { links = "1 2 3 4 5 6 7 8 9 10 11 12" } }
    for i = 1, 12 do
      site[tostring(i)] = { ms = 100 }
    end
    for workers, ms in pairs { [1] = 1210, [4] = 310, [256] = 110 } do
      forget()
      local _, _, took = crawl(site, { workers = workers })
      assert.equal(ms, took)
      dynsup.stop "crawler.fetcher_supervisor"
    end
  end))

  it("follows so many links one after the other, on the shortest way", host.main(function()
    local site = {
      start = { links = "slow b" },
      b = { links = "c" },
      c = { links = "d" },
      slow = { ms = 1000, links = "c" },
      d = { links = "e" },
      e = { links = "f" },
    }
    assert.same({ "start" }, (crawl(site, { depth = 0 })))
    forget()
    dynsup.stop "crawler.fetcher_supervisor"
    assert.same({ "start", "slow", "b", "c" }, (crawl(site, { depth = 2, workers = 4 })))
  end))

  it("finds what a shorter way, found later, leads to", host.main(function()
    local asked, results = crawl({
      start = { links = "slow b" },
      b = { links = "c" },
      c = { links = "d" },
      slow = { ms = 1000, links = "d" },
      d = { links = "e" },
      e = { status = 404 },
    }, { depth = 3, workers = 4 })
    assert.same({ "start", "slow", "b", "c", "d", "e" }, asked)
    assert.same({ "http://a/d" }, results:broken()[1].found_on)
  end))

  it("looks at so many pages", host.main(function()
    local asked, results = crawl({ start = { links = "b c d e" }, b = {} }, { max_pages = 3 })
    assert.same({ "start", "b", "c" }, asked)
    assert.same({ 3, 2, true }, { results.fetched, results.left, results.complete })
  end))

  it("stays on the hosts of its starts, which take turns", host.main(function()
    local asked = crawl({
      start = { links = "x/1 b c other/1" },
      ["x/1"] = { links = "x/2 x/3 a/d" },
    }, nil, "http://a/start", "http://x/1")
    assert.same({ "start", "x/1", "b", "x/2", "c", "x/3", "d" }, asked)
  end))

  it("knows where broken links are", host.main(function()
    local _, results = crawl {
      start = { links = "b c gone" },
      b = { links = "gone gone forbidden" },
      c = { links = "gone" },
      forbidden = { status = 403 },
    }
    local broken = results:broken()
    assert.same({ "http://a/forbidden", "http://a/gone" }, { broken[1].url, broken[2].url })
    assert.same({ "http://a/start", "http://a/b", "http://a/c" }, broken[2].found_on)
    assert.equal(2, results.broken_count)
  end))

  it("notes the first few places of a link that is everywhere", host.main(function()
    local site = { start = { links = "1 2 3 4 5 6 7 8 9" } }
    for i = 1, 9 do
      site[tostring(i)] = { links = "gone" }
    end
    local _, results = crawl(site)
    local page = results:broken()[1]
    assert.same({ 5, 9 }, { #page.found_on, page.found_count })
  end))

  it("leaves a failing host alone for longer and longer, and others not", host.main(function()
    local asked, results, took = crawl({
      start = { links = "b" },
      b = {},
      ["x/1"] = { reason = "couldnt_connect" },
    }, nil, "http://a/start", "http://x/1")
    assert.same({ "start", "x/1", "b", "x/1", "x/1" }, asked)
    assert.equal(1, results.broken_count)
    assert.equal("couldnt_connect", results:broken()[1].reason)
    assert.equal(20 + 250 + 10 + 500 + 10, took)
  end))

  it("tries a page again that was in trouble, and no other", host.main(function()
    for _, trouble in ipairs { { status = 500 }, { status = 503 }, { status = 429 }, { reason = "timeout" } } do
      forget()
      local asked, results = crawl { start = function(n) return n < 3 and trouble or { links = "b" } end, b = {} }
      assert.same({ "start", "start", "start", "b" }, asked)
      assert.same({ 2, 0 }, { results.fetched, results.broken_count })
      dynsup.stop "crawler.fetcher_supervisor"
    end
  end))

  it("counts a page once that it tries again", host.main(function()
    local asked, results = crawl({
      start = { links = "b c d" },
      b = function(n) return n < 3 and { status = 500 } or {} end,
    }, { max_pages = 2 })
    assert.same({ "start", "b", "b", "b" }, asked)
    assert.same({ 2, 2 }, { results.fetched, results.left })
  end))

  it("tries a page again although no other may be looked at", host.main(function()
    local asked = crawl({
      start = { links = "b c" },
      ["x/1"] = function(n) return n < 2 and { status = 500 } or {} end,
    }, { max_pages = 2 }, "http://a/start", "http://x/1")
    assert.same({ "start", "x/1", "x/1" }, asked)
  end))

  it("takes the crash of a fetcher for an answer that did not come", host.main(function()
    local asked, results = crawl { start = { links = "bad b" }, bad = { crash = true }, b = {} }
    assert.same({ "start", "bad", "bad", "bad", "b" }, asked)
    assert.equal("its fetcher failed", results:broken()[1].reason)
  end, { log_level = "off" }))

  it("hands over what it has when it is ended", host.main(function()
    local main = dynsup.self()
    local crawler = dynsup.spawn(function()
      local _, results = crawl({ start = { links = "b c d" }, b = { ms = 1e6 } })
      dynsup.send(main, results)
    end)
    dynsup.sleep(100)
    local links = dynsup.info(crawler).links
    dynsup.exit(links[1], "shutdown")
    dynsup.exit(links[2], "shutdown")
    local results = dynsup.receive()
    assert.same({ false, 1, 2 }, { results.complete, results.fetched, results.left })
  end))
end)

describe("the links in HTML, for crawler,", function()
  local html = dofile(FOLDER .. "html.lua")

  local function links(text)
    return (html.links(text))
  end

  it("has links in many elements", function()
    assert.same({ "a", "b", "c", "d", "e", "f" }, links [[
      <a href="a">x</a> <link rel=x href='b'><img alt="a > b" src = c ><script src="d">if (a<b) "<a href='no'>"</script>
      <IFRAME SRC=e></iframe><area shape=rect HREF="f"/>]])
  end)

  it("has none in comments, scripts, styles, other attributes and other elements", function()
    assert.same({}, links [[
      <!-- <a href="a"> --> <script>"<a href='b'>"</script> <style>a { b: "<a href='c'>" }</style>
      <a data-href="d" name="e"> <p href="f"> <ab href="g"> < a href="h"> href="i"]])
  end)

  it("may be odd or broken", function()
    assert.same({ "", "b c", "d" }, links [[<a href> <a href="b c" href="no"> <a hidden href=d><a href="e]])
    assert.same({ "x" }, links "<a\nhref\n=\n' x '\n>")
    assert.same({}, links "<a")
    assert.same({}, links("<a href='"))
  end)

  it("takes no longer for what is made to take long", function()
    local before = os.clock()
    local pieces = { "<a ", "<!--", "<script>", "<script", "<a href='", "<a x", "<", "&", "<a href=\"", "</" }
    for _, piece in ipairs(pieces) do
      links(piece:rep(200000))
      links("<a href='x" .. piece:rep(200000) .. " '>")
    end
    links("<a href='x" .. (" "):rep(1000000) .. "y'>")
    assert.is_true(os.clock() - before < 20)
  end)

  it("has entities", function()
    assert.equal("a&b<c>d\"e'f=g/h", html.decode "a&amp;b&lt;c&gt;d&quot;e&#39;f&#61;g&#x2F;h")
    assert.equal("&none;&amp&#x;&#99999999999;", html.decode "&none;&amp&#x;&#99999999999;")
    for _, none in ipairs { "xFFFFFFFFFFFFFFFF", "x8000000000000000", "x10000000000000041", "x110000",
      "9999999999999999999", "18446744073709551681", "1114112" } do
      assert.equal("&#" .. none .. ";", html.decode("&#" .. none .. ";"))
    end
    assert.equal("AA\u{10ffff}", html.decode "&#x0000000000000000041;&#0000000000000000000000065;&#X10ffff;")
    assert.same({ "?a=1&b=2" }, links [[<a href="?a=1&amp;b=2">]])
  end)

  it("may say what its links are relative to", function()
    assert.same({ { "a" }, "/b/" }, { html.links [[<base href="/b/"><a href=a><base href="/c/">]] })
  end)
end)
