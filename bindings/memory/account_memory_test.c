/* Memory that runs out for all, while processes have limits of their own. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .accounts = true,
    .prepare = "d = require 'dynsup'\n"
               "function try(f, ...)\n"
               "  local r = table.pack(pcall(f, ...))\n"
               "  if r[1] then return table.unpack(r, 2, r.n) end\n"
               "end\n"
               "function grow()\n"
               "  local text = 'x'\n"
               "  while #text < 2 ^ 20 do text = text .. text end\n"
               "end\n"
               "function stubborn()\n"
               "  while true do pcall(grow) end\n"
               "end\n"
               "server = {}\n"
               "function server.init() return 'ok', {} end\n"
               "function server.handle_cast(grows, state)\n"
               "  if grows then grow() end\n"
               "  return 'noreply', state\n"
               "end\n"
               "function log() end\n",
    .run = "d.run({ clock = 'virtual', log_level = 'info', log = log }, function()\n"
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
           "  if pid then\n"
           "    try(d.server.cast, pid, false)\n"
           "    try(d.server.cast, pid, true)\n"
           "  end\n"
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
