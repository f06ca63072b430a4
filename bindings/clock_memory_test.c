/* Memory that runs out among clocks, and in a run with an event log. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local function nothing() end\n"
           "d.run({ clock = 'virtual', event_log = nothing, log_level = 'off' }, function()\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  local clock = try(function() return d.clock end)\n"
           "  local c = clock and try(clock.new, { paused = true, rate = 2 })\n"
           "  if not c then return end\n"
           "  try(tostring, c)\n"
           "  local sup = try(d.start_link, { clock = c })\n"
           "  try(d.supervisor.start_link, { { id = 1, body = d.receive } }, { clock = c })\n"
           "  for i = 1, 3 do\n"
           "    try(d.start_child, sup, function() d.sleep(i) d.send_after(i, d.self(), i) "
           "d.receive() "
           "end)\n"
           "  end\n"
           "  try(c.step, c, 10)\n"
           "  try(c.resume, c)\n"
           "  try(clock.of, sup)\n"
           "  try(clock.of)\n"
           "  try(os.date)\n"
           "  try(d.sleep, 1)\n"
           "  try(c.pause, c)\n"
           "  try(d.start_child, sup, { body = error, args = { {} }, backoff = true })\n"
           "  try(d.sleep, 1)\n"
           "  try(d.stop, sup)\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
