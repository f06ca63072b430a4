--- dynsup.net: TCP and Unix sockets whose calls wait. What a socket is and does is in C (`native`);
-- here addresses are looked up and tried, and connections are handed to workers.
local native = ...

local dynsup = require "dynsup"

---@class dynsup.net
local net = {}

-- How long serve waits when the system has no more files: until others have closed some.
local PAUSE_MS = 100

-- For how long further starts that fail are counted only: peers can have many fail.
local TOLD_MS = 1000

local ARGS_MAX = 250000 -- a spec's arguments: more are refused

---@class dynsup.net.options
---@field background? boolean who waits at it does not keep the run going (false)
---@field nodelay? boolean small pieces are sent at once (false)
---@field keepalive? boolean|integer whether, or after how many idle seconds, the peer is probed (false)
---@field send_timeout? number|"infinity" milliseconds that a write may wait ("infinity")

-- level: of the caller's caller, who is to blame
local function check(ok, position, name, message, level)
  if not ok then
    error(("bad argument #%d to '%s' (%s)"):format(position, name, message), level or 3)
  end
end

local function check_count(count, most, name)
  check(count <= most, most + 1, name, "no value expected", 4)
end

local function is_time(ms)
  return ms == nil or ms == "infinity" or type(ms) == "number" and ms >= 0
end

local function is_port(port, least)
  return math.type(port) == "integer" and port >= least and port <= 65535
end

-- A Unix socket is told from a host by its slash. Returns the place, and the arguments after it.
local function read_place(name, least_port, address, port, ...)
  check(type(address) == "string", 1, name, "string expected, got " .. type(address), 4)
  check(not address:find("\0", 1, true), 1, name, "an address has no zero bytes", 4)
  if address:find("/", 1, true) then
    return address, nil, 2, port, ...
  end
  local message = "port expected; the path of a Unix socket has a '/'"
  check(is_port(port, least_port), 2, name, message, 4)
  return address, port, 3, ...
end

local function check_options(options, position, name)
  local is_table = options == nil or type(options) == "table"
  check(is_table, position, name, "table expected, got " .. type(options), 4)
end

-- The milliseconds that are left until the deadline, nil for ever.
local function rest_of(deadline)
  return deadline and math.max(0, deadline - dynsup.now())
end

local function deadline_in(ms)
  if ms and ms ~= "infinity" then
    return dynsup.now() + ms
  end
end

-- The options without `mode`, which is the file's of a Unix socket, and that; or nil and the failure.
local function part_mode(options)
  local others = {}
  for name, value in next, options or {} do
    others[name] = value
  end
  local mode = others.mode
  others.mode = nil
  if mode ~= nil and not (math.type(mode) == "integer" and mode >= 0 and mode <= 511) then
    return nil
  end
  return others, mode
end

local function listen_at_path(path, options)
  local others, mode = part_mode(options)
  if not others then
    return nil, "invalid_option", "mode"
  end
  return native.listen(path, nil, others, mode)
end

--- Listens at `listen(address, port [, options])` or `listen(path [, options])`.
---@return userdata? listener
---@return string? reason
---@return any detail
function net.listen(...)
  check_count(select("#", ...), 3, "listen")
  local address, port, position, options, extra = read_place("listen", 0, ...)
  check_options(options, position, "listen")
  check(extra == nil, position + 1, "listen", "no value expected")
  if not port then
    return listen_at_path(address, options)
  end
  local addresses, reason = native.resolve(address)
  if not addresses then
    return nil, reason
  end
  return native.listen(addresses[1], port, options)
end

-- Tries one address after the other, each for its share of the time that is left: one that nothing is heard of
-- leaves the others theirs. The failure of the last one counts.
local function connect_any(addresses, port, deadline, options)
  local reason, detail
  for i, address in ipairs(addresses) do
    local rest = rest_of(deadline)
    local share = rest and rest / (#addresses - i + 1)
    local socket
    socket, reason, detail = native.connect(address, port, share, options)
    if socket or reason == "invalid_option" or rest_of(deadline) == 0 then
      return socket, reason, detail
    end
  end
  return nil, reason
end

--- Connects by `connect(host, port [, ms [, options]])` or `connect(path [, ms [, options]])`.
---@async
---@return userdata? socket
---@return string? reason
---@return any detail
function net.connect(...)
  check_count(select("#", ...), 4, "connect")
  local address, port, position, ms, options, extra = read_place("connect", 1, ...)
  check(is_time(ms), position, "connect", "milliseconds, \"infinity\" or nil expected")
  check_options(options, position + 1, "connect")
  check(extra == nil, position + 2, "connect", "no value expected")
  local deadline = deadline_in(ms)
  if not port then
    return native.connect(address, nil, ms, options)
  end
  local addresses, reason = native.resolve(address, ms)
  if not addresses then
    return nil, reason
  end
  return connect_any(addresses, port, deadline, options)
end

local function length_of(list)
  local length = rawget(list, "n")
  if length == nil then
    return rawlen(list)
  end
  return type(length) == "number" and math.tointeger(length)
end

-- The arguments with the connection behind them. What is no list stays what it is, to be refused by
-- who validates the spec.
local function args_for(socket, args)
  local count = type(args) == "table" and length_of(args)
  if not count or count < 0 or count > ARGS_MAX then
    return args
  end
  local list = table.move(args, 1, count, 1, { n = count + 1 })
  list[list.n] = socket
  return list
end

-- The spec with the connection as the worker's last argument.
local function spec_for(socket, worker)
  if type(worker) ~= "table" then
    return { body = worker, args = { socket }, restart = "temporary" }
  end
  local spec = { restart = "temporary", args = {} }
  for name, value in next, worker do
    spec[name] = value
  end
  spec.args = args_for(socket, spec.args)
  return spec
end

-- Gives the socket to a new child. True; or false and what start_child says.
local function hand_over(socket, supervisor, spec)
  local pid, reason, detail = dynsup.start_child(supervisor, spec)
  if not (pid and socket:give(pid)) then
    socket:close()
  end
  return pid ~= nil, reason, detail
end

-- The errors of a spec as a whole, and the fields of those that have not their field's name.
local WHOLE = { invalid_child_spec = true, invalid_mfa = true, missing_id = true, bad_combination = true }
local FIELDS = {
  invalid_restart_type = "restart",
  invalid_child_type = "type",
  invalid_intensity = "max_restarts",
  invalid_period = "max_seconds",
}

-- What is wrong with a spec comes with the value. A worker may give such a reason, too, when it ends before it
-- is ready: that comes alone. And of what a start function says, only what could be of the spec is taken for it.
local function is_of_spec(spec, reason, detail)
  local field = FIELDS[reason] or reason:match "^invalid_(.+)$"
  return detail ~= nil and (WHOLE[reason] or field and spec[field] ~= nil)
end

-- Will every start fail like this one?
local function is_lasting(supervisor, spec, reason, detail)
  if reason == "noproc" or reason == "not_a_supervisor" then
    return not dynsup.count_children(supervisor) -- or else it is a worker's
  end
  return type(reason) == "string" and is_of_spec(spec, reason, detail)
end

-- Ends before the start, or no starts, that nobody has to look after.
local GOOD = { max_children = true, ignore = true, normal = true, shutdown = true }

local function is_good(reason)
  return GOOD[reason] or type(reason) == "table" and rawget(reason, 1) == "shutdown"
end

-- start_child has told its caller, so no other report does.
local function tell(told, supervisor, reason)
  if dynsup.now() < told.next then
    told.others = told.others + 1
    return
  end
  dynsup.log.warning("a connection was closed: its worker did not start", {
    event = "not_served", supervisor = supervisor, reason = reason, others = told.others > 0 and told.others or nil,
  })
  told.next, told.others = dynsup.now() + TOLD_MS, 0
end

-- Serves one connection. Nothing; or why none can be served.
local function serve_one(socket, supervisor, worker, told)
  local spec = spec_for(socket, worker)
  local ok, reason, detail = hand_over(socket, supervisor, spec)
  if not ok and is_lasting(supervisor, spec, reason, detail) then
    return reason, detail
  end
  if not ok and not is_good(reason) then
    tell(told, supervisor, reason)
  end
end

-- Reasons after which the next connection can be accepted all the same.
local FULL = { emfile = true, enfile = true, enobufs = true, enomem = true }

--- Accepts for ever: each connection gets a worker of its own, a child of the supervisor.
---@async
---@param listener userdata
---@param supervisor any
---@param worker function|string|table its body, or its spec; the connection is its last argument
---@return nil
---@return string reason
---@return any detail
function net.serve(listener, supervisor, worker)
  local is_listener = pcall(function() return listener.accept end) and listener.accept
  check(is_listener, 1, "serve", "listener expected, got " .. type(listener))
  local kind = type(worker)
  check(kind == "function" or kind == "string" or kind == "table", 3, "serve",
    "function, name or spec expected, got " .. kind)
  local told = { next = -math.huge, others = 0 }
  while true do
    local socket, reason = listener:accept()
    local detail
    if socket then
      reason, detail = serve_one(socket, supervisor, worker, told)
    elseif FULL[reason] then
      dynsup.sleep(PAUSE_MS)
      reason = nil
    end
    if reason then
      return nil, reason, detail
    end
  end
end

return net
