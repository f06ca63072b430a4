-- What tools/test does with its lanes, and when tools/dynsup builds, in a project whose parts are made up here.
local program = require "spec.support.program"

-- A part: its own process and a child of it, each of which notes its number; they last.
local PART = "#!/bin/sh\n" .. [[
sleep 1000 &
echo $! $$ >"$(basename "$0").pids"
wait
]]

local SETUP = [[
setup_packages() { :; }
setup_build() { :; }
setup_configure() { :; }
]]

-- Ends tools/test alone with a signal, when both lanes are at work; says who of them goes on for ever.
local RUN = [[
soon() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || { echo "never: $*"; return; }
        sleep 0.02
    done
}
gone() { ! kill -0 "$1" 2>/dev/null || grep -q "^State:.Z" "/proc/$1/status"; }
chmod +x tools/*
tools/test check-format check-module >/dev/null 2>&1 &
test=$!
soon test -s check-format.pids
soon test -s check-module.pids
kill -s %s $test
soon gone $test
for pid in $(cat ./*.pids); do
    soon gone "$pid"
    kill -9 "$pid" 2>/dev/null
done
wait $test
echo "ended with $?"
]]

local function copy(folder, name)
  local file <close> = assert(io.open("tools/" .. name, "rb"))
  program.write(folder, "tools/" .. name, file:read "a")
end

-- What tools/dynsup looks at, made an hour ago; and a build that tells of itself.
local PROJECT = [[
mkdir core bindings scripts cli cmake docs docs/api
touch docs/api.md docs/api/log.md docs/semantics.md CMakeLists.txt CMakePresets.json tools/dependencies.txt
find . -exec touch -d "1 hour ago" {} +
chmod +x tools/dynsup
]]

local BUILD = [[
setup_packages() { :; }
setup_say() { :; }
setup_build() {
    mkdir -p build/release
    printf '#!/bin/sh\necho "$@"\n' >build/release/dynsup
    chmod +x build/release/dynsup
    echo built
}
]]

-- Runs the program; the build, if there was one, is of a minute ago then.
local ASK = [[
tools/dynsup %s
touch -d "1 minute ago" build/release.stamp
]]

describe("tools/test", function()
  for _, signal in ipairs { "TERM", "HUP" } do
    it("ends with all that it has started when " .. signal .. " comes to it alone", function()
      local folder = program.folder()
      program.shell(folder, "mkdir tools")
      copy(folder, "test")
      copy(folder, "counts.sh")
      program.write(folder, "tools/setup.sh", SETUP)
      program.write(folder, "tools/check-format", PART)
      program.write(folder, "tools/check-module", PART)
      local got = program.shell(folder, (RUN:gsub("%%s", signal)))
      assert.equal("ended with 1\n", got.out)
      program.remove_folder(folder)
    end)
  end
end)

describe("tools/dynsup", function()
  it("builds when something has changed that is compiled in, or how", function()
    local folder = program.folder()
    program.shell(folder, "mkdir tools")
    copy(folder, "dynsup")
    program.write(folder, "tools/setup.sh", BUILD)
    program.shell(folder, PROJECT)
    local function ask(word) return program.shell(folder, ASK:format(word)).out end
    assert.equal("built\nfirst\n", ask "first")
    assert.equal("again\n", ask "again")
    for _, path in ipairs { "scripts", "CMakeLists.txt", "tools/dependencies.txt", "docs/api.md", "docs/api/log.md" } do
      program.shell(folder, "touch " .. path)
      assert.equal("built\n" .. path .. "\n", ask(path))
      program.shell(folder, "touch -d '1 hour ago' " .. path)
    end
    program.shell(folder, "touch docs/semantics.md; rm docs/api/log.md")
    assert.equal("built\nremoved\n", ask "removed")
    program.shell(folder, "touch -d '1 hour ago' docs/api; touch docs/semantics.md")
    assert.equal("unlike\n", ask "unlike")
    program.remove_folder(folder)
  end)
end)
