-- The programs of bench/, each tried in small: what they print is what tools/bench reads.
local program = require "spec.support.program"

local source = debug.getinfo(1, "S").source:sub(2)
local root = source:match "^(.*)/spec/[^/]*$" or "."

describe("bench", function()
  for _, name in ipairs {
    "start_child", "ping_pong", "terminate", "memory", "server", "echo", "look", "registry", "attach",
  } do
    it("answers the question of " .. name, function()
      local folder = program.folder()
      local command = ('cd "$OLDPWD" && $DYNSUP run %s/bench/%s.lua --smoke'):format(program.quote(root), name)
      local result = program.shell(folder, command)
      program.remove_folder(folder)
      assert.equal(0, result.code, result.err)
      for line in result.out:gmatch "[^\n]+" do
        assert.matches("^" .. name .. "_[%a_]*%d+ [%d.]+ %S+$", line)
        assert.not_matches("^echo_lost_%d+ [1-9]", line)
        assert.not_matches("^echo_left_%d+ [1-9]", line)
      end
      assert.not_equal("", result.out)
    end)
  end
end)
