--- require, so that the code of a module may wait.
--
-- It does what Lua's own does, by package.loaded and package.searchers, but as a Lua function it can
-- be yielded across. A module that another process is loading just now is waited for; a module that
-- is required while it loads itself is an error in place of an endless recursion.

local loading = require "dynsup.loading"

local error, type = error, type
local loaded = package.loaded

local function load_module(name)
  local loader, data = loading.find(name)
  if not loader then
    error(data, 3)
  end
  local value = loader(name, data)
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name], data
end

return function(name)
  if type(name) == "number" then
    name = tostring(name)
  elseif type(name) ~= "string" then
    error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
  end
  while not loaded[name] do
    local mine <close>, other = loading.claim(name, loading.current())
    if mine then
      return load_module(name)
    elseif other then
      loading.wait(other)
    end
  end
  return loaded[name]
end
