/* Tests of events of children: that nothing depends on whether they are wanted, and what the events
 * of refused starts contain. */
#include "test_static.h"

#include "dynsup_limits.h"

/* ---- events that are not wanted ---- */

static int setup_deaf(void **state) {
    int status = test_setup(state);
    test_host *test = *state;
    if (status == 0)
        dynsup_host_want(test->host, 0);
    return status;
}

static void a_restart_is_delayed_without_events(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 3);
    dynsup_backoff backoff = dynsup_backoff_defaults();
    dynsup_child_spec spec = test_spec(f.program);
    spec.backoff = &backoff;
    test_started(test, f.a, f.supervisor, &spec);
    test_crash(test, f.program);
    assert_int_equal(f.program->made, 1);
    test_pass(test, 200);
    assert_int_equal(f.program->made, 2);
    assert_int_equal(test->event_count, 0);
}

static void a_start_is_refused_without_events(void **state) {
    test_host *test = *state;
    dynsup_reply reply;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 3, 0);
    dynsup_child_spec spec = test_spec(test_program_new(test));
    assert_int_equal(test_start(test, a, supervisor, &spec), DYNSUP_EMAX_CHILDREN);
    assert_int_equal(dynsup_admits(test->host, supervisor, NULL, 0, false, &reply),
                     DYNSUP_EMAX_CHILDREN);
    assert_int_equal(test->event_count, 0);
}

static void a_state_is_dropped_without_events(void **state) {
    test_host *test = *state;
    dynsup_previous before;
    test_family f = test_family_begin(test, 3);
    dynsup_child_spec spec = test_spec(f.program);
    dynsup_value saved = test_object(test);
    spec.max_restores = 1;
    test_started(test, f.a, f.supervisor, &spec);
    test_enter(f.program->last);
    assert_int_equal(dynsup_save_state(test->host, &saved), 0);
    test_leave(test);
    for (int i = 0; i < 2; i++) {
        test_crash(test, f.program);
        test_enter(f.program->last);
        assert_int_equal(dynsup_previous_state(test->host, &before), i == 0);
        test_leave(test);
    }
    assert_int_equal(test_owners(test, saved), 0);
    assert_int_equal(test->event_count, 0);
}

static void messages_are_dropped_without_events(void **state) {
    test_host *test = *state;
    test_family f = test_family_begin(test, 3);
    dynsup_limits limits = {.mailbox = 1, .overflow = DYNSUP_OVERFLOW_DROP_NEWEST};
    dynsup_child_spec spec = test_spec(f.program);
    dynsup_value message = test_integer(1);
    spec.limits = &limits;
    dynsup_pid pid = test_started(test, f.a, f.supervisor, &spec);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dynsup_send(test->host, pid, &message, 1), 0);
    assert_int_equal(dynsup_process_dropped(test->host, pid), 2);
    test_run(test);
    assert_int_equal(test->event_count, 0);
}

/* ---- starts that are not admitted ---- */

static void a_name_that_is_taken_is_told_and_any_other_is_not(void **state) {
    test_host *test = *state;
    dynsup_reply reply;
    test_body *a = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_with(test, NULL, 3, 1);
    dynsup_child_spec spec = test_spec_named(test_program_new(test), "worker");
    assert_int_equal(dynsup_admits(test->host, supervisor, "worker", 6, false, &reply), 0);
    assert_int_equal(test_events(test, DYNSUP_EVENT_START_REFUSED), 0);
    dynsup_pid child = test_started(test, a, supervisor, &spec);
    assert_int_equal(dynsup_admits(test->host, supervisor, "other", 5, false, &reply),
                     DYNSUP_EMAX_CHILDREN);
    const test_event *event = test_last_event(test, DYNSUP_EVENT_START_REFUSED);
    assert_int_equal(event->status, DYNSUP_EMAX_CHILDREN);
    assert_string_equal(event->name, "");
    dynsup_pid wide = test_supervisor(test, NULL);
    assert_int_equal(dynsup_admits(test->host, wide, "worker", 6, false, &reply),
                     DYNSUP_EALREADY_STARTED);
    assert_int_equal(reply.pid, child);
    event = test_last_event(test, DYNSUP_EVENT_START_REFUSED);
    assert_int_equal(event->status, DYNSUP_EALREADY_STARTED);
    assert_int_equal(event->supervisor, wide);
    assert_string_equal(event->name, "worker");
}

static void a_supervisor_that_is_not_there_admits_nobody_and_tells_nothing(void **state) {
    test_host *test = *state;
    dynsup_reply reply;
    assert_int_equal(dynsup_admits(test->host, 1234, NULL, 0, false, &reply), DYNSUP_ENOPROC);
    assert_int_equal(test->event_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
#define DEAF(name) cmocka_unit_test_setup_teardown(name, setup_deaf, test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        DEAF(a_restart_is_delayed_without_events),
        DEAF(a_start_is_refused_without_events),
        DEAF(a_state_is_dropped_without_events),
        DEAF(messages_are_dropped_without_events),
        TEST(a_name_that_is_taken_is_told_and_any_other_is_not),
        TEST(a_supervisor_that_is_not_there_admits_nobody_and_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
