--- crawler reads the pages of a site and finds broken links:
--- dynsup run examples/crawler/main.lua URL...
---
---   main ── frontier              knows the pages, and decides which is next
---     └──── fetcher supervisor    limits how many run at a time: its max_children
---             └── fetcher, fetcher ...   one for each page: fetch it, find its links, and be done
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path

local dynsup = require "dynsup"
local uv = require "luv"

local FetcherSupervisor = require "fetcher_supervisor"
local Frontier = require "frontier"
local Progress = require "progress"
local arguments = require "arguments"
local output = require "output"
local urls = require "urls"

local function say(...)
  io.stderr:write("crawler: ", table.concat({ ... }), "\n")
end

local function start(options, starts)
  local has_progress = uv.guess_handle(2) == "tty" and not options.quiet
  assert(FetcherSupervisor.start_link(options.workers))
  return Frontier.start_link(starts, options, Progress.new(has_progress))
end

-- Waits for the frontier to end. When another process ends too early, or on Ctrl-C, the frontier is told to
-- deliver what it has.
local function wait_for(frontier)
  local results, failure
  while true do
    local tag, value, reason = dynsup.receive()
    if tag == "results" then
      results = value
    elseif tag == "EXIT" and reason ~= "normal" then
      failure = failure or reason
      dynsup.exit(frontier, "shutdown")
    end
    if tag == "EXIT" and value == frontier then
      return results, failure
    end
  end
end

local function run(options, starts)
  dynsup.flag("trap_exit", true)
  local results, failure = wait_for(start(options, starts))
  if failure == "shutdown" then
    say "interrupted: this is what was found so far"
  elseif failure then
    say("the search failed: ", tostring(failure))
  end
  local ok, reason = output.write(results, io.stdout)
  if not ok then
    say("cannot write the results: ", reason)
  end
  if failure == "shutdown" then
    dynsup.exit "shutdown" -- as we were asked to; a process that traps exits has to do so itself
  end
  return ok and not failure and #results:broken() == 0
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
  local starts, url, why = urls.read(options.urls)
  if not starts then
    say(("'%s' is no URL of a page: %s"):format(output.printable(url), why))
    return 2
  end
  return run(options, starts) and 0 or 1
end

local code = main()
if code ~= 0 then
  dynsup.halt(code)
end
