-- What SECURITY.md promises and no other spec looks at.

local cli = require "spec.support.cli"

local assert_printed, script = cli.assert_printed, cli.script

-- Prints the kinds of sockets of this process at which somebody may knock, as the kernel lists them.
local LOOK = [[
  local uv = require "luv"

  local function own_inodes()
    local inodes = {}
    local scan = assert(uv.fs_scandir "/proc/self/fd")
    for name in function() return uv.fs_scandir_next(scan) end do
      local inode = (uv.fs_readlink("/proc/self/fd/" .. name) or ""):match "^socket:%[(%d+)%]$"
      if inode then inodes[inode] = true end
    end
    return inodes
  end

  -- A line's fields: which of them is the inode, and whether others may connect or send.
  local tables = {
    unix = function(f) return f[7], f[4] == "00010000" end,
    tcp = function(f) return f[10], f[4] == "0A" end,
    tcp6 = function(f) return f[10], f[4] == "0A" end,
    udp = function(f) return f[10], true end,
    udp6 = function(f) return f[10], true end,
  }

  function look()
    local inodes, found = own_inodes(), {}
    for name, read in pairs(tables) do
      for line in io.lines("/proc/self/net/" .. name) do
        local fields = {}
        for field in line:gmatch "%S+" do fields[#fields + 1] = field end
        local inode, is_open = read(fields)
        if is_open and inodes[inode] then found[#found + 1] = name end
      end
    end
    table.sort(found)
    return table.concat(found, " ")
  end
]]

cli.describe("a run", function()
  it("listens at nothing by itself", function()
    assert_printed("[]\n", script(LOOK .. [[
      local dynsup = require "dynsup"
      for _, name in ipairs { "net", "fs", "server", "registry", "task", "log", "observer", "clock" } do
        require("dynsup." .. name)
      end
      local sup = dynsup.start_link { name = "sup" }
      dynsup.start_child(sup, { body = function() dynsup.sleep "infinity" end, name = "worker" })
      dynsup.observe({ events = "exited" }, function() end)
      dynsup.sleep(10)
      print("[" .. look() .. "]")
      dynsup.halt()]]))
  end)

  it("listens where it is asked to", function()
    assert_printed("[tcp unix]\n", script(LOOK .. [[
      local net = require "dynsup.net"
      local one = assert(net.listen "./socket")
      local other = assert(net.listen("127.0.0.1", 0))
      print("[" .. look() .. "]")
      one:close() other:close()]]))
    assert_printed("[unix]\n", script(LOOK .. [[
      print("[" .. look() .. "]")
      require "dynsup".halt()]], "--listen", "./socket"))
  end)
end)
