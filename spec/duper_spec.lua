-- The program examples/duper as a user runs it. Each test makes the files that it reads.

local example = require "spec.support.example"
local json = require "spec.support.json"

local DUPER = "examples/duper/main.lua"

local program, quote, command_line = example.program, example.quote, example.command_line
local open_shell, shell, read_file = example.open_shell, example.shell, example.read_file
local path_of, make, inside, run = example.path_of, example.make, example.inside, example.run

-- Shell text before a command that shall not read everything; nil when there is no way.
local function find_restricted_user()
  if shell "id -u" ~= "0\n" then
    return ""
  end
  local nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups "
  local works = shell(nobody .. quote(program) .. " version >/dev/null 2>&1 && echo yes") ~= ""
  return works and nobody or nil
end

local as_restricted_user = find_restricted_user()

local function duper(...)
  return run(DUPER, { ... })
end

local function groups_by_json(...)
  local code, out = duper("--json", ...)
  assert.equal(0, code)
  local groups = {}
  for _, group in ipairs(json.read(out).groups) do
    groups[group.sha256] = group.paths
  end
  return groups
end

-- The same by hashing everything: sum -> sorted paths, for sums of two and more files.
local function groups_by_sha256sum(path)
  local find = "find " .. quote(path) .. " -type f -size +0c -print0"
  local groups = {}
  for sum, name in shell(find .. " | xargs -0 -r sha256sum -z"):gmatch "(%x+)  (%Z+)%z" do
    groups[sum] = groups[sum] or {}
    table.insert(groups[sum], name)
  end
  for sum, paths in pairs(groups) do
    table.sort(paths)
    groups[sum] = #paths > 1 and paths or nil
  end
  return groups
end

local function last_lines(text)
  return text:match "([^\n]*\n[^\n]*\n)$"
end

local function closing_lines(groups, files, bytes)
  return ("%d groups of identical files, %d files\n%d bytes could be freed\n")
    :format(groups, files, bytes)
end

-- Starts duper and calls f(pid, name) when it has a file below `path` open: the name of the file.
local function while_it_reads(path, words, f)
  local line = command_line { program, "run", DUPER, table.unpack(words) }
  local pipe = open_shell(("echo $$; exec %s 2>%s"):format(line, quote(path_of ".err")))
  local pid = pipe:read "l"
  local wait = [[
    while [ -e /proc/%s/exe ] && ! ls -l /proc/%s/fd | grep -o '%s/[^/]*$'; do sleep 0.01; done]]
  f(pid, shell(wait:format(pid, pid, path_of(path))):match "([^/\n]+)\n")
  local out = pipe:read "a"
  local _, _, code = pipe:close()
  return code, out, read_file(path_of ".err")
end

example.describe("examples", function()
  describe("duper finds", function()
    it("files with the same content, and what they cost, the largest first", function()
      make { ["t/a"] = "xx", ["t/b"] = "xx", ["t/in/c"] = "xx", ["t/d"] = "xy", ["t/e"] = "only" }
      make { ["t/f"] = "12345", ["t/in/g"] = "12345" }
      local code, out, err = duper(path_of "t")
      local expected = [[
5 bytes each:
@/f
@/in/g

2 bytes each:
@/a
@/b
@/in/c

]]
      assert.equal(expected:gsub("@", path_of "t") .. closing_lines(2, 5, 9), out)
      assert.equal("", err)
      assert.equal(0, code)
    end)

    it("nothing in an empty directory", function()
      local code, out = duper(example.directory())
      assert.equal(closing_lines(0, 0, 0), out)
      assert.equal(0, code)
    end)

    it("the same as sha256sum in a mixed tree, with any number of workers", function()
      inside [[
        for i in $(seq 300); do
          mkdir -p t/$((i % 7))/$((i % 3))
          echo "content $((i % 90))" >t/$((i % 7))/$((i % 3))/$i
          head -c $((i % 11 * 70000)) /dev/zero >t/$((i % 7))/zero.$i
        done]]
      local expected = groups_by_sha256sum(path_of "t")
      for _, workers in ipairs { "1", "4", "256" } do
        assert.same(expected, groups_by_json("--workers", workers, path_of "t"))
      end
    end)

    it("files that differ in their last byte only, as different", function()
      local content = ("x"):rep(300000)
      make { ["t/a"] = content .. "1", ["t/b"] = content .. "2", ["t/c"] = content .. "2" }
      assert.equal(closing_lines(1, 2, 300001), last_lines(select(2, duper(path_of "t"))))
    end)

    it("hard links as files, and neither empty files nor symbolic links nor pipes", function()
      make { ["t/a"] = "xx", ["t/empty1"] = "", ["t/empty2"] = "", ["far/b"] = "xx" }
      inside "ln t/a t/hard; ln -s a t/soft; ln -s ../far t/soft_directory; mkfifo t/pipe"
      assert.equal(closing_lines(1, 2, 2), last_lines(select(2, duper(path_of "t"))))
      assert.same(groups_by_sha256sum(path_of "t"), groups_by_json(path_of "t"))
    end)

    it("files below a DIR that is a symbolic link", function()
      make { ["t/a"] = "xx", ["t/b"] = "xx" }
      inside "ln -s t link"
      assert.equal(closing_lines(1, 2, 2), last_lines(select(2, duper(path_of "link"))))
    end)

    it("a file once, though several DIRs lead to it", function()
      make { ["t/a"] = "xx", ["t/in/b"] = "xx", ["t/in/c"] = "xx", ["u/d"] = "xx" }
      inside "ln -s t link"
      local t = path_of "t"
      for _, paths in ipairs {
        { t, t },
        { t .. "/in", t },
        { t, t .. "//./in/" },
        { t, t .. "/in/../in/..", path_of "link" },
      } do
        assert.equal(closing_lines(1, 3, 4), last_lines(select(2, duper(table.unpack(paths)))))
      end
      assert.equal(closing_lines(1, 4, 6), last_lines(select(2, duper(t, path_of "u"))))
    end)

    it("files with odd names", function()
      local names = { "a\nb", " ", "tab\t", "quote\"'", "back\\slash", "-x", "\1\127", "%s" }
      for bytes in ("ff fe|c3 a9|65 c3|ed a0 80|f0 9f 98 80|c0 af"):gmatch "[^|]+" do
        local name = bytes:gsub("(%x%x) ?", function(hex) return string.char(tonumber(hex, 16)) end)
        table.insert(names, name)
      end
      shell("mkdir " .. quote(path_of "t"))
      for _, name in ipairs(names) do
        example.write_file(path_of("t/" .. name), "same")
      end
      local groups = groups_by_json(path_of "t")
      assert.same(groups_by_sha256sum(path_of "t"), groups)
      assert.equal(#names, #select(2, next(groups)))
    end)

    it("in text, one line for a name with a newline in it", function()
      make { ["t/a\nb"] = "xx", ["t/c\1"] = "xx", ["t/d\u{9b}31mé"] = "xx", ["t/e\x9b31m"] = "xx" }
      local _, out = duper(path_of "t")
      assert.truthy(out:find("/e\\x9b31m\n", 1, true))
      assert.truthy(out:find("/d\\xc2\\x9b31mé\n", 1, true))
      assert.truthy(out:find("/a\\nb\n", 1, true))
      assert.truthy(out:find("/c\\x01\n", 1, true))
    end)

    it("a relative and an odd DIR", function()
      make { ["it's/a"] = "xx", ["it's/-b/c"] = "xx" }
      local main = shell("pwd"):match "[^\n]+" .. "/" .. DUPER
      local enter = "cd " .. quote(path_of "it's") .. " && "
      for _, words in ipairs { { "." }, { "--", "-b/..", "-b" }, { "./-b/", "./" } } do
        local line = command_line { program, "run", main, table.unpack(words) }
        assert.equal(closing_lines(1, 2, 2), last_lines(shell(enter .. line)))
      end
    end)

    it("files in a deep and in a wide tree, with few open files", function()
      inside [[
        mkdir wide && cd wide && for i in $(seq 3000); do echo $((i / 2)) >file.$i; done && cd ..
        mkdir deep && cd deep && for i in $(seq 500); do mkdir d && cd d; done && echo 700 >file]]
      local limit = "ulimit -n 64;"
      local code, out, err = run(DUPER, { path_of "wide", path_of "deep" }, limit)
      assert.equal("", err)
      assert.equal(closing_lines(1499, 2999, 6392), last_lines(out))
      assert.equal(0, code)
    end)
  end)

  describe("duper skips and names", function()
    it("what lies deeper than a path can say", function()
      make { ["t/a"] = "xx", ["t/b"] = "xx" }
      inside [[
        cd t; name=$(printf %0250d 0)
        for i in $(seq 20); do mkdir $name && cd -P $name || break; done]]
      local code, out, err = duper(path_of "t")
      assert.equal(closing_lines(1, 2, 2), last_lines(out))
      assert.truthy(err:find "^duper: skipped '.*': name too long\n$")
      assert.equal(0, code)
    end)

    local it_if_restricted = as_restricted_user and it or pending

    it_if_restricted("what it may not read", function()
      make { ["t/a"] = "xx", ["t/b"] = "xx", ["t/c"] = "xx", ["t/closed/d"] = "xx" }
      inside "chmod 0 t/c t/closed; chmod go+rx ."
      local code, out, err = run(DUPER, { path_of "t" }, as_restricted_user)
      assert.equal(closing_lines(1, 2, 2), last_lines(out))
      assert.truthy(err:find("/c': permission denied\n", 1, true))
      assert.truthy(err:find("/closed': permission denied\n", 1, true))
      assert.equal(0, code)
    end)

    it("files that change or vanish meanwhile", function()
      inside "mkdir t && cd t && truncate -s 1T 1 2 3"
      local words = { "--workers", "1", path_of "t" }
      local code, out, err = while_it_reads("t", words, function(_, name)
        local victim = name == "1" and "2" or "1"
        inside(("cd t && rm %s && truncate -s 5 [123]"):format(victim))
      end)
      assert.equal(closing_lines(0, 0, 0), out)
      assert.equal(2, select(2, err:gsub("': it changed meanwhile\n", "")))
      assert.equal(1, select(2, err:gsub("': no such file or directory\n", "")))
      assert.equal(0, code)
    end)
  end)

  describe("duper, when a worker crashes,", function()
    -- Runs duper with a hash that fails for files of this pattern.
    local function run_with_failing_hash(pattern)
      make { ["failing.lua"] = ([[
        local duper, pattern = %q, %q
        package.path = duper:match "^(.*)/" .. "/?.lua;" .. package.path
        local hash = require "hash"
        local file = hash.file
        function hash.file(path, size)
          local sum, reason = file(path, size)
          if path:find(pattern) then error "this file is cursed" end
          return sum, reason
        end
        arg[0] = duper
        dofile(duper)]]):format(DUPER, pattern) }
      return run(path_of "failing.lua", { "--workers", "2", path_of "t" })
    end

    it("names its file, compares all others and says so", function()
      make { ["t/a"] = "xx", ["t/b"] = "xx", ["t/bad"] = "xx", ["t/c"] = "xx", ["t/d"] = "yy" }
      local code, out, err = run_with_failing_hash "bad$"
      assert.equal(closing_lines(1, 3, 4), last_lines(out))
      assert.truthy(err:find("/t/bad': its worker failed\n", 1, true))
      assert.truthy(err:find("duper: 1 workers failed: the results are not complete\n", 1, true))
      assert.equal(1, code)
    end)

    it("ends when the supervisor gives up", function()
      inside "mkdir t && for i in 1 2 3 4 5 6 7 8 9; do echo $i >t/$i; done"
      local code, out, err = run_with_failing_hash ""
      assert.equal(closing_lines(0, 0, 0), out)
      assert.truthy(err:find("workers failed: the results are not complete\n", 1, true))
      assert.equal(1, code)
    end)
  end)

  describe("duper --json", function()
    it("prints one document and nothing else", function()
      make { ["t/a"] = "xx", ["t/b"] = "xx" }
      local code, out, err = duper("--json", path_of "t")
      assert.same({
        complete = true,
        group_count = 1,
        file_count = 2,
        freeable_bytes = 2,
        groups = {
          {
            size = 2,
            sha256 = "5dde896887f6754c9b15bfe3a441ae4806df2fde94001311e08bf110622e0bbe",
            paths = { path_of "t/a", path_of "t/b" },
          },
        },
        skipped = {},
      }, json.read(out))
      assert.equal("", err)
      assert.equal(0, code)
    end)

    it("prints empty lists when there is nothing", function()
      local document = json.read(select(2, duper("--json", example.directory())))
      assert.same({}, document.groups)
      assert.equal(0, document.group_count)
    end)
  end)

  describe("duper on a terminal", function()
    local function on_terminal(...)
      make { ["t/a"] = "xx", ["t/b"] = "xx" }
      local line = command_line { program, "run", DUPER, path_of "t", ... }
      return shell("script -qec " .. quote(line) .. " /dev/null </dev/null")
    end

    it("draws a progress line and clears it", function()
      local out = on_terminal()
      assert.truthy(out:find("files found", 1, true))
      assert.truthy(out:find "\r\27%[K2 bytes each:")
    end)

    it("draws none with --quiet", function()
      assert.falsy(on_terminal("--quiet"):find("files found", 1, true))
    end)
  end)

  describe("duper, when interrupted,", function()
    for _, signal in ipairs { "INT", "TERM" } do
      it("prints what it has found so far: SIG" .. signal, function()
        make { ["small/a"] = "xx", ["small/b"] = "xx" }
        inside "mkdir big && truncate -s 1T big/1 big/2"
        local words = { "--workers", "1", path_of "small", path_of "big" }
        local code, out, err = while_it_reads("big", words, function(pid)
          shell(("kill -%s %s"):format(signal, pid))
        end)
        assert.equal(closing_lines(1, 2, 2), last_lines(out))
        assert.equal("duper: interrupted: this is what was found so far\n", err)
        assert.equal(0, code)
      end)
    end

    it("says in its JSON that it is not complete", function()
      inside "mkdir big && truncate -s 1T big/1 big/2"
      local _, out = while_it_reads("big", { "--json", path_of "big" }, function(pid)
        shell("kill -INT " .. pid)
      end)
      assert.is_false(json.read(out).complete)
    end)
  end)

  describe("duper refuses", function()
    local usage = "usage: dynsup run examples/duper/main.lua"

    for words, reason in pairs {
      [""] = "no directory given",
      ["--json"] = "no directory given",
      ["--frob ."] = "unknown option '--frob'",
      ["--json=1 ."] = "unknown option '--json=1'",
      ["-x ."] = "unknown option '-x'",
      ["--workers"] = "--workers takes a number from 1 to 256",
      ["--workers ."] = "--workers takes a number from 1 to 256",
      ["--workers 0 ."] = "--workers takes a number from 1 to 256",
      ["--workers -1 ."] = "--workers takes a number from 1 to 256",
      ["--workers 257 ."] = "--workers takes a number from 1 to 256",
      ["--workers 1.5 ."] = "--workers takes a number from 1 to 256",
      ["--workers 99999999999999999999 ."] = "--workers takes a number from 1 to 256",
      ["--workers= ."] = "--workers takes a number from 1 to 256",
    } do
      it("the arguments (" .. words .. ")", function()
        local list = {}
        for word in words:gmatch "%S+" do
          list[#list + 1] = word
        end
        local code, out, err = run(DUPER, list)
        assert.equal("duper: " .. reason .. "\n" .. usage, err:sub(1, 8 + #reason + #usage))
        assert.equal("", out)
        assert.equal(2, code)
      end)
    end

    it("a directory that does not exist", function()
      local code, out, err = duper(example.directory(), path_of "none")
      local expected = "duper: cannot read '%s': no such file or directory\n"
      assert.equal(expected:format(path_of "none"), err)
      assert.equal("", out)
      assert.equal(1, code)
    end)

    it("a DIR that is a file", function()
      make { a = "x" }
      local code, _, err = duper(path_of "a")
      assert.equal(("duper: cannot read '%s': not a directory\n"):format(path_of "a"), err)
      assert.equal(1, code)
    end)
  end)

  it("duper --help explains itself", function()
    local code, out = duper "--help"
    assert.equal(0, code)
    for _, option in ipairs { "--workers N", "--json", "--quiet", "DIR" } do
      assert.truthy(out:find(option, 1, true))
    end
  end)

  it("duper says when its output cannot be written", function()
    local line = command_line { program, "run", DUPER, example.directory() }
    local result = shell(line .. " 2>&1 >/dev/full; echo $?")
    local said = "duper: cannot write the results: No space left on device\n"
    assert.equal(said, result:sub(1, #said))
    assert.equal("\n1\n", result:sub(-3))
  end)
end)
