/* Memory that runs out in a dry run, and in its reports. */
#include "bindings/test_sweep.h"

#include "bindings/dynsup_lua.h"

/* native(main, ...): a dry run of main(...) */
static int run_dry(lua_State *L) {
    static const dynsup_lua_config config = {.virtual_clock = true, .dry = true};
    int count = 0;
    dynsup_lua_run(L, &config, lua_gettop(L) - 1, &count);
    return 0;
}

static const dsl_scenario scenario = {
    .prepare = "io.stderr = { write = function() end }\n"
               "io.stdout, arg = io.stderr, { [0] = 'x' }\n"
               "d, check = require 'dynsup', require 'dynsup.check'\n"
               "for _, name in ipairs { 'supervisor', 'server', 'net', 'registry' } do\n"
               "  assert(d[name])\n"
               "end\n"
               "package.preload.m = function() return {} end\n",
    .run = "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local function work() error 'it runs' end\n"
           "local function declare()\n"
           "  local sup = try(d.start_link, { name = 'sup' })\n"
           "  try(d.start_link, { max_seconds = 0 })\n"
           "  try(d.start_child, 'sup', { body = work, ready = true, name = 'w' })\n"
           "  try(d.start_child, 'sup', { body = work, restart = 'x' })\n"
           "  try(d.start_child, 'sup', { start = d.server.start_link, args = { {} } })\n"
           "  try(d.start_child, 'sup', { start = function() return nil, 'no' end })\n"
           "  try(d.spawn, 'm:f')\n"
           "  try(d.start_link, { name = 'spread', heaps = 1 })\n"
           "  try(d.start_child, 'spread', { body = 'm:f', args = { 1 } })\n"
           "  try(d.start_child, 'spread', work)\n"
           "  local server = try(d.server.start_link, { init = work })\n"
           "  if server then try(d.server.stop, server, { 'shutdown', 1 }) end\n"
           "  try(d.registry.start_link, { keys = 1 })\n"
           "  try(d.supervisor.start_link, { { id = 1, body = 'm:g' }, { id = 1, body = work } })\n"
           "  try(d.supervisor.start_link, { { id = 1, body = 'm:g' } })\n"
           "  local listener = try(d.net.listen, '127.0.0.1', 0)\n"
           "  if listener then try(d.net.serve, listener, 'sup', work) end\n"
           "end\n"
           "native(check.main, declare)\n"
           "native(check.main, function() d.halt(3) end)\n"
           "native(check.main, function()\n"
           "  local server = try(d.server.start_link, {})\n"
           "  if server then try(d.server.call, server, {}) end\n"
           "end)\n"
           "native(check.main, function()\n"
           "  try(d.start_child, d.start_link(), { start = function() d.receive() end })\n"
           "end)\n"
           "check.finish('done')\n",
    .native = run_dry,
};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
