-- Programs of dynsup.fs, in the folder "faults" of the working directory.
local dynsup = require "dynsup"
local fs = require "dynsup.fs"

local folder = "faults"

local function place(name)
  fs.mkdir(folder, { parents = true })
  return folder .. "/" .. name
end

return {
  { "files that are written, read and removed", function()
    local path = place "one"
    fs.write(path, ("x"):rep(100000))
    fs.write(path, "more", { append = true })
    fs.read(path)
    fs.stat(path)
    fs.lstat(path)
    fs.exists(path)
    fs.realpath(path)
    fs.hash(path)
    fs.hash(path, "md5", { size = 1 })
    fs.rename(path, place "two")
    fs.remove(place "two")
    fs.read(path)
    fs.remove(folder)
  end },

  { "an open file", function()
    local file = assert(fs.open(place "open", "w+"))
    file:write(("y"):rep(5000))
    file:write("z", 7)
    file:read(10, 0)
    file:read(100000)
    file:stat()
    file:hash()
    dynsup.yield()
    file:close()
    fs.remove(place "open")
    fs.remove(folder)
  end },

  { "folders", function()
    fs.mkdir(place "a/b/c", { parents = true })
    for i = 1, 5 do fs.write(place("a/" .. i), "") end
    for _, _, stat in fs.scandir(place "a", { stat = true }) do
      dynsup.yield()
      if not stat then break end
    end
    for i = 1, 5 do fs.remove(place("a/" .. i)) end
    for _, name in ipairs { "a/b/c", "a/b", "a" } do fs.remove(place(name)) end
    fs.remove(folder)
  end },
}
