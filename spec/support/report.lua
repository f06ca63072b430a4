-- Output handler of busted for tools/test: busted's plain report, then the line "N passed, N failed".
-- The name of the test that runs is kept in the file that DYNSUP_RUNNING names, for the case of a crash.

return function(options)
    local busted = require "busted"
    local handler = require "busted.outputHandlers.plainTerminal" (options)
    local path = os.getenv "DYNSUP_RUNNING"
    local running = path and assert(io.open(path, "w"))

    local function note(text)
        if running then
            running:seek "set"
            running:write(text, "\n")
            running:flush()
        end
    end

    busted.subscribe({ "test", "start" }, function(element)
        note(handler.getFullName(element))
        return nil, true
    end)

    busted.subscribe({ "suite", "end" }, function()
        note ""
        local failed = handler.failuresCount + handler.errorsCount
        io.write(("%d passed, %d failed\n"):format(handler.successesCount, failed))
        io.flush()
        return nil, true
    end)

    return handler
end
