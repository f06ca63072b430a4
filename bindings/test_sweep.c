/* Runs scenarios without memory, a later allocation at a time. */
#include "bindings/test_sweep.h"

#include "bindings/dynsup_lua.h"
#include "bindings/memory/memory.h"
#include "bindings/test_allocator.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

static void open_libraries(lua_State *L) {
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    lua_pop(L, 1);
}

static int run_scenario(lua_State *L) {
    const dsl_scenario *scenario = lua_touserdata(L, 1);
    if (scenario->opens)
        open_libraries(L);
    if (luaL_loadstring(L, scenario->run) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static void prepare(lua_State *L, const dsl_scenario *scenario) {
    if (scenario->opens)
        return;
    open_libraries(L);
    if (scenario->native)
        lua_register(L, "native", scenario->native);
    if (scenario->prepare)
        assert_int_equal(luaL_dostring(L, scenario->prepare), LUA_OK);
}

/* Counts by *memory_out, if the scenario wants that. */
static lua_State *state_new(const dsl_scenario *scenario, dsl_test_allocator *a,
                            dsl_memory **memory_out) {
    *memory_out = scenario->accounts ? dsl_memory_new(dsl_test_allocate, a, 0) : NULL;
    return *memory_out ? lua_newstate(dsl_memory_alloc, *memory_out)
                       : lua_newstate(dsl_test_allocate, a);
}

/* One run with a failure; false when it was not reached. */
static bool run_once(const dsl_scenario *scenario, long fail_at, long failures) {
    dsl_test_allocator a = {0};
    dsl_memory *memory;
    lua_State *L = state_new(scenario, &a, &memory);
    assert_non_null(L);
    prepare(L, scenario);
    a.requests = 0;
    a.fail_at = fail_at;
    a.failures = failures;
    lua_pushcfunction(L, run_scenario);
    lua_pushlightuserdata(L, (void *)scenario);
    int status = lua_pcall(L, 1, 0, 0);
    if (!a.refused)
        assert_int_equal(LUA_OK, status);
    else if (status != LUA_OK)
        assert_non_null(strstr(lua_tostring(L, -1), "memory"));
    a.fail_at = 0;
    lua_close(L);
    if (memory)
        dsl_memory_free(memory);
    assert_int_equal(0, a.in_use);
    return a.refused > 0;
}

void dsl_test_sweep(const dsl_scenario *scenario, long failures) {
    long n = 1;
#ifdef __SANITIZE_THREAD__
    skip(); /* one thread only, and ThreadSanitizer's own memory grows by GBs over so many states */
#endif
    while (run_once(scenario, n, failures))
        n++;
    assert_true(n > 400); /* it was no run that ended at once */
}

void dsl_test_sweep_all(const dsl_scenario *scenario) {
    dsl_test_sweep(scenario, 2);
#ifndef __SANITIZE_ADDRESS__
    dsl_test_sweep(scenario, 1);
    dsl_test_sweep(scenario, 20);
#endif
}

static void each_allocation_may_fail(void **state) {
    dsl_test_sweep_all(*state);
}

int dsl_test_sweep_main(const dsl_scenario *scenario) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(each_allocation_may_fail, (void *)scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
