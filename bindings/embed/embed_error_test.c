/* What functions of the C interface say when Lua code raises an error, or is not given what it
 * needs. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void has_said(const dsl_test_embed *t, const char *part) {
    const char *text = dynsup_lua_host_error(t->host);
    if (!strstr(text, part))
        fail_msg("no '%s' in '%s'", part, text);
    assert_int_equal(lua_gettop(t->L), 0);
}

static dynsup_pid supervisor(const dsl_test_embed *t) {
    dynsup_pid pid;
    assert_int_equal(dynsup_lua_supervisor_start(t->host, NULL, NULL, &pid), 0);
    return pid;
}

static int nothing(lua_State *L) {
    (void)L;
    return 0;
}

static void what_cannot_travel_is_no_misuse(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "local sup = assert(d.start_link { heaps = 1 })\n"
                       "d.start_child(sup, { body = 'dynsup:receive', name = 'abroad' })\n"
                       "d.sleep()");
    dynsup_pid pid = dynsup_whereis(dynsup_lua_host_core(t.host), "abroad", 6);
    lua_pushcfunction(t.L, nothing);
    assert_int_equal(dynsup_lua_send_stack(t.host, t.L, pid, 1), DYNSUP_EREASON);
    has_said(&t, "function");
    dsl_test_embed_close(&t);
}

enum { TOO_MANY = LUAI_MAXSTACK + 1 };

static void what_is_wanting_leaves_the_text_of_the_last_failure(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dynsup_pid sup = supervisor(&t);
    dynsup_lua_value *values = calloc(TOO_MANY, sizeof *values);
    assert_non_null(values);
    values[0] = dynsup_lua_integer(1);
    lua_pushboolean(t.L, true);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, sup, NULL), DYNSUP_EREASON);
    has_said(&t, "invalid_child_spec");
    assert_int_equal(dynsup_lua_send(t.host, sup, values, TOO_MANY), DYNSUP_ENOMEM);
    has_said(&t, "invalid_child_spec");
    lua_pushcfunction(t.L, nothing);
    assert_int_equal(dynsup_lua_child_start(t.host, t.L, 1, NULL), DYNSUP_ENOPROC);
    has_said(&t, "invalid_child_spec");
    free(values);
    dsl_test_embed_close(&t);
}

static void start_spec(const dsl_test_embed *t, dynsup_pid sup, const char *code) {
    assert_int_equal(luaL_loadstring(t->L, code), LUA_OK);
    lua_call(t->L, 0, 1);
    assert_int_equal(dynsup_lua_child_start(t->host, t->L, sup, NULL), DYNSUP_EREASON);
}

static void a_child_spec_function_that_raises_is_no_misuse(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dynsup_pid sup = supervisor(&t);
    start_spec(&t, sup, "return { child_spec = function() error 'oops' end }");
    has_said(&t, "oops");
    start_spec(&t, sup, "return { child_spec = function() error { code = 7 } end }");
    has_said(&t, "code = 7");
    dsl_test_embed_close(&t);
}

static void drop(void *arg) {
    ++*(int *)arg;
}

static const dynsup_lua_worker_ops ops = {.name = "worker", .drop = drop};

static void what_is_no_pid_is_no_process(void **state) {
    (void)state;
    dsl_test_embed t;
    int drops = 0;
    dsl_test_embed_open(&t, NULL);
    for (dynsup_pid pid = 0; pid < 2; pid++) {
        assert_int_equal(dynsup_lua_worker_start(t.host, pid, &ops, &drops, NULL, NULL),
                         DYNSUP_ENOPROC);
        lua_pushcfunction(t.L, nothing);
        assert_int_equal(dynsup_lua_child_start(t.host, t.L, pid, NULL), DYNSUP_ENOPROC);
        assert_int_equal(lua_gettop(t.L), 0);
    }
    dsl_test_embed_close(&t);
    assert_int_equal(drops, 2);
}

static void a_pid_that_is_none_is_sent_as_nil(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    dynsup_pid pid = dsl_test_spawn(&t, "local _, none = require('dynsup').receive()\n"
                                        "is_nil = none == nil and 1");
    dynsup_lua_value values[] = {dynsup_lua_integer(1), dynsup_lua_pid(0)};
    assert_int_equal(dynsup_lua_send(t.host, pid, values, 2), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "is_nil"), 1);
    dsl_test_embed_close(&t);
}

static void an_empty_name_is_refused(void **state) {
    (void)state;
    dsl_test_embed t;
    int drops = 0;
    dynsup_pid pid;
    dynsup_lua_child child = {.name = ""};
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &ops, &drops, "", &pid), DYNSUP_EREASON);
    has_said(&t, "invalid_name");
    assert_int_equal(drops, 1);
    assert_int_equal(dynsup_lua_supervisor_start(t.host, "", NULL, &pid), DYNSUP_EREASON);
    has_said(&t, "invalid_name");
    assert_int_equal(dynsup_lua_worker_start(t.host, supervisor(&t), &ops, &drops, &child, &pid),
                     DYNSUP_EREASON);
    has_said(&t, "invalid_name");
    dsl_test_embed_close(&t);
    assert_int_equal(drops, 2);
}

/* ---- lua_States without libraries ---- */

static void take(void *ud, enum dynsup_level level, const char *text, size_t size) {
    assert_int_equal(level, DYNSUP_LEVEL_ERROR);
    snprintf(ud, 256, "%.*s", (int)size, text);
}

/* In a state with two libraries, or what it says without. */
static int open_with(const char *first, const char *second, char *said) {
    dsl_test_allocator allocator = {0};
    lua_State *L = lua_newstate(dsl_test_allocate, &allocator);
    dynsup_lua_config config = {.level = DYNSUP_LEVEL_ERROR, .log = take, .log_ud = said};
    dynsup_lua_host *host;
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_LOADLIBNAME, luaopen_package},
                                         {LUA_TABLIBNAME, luaopen_table}};
    *said = '\0';
    for (int i = 0; i < 3; i++)
        if (strcmp(libraries[i].name, first) == 0 || strcmp(libraries[i].name, second) == 0)
            luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
    lua_settop(L, 0);
    int status = dynsup_lua_host_new(L, &config, &host);
    assert_int_equal(lua_gettop(L), 0);
    if (status == 0)
        dynsup_lua_host_free(host);
    else
        assert_null(host);
    lua_close(L);
    assert_int_equal(allocator.in_use, 0);
    return status;
}

static void a_library_that_is_needed_is_told(void **state) {
    (void)state;
    char said[256];
    assert_int_equal(open_with(LUA_GNAME, LUA_TABLIBNAME, said), DYNSUP_EREASON);
    assert_non_null(strstr(said, "package"));
    assert_int_equal(open_with(LUA_LOADLIBNAME, LUA_TABLIBNAME, said), DYNSUP_EREASON);
    assert_non_null(strstr(said, "base"));
    assert_int_equal(open_with(LUA_GNAME, LUA_LOADLIBNAME, said), 0);
}

static void a_module_of_another_library_is_told(void **state) {
    (void)state;
    char said[256] = "";
    lua_State *L = luaL_newstate();
    dynsup_lua_config config = {.level = DYNSUP_LEVEL_ERROR, .log = take, .log_ud = said};
    dynsup_lua_host *host;
    luaL_openlibs(L);
    assert_int_equal(luaL_dostring(L, "package.loaded.dynsup = {}"), LUA_OK);
    assert_int_equal(dynsup_lua_host_new(L, &config, &host), DYNSUP_EREASON);
    assert_null(host);
    assert_non_null(strstr(said, "package.loaded.dynsup"));
    assert_int_equal(lua_gettop(L), 0);
    lua_close(L);
}

static void accounts_that_cannot_be_are_no_want_of_memory(void **state) {
    (void)state;
    char said[256] = "";
    dsl_test_allocator allocator = {0};
    lua_State *L = lua_newstate(dsl_test_allocate, &allocator);
    dynsup_lua_config config = {
        .memory_accounts = true, .level = DYNSUP_LEVEL_ERROR, .log = take, .log_ud = said};
    dynsup_lua_host *host;
    luaL_openlibs(L);
    assert_int_equal(dynsup_lua_host_new(L, &config, &host), DYNSUP_EREASON);
    assert_non_null(strstr(said, "allocator"));
    lua_close(L);
    assert_int_equal(allocator.in_use, 0);
}

/* ---- workers ---- */

static void stop_badly(lua_State *L, dynsup_lua_worker *w) {
    (void)w;
    lua_newtable(L);
    lua_pushinteger(L, 7);
    lua_setfield(L, -2, "code");
    lua_error(L);
}

static void what_a_stop_function_raises_is_told(void **state) {
    (void)state;
    static const dynsup_lua_worker_ops bad = {.name = "bad", .stop = stop_badly};
    char said[256] = "";
    dynsup_lua_config config = {.level = DYNSUP_LEVEL_ERROR, .log = take, .log_ud = said};
    dsl_test_embed t;
    dsl_test_embed_open(&t, &config);
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &bad, NULL, NULL, NULL), 0);
    dsl_test_step(&t, NULL);
    dsl_test_embed_close(&t);
    assert_string_equal(said, "error in the stop function of the C worker 'bad': { code = 7 }");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_travel_is_no_misuse),
        cmocka_unit_test(a_child_spec_function_that_raises_is_no_misuse),
        cmocka_unit_test(what_is_wanting_leaves_the_text_of_the_last_failure),
        cmocka_unit_test(what_is_no_pid_is_no_process),
        cmocka_unit_test(a_pid_that_is_none_is_sent_as_nil),
        cmocka_unit_test(an_empty_name_is_refused),
        cmocka_unit_test(a_library_that_is_needed_is_told),
        cmocka_unit_test(a_module_of_another_library_is_told),
        cmocka_unit_test(accounts_that_cannot_be_are_no_want_of_memory),
        cmocka_unit_test(what_a_stop_function_raises_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
