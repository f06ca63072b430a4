--- duper finds duplicate files: dynsup run examples/duper/main.lua DIR...
---
---   main ── gatherer              adds up what the others find
---     ├──── path finder ── walker   looks for files that share their size with another
---     └──── worker supervisor
---             └── worker, worker ...  hash one file after the other
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path

local dynsup = require "dynsup"
local uv = require "luv"

local Gatherer = require "gatherer"
local PathFinder = require "path_finder"
local Progress = require "progress"
local WorkerSupervisor = require "worker_supervisor"
local arguments = require "arguments"
local output = require "output"
local walker = require "walker"

local function say(...)
  io.stderr:write("duper: ", table.concat({ ... }), "\n")
end

local function start(options, roots)
  local has_progress = uv.guess_handle(2) == "tty" and not options.quiet
  local gatherer = Gatherer.start_link(options.workers, Progress.new(has_progress))
  PathFinder.start_link(roots)
  assert(WorkerSupervisor.start_link())
  for _ = 1, options.workers do
    if not WorkerSupervisor.add_worker() then
      break -- the supervisor is no more: we receive its EXIT
    end
  end
  return gatherer
end

-- Waits for the gatherer to end. When another process ends too early (a worker failed too often), or on
-- Ctrl-C, the gatherer is told to deliver what it has.
local function wait_for(gatherer)
  local results, failure
  while true do
    local tag, value, reason = dynsup.receive()
    if tag == "results" then
      results = value
    elseif tag == "EXIT" and reason ~= "normal" then
      failure = failure or reason
      dynsup.exit(gatherer, "shutdown")
    end
    if tag == "EXIT" and value == gatherer then
      return results, failure
    end
  end
end

local function print_results(results, as_json)
  local ok, reason = true, nil
  local function write(...)
    if ok then
      ok, reason = io.stdout:write(...)
    end
  end
  output[as_json and "json" or "text"](results, write)
  if ok then
    ok, reason = io.stdout:flush()
  end
  return ok, reason
end

local function run(options, roots)
  dynsup.flag("trap_exit", true)
  local results, failure = wait_for(start(options, roots))
  local has_crashed = failure ~= nil and failure ~= "shutdown"
  local has_failed = has_crashed or results.failures > 0
  if has_crashed then
    say("the search failed: ", tostring(failure))
  elseif has_failed then
    say(("%d workers failed: the results are not complete"):format(results.failures))
  elseif not results.complete then
    say "interrupted: this is what was found so far"
  end
  local ok, reason = print_results(results, options.json)
  if not ok then
    say("cannot write the results: ", reason)
  end
  return ok and not has_failed
end

local function main()
  local options, reason = arguments.parse(arg)
  if not options then
    say(reason)
    io.stderr:write(arguments.USAGE, "\n")
    return 2
  elseif options.help then
    io.stdout:write(arguments.HELP)
    return 0
  end
  local roots, path, why = walker.roots(options.paths)
  if not roots then
    say(("cannot read '%s': %s"):format(output.printable(path), why))
    return 1
  end
  return run(options, roots) and 0 or 1
end

local code = main()
if code ~= 0 then
  dynsup.halt(code)
end
