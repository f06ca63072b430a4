--- Whole files, for the generators of the build.
local files = {}

function files.read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

function files.write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

return files
