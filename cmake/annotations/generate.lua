-- Writes the annotation files for editors: generate.lua SOURCE-FOLDER OUT-FOLDER, from docs/api.md,
-- docs/api/*.md (PAGE... in the arguments behind) and types.lua.
local source, out = arg[1], arg[2]
package.path = source .. "/?.lua;" .. package.path
local files = require "cmake.files"
local annotations = require "cmake.annotations.annotations"

local modules = {}
for i = 3, #arg do
  modules[#modules + 1] = arg[i]:match "^api/([%a_]+)%.md$"
end

local text = files.read(source .. "/cmake/annotations/types.lua")
local types = annotations.types_of(text)
files.write(out .. "/dynsup/types.lua", text)
for i = 3, #arg do
  local name = arg[i]:match "^api/([%a_]+)%.md$"
  local page = {
    path = "docs/" .. arg[i],
    module = name and "dynsup." .. name or "dynsup",
    text = files.read(source .. "/docs/" .. arg[i]),
    modules = not name and modules or nil,
  }
  files.write(("%s/%s.lua"):format(out, page.module:gsub("%.", "/")), annotations.of_page(page, types))
end
