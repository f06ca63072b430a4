-- dynsup.registry: wrong arguments, and whom they are put down to.

local host = require "spec.support.host"
local registry = require "dynsup.registry"

describe("misuse of", function()
  local R = {}
  local wrong = {
    { "start_link", 1 }, { "start_link", 1, "R" }, { "child_spec", 1 },
    { "stop", 1, 42 }, { "stop", 2, R, 42 }, { "stop", 3, R, "x", -1 },
    { "register", 1, 42, "a" }, { "register", 2, R }, { "register", 2, R, 0 / 0 }, { "register", 4, R, 1, 2, 3 },
    { "unregister", 1, {}, "a" }, { "unregister", 2, R, 0 / 0 },
    { "unregister_match", 2, R }, { "unregister_match", 3, R, "a" },
    { "lookup", 1, 42, "a" }, { "lookup", 2, R }, { "match", 2, R }, { "match", 3, R, "a" },
    { "select", 1, 42 }, { "select", 2, R, "a" },
    { "dispatch", 2, R }, { "dispatch", 3, R, "a" }, { "keys", 1, 42 }, { "keys", 2, R, "a" },
    { "values", 2, R }, { "values", 3, R, "a" }, { "count", 1, 42 }, { "count", 2, R, 0 / 0 },
    { "whereis", 1, 42, "a" }, { "whereis", 2, R }, { "update_value", 2, R }, { "update_value", 3, R, "a" },
  }
  for i, case in ipairs(wrong) do
    local name, position = case[1], case[2]
    it(("%s names argument %d (%d)"):format(name, position, i), host.main(function()
      local r = assert(registry.start_link { keys = "unique" })
      local arguments = { table.unpack(case, 3) }
      if arguments[1] == R then arguments[1] = r end
      local ok, message = pcall(registry[name], table.unpack(arguments))
      assert.is_false(ok)
      assert.matches("bad argument #" .. position .. " to ", message)
      assert.matches(name, message)
    end))
  end
end)

describe("misuse of a registry", function()
  for _, name in ipairs { "lookup", "match", "unregister", "unregister_match", "values", "update_value", "dispatch" } do
    it("is put down to the caller of " .. name, host.main(function()
      local _, message = pcall(function() return (registry[name](42, "key", print)) end)
      assert.matches("^spec/registry_misuse_spec.lua:%d+: bad argument #1 to '" .. name .. "'", message)
    end))
  end
end)
