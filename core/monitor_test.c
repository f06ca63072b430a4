/* Tests of monitors. */
#include "test_host.h"

#include "dynsup_clock.h"

#include "value.h"

static dynsup_ref monitor(test_host *test, test_body *watcher, dynsup_pid pid,
                          const dynsup_value *who) {
    dynsup_ref ref = 0;
    test_enter(watcher);
    int status = dynsup_monitor(test->host, pid, who, &ref);
    test_leave(test);
    assert_true(status == 0 || status == DYNSUP_ENOMEM);
    return status ? 0 : ref;
}

static void demonitor(test_host *test, test_body *watcher, dynsup_ref ref) {
    test_enter(watcher);
    dynsup_demonitor(test->host, ref);
    test_leave(test);
}

static void each_monitor_tells_the_end_once(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    dynsup_ref one = monitor(test, a, b->pid, NULL);
    dynsup_ref two = monitor(test, a, b->pid, NULL);
    assert_int_not_equal(one, two);
    test_run(test);
    test_exit_atom(b, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(a->received, 2);
    assert_int_equal(a->inbox[0].from + a->inbox[1].from, one + two);
    assert_int_equal(a->inbox[0].who.as.id, b->pid);
    assert_int_equal(a->inbox[0].value.as.atom, DYNSUP_NORMAL);
}

static void a_monitor_of_the_dead_says_noproc(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_value who = test_object(test);
    dynsup_ref ref = monitor(test, a, 0, &who);
    test_run(test);
    test_got_down(a, ref, DYNSUP_NOPROC);
    assert_int_equal(test_last(a)->who.as.object, who.as.object);
}

static void a_monitor_that_ended_tells_nothing(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    test_run(test);
    dynsup_ref ref = monitor(test, a, b->pid, NULL);
    demonitor(test, b, ref); /* not b's */
    demonitor(test, a, ref);
    demonitor(test, a, ref);
    test_exit_atom(b, DYNSUP_NORMAL);
    test_run(test);
    assert_int_equal(a->received, 0);
}

static void demonitor_removes_the_message_that_has_come(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_value one = test_integer(1);
    test_run(test);
    test_enter(a);
    dynsup_ref ref;
    dynsup_send(test->host, a->pid, &one, 1);
    assert_int_equal(dynsup_monitor(test->host, 0, NULL, &ref), 0);
    dynsup_send(test->host, a->pid, &one, 1);
    dynsup_demonitor(test->host, ref);
    test_leave(test);
    test_run(test);
    assert_int_equal(a->received, 2);
    assert_int_equal(a->inbox[1].value.as.integer, 1);
}

static void a_watcher_that_ends_takes_its_monitors_along(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    dynsup_value who = test_object(test);
    monitor(test, a, b->pid, &who);
    test_run(test);
    test_exit_atom(a, DYNSUP_NORMAL);
    test_run(test);
    dynsup_process_info info;
    assert_true(dynsup_process_inspect(test->host, b->pid, &info));
    assert_int_equal(info.monitored_by_count, 0);
    assert_int_equal(test_owners(test, who), 0);
}

static void a_process_may_monitor_itself(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    monitor(test, a, a->pid, NULL);
    test_run(test);
    test_exit_atom(a, DYNSUP_NORMAL);
    test_run(test);
    assert_true(a->gone);
}

static void who_is_told_gets_the_reason_itself(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    test_run(test);
    monitor(test, a, b->pid, NULL);
    dynsup_value reason = test_object(test);
    test_exit(b, DYNSUP_REASON_OTHER, reason);
    test_run(test);
    assert_int_equal(test_last(a)->value.as.object, reason.as.object);
    assert_int_equal(test_owners(test, reason), 0);
}

static void scenario_monitor(test_host *test) {
    test_body *a = test_spawn(test, NULL);
    test_body *b = test_spawn(test, NULL);
    if (!a || !b)
        return;
    test_run(test);
    dynsup_ref alive = monitor(test, a, b->pid, NULL);
    dynsup_ref dead = monitor(test, a, 0, NULL);
    test_run(test);
    test_exit(b, DYNSUP_REASON_OTHER, test_object(test));
    test_run(test);
    assert_int_equal(a->received, (alive != 0) + (dead != 0));
}

static void monitoring_without_memory_changes_nothing(void **state) {
    (void)state;
    test_host_sweep(scenario_monitor);
}

/* Messages that look like a DOWN of ref more and more. */
static void likenesses_send(test_host *test, dynsup_pid to, dynsup_ref ref) {
    dynsup_value id = dsi_value_id(ref), other = dsi_value_id(ref + 1), one = test_integer(1);
    dynsup_value number = test_integer((int64_t)ref);
    const dynsup_value likenesses[][4] = {{id, id, one, one},
                                          {test_atom(DYNSUP_EXIT), id, one, one},
                                          {test_atom(DYNSUP_DOWN), number, one, one},
                                          {test_atom(DYNSUP_DOWN), other, one, one}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(dynsup_send(test->host, to, likenesses[i], 4), 0);
}

static void demonitor_removes_nothing_else(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn(test, NULL);
    dynsup_ref ref;
    test_run(test);
    test_enter(a);
    assert_int_equal(dynsup_monitor(test->host, 0, NULL, &ref), 0);
    dynsup_demonitor(test->host, ref);
    likenesses_send(test, a->pid, ref);
    dynsup_demonitor(test->host, ref);
    test_leave(test);
    test_run(test);
    assert_int_equal(a->received, 4);
}

/* The first of each kind: their ids would be equal if kinds did not differ. */
static void no_other_id_is_that_of_a_monitor(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn(test, NULL);
    dynsup_pid supervisor = test_supervisor(test, NULL);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    dynsup_child_info child;
    test_started(test, a, supervisor, &spec);
    dynsup_cursor *cursor = dynsup_cursor_open(test->host, supervisor);
    assert_true(dynsup_cursor_next(cursor, &child));
    dynsup_cursor_close(test->host, cursor);
    dynsup_clock clock = dynsup_clock_new(test->host, false);
    dynsup_ref ref = monitor(test, a, b->pid, NULL);
    assert_int_not_equal(child.ref, clock);
    demonitor(test, a, child.ref);
    demonitor(test, a, clock);
    test_exit_atom(b, DYNSUP_NORMAL);
    test_run(test);
    test_got_down(a, ref, DYNSUP_NORMAL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_monitor_tells_the_end_once),
        TEST(a_monitor_of_the_dead_says_noproc),
        TEST(a_monitor_that_ended_tells_nothing),
        TEST(demonitor_removes_the_message_that_has_come),
        TEST(a_watcher_that_ends_takes_its_monitors_along),
        TEST(a_process_may_monitor_itself),
        TEST(who_is_told_gets_the_reason_itself),
        TEST(no_other_id_is_that_of_a_monitor),
        cmocka_unit_test(monitoring_without_memory_changes_nothing),
        TEST(demonitor_removes_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
