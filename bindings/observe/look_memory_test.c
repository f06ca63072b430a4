/* Memory that runs out for the log, observers and looking in, loaded before. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .prepare = "d = require 'dynsup'\n"
               "o = d.observer\n"
               "function try(f, ...) return select(2, pcall(f, ...)) end\n"
               "function nothing() end\n"
               "tostring(d.log)\n",
    .run = "d.run({ clock = 'virtual', log_level = 'debug', log = nothing, log_format = 'json' }, "
           "function()\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  try(o.record, 2)\n"
           "  try(d.observe, { level = 'info', supervisor = 's' }, function(e) try(d.send, 'w', e) "
           "end)\n"
           "  try(d.observe, { events = { 'exited', 'refused' }, pid = 'w' }, d.self())\n"
           "  try(d.log.info, 'said', { a = 1, b = {}, c = d.self() })\n"
           "  local sup = try(d.start_link, { name = 's', max_children = 1 })\n"
           "  try(d.start_child, sup, { name = 'w', id = {}, body = function() error(d.receive()) "
           "end })\n"
           "  try(d.start_child, sup, { body = d.receive })\n"
           "  try(d.sleep, 1)\n"
           "  try(function() tostring(o.tree()) end)\n"
           "  try(function() tostring(o.top()) end)\n"
           "  try(function() tostring(o.info('w')) end)\n"
           "  try(d.spawn, function() d.receive_match(d.monitor('w')) end)\n"
           "  try(o.pause, 'w')\n"
           "  try(d.yield)\n"
           "  try(function() tostring(o.deadlocks()) end)\n"
           "  try(o.restart, 'w')\n"
           "  try(d.yield)\n"
           "  try(d.send, 'w', {}, 2)\n"
           "  try(d.sleep, 1)\n"
           "  try(function() tostring(o.events()) end)\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
