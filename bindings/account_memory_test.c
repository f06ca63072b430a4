/* Memory that runs out for all, while processes have limits of their own. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .accounts = true,
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local function grow()\n"
           "  local list = {}\n"
           "  for i = 1, 1e5 do list[i] = { i } end\n"
           "end\n"
           "local function stubborn()\n"
           "  while true do pcall(grow) end\n"
           "end\n"
           "local server = {}\n"
           "function server.init() return 'ok', {} end\n"
           "function server.handle_cast(count, state)\n"
           "  for i = 1, count do state[i] = {} end\n"
           "  return 'noreply', state\n"
           "end\n"
           "local function log() end\n"
           "d.run({ clock = 'virtual', log_level = 'info', log = log }, function()\n"
           "  local sup = try(d.start_link, { max_restarts = 100 })\n"
           "  if not sup then return end\n"
           "  local function start(spec)\n"
           "    spec.max_memory, spec.restart = 32768, spec.restart or 'temporary'\n"
           "    return try(d.start_child, sup, spec)\n"
           "  end\n"
           "  local lives = 0\n"
           "  start { restart = 'transient', body = function()\n"
           "    lives = lives + 1\n"
           "    if lives < 3 then grow() end\n"
           "  end }\n"
           "  start { body = stubborn }\n"
           "  start { start = grow }\n"
           "  start { start = function() return d.spawn_link(grow) end }\n"
           "  local pid = start { start = d.server.start_link, args = { server } }\n"
           "  if pid then try(d.server.cast, pid, 10) try(d.server.cast, pid, 1e4) end\n"
           "  try(d.sleep, 5)\n"
           "  try(d.info, d.self())\n"
           "  try(d.run, { clock = 'virtual', memory_accounts = true }, grow)\n"
           "end)\n"};

static void each_allocation_beside_limits_may_fail(void **state) {
    (void)state;
    dsl_test_sweep(&scenario, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_beside_limits_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
