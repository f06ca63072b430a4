/* Memory that runs out while states are saved and handed on. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "d.run({ clock = 'virtual', log_level = 'info', log = function() end }, function()\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  local sup = try(d.start_link, { max_restarts = 10 })\n"
           "  if not sup then return end\n"
           "  local seen = try(d.observe, { events = 'state_dropped' }, function() end)\n"
           "  local lives = 0\n"
           "  try(d.start_child, sup, { body = function()\n"
           "    lives = lives + 1\n"
           "    local before = try(d.previous)\n"
           "    if lives < 4 then\n"
           "      if lives < 2 then try(d.save_state, { 'a state', { lives } }) end\n"
           "      try(d.save_state, { print })\n"
           "      error { 'boom' }\n"
           "    end\n"
           "    if before then try(d.save_state, nil) end\n"
           "    d.sleep('infinity')\n"
           "  end })\n"
           "  try(d.start_child, sup, { start = function()\n"
           "    local before = d.previous()\n"
           "    if before then return nil, 'not now' end\n"
           "    d.save_state 'poison'\n"
           "    return d.spawn_link(d.sleep, 1)\n"
           "  end })\n"
           "  try(d.sleep, 10)\n"
           "  try(d.stop, sup, 'normal', 100)\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
