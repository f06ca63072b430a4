/* Memory that runs out while modules are reloaded: the module has all of the old code or all of the
 * new one. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local n = 0\n"
           "package.preload.m = function()\n"
           "  n = n + 1\n"
           "  local M = { a = n, b = n }\n"
           "  setmetatable(M, { n = n, M = M })\n"
           "  for i = 1, 20 do M['x' .. n .. i] = n end\n"
           "  function M.run() d.sleep('infinity') return M end\n"
           "  function M.start() return d.spawn_link(M.run) end\n"
           "  return M\n"
           "end\n"
           "local M = try(require, 'm')\n"
           "if not M then return end\n"
           "local function whole()\n"
           "  local count, v = 0, M.a\n"
           "  for key, value in next, M do\n"
           "    count = count + 1\n"
           "    assert(type(value) == 'function' or value == v)\n"
           "  end\n"
           "  assert(count == 24 and getmetatable(M).n == v and getmetatable(M).M == M)\n"
           "  assert(package.loaded.m == M)\n"
           "end\n"
           "local ok, why = d.run({ clock = 'virtual' }, function()\n"
           "  try(d.flag, 'trap_exit', true)\n"
           "  local sup = try(d.start_link)\n"
           "  if not sup then return end\n"
           "  try(d.start_child, sup, { body = 'm:run' })\n"
           "  try(d.start_child, sup, { start = 'm:start' })\n"
           "  for _ = 1, 3 do\n"
           "    try(d.reload, 'm')\n"
           "    whole()\n"
           "  end\n"
           "  try(d.stop, sup, 'normal', 100)\n"
           "end)\n"
           "if type(why) == 'table' then error(why.error, 0) end\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
