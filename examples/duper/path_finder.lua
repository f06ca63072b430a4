--- The process that knows which files are worth hashing: those that share their size with another.
--- A walker of its own looks for files; workers ask for one after the other.
local dynsup = require "dynsup"

local Gatherer = require "gatherer"
local walker = require "walker"

local NAME = "duper.path_finder"

local PathFinder = {}

---@class PathFinderState
---@field first table<integer, string|true> the only file of a size, or true: there were more
---@field paths table<integer, string> the queue of files to be hashed
---@field sizes table<integer, integer>
---@field head integer of the queue
---@field tail integer
---@field waiting table[] workers that asked and got no answer yet
---@field walked boolean whether all files are known

local function new_state()
  return { first = {}, paths = {}, sizes = {}, head = 1, tail = 0, waiting = {}, walked = false }
end

local function push(state, path, size)
  state.tail = state.tail + 1
  state.paths[state.tail], state.sizes[state.tail] = path, size
end

local function pop(state)
  local head = state.head
  local path, size = state.paths[head], state.sizes[head]
  state.paths[head], state.sizes[head] = nil, nil
  state.head = head + 1
  return path, size
end

local function add(state, path, size)
  local first = state.first[size]
  if size == 0 then
    return -- empty files do not count
  elseif not first then
    state.first[size] = path
    return
  elseif first ~= true then
    push(state, first, size)
    state.first[size] = true
  end
  push(state, path, size)
end

local function serve(state)
  local waiting = state.waiting
  while #waiting > 0 and state.head <= state.tail do
    dynsup.send(table.remove(waiting), "file", pop(state))
  end
  while #waiting > 0 and state.walked do
    dynsup.send(table.remove(waiting), "no_more_files")
  end
end

local handlers = {}

function handlers.found(state, paths, sizes)
  for i, path in ipairs(paths) do
    add(state, path, sizes[i])
  end
end

function handlers.next_file(state, worker)
  table.insert(state.waiting, worker)
end

function handlers.walked(state)
  state.walked = true
end

local function walk(roots, path_finder)
  walker.walk(roots, {
    files = function(paths, sizes)
      dynsup.send(path_finder, "found", paths, sizes)
      Gatherer.found(#paths)
    end,
    skip = Gatherer.skip,
  })
  dynsup.send(path_finder, "walked")
end

local function handle(state, tag, ...)
  handlers[tag](state, ...)
  serve(state)
end

local function run(roots)
  local state = new_state()
  dynsup.spawn_link(walk, roots, dynsup.self())
  while true do
    handle(state, dynsup.receive())
  end
end

---@param roots Root[]
---@return userdata pid
function PathFinder.start_link(roots)
  local pid = dynsup.spawn_link(run, roots)
  assert(dynsup.register(NAME, pid))
  return pid
end

--- The next file that shares its size with another; nil when there are no more.
---@async
---@return string? path
---@return integer? size
function PathFinder.next_file()
  dynsup.send(NAME, "next_file", dynsup.self())
  local _, path, size = dynsup.receive_match(function(tag)
    return tag == "file" or tag == "no_more_files"
  end)
  return path, size
end

return PathFinder
