/* Memory that runs out for the host's side of attach: the lock of its place, the outbox, and lines
 * of the log for clients. */
#include "bindings/test_sweep.h"

#include "bindings/native.h"

static int lock(lua_State *L) {
    return dsl_place_functions[0].func(L);
}

static const dsl_scenario scenario = {
    .prepare = "d = require 'dynsup'\n"
               "outbox = require 'dynsup.attach.outbox'\n"
               "watch = require 'dynsup.attach.watch'\n"
               "function try(f, ...) return select(2, pcall(f, ...)) end\n"
               "function nothing() end\n"
               "tostring(d.log)\n",
    .run = "d.run({ clock = 'virtual', log_level = 'debug', log = nothing, log_format = 'json' }, "
           "function()\n"
           "  do\n"
           "    local ok, lock = pcall(native, '/tmp/dynsup-attach-memory-test')\n"
           "    local _ <close> = ok and lock or nil\n"
           "  end\n"
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
           "end)\n",
    .native = lock};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
