-- A server whose callbacks are what the messages say: call(pid, f) runs f(state, from), cast(pid, f) f(state);
-- what a function returns is what the callback returns. Its state is its argument, or what that returns.

--- Its module, with further callbacks, if any.
---@param callbacks? table
---@return table
return function(callbacks)
  local module = callbacks or {}

  function module.init(f)
    if type(f) == "function" then
      return f()
    end
    return "ok", f
  end

  function module.handle_call(f, from, state)
    return f(state, from)
  end

  function module.handle_cast(f, state)
    return f(state)
  end

  return module
end
