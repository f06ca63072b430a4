-- Makes the C stack deep and returns: lua5.4 -l spec.support.deep_stack. valgrind cannot make the stack grow in
-- the moment of a signal, as that of the watchdog, so it must have grown before.

local function deep(n) return n > 0 and pcall(deep, n - 1) end

deep(150)
