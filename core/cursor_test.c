/* Tests of cursors over a supervisor's children. */
#include "test_host.h"

static dynsup_pid child(test_host *test, dynsup_pid supervisor, int64_t id) {
    dynsup_child_spec spec = {.restart = DYNSUP_TEMPORARY, .id = test_integer(id)};
    test_body *body = test_body_new(test);
    spec.body_ops = &test_body_ops;
    spec.body = body;
    assert_int_equal(test_start(test, NULL, supervisor, &spec), 0);
    test_run(test);
    return body->pid;
}

static dynsup_cursor *opened(test_host *test, dynsup_pid supervisor) {
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    assert_non_null(cursor);
    return cursor;
}

static void a_cursor_shows_children_in_the_order_of_their_start(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_pid pids[5];
    for (int i = 0; i < 5; i++)
        pids[i] = child(test, supervisor, i);
    dynsup_child_info info;
    dynsup_cursor *cursor = opened(test, supervisor);
    for (int i = 0; i < 5; i++) {
        assert_true(dynsup_cursor_next(cursor, &info));
        assert_int_equal(info.id.as.integer, i);
        assert_int_equal(info.pid, pids[i]);
        assert_int_equal(info.last_pid, pids[i]);
        assert_null(info.name);
    }
    assert_false(dynsup_cursor_next(cursor, &info));
    dynsup_cursor_close(test->host, cursor);
}

static void children_may_come_and_go_under_a_cursor(void **state) {
    test_host *test = *state;
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_pid pids[5];
    for (int i = 0; i < 5; i++)
        pids[i] = child(test, supervisor, i);
    dynsup_child_info info;
    dynsup_cursor *cursor = opened(test, supervisor);
    dynsup_cursor *second = opened(test, supervisor);
    assert_true(dynsup_cursor_next(cursor, &info));
    for (int i = 0; i < 3; i++) /* one behind it, and the one it stands on */
        test_signal(test, NULL, pids[i], DYNSUP_KILL);
    test_run(test);
    child(test, supervisor, 5);
    for (int i = 3; i < 6; i++) {
        assert_true(dynsup_cursor_next(cursor, &info));
        assert_int_equal(info.id.as.integer, i);
    }
    assert_false(dynsup_cursor_next(cursor, &info));
    assert_true(dynsup_cursor_next(second, &info));
    assert_int_equal(info.id.as.integer, 3);
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    test_run(test);
    assert_false(dynsup_cursor_next(second, &info));
    dynsup_cursor_close(test->host, second);
    dynsup_cursor_close(test->host, cursor);
}

static void a_restarting_child_is_shown_with_its_last_pid(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_child_spec spec = test_spec(test_program_new(test));
    spec.backoff = &backoff;
    spec.name = "worker";
    spec.name_length = 6;
    spec.is_supervisor = true;
    spec.modules = test_object(test);
    dynsup_pid pid = test_started(test, a, supervisor, &spec);
    test_signal(test, NULL, pid, DYNSUP_KILL);
    test_run(test);
    dynsup_child_info info;
    dynsup_cursor *cursor = opened(test, supervisor);
    assert_true(dynsup_cursor_next(cursor, &info));
    assert_int_equal(info.pid, 0);
    assert_int_equal(info.last_pid, pid);
    assert_string_equal(info.name, "worker");
    assert_true(info.is_supervisor);
    assert_int_equal(info.modules.as.object, spec.modules.as.object);
    test_counts(test, supervisor, 1, 0, 1, 0);
    dynsup_cursor_close(test->host, cursor);
}

static void there_is_no_cursor_for_what_is_no_supervisor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    assert_null(dynsup_cursor_open(test->host, a->pid));
    assert_null(dynsup_cursor_open(test->host, 1));
    test_signal(test, NULL, supervisor, DYNSUP_KILL);
    assert_null(dynsup_cursor_open(test->host, supervisor));
    test_run(test);
}

static void scenario_cursor(test_host *test) {
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_info info;
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    if (!cursor)
        return;
    assert_false(dynsup_cursor_next(cursor, &info));
    dynsup_cursor_close(test->host, cursor);
}

static void a_cursor_without_memory_is_none(void **state) {
    (void)state;
    test_host_sweep(scenario_cursor);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_cursor_shows_children_in_the_order_of_their_start),
        TEST(children_may_come_and_go_under_a_cursor),
        TEST(a_restarting_child_is_shown_with_its_last_pid),
        TEST(there_is_no_cursor_for_what_is_no_supervisor),
        cmocka_unit_test(a_cursor_without_memory_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
