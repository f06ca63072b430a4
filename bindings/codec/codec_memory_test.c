/* Memory that runs out while values are packed and unpacked from Lua. */
#include "bindings/test_sweep.h"

static const dsl_scenario scenario = {
    .run = "local d = require 'dynsup'\n"
           "local function try(f, ...)\n"
           "  local r = table.pack(pcall(f, ...))\n"
           "  if r[1] then return table.unpack(r, 2, r.n) end\n"
           "end\n"
           "local codec = try(function() return d.codec end)\n"
           "if not codec then return end\n"
           "local Box = { __pack = function(b) return 'box', { b[1], {} } end }\n"
           "local Point = { __pack = 'point' }\n"
           "try(codec.register, 'box', function(v) return { v } end)\n"
           "try(codec.register, 'point', Point)\n"
           "local list = { ('l'):rep(200), x = {} }\n"
           "for i = 1, 20 do list[i + 1] = { i, list, list[1], 'n' .. i, [i * 0.5] = { i } } end\n"
           "local deep = {}\n"
           "for i = 1, 40 do deep = { deep } end\n"
           "local bytes = try(codec.pack, list, deep)\n"
           "if bytes then try(codec.unpack, bytes) end\n"
           "local typed = try(codec.pack, { setmetatable({ 1 }, Box), setmetatable({}, Point) })\n"
           "if typed then try(codec.unpack, typed) end\n"
           "try(codec.pack, { f = { print } })\n"
           "try(codec.unpack, '\\1\\0\\1')\n"};

int main(void) {
    return dsl_test_sweep_main(&scenario);
}
