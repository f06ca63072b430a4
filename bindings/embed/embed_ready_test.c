/* Workers in C that are waited for, and what a C program says of their end. */
#include "bindings/test_embed.h"

#include "bindings/dynsup_lua.h"

#include <lauxlib.h>
#include <string.h>

typedef struct tally {
    int stops;
    dynsup_pid pid; /* of the last incarnation */
} tally;

static int helper_start(lua_State *L, dynsup_lua_worker *w) {
    tally *t = dynsup_lua_worker_arg(w);
    (void)L;
    t->pid = dynsup_lua_worker_pid(w);
    return DYNSUP_LUA_WAIT;
}

/* "up": it is ready. */
static int helper_message(lua_State *L, dynsup_lua_worker *w) {
    if (strcmp(lua_tostring(L, 1), "up") == 0)
        dynsup_lua_worker_ready(w);
    return DYNSUP_LUA_WAIT;
}

static void helper_stop(lua_State *L, dynsup_lua_worker *w) {
    (void)L;
    ((tally *)dynsup_lua_worker_arg(w))->stops++;
}

static const dynsup_lua_worker_ops helper = {
    .name = "helper", .start = helper_start, .message = helper_message, .stop = helper_stop};

static void who_starts_a_worker_waits_until_it_is_ready(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    dsl_test_embed_worker(&t, &helper, &a);
    dsl_test_spawn(&t,
                   "local d = require 'dynsup'\n"
                   "up = 0\n"
                   "local pid = d.start_child(d.start_link(), { body = helper, ready = true })\n"
                   "up = d.is_alive(pid) and 1 or 2");
    assert_int_not_equal(a.pid, 0);
    assert_int_equal(dsl_test_global(&t, "up"), 0);
    dynsup_lua_value word = dynsup_lua_text("up", 2);
    assert_int_equal(dynsup_lua_send(t.host, a.pid, &word, 1), 0);
    dsl_test_step(&t, NULL);
    assert_int_equal(dsl_test_global(&t, "up"), 1);
    dsl_test_embed_close(&t);
    assert_int_equal(a.stops, 1);
}

static bool note_shutdown(void *ud, const dynsup_child_info *child) {
    *(double *)ud = child->shutdown_ms;
    return true;
}

static void a_child_has_the_shutdown_that_a_c_program_says(void **state) {
    (void)state;
    static const double said[] = {0, 20, DYNSUP_SHUTDOWN_INFINITY, DYNSUP_SHUTDOWN_BRUTAL_KILL};
    static const double expected[] = {5000, 20, DYNSUP_SHUTDOWN_INFINITY,
                                      DYNSUP_SHUTDOWN_BRUTAL_KILL};
    dsl_test_embed t;
    tally a = {0};
    dsl_test_embed_open(&t, NULL);
    for (int i = 0; i < 4; i++) {
        dynsup_pid supervisor, pid;
        double shutdown_ms = 99;
        dynsup_lua_child child = {.shutdown_ms = said[i]};
        assert_int_equal(dynsup_lua_supervisor_start(t.host, NULL, NULL, &supervisor), 0);
        assert_int_equal(
            dynsup_lua_worker_start(t.host, supervisor, &helper, &a, i ? &child : NULL, &pid), 0);
        assert_int_equal(dynsup_lua_children_each(t.host, supervisor, note_shutdown, &shutdown_ms),
                         0);
        assert_true(shutdown_ms == expected[i]);
    }
    dsl_test_embed_close(&t);
}

/* ---- in further heaps ---- */

static void open_heap(void *ud, dynsup_lua_host *heap, lua_State *L) {
    if (dynsup_lua_worker_push(heap, L, &helper, ud))
        luaL_error(L, "not enough memory");
    lua_setglobal(L, "helper");
    if (luaL_dostring(L, "function nest()\n"
                         "  local d = require 'dynsup'\n"
                         "  local sup = d.start_link()\n"
                         "  d.register('helper', (d.start_child(sup, { body = helper })))\n"
                         "  d.receive()\n"
                         "end"))
        lua_error(L);
}

static void a_worker_lives_in_the_heap_that_starts_it(void **state) {
    (void)state;
    dsl_test_embed t;
    tally a = {0};
    dynsup_lua_config config = {.open_heap = open_heap, .open_heap_ud = &a};
    dsl_test_embed_open(&t, &config);
    dsl_test_spawn(&t, "local d = require 'dynsup'\n"
                       "sup = d.start_link { heaps = 1 }\n"
                       "nest = assert(d.start_child(sup, { body = '_G:nest' }))\n"
                       "d.receive()");
    dynsup_host *core = dynsup_lua_host_core(t.host);
    dynsup_pid first = dynsup_whereis(core, "helper", 6);
    assert_int_not_equal(first, 0);
    assert_int_equal(a.pid, first);
    dsl_test_do(&t, "require('dynsup').exit(nest, 'kill')"); /* and is restarted with its child */
    dsl_test_step(&t, NULL);
    assert_int_equal(a.stops, 1);
    assert_true(dynsup_is_alive(core, a.pid) && a.pid != first);
    dsl_test_embed_close(&t);
    assert_int_equal(a.stops, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_starts_a_worker_waits_until_it_is_ready),
        cmocka_unit_test(a_child_has_the_shutdown_that_a_c_program_says),
        cmocka_unit_test(a_worker_lives_in_the_heap_that_starts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
