/* Further heaps in hosts of C programs: open_heap, the program's allocator, and hosts that end with
 * heaps alive. */
#include "bindings/test_embed.h"

#include "bindings/memory/account.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

static struct {
    int opened, refuse;
    int warnings; /* that limits have no effect */
    dynsup_lua_host *last;
} heaps;

static int answer(lua_State *L) {
    lua_pushinteger(L, 42);
    return 1;
}

static void open_heap(void *ud, dynsup_lua_host *heap, lua_State *L) {
    assert_string_equal(ud, "ud");
    heaps.opened++;
    heaps.last = heap;
    if (heaps.refuse)
        luaL_error(L, "not here");
    lua_register(L, "answer", answer);
}

static void open(dsl_test_embed *t) {
    static char ud[] = "ud";
    dynsup_lua_config config = {.open_heap = open_heap, .open_heap_ud = ud};
    heaps.opened = heaps.refuse = 0;
    dsl_test_embed_open(t, &config);
    dsl_test_do(t, "dynsup = require 'dynsup'");
}

/* Workers whose code is at hand everywhere: Lua's and dynsup's own functions. */
static const char sleepers[] =
    "sup = assert(dynsup.start_link { heaps = 2, name = 'sup' })\n"
    "for i = 1, 4 do\n"
    "  assert(dynsup.start_child(sup, { body = 'dynsup:sleep', name = 'w' .. i }))\n"
    "end\n"
    "count = #dynsup.heaps()\n"
    "dynsup.sleep()\n";

static void the_program_adds_its_functions(void **state) {
    (void)state;
    dsl_test_embed t;
    open(&t);
    dsl_test_spawn(&t, "sup = assert(dynsup.start_link { heaps = 1 })\n"
                       "dynsup.register('main', dynsup.self())\n"
                       "local pid = assert(dynsup.start_child(sup, {\n"
                       "  start = '_G:answer', restart = 'temporary' }))\n");
    dsl_test_spawn(&t, "local sup = assert(dynsup.start_link { heaps = 1 })\n"
                       "local _, got = dynsup.start_child(sup, {\n"
                       "  start = '_G:answer', restart = 'temporary' })\n"
                       "result = got\n");
    assert_int_equal(dsl_test_global(&t, "result"), 42);
    assert_int_equal(heaps.opened, 2);
    dsl_test_embed_close(&t);
}

static void a_heap_that_is_refused_is_not_made(void **state) {
    (void)state;
    dsl_test_embed t;
    open(&t);
    heaps.refuse = 1;
    dsl_test_spawn(&t, "local sup = assert(dynsup.start_link { heaps = 1 })\n"
                       "local ok, message = pcall(dynsup.start_child, sup, 'dynsup:sleep')\n"
                       "failed = not ok and message:find 'not enough memory' and 1 or 0\n"
                       "count = #dynsup.heaps()\n");
    assert_int_equal(dsl_test_global(&t, "failed"), 1);
    assert_int_equal(dsl_test_global(&t, "count"), 1);
    dsl_test_embed_close(&t);
}

static void a_host_ends_with_its_heaps(void **state) {
    (void)state;
    dsl_test_embed t;
    open(&t);
    dsl_test_spawn(&t, sleepers);
    assert_int_equal(dsl_test_global(&t, "count"), 3);
    dynsup_host_check(dynsup_lua_host_core(t.host));
    dsl_test_embed_close(&t); /* nothing is left */
}

static void a_state_that_is_closed_before_its_host_ends_them_too(void **state) {
    (void)state;
    dsl_test_embed t;
    open(&t);
    dsl_test_spawn(&t, sleepers);
    lua_close(t.L);
    t.L = NULL;
    dsl_test_embed_close(&t);
}

static void a_worker_there_is_sent_to_from_c(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_pid pid;
    open(&t);
    dsl_test_spawn(&t, "local sup = assert(dynsup.start_link { heaps = 1 })\n"
                       "dynsup.register('worker', assert(dynsup.start_child(sup, {\n"
                       "  body = 'dynsup:receive', restart = 'temporary' })))\n"
                       "dynsup.sleep()\n");
    pid = dynsup_whereis(dynsup_lua_host_core(t.host), "worker", strlen("worker"));
    assert_int_not_equal(pid, 0);
    dynsup_lua_value values[] = {{.text = "hello", .size = 5}};
    assert_int_equal(dynsup_lua_send(t.host, pid, values, 1), 0);
    dsl_test_step(&t, NULL);
    assert_false(dynsup_is_alive(dynsup_lua_host_core(t.host), pid)); /* it has received it */
    dsl_test_embed_close(&t);
}

/* Functions of the whole host's take the view of a heap, too. */
static void the_view_of_a_heap_has_the_host_s_clock_and_losses(void **state) {
    (void)state;
    dsl_test_embed t;
    static char ud[] = "ud";
    dynsup_lua_config config = {.virtual_clock = true, .open_heap = open_heap, .open_heap_ud = ud};
    heaps.opened = heaps.refuse = 0;
    dsl_test_embed_open(&t, &config);
    dsl_test_do(&t, "dynsup = require 'dynsup'");
    dsl_test_spawn(&t, sleepers);
    assert_int_equal(heaps.opened, 2);
    assert_int_equal(dynsup_lua_host_advance(heaps.last, 5000000), 0);
    assert_int_equal(dynsup_lua_host_now(heaps.last), 5000000);
    assert_int_equal(dynsup_lua_host_now(t.host), 5000000);
    t.host->events_lost = 3;
    assert_int_equal(dynsup_lua_host_lost(heaps.last), 3);
    dynsup_lua_host_adopt(heaps.last);
    assert_true(pthread_equal(t.host->thread, pthread_self()));
    dsl_test_embed_close(&t);
}

static void take_log(void *ud, enum dynsup_level level, const char *text, size_t size) {
    (void)ud, (void)level, (void)size;
    heaps.warnings += strstr(text, "limits has no effect in heap 0") != NULL;
}

/* The state's allocator is the test's, which keeps no accounts. */
static void limits_without_effect_in_a_heap_are_told(void **state) {
    (void)state;
    dsl_test_embed t;
    dynsup_lua_config config = {.log = take_log, .level = DYNSUP_LEVEL_WARNING};
    heaps.warnings = 0;
    dsl_test_embed_open(&t, &config);
    assert_int_equal(dsl_accounts_open_or_warn(t.L, t.host), 0);
    assert_int_equal(heaps.warnings, 1);
    dsl_test_embed_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_adds_its_functions),
        cmocka_unit_test(a_heap_that_is_refused_is_not_made),
        cmocka_unit_test(a_host_ends_with_its_heaps),
        cmocka_unit_test(a_state_that_is_closed_before_its_host_ends_them_too),
        cmocka_unit_test(a_worker_there_is_sent_to_from_c),
        cmocka_unit_test(the_view_of_a_heap_has_the_host_s_clock_and_losses),
        cmocka_unit_test(limits_without_effect_in_a_heap_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
