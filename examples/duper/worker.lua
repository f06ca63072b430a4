--- A worker: asks for a file, hashes it, reports the sum, until there are no more files.
local Gatherer = require "gatherer"
local PathFinder = require "path_finder"
local hash = require "hash"

local Worker = {}

-- If the worker fails at this file, the one that takes its place goes on with the next: say so.
local function mourner(path)
  return setmetatable({}, {
    __close = function(_, failure)
      if failure then
        Gatherer.failure(path)
      end
    end,
  })
end

local function work_on(path, size)
  local _ <close> = mourner(path)
  local sum, reason = hash.file(path, size)
  if sum then
    Gatherer.result(path, size, sum)
  else
    Gatherer.skip(path, reason)
  end
end

local function run()
  local path, size = PathFinder.next_file()
  while path do
    work_on(path, size)
    path, size = PathFinder.next_file()
  end
  Gatherer.done()
end

---@return table spec
function Worker.child_spec()
  return { id = Worker, body = run, restart = "transient" }
end

return Worker
