/* Memory that runs out among lines of a session. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local s = require 'dynsup.repl.session'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local function closer() return setmetatable({}, { __close = function() end }) end\n"
           "local function interrupt(pid) d.sleep(1) s.interrupt(pid) end\n"
           "d.run({ clock = 'virtual' }, function()\n"
           "  try(s.attempt, function(...) return ... end, 1, {}, 3)\n"
           "  try(s.attempt, function() local _ <close> = closer() error {} end)\n"
           "  try(s.attempt, function() local _ <close> = closer() d.exit {} end)\n"
           "  try(d.spawn, interrupt, d.self())\n"
           "  try(s.attempt, function()\n"
           "    coroutine.wrap(function() local _ <close> = closer() d.sleep(5) end)()\n"
           "  end)\n"
           "  try(d.register, 'name', d.self())\n"
           "  try(s.names, 'n', 10)\n"
           "  local outcome = s.attempt(function() return 'still works' end)\n"
           "  assert(outcome == 'returned')\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
