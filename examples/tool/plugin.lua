--- A plug-in's worker: loads its file and runs the function that the file returns. Whatever goes
--- wrong here, a mistake in the file included, is this worker's end, and nobody else's.
local dynsup = require "dynsup"

local plugin = {}

-- Asks the desk. Without a desk there is nothing to do: its supervisor restarts both.
local function ask(name, what, text)
  local request = { what = what, name = name, pid = dynsup.self(), text = text }
  local reply, reason = dynsup.server.call("desk", request, "infinity")
  return reply or dynsup.exit(reason or "no desk")
end

-- What a plug-in is given.
local function watch_of(name)
  return {
    name = name,
    -- The next line and its number: `for line, number in watch.lines do`; nil at the end.
    lines = function()
      local reply = ask(name, "next")
      return reply.text, reply.number
    end,
    -- Prints a text for the user.
    alert = function(text)
      ask(name, "alert", tostring(text))
    end,
  }
end

local function no_exit()
  error("a plug-in cannot end logwatch", 2)
end

-- Its globals are its own; it sees those of Lua.
local function load(path)
  local globals = { os = setmetatable({ exit = no_exit }, { __index = os }) }
  local chunk = assert(loadfile(path, "t", setmetatable(globals, { __index = _G })))
  local body = chunk()
  return type(body) == "function" and body or error "a plug-in returns a function"
end

---@param name string
---@param path string
function plugin.run(name, path)
  ask(name, "hello")
  load(path)(watch_of(name))
end

return plugin
