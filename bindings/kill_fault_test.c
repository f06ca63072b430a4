/* A worker that is killed at any of its suspensions, or between any two of its instructions, leaves
 * nothing behind: no process, no value, no heap, no handle or request of the loop
 * (spec/faults/kill.lua). */
#include "bindings/test_programs.h"

#include "bindings/heap/heap.h"

#include <uv.h>

static void count_handle(uv_handle_t *handle, void *ud) {
    if (!uv_is_closing(handle))
        ++*(lua_Integer *)ud;
}

static void field(lua_State *L, const char *name, lua_Integer count) {
    lua_pushinteger(L, count);
    lua_setfield(L, -2, name);
}

/* counts() */
static int counts(lua_State *L) {
    const dsl_host *host = lua_touserdata(L, lua_upvalueindex(1));
    lua_Integer handles = 0;
    lua_newtable(L);
    field(L, "processes", (lua_Integer)dynsup_host_process_count(host->core));
    field(L, "values", (lua_Integer)host->vault.used_count - host->pool_count);
    field(L, "heaps", host->heaps ? host->heaps->count : 0);
    field(L, "cursors", host->cursors != NULL);
    field(L, "observers", host->observers != NULL);
    if (host->uv) {
        uv_walk(dynsup_uv_loop(host->uv), count_handle, &handles);
        field(L, "handles", handles);
        field(L, "requests", dynsup_uv_loop(host->uv)->active_reqs.count);
    }
    dynsup_host_check(host->core);
    return 1;
}

/* Makes the main process of kill(program, counts, stride). */
static const char main_text[] = "local run = ...\n"
                                "return function(program, counts, stride)\n"
                                "  rounds, problem = run(program, counts, stride)\n"
                                "end";

static void kill_everywhere(const dsl_test_programs *programs, int n, long stride) {
    lua_State *L = programs->L;
    dynsup_lua_host *host;
    assert_int_equal(dynsup_lua_host_new(L, &programs->config, &host), 0);
    assert_int_equal(luaL_loadstring(L, main_text), LUA_OK);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "spec.faults.kill");
    lua_call(L, 1, 1);
    lua_call(L, 1, 1);
    lua_rawgeti(L, 1, n);
    lua_pushlightuserdata(L, host);
    lua_pushcclosure(L, counts, 1);
    lua_pushinteger(L, stride);
    assert_int_equal(dynsup_lua_spawn(host, L, 3, NULL), 0);
    assert_int_equal(dynsup_lua_host_run(host), DYNSUP_STILL);
    lua_getglobal(L, "problem");
    lua_getglobal(L, "rounds");
    if (!lua_isinteger(L, -1))
        fail_msg("%s", luaL_tolstring(L, -2, NULL));
    assert_true(lua_tointeger(L, -1) >= 1);
    lua_settop(L, 1);
    dynsup_lua_host_free(host);
}

static void kill_in(const char *module, bool is_virtual) {
    dsl_test_programs programs;
    dsl_test_programs_open(&programs, module, is_virtual);
    for (int n = 1; n <= programs.count; n++)
        kill_everywhere(&programs, n, 1);
    dsl_test_programs_close(&programs);
}

static void kill_between_in(const char *module, bool is_virtual) {
    dsl_test_programs programs;
    dsl_test_programs_open(&programs, module, is_virtual);
    programs.config.preempt = DYNSUP_LUA_PREEMPT_COUNT;
    programs.config.slice_ms = 1e-5; /* an instruction */
    for (int n = 1; n <= programs.count; n++)
        kill_everywhere(&programs, n, dsl_test_programs_stride(29));
    dsl_test_programs_close(&programs);
}

static void a_killed_worker_leaves_nothing_behind(void **state) {
    (void)state;
    dsl_test_programs_each(true, kill_in);
}

static void a_killed_worker_with_sockets_and_files_leaves_nothing_behind(void **state) {
    (void)state;
    dsl_test_programs_each(false, kill_in);
}

static void a_worker_killed_between_instructions_leaves_nothing_behind(void **state) {
    (void)state;
    dsl_test_programs_each(true, kill_between_in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_worker_leaves_nothing_behind),
        cmocka_unit_test(a_worker_killed_between_instructions_leaves_nothing_behind),
        cmocka_unit_test(a_killed_worker_with_sockets_and_files_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
