--- The tree of the game's workers. The program runs this as the main process, which stays as their
--- parent.
---
---   game (static)
---     ├── stage        a worker in C: what is to be seen
---     ├── creatures    a dynamic supervisor
---     │     └── the fox, rabbits, the moth, the snake, the owl
---     └── keeper       brings creatures, and new code when a file has changed
local dynsup = require "dynsup"

local stage, folder, seed = ... -- a worker's kind, for `body`; a path; 0: another game each time

if seed ~= 0 then math.randomseed(seed) end

-- If the creatures' supervisor gives up, the keeper is restarted after it, and starts them again.
assert(dynsup.supervisor.start_link({
  { id = "stage", name = "stage", body = stage },
  { dynsup, { name = "creatures" } },
  { id = "keeper", name = "keeper", body = "keeper:run", args = { folder } },
}, { name = "game", strategy = "rest_for_one" }))
