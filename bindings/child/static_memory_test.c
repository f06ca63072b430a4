/* Memory that runs out among static supervisors. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local function worker() if d.receive() == 'crash' then error {} end end\n"
           "local function start() return d.spawn_link(worker), { 'info' } end\n"
           "d.run({ clock = 'virtual', log_level = 'off' }, function()\n"
           "  local s = try(function() return d.supervisor end)\n"
           "  if not s then return end\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  local children = {\n"
           "    { id = {}, body = worker, args = { 1, {} }, name = 'w' },\n"
           "    { id = 'g', start = start, modules = {} },\n"
           "    { d, {} },\n"
           "  }\n"
           "  local sup = try(s.start_link, children, { name = 's', strategy = 'one_for_all' })\n"
           "  try(s.start_link, { init = function() return s.init(children) end }, 1)\n"
           "  try(s.start_link, { { id = 1, body = worker }, { id = 2, start = error } })\n"
           "  try(s.start_link, { { id = 1, body = worker }, { id = 1, body = worker } })\n"
           "  if not sup then return end\n"
           "  for i = 1, 5 do try(s.start_child, sup, { id = { i }, body = worker }) end\n"
           "  try(d.send, 'w', 'crash')\n"
           "  try(d.sleep, 1)\n"
           "  try(s.terminate_child, sup, 'g')\n"
           "  try(s.restart_child, sup, 'g')\n"
           "  try(s.terminate_child, sup, 'g')\n"
           "  try(s.delete_child, sup, 'g')\n"
           "  try(s.which_children, sup)\n"
           "  try(s.stop, sup, { 'shutdown', {} })\n"
           "end)\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
