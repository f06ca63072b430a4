/* Misuse in release builds: this program is built without assertions. */
#include "bindings/test_embed.h"

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <string.h>
#include <uv.h>

static int in_process(lua_State *L) {
    dsl_test_embed *t = lua_touserdata(L, lua_upvalueindex(1));
    assert_int_equal(dynsup_lua_host_step(t->host, 1, NULL), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_host_close(t->host, 1), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_host_run(t->host), DYNSUP_EMISUSE);
    dynsup_lua_host_free(t->host); /* does nothing */
    return 0;
}

static void what_steps_is_refused_inside_of_a_step(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    lua_pushlightuserdata(t.L, &t);
    lua_pushcclosure(t.L, in_process, 1);
    lua_setglobal(t.L, "in_process");
    dsl_test_spawn(&t, "in_process() done = 1");
    assert_int_equal(dsl_test_global(&t, "done"), 1);
    dsl_test_embed_close(&t);
}

static void what_ends_is_refused_in_a_turn_of_the_loop(void **state) {
    (void)state;
    dsl_test_embed t;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    dsl_test_embed_open(&t, &(dynsup_lua_config){.loop = &loop});
    assert_int_equal(dynsup_lua_host_step(t.host, 1, NULL), DYNSUP_EMISUSE);
    lua_pushlightuserdata(t.L, &t);
    lua_pushcclosure(t.L, in_process, 1);
    assert_int_equal(dynsup_lua_spawn(t.host, t.L, 0, NULL), 0);
    luaL_loadstring(t.L, "done = 1");
    assert_int_equal(dynsup_lua_spawn(t.host, t.L, 0, NULL), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(dsl_test_global(&t, "done"), 1);
    dsl_test_embed_close(&t);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void *elsewhere(void *ud) {
    dsl_test_embed *t = ud;
    dynsup_lua_value value = dynsup_lua_integer(1);
    assert_int_equal(dynsup_lua_host_step(t->host, 1, NULL), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_send(t->host, 1, &value, 1), DYNSUP_EMISUSE);
    assert_null(dynsup_lua_host_core(t->host));
    dynsup_lua_host_free(t->host);
    return NULL;
}

static void another_thread_is_refused(void **state) {
    (void)state;
    dsl_test_embed t;
    pthread_t thread;
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(pthread_create(&thread, NULL, elsewhere, &t), 0);
    pthread_join(thread, NULL);
    dsl_test_spawn(&t, "done = 1");
    assert_int_equal(dsl_test_global(&t, "done"), 1);
    dsl_test_embed_close(&t);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_host *host;
    dynsup_lua_value nothing = {{DYNSUP_NIL, {0}}, NULL, 0};
    dynsup_lua_config config = {.virtual_clock = true, .own_loop = true};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), DYNSUP_EMISUSE);
    assert_null(host);
    assert_int_equal(dynsup_lua_host_step(NULL, 1, NULL), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_host_new(NULL, NULL, NULL), DYNSUP_EMISUSE);
    dynsup_lua_host_adopt(NULL); /* does nothing */
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_host_new(t.L, &(dynsup_lua_config){.max_bytes = 1}, &host),
                     DYNSUP_EMISUSE);
    lua_State *other = luaL_newstate();
    lua_pushinteger(other, 1);
    assert_int_equal(dynsup_lua_send_stack(t.host, other, 1, 1), DYNSUP_EMISUSE);
    assert_int_equal(lua_gettop(other), 1);
    lua_close(other);
    lua_pushinteger(t.L, 1);
    assert_int_equal(dynsup_lua_spawn(t.host, t.L, 0, NULL), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_call(t.host, t.L, 0, NULL, NULL), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_send(t.host, 1, &nothing, 1), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_send_stack(t.host, t.L, 1, 0), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_child_terminate(t.host, 0, 0, NULL, NULL), DYNSUP_EMISUSE);
    assert_int_equal(dynsup_lua_host_advance(t.host, 1), DYNSUP_EMISUSE);
    lua_pop(t.L, 1);
    luaL_loadstring(t.L, "main = 1");
    assert_int_equal(dynsup_lua_spawn_main(t.host, t.L, 0, NULL), 0);
    luaL_loadstring(t.L, "main = 2");
    assert_int_equal(dynsup_lua_spawn_main(t.host, t.L, 0, NULL), DYNSUP_EMISUSE);
    dsl_test_embed_close(&t);
}

/* A line of memory, in which blocks lie every so many bytes. */
typedef struct line {
    _Alignas(16) char bytes[4096];
    size_t used, step;
    int blocks;
} line;

static void *line_alloc(void *ud, void *block, size_t old_size, size_t size) {
    line *l = ud;
    (void)old_size;
    l->blocks += !block - (size == 0);
    if (size == 0)
        return NULL;
    void *result = l->bytes + l->used;
    l->used += (size + l->step - 1) / l->step * l->step;
    return result;
}

static void *none_alloc(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud, (void)block, (void)old_size, (void)size;
    return NULL;
}

static int run_with(lua_State *L) {
    int count;
    lua_settop(L, 1);
    lua_getglobal(L, "print");
    dynsup_lua_config config = {.alloc = line_alloc, .alloc_ud = lua_touserdata(L, 1)};
    config.virtual_clock = true;
    dynsup_lua_run(L, &config, 0, &count);
    return 0;
}

static void an_allocator_that_aligns_to_less_is_refused(void **state) {
    (void)state;
    dynsup_lua_host *host;
    line l = {.step = 8};
    dynsup_lua_config config = {.virtual_clock = true, .alloc = line_alloc, .alloc_ud = &l};
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), DYNSUP_EMISUSE);
    assert_null(host);
    assert_int_equal(l.blocks, 0);
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    assert_int_equal(dynsup_lua_host_new(L, &config, &host), DYNSUP_EMISUSE);
    lua_pushcfunction(L, run_with);
    lua_pushlightuserdata(L, &l);
    assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_ERRRUN);
    assert_non_null(strstr(lua_tostring(L, -1), "aligned to 16 bytes"));
    lua_close(L);
    config.alloc = none_alloc;
    assert_int_equal(dynsup_lua_host_new(NULL, &config, &host), DYNSUP_ENOMEM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_steps_is_refused_inside_of_a_step),
        cmocka_unit_test(what_ends_is_refused_in_a_turn_of_the_loop),
        cmocka_unit_test(another_thread_is_refused),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(an_allocator_that_aligns_to_less_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
