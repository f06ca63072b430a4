-- Writes the annotation files for editors: generate.lua SOURCE-FOLDER OUT-FOLDER, from docs/api.md,
-- docs/api/*.md (PAGE... in the arguments behind) and types.lua.
local source, out = arg[1], arg[2]
package.path = source .. "/?.lua;" .. package.path
local annotations = require "cmake.annotations.annotations"

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local modules = {}
for i = 3, #arg do
  modules[#modules + 1] = arg[i]:match "^api/([%a_]+)%.md$"
end

local text = read_file(source .. "/cmake/annotations/types.lua")
local types = annotations.types_of(text)
write_file(out .. "/dynsup/types.lua", text)
for i = 3, #arg do
  local name = arg[i]:match "^api/([%a_]+)%.md$"
  local page = {
    path = "docs/" .. arg[i],
    module = name and "dynsup." .. name or "dynsup",
    text = read_file(source .. "/docs/" .. arg[i]),
    modules = not name and modules or nil,
  }
  write_file(("%s/%s.lua"):format(out, page.module:gsub("%.", "/")), annotations.of_page(page, types))
end
