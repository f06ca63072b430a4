-- What dynsup is to reach, and what others did where that was decided.
--
-- Source: measured on 2026-11-21 on one machine (2 cores, Debian 12, Lua 5.4.4, OTP 25 with its JIT,
-- Elixir 1.14), medians of five or more after a warm-up. `limit` is a loop in C over bare Lua
-- coroutines that does nothing else.
--
-- Of each figure, QUESTION.KIND.SIZE:
--   least, most   the figure that was named for that machine
--   times         how many times better than a peer dynsup is to be in the same run. Without it the
--                 named figure beside that of Elixir, else that of the limit, on that machine
--   was           what the peers of tools/bench reached there
--   others        what others reached there, which are no packages of Debian or are not asked here
return {
  ["start_child.light.100000"] = {
    least = 2e6,
    times = { elixir = 8, limit = 0.5 },
    was = { elixir = 244e3, limit = 3.5e6 },
    others = "Elixir's GenServer child 208 k/s, PartitionSupervisor on 2 cores 435 k/s, Janet 1.24 M/s, "
      .. "cqueues 0.69 M/s, suture (Go) 0.27 M/s, a Skynet service 10 k/s; the limit with an arena 4.7 M/s",
  },
  ["start_child.light.1000000"] = {
    times = { elixir = 8 },
    was = { elixir = 174e3, limit = 3.2e6 },
    others = "Elixir's GenServer child 118 k/s, Janet 0.54 M/s",
  },
  ["short_lived.all.100000"] = {
    least = 5e6,
    times = { elixir = 14 },
    was = { elixir = 352e3, limit = 30e6 },
    others = "Tarantool fiber 2.0 M/s, Skynet fork 1.0 M/s",
  },
  ["restart.kill_p50.1"] = {
    most = 1,
    was = { elixir = 3.2, limit = 0.45 },
    others = "Janet 0.51 us, suture 1.2 us",
  },
  ["restart.kill_p99.1"] = { was = { elixir = 10.9 } },
  ["restart.error_p50.1"] = { most = 5, was = { limit = 3.8 } },
  ["restart.burst.1000"] = { least = 700e3, was = { elixir = 87e3 }, others = "suture 640 k/s" },
  ["restart.burst.10000"] = { least = 700e3, was = { elixir = 12e3 } },
  ["restart.burst.100000"] = { least = 700e3, was = {} },
  ["already_started.taken.1000"] = { least = 8e6, was = { elixir = 874e3, limit = 61e6 } },
  ["terminate.stop.10000"] = {
    was = { elixir = 226 },
    others = "OTP's simple_one_for_one 31 ms, Janet 3.2 ms",
  },
  ["terminate.stop.100000"] = {
    most = 60,
    was = { elixir = 19800, limit = 14 },
    others = "OTP's simple_one_for_one 948 ms, Janet 47 ms, suture 223 ms",
  },
  ["terminate.stop.1000000"] = {
    most = 600,
    was = {},
    others = "Elixir over 100 s, OTP's simple_one_for_one 20.5 s, suture 3 s",
  },
  ["memory.child.1000000"] = {
    most = 1500,
    was = { elixir = 3300, limit = 1120 },
    others = "Elixir's GenServer 3.6 kB (hibernated 2.0 kB), Janet 0.89 kB without a supervisor's record, "
      .. "cqueues 1.7 kB, suture 3.3 kB, Tarantool 13 kB, Skynet 51 kB",
  },
  ["ping_pong.pairs.1"] = {
    least = 10e6,
    was = { elixir = 4.1e6, limit = 16.6e6 },
    others = "Go channels 9.0 M/s, Janet 8.2 M/s, Tarantool 6.3 M/s, cqueues 1.2 M/s",
  },
  ["ping_pong.pairs.1000"] = {
    least = 10e6,
    was = { elixir = 3.2e6, limit = 16.6e6 },
    others = "Go channels 9.5 M/s, Janet 8.9 M/s, Tarantool 3.7 M/s, cqueues 2.6 M/s",
  },
  ["server.call.1"] = { least = 2.5e6, was = { elixir = 0.91e6, limit = 5.9e6 }, others = "Skynet 0.24 M/s" },
  ["server.start.1000000"] = { least = 4e6, was = {}, others = "callbacks in a bare loop 10 to 15 M/s" },
  ["server.memory.1000000"] = {
    most = 400,
    was = { elixir = 3600 },
    others = "GenServer hibernated 2.0 kB; callbacks in a bare loop 96 bytes",
  },
  ["timers.late_p99.100000"] = {
    most = 1.2,
    was = { elixir = 1.2, limit = 1.06 },
    others = "Skynet 5.9 ms, cqueues 1.5 ms, Janet 42 ms",
  },
  ["timers.rate.1000000"] = {
    least = 1.4e6,
    was = { elixir = 0.57e6, limit = 1.6e6 },
    others = "Janet 0.45 M/s; libuv's timer heap 0.75 M/s",
  },
  ["heartbeat.idle_p99.10000"] = { most = 2, was = { elixir = 1 } },
  ["heartbeat.idle_p99.100000"] = { most = 2, was = { elixir = 1 } },
  ["heartbeat.idle_p99.1000000"] = { most = 2, was = { elixir = 1 } },
  ["heartbeat.endless_p99.1"] = { most = 2, was = { elixir = 1 }, others = "most Lua hosts: stuck for ever" },
  ["collector.server.1000000"] = { most = 1, was = {}, others = "one heap with 1e6 coroutines 116 ms" },
  ["compute.fib.25"] = { times = { limit = 0.98 }, was = {} },
  ["compute.loop.100000"] = { times = { limit = 0.98 }, was = {} },
  ["children.count.100000"] = { most = 1, was = { elixir = 4200 }, others = "OTP's simple_one_for_one 1 us" },
  ["children.which.100000"] = { most = 25, was = { elixir = 13, limit = 12 } },
  ["codec.integer.1"] = { was = { limit = 114e6 } },
  ["codec.string.1"] = { was = { limit = 83e6 } },
  ["codec.fields.3"] = { times = { limit = 0.5 }, was = { limit = 5.4e6 } },
  ["codec.nested.20"] = { times = { limit = 0.5 }, was = { limit = 0.66e6 } },
}
