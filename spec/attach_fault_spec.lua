-- Attached clients that are killed: a host unwinds what they have left, and goes on.
local attach = require "spec.support.attach"
local dynsup = require "dynsup"

local LINES = { "dynsup.receive()", "while true do end", "while true do dynsup.yield() end" }

local function count(control)
  local values = control:eval "#processes { limit = 1000 }"
  return math.tointeger(tonumber(values[1]))
end

-- Waits for a number of processes.
local function await_count(control, expected)
  for _ = 1, 5000 do
    if count(control) == expected then return end
    dynsup.sleep(1)
  end
  error(("%d processes, not %d"):format(count(control), expected))
end

describe("a client that is killed", function()
  it("leaves nothing in its host, whatever its line does", attach.with_host("began = 0", function(host, folder)
    local control = attach.client(host)
    local before = count(control)
    for i, line in ipairs(LINES) do
      local words = { "eval", "--socket", host.socket, ("began = %d %s"):format(i, line) }
      local client = attach.start(folder, words)
      repeat until control:eval("return began")[1] == tostring(i)
      client:stop "sigkill"
      await_count(control, before)
    end
    control:close()
  end))
end)
