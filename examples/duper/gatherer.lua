--- The process that gathers what the others find out. It ends when all workers are done, and hands
--- its results over however it ends.
local dynsup = require "dynsup"

local Results = require "results"

local NAME = "duper.gatherer"

local Gatherer = {}

---@class GathererState
---@field workers integer how many are not done yet
---@field results Results
---@field progress Progress

local handlers = {}

function handlers.found(state, count)
  state.results.found = state.results.found + count
end

function handlers.result(state, path, size, sum)
  state.results:add(path, size, sum)
end

function handlers.skip(state, path, reason)
  state.results:skip(path, reason)
  state.progress:report(path, reason)
end

function handlers.failure(state, path)
  state.results.failures = state.results.failures + 1
  handlers.skip(state, path, "its worker failed")
end

function handlers.done(state)
  state.workers = state.workers - 1
end

local function handle(state, tag, ...)
  handlers[tag](state, ...)
  state.progress:show(state.results)
end

local function hand_over(dest, state)
  return setmetatable({}, {
    __close = function()
      state.progress:clear()
      dynsup.send(dest, "results", state.results)
    end,
  })
end

local function run(owner, state)
  local _ <close> = hand_over(owner, state)
  while state.workers > 0 do
    handle(state, dynsup.receive())
  end
  state.results.complete = true
end

--- The caller will receive "results", results.
---@param workers integer how many there will be
---@param progress Progress
---@return userdata pid
function Gatherer.start_link(workers, progress)
  local state = { workers = workers, results = Results.new(), progress = progress }
  local pid = dynsup.spawn_link(run, dynsup.self(), state)
  assert(dynsup.register(NAME, pid))
  return pid
end

---@param count integer more files were found
function Gatherer.found(count)
  dynsup.send(NAME, "found", count)
end

---@param path string
---@param size integer
---@param sum string
function Gatherer.result(path, size, sum)
  dynsup.send(NAME, "result", path, size, sum)
end

---@param path string that cannot be compared
---@param reason string
function Gatherer.skip(path, reason)
  dynsup.send(NAME, "skip", path, reason)
end

---@param path string at which a worker crashed
function Gatherer.failure(path)
  dynsup.send(NAME, "failure", path)
end

--- A worker found no more files.
function Gatherer.done()
  dynsup.send(NAME, "done")
end

return Gatherer
