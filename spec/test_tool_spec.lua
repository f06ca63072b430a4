-- What tools/test does with its lanes, in a project whose parts are made up here.
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
soon test -s check-format.sh.pids
soon test -s check-module.sh.pids
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

describe("tools/test", function()
  for _, signal in ipairs { "TERM", "HUP" } do
    it("ends with all that it has started when " .. signal .. " comes to it alone", function()
      local folder = program.folder()
      program.shell(folder, "mkdir tools")
      copy(folder, "test")
      copy(folder, "counts.sh")
      program.write(folder, "tools/setup.sh", SETUP)
      program.write(folder, "tools/check-format.sh", PART)
      program.write(folder, "tools/check-module.sh", PART)
      local got = program.shell(folder, (RUN:gsub("%%s", signal)))
      assert.equal("ended with 1\n", got.out)
      program.remove_folder(folder)
    end)
  end
end)
