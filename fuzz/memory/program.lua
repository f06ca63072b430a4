-- Runs a C test many times, each time without memory at another request: program.lua PATH.
local memory = require "memory_fault"
local sweep = require "fuzz.memory.sweep"

local path = arg[1]

sweep.run(path:match "[^/]*$", memory.freeze { path })
sweep.finish()
os.exit(sweep.found == 0)
