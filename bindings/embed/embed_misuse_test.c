/* What functions of the C interface do with arguments that are none. */
#include "bindings/test_embed.h"

#include <string.h>

static int drops;

static void drop(void *arg) {
    (void)arg;
    drops++;
}

static const dynsup_lua_worker_ops ops = {.name = "worker", .drop = drop};
static const dynsup_lua_worker_ops endless = {
    .name = "endless", .data_size = SIZE_MAX - 8, .drop = drop};

static void no_values(void *ud) {
    dynsup_lua_send(((dsl_test_embed *)ud)->host, 1, NULL, 1);
}

static void no_stack_to_send(void *ud) {
    dynsup_lua_send_stack(((dsl_test_embed *)ud)->host, NULL, 1, 1);
}

static void no_stack_to_spawn(void *ud) {
    dynsup_lua_spawn(((dsl_test_embed *)ud)->host, NULL, 0, NULL);
}

static void no_stack_to_call(void *ud) {
    dynsup_lua_call(((dsl_test_embed *)ud)->host, NULL, 0, NULL, NULL);
}

static void no_stack_to_start(void *ud) {
    dynsup_lua_child_start(((dsl_test_embed *)ud)->host, NULL, 1, NULL);
}

static void no_stack_to_push(void *ud) {
    dynsup_lua_worker_push(((dsl_test_embed *)ud)->host, NULL, &ops, NULL);
}

static void no_kind_to_push(void *ud) {
    dsl_test_embed *t = ud;
    dynsup_lua_worker_push(t->host, t->L, NULL, NULL);
}

static void no_kind_to_spawn(void *ud) {
    dynsup_lua_worker_spawn(((dsl_test_embed *)ud)->host, NULL, NULL, NULL, NULL);
}

static void no_kind_to_start(void *ud) {
    dynsup_lua_worker_start(((dsl_test_embed *)ud)->host, 1, NULL, NULL, NULL, NULL);
}

static void no_restart_type(void *ud) {
    dynsup_lua_child child = {.restart = (enum dynsup_restart)3};
    dynsup_lua_worker_start(((dsl_test_embed *)ud)->host, 1, &ops, NULL, &child, NULL);
}

static void no_place_for_counts(void *ud) {
    dynsup_lua_children_count(((dsl_test_embed *)ud)->host, 1, NULL);
}

static void no_visitor(void *ud) {
    dsl_test_embed *t = ud;
    dynsup_pid sup;
    if (dynsup_lua_supervisor_start(t->host, NULL, NULL, &sup) == 0)
        dynsup_lua_children_each(t->host, sup, NULL, NULL);
}

static void what_must_be_there_is_missed(void **state) {
    (void)state;
    static void (*const all[])(void *) = {no_values,        no_stack_to_send,    no_stack_to_spawn,
                                          no_stack_to_call, no_stack_to_start,   no_stack_to_push,
                                          no_kind_to_push,  no_kind_to_spawn,    no_kind_to_start,
                                          no_restart_type,  no_place_for_counts, no_visitor};
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!dsl_test_asserts(all[i], &t))
            fail_msg("number %zu asserts nothing", i);
    dsl_test_embed_close(&t);
}

static void a_worker_s_data_that_no_memory_holds_is_refused(void **state) {
    (void)state;
    dsl_test_embed t;
    dsl_test_embed_open(&t, NULL);
    drops = 0;
    assert_int_equal(dynsup_lua_worker_spawn(t.host, &endless, NULL, NULL, NULL), DYNSUP_ENOMEM);
    lua_gc(t.L, LUA_GCCOLLECT);
    assert_int_equal(drops, 1);
    dsl_test_embed_close(&t);
}

static void an_event_needs_no_room(void **state) {
    (void)state;
    dsl_test_embed t;
    char text[] = "untouched";
    dynsup_event event = {.kind = DYNSUP_EVENT_SPAWNED};
    dsl_test_embed_open(&t, NULL);
    assert_int_equal(dynsup_lua_event_text(t.host, &event, text, 0), 0);
    assert_string_equal(text, "untouched");
    assert_int_equal(dynsup_lua_event_text(t.host, &event, text, 1), 0);
    assert_string_equal(text, "");
    dsl_test_embed_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_there_is_missed),
        cmocka_unit_test(a_worker_s_data_that_no_memory_holds_is_refused),
        cmocka_unit_test(an_event_needs_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
