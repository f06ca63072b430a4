-- What tools/bench asks, in which sizes, and what the figures are called in the table.
local suite = {}

--- Everything is a program of a peer: dynsup is the first of them. A peer answers a question when it has
--- the file of its name; of several the first that is there. %q stands for the question, BUILD and
--- BENCH for folders.
---@class bench.peer
---@field name string
---@field title string
---@field answers { file: string, command: string }[]
---@field needs string?  a command that succeeds where the peer can run
---@field package string?  what to install for it

---@type bench.peer[]
suite.peers = {
  {
    name = "dynsup",
    title = "dynsup",
    answers = {
      { file = "%q.lua", command = "BUILD/dynsup run --log-level off BENCH/%q.lua" },
      { file = "%q.c", command = "BUILD/bench_%q" },
    },
  },
  {
    name = "elixir",
    title = "Elixir",
    answers = { { file = "peers/elixir/%q.exs", command = "elixir --erl '+P 4000000' BENCH/peers/elixir/%q.exs" } },
    needs = "command -v elixir",
    package = "elixir",
  },
  {
    name = "lua",
    title = "bare Lua",
    answers = { { file = "peers/lua/%q.lua", command = "lua5.4 BENCH/peers/lua/%q.lua" } },
    needs = "command -v lua5.4",
    package = "lua5.4",
  },
  {
    name = "luv",
    title = "luv",
    answers = { { file = "peers/luv/%q.lua", command = "lua5.4 BENCH/peers/luv/%q.lua" } },
    needs = [[lua5.4 -e 'require "luv"']],
    package = "lua-luv",
  },
  {
    name = "limit",
    title = "limit",
    answers = { { file = "peers/limit/%q.c", command = "BUILD/limit %q" } },
  },
}

--- The runs of programs, in order: a question, the kinds and sizes that are asked for, and those of a
--- peer that takes too long for these (false: none).
suite.runs = {
  { question = "start_child", arguments = "100000" },
  { question = "start_child", arguments = "light 1000000" },
  { question = "short_lived", arguments = "100000" },
  { question = "restart", arguments = "kill error" },
  { question = "restart", arguments = "burst 1000 10000 100000", elixir = "burst 1000 10000" },
  { question = "already_started", arguments = "1000" },
  -- Elixir takes 20 s for 100,000 and minutes for a million
  { question = "terminate", arguments = "10000 100000 1000000", elixir = "10000" },
  { question = "memory", arguments = "100000" },
  { question = "memory", arguments = "1000000" },
  { question = "ping_pong", arguments = "1 1000" },
  { question = "server", arguments = "call 1 1000" },
  { question = "server", arguments = "start memory 100000" },
  { question = "server", arguments = "start memory 1000000" },
  { question = "selective", arguments = "10000" },
  { question = "timers", arguments = "100000" },
  -- Elixir's million does not come to its end within three minutes on the machines that were tried.
  { question = "timers", arguments = "1000000", elixir = false },
  { question = "heartbeat", arguments = "idle 10000 100000 1000000" },
  { question = "heartbeat", arguments = "endless" },
  { question = "collector", arguments = "child 1000000" },
  { question = "collector", arguments = "server 1000000" },
  { question = "heaps", arguments = "" },
  { question = "compute", arguments = "" },
  { question = "step", arguments = "1000 1000000" },
  { question = "codec", arguments = "" },
  { question = "registry", arguments = "100000" },
  { question = "children", arguments = "100000" },
  { question = "growth", arguments = "" },
}

--- The rows of the table, in order: QUESTION.KIND and what it is called; %s stands for the size.
suite.rows = {
  { "start_child.light", "start_child, %s light temporary children" },
  { "start_child.arguments", "start_child, %s with arguments" },
  { "start_child.named", "start_child, %s with a name each" },
  { "start_child.ready", "start_child, %s that are waited for until ready" },
  { "short_lived.all", "%s workers run to their end, started at once" },
  { "short_lived.turns", "%s workers run to their end, started by hundreds" },
  { "restart.kill_p50", "kill until the replacement runs, median" },
  { "restart.kill_p99", "kill until the replacement runs, 99th percentile" },
  { "restart.error_p50", "error until the replacement runs, median" },
  { "restart.error_p99", "error until the replacement runs, 99th percentile" },
  { "restart.burst", "restarts of %s that are killed at once" },
  { "already_started.taken", "start_child, already_started" },
  { "terminate.stop", "stop a supervisor of %s idle children" },
  { "memory.child", "memory of an idle child, of %s" },
  { "ping_pong.pairs", "ping-pong, pairs: %s" },
  { "server.call", "server calls, clients: %s" },
  { "server.start", "start_child, %s servers" },
  { "server.memory", "memory of an idle server, of %s" },
  { "selective.match", "receive_match behind %s messages" },
  { "selective.call", "server calls with %s messages queued" },
  { "timers.rate", "%s workers sleeping 0 to 1000 ms" },
  { "timers.late_p50", "%s workers sleeping: lateness, median" },
  { "timers.late_p99", "%s workers sleeping: lateness, 99th percentile" },
  { "heartbeat.idle_p50", "heartbeat beside %s idle workers: lateness, median" },
  { "heartbeat.idle_p99", "heartbeat beside %s idle workers: 99th percentile" },
  { "heartbeat.idle_max", "heartbeat beside %s idle workers: greatest" },
  { "heartbeat.endless_p50", "heartbeat beside one that never yields: median" },
  { "heartbeat.endless_p99", "heartbeat beside one that never yields: 99th percentile" },
  { "collector.child", "longest stop of the collector, %s idle children" },
  { "collector.server", "longest stop of the collector, %s idle servers" },
  { "heaps.stop", "longest stop of a heap's collector, 1,000,000 workers in heaps: %s" },
  { "heaps.beat_p99", "heartbeat beside them, heaps: %s, 99th percentile" },
  { "heaps.open", "open a heap, of %s" },
  { "heaps.within", "messages of a number within a heap" },
  { "heaps.number", "messages of a number between heaps" },
  { "heaps.table", "messages of a small table between heaps" },
  { "compute.fib", "plain code in a worker: calls" },
  { "compute.loop", "plain code in a worker: a loop" },
  { "step.still", "a step with nothing to do, beside %s processes" },
  { "step.slice", "a slice of one of %s ready processes" },
  { "codec.integer", "an integer from heap to heap" },
  { "codec.string", "a short string from heap to heap" },
  { "codec.fields", "a table of %s fields from heap to heap" },
  { "codec.nested", "a table of %s nested fields from heap to heap" },
  { "registry.register", "register a key, of %s" },
  { "registry.lookup", "look a key up, of %s" },
  { "registry.send_name", "a message to a name" },
  { "registry.send_key", "a message to a key, of %s" },
  { "registry.exit", "end a process that has a key, of %s" },
  { "children.count", "count_children of %s" },
  { "children.which", "which_children of %s" },
  { "children.iterate", "%s children, one after the other" },
}

--- How the cost of one operation may grow from the fewest children to the most, and the names of the
--- lines in the plot.
suite.growth = {
  most = 2,
  judged = { start = true, stop = true, send = true, timer = true, count = true },
  titles = {
    start = "start_child",
    stop = "stop",
    send = "send and receive",
    timer = "send_after and cancel_timer",
    count = "count_children",
    terminate = "terminate_child",
    name = "register and unregister",
    link = "link and unlink",
    monitor = "monitor and demonitor",
    page = "children, by pages",
    random = "send to a random child",
  },
}

return suite
