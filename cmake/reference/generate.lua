-- Writes the reference of the C API: generate.lua SOURCE-FOLDER OUT-FOLDER HEADER...
local source, out = arg[1], arg[2]
package.path = source .. "/?.lua;" .. package.path
local files = require "cmake.files"
local headers = require "cmake.reference.headers"
local reference = require "cmake.reference.reference"

local all = {}
for i = 3, #arg do
  local header = headers.read(arg[i]:match "[^/]+$", files.read(arg[i]))
  all[#all + 1] = header
  files.write(("%s/%s.md"):format(out, header.name:gsub("%.h$", "")), reference.page(header))
end
files.write(out .. "/index.md", reference.index(all))
print(("%s: %d pages"):format(out, #all + 1))
