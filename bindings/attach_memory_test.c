/* Memory that runs out for the host's side of attach: the outbox, and lines of the log for clients.
 */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .prepare = "d = require 'dynsup'\n"
               "outbox = require 'dynsup.attach.outbox'\n"
               "watch = require 'dynsup.attach.watch'\n"
               "place = require 'dynsup.attach.place'\n"
               "function try(f, ...) return select(2, pcall(f, ...)) end\n"
               "function nothing() end\n"
               "tostring(d.log)\n",
    .run = "d.run({ clock = 'virtual', log_level = 'debug', log = nothing, log_format = 'json' }, "
           "function()\n"
           "  try(place.take, '/tmp/dynsup-attach-memory-test', nothing)\n"
           "  local box = outbox.new()\n"
           "  local socket = { set = nothing, close = nothing }\n"
           "  function socket:write(text) return true end\n"
           "  try(d.spawn, box.serve, box, socket)\n"
           "  local watcher = d.spawn(watch.serve, box)\n"
           "  try(d.send, watcher, 'LEVEL', 'debug')\n"
           "  try(d.sleep, 1)\n"
           "  for i = 1, 5 do\n"
           "    try(d.log.warning, 'said', { a = i })\n"
           "    try(d.spawn, error, 'crashed')\n"
           "    try(box.put, box, { out = 'text' .. i, number = i })\n"
           "    try(d.sleep, 1)\n"
           "  end\n"
           "  try(d.send, watcher, 'LEVEL', 'off')\n"
           "  try(d.sleep, 1)\n"
           "  try(d.send, watcher, 'LEVEL', 'error')\n"
           "  try(d.log.error, 'left')\n"
           "  d.exit(watcher, 'kill')\n"
           "  try(box.finish, box, { bye = 'halted', code = 0 })\n"
           "  d.halt(0)\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
