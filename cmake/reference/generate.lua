-- Writes the reference of the C API: generate.lua SOURCE-FOLDER OUT-FOLDER HEADER...
local source, out = arg[1], arg[2]
package.path = source .. "/?.lua;" .. package.path
local headers = require "cmake.reference.headers"
local reference = require "cmake.reference.reference"

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local all = {}
for i = 3, #arg do
  local header = headers.read(arg[i]:match "[^/]+$", read_file(arg[i]))
  all[#all + 1] = header
  write_file(("%s/%s.md"):format(out, header.name:gsub("%.h$", "")), reference.page(header))
end
write_file(out .. "/index.md", reference.index(all))
print(("%s: %d pages"):format(out, #all + 1))
