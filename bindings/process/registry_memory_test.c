/* Memory that runs out among registries and what is named by their keys. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "d.run({ clock = 'virtual', log_level = 'off' }, function()\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  local sup = try(d.start_link)\n"
           "  local r = try(function() return d.registry end)\n"
           "  if not sup or not r then return end\n"
           "  for _, keys in ipairs { 'unique', 'duplicate' } do\n"
           "    try(r.start_link, { keys = keys, name = keys })\n"
           "    for i, key in ipairs { 'a', ('x'):rep(100), {}, 1 } do\n"
           "      try(r.register, keys, key, { i })\n"
           "      try(r.lookup, keys, key)\n"
           "      try(r.dispatch, keys, key, function() end)\n"
           "      try(r.update_value, keys, key, function() return {} end)\n"
           "      try(d.whereis, { keys, key })\n"
           "      try(d.monitor, { keys, {} })\n"
           "    end\n"
           "    try(d.start_child, sup, { body = d.receive, name = { keys, {}, {} } })\n"
           "    try(d.start_link, { name = { keys, 'sup', {} } })\n"
           "    try(d.which_children, sup)\n"
           "    try(r.select, keys)\n"
           "    try(r.keys, keys, d.self())\n"
           "    try(r.unregister, keys, 'a')\n"
           "    try(r.stop, keys, { 'shutdown', {} })\n"
           "    try(d.sleep, 1)\n"
           "  end\n"
           "  try(d.stop, sup, { 'shutdown', {} })\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
