/* Metatables of a state in which memory ran out while they were made. */
#include "bindings/test_sweep.h"

#include "bindings/dynsup_lua.h"
#include "bindings/test_allocator.h"

#include <lauxlib.h>
#include <lualib.h>

static const char prepare[] =
    "d, fs = require 'dynsup', require 'dynsup.fs'\n"
    "local function try(f, ...) return select(2, pcall(f, ...)) end\n"
    "function use()\n"
    "  try(d.run, { clock = 'virtual' }, function()\n"
    "    try(fs.exists, '/')\n"
    "    try(fs.scandir, '/')\n"
    "    try(fs.open, '/')\n"
    "    try(d.own, setmetatable({}, { __close = function() end }))\n"
    "    local sup = try(d.start_link)\n"
    "    try(function() for child in d.children(sup) do return child end end)\n"
    "  end)\n"
    "end\n"
    "function check()\n"
    "  for name, meta in pairs(debug.getregistry()) do\n"
    "    if type(name) == 'string' and name:find '^dynsup%.' and rawget(meta, '__name') then\n"
    "      assert(meta.__gc or name == 'dynsup.top', name)\n"
    "      found = (found or 0) + 1\n"
    "    end\n"
    "  end\n"
    "end\n";

static void must_do(lua_State *L, const char *code) {
    if (luaL_dostring(L, code) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
}

/* Used without memory once, then with it; false when no request was refused. */
static bool use_twice(long fail_at, lua_Integer *found_out) {
    dsl_test_allocator a = {0};
    lua_State *L = lua_newstate(dsl_test_allocate, &a);
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    must_do(L, prepare);
    lua_getglobal(L, "use");
    a.requests = 0;
    a.fail_at = fail_at;
    a.failures = 2; /* Lua tries again after a collection */
    int status = lua_pcall(L, 0, 0, 0);
    a.fail_at = 0;
    assert_true(status == LUA_OK || a.refused);
    must_do(L, "use() check()");
    lua_getglobal(L, "found");
    *found_out = lua_tointeger(L, -1);
    lua_close(L);
    assert_int_equal(a.in_use, 0);
    return a.refused > 0;
}

static void a_metatable_is_completed_when_there_is_memory_again(void **state) {
    (void)state;
    lua_Integer found;
    long n = 1;
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    while (use_twice(n, &found))
        n++;
    assert_true(n > 100);
    assert_true(found >= 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metatable_is_completed_when_there_is_memory_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
