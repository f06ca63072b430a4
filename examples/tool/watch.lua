--- The tree of logwatch's workers. The program runs this as the main process.
---
---   supervisor (static; children after one that is restarted are restarted, too)
---     ├── door       a worker in C: lines come in by it, and what is to be printed goes out
---     ├── desk       a server: passes lines to plug-ins, and looks after them
---     └── plugins    a dynamic supervisor
---           └── a worker for each file in the folder of plug-ins
local dynsup = require "dynsup"

local desk = require "desk"

local door, settings = ... -- a worker's kind, for `body`; what the command line says

assert(dynsup.supervisor.start_link({
  { id = "door", name = "door", body = door },
  { desk, settings },
  { dynsup, { name = "plugins" } },
}, { strategy = "rest_for_one" }))
