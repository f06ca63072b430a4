/* Tests of what begins or ends late in a long slice: its times count from that moment, and not from
 * when the host last read the clock. */
#include "test_host.h"

#include "dynsup_limits.h"

#define MS_NS UINT64_C(1000000)

/* With a tick that does not move, the host reads the clock only where it must. */
static test_family family(test_host *test, uint64_t max_restarts) {
    test->port.tick = &test->tick;
    return test_family_begin(test, max_restarts);
}

/* A slice of a second, which fails. */
static enum dynsup_slice fail_late(test_body *self, dynsup_outcome *outcome) {
    self->test->now_ns += 1000 * MS_NS;
    outcome->reason =
        (dynsup_reason){.kind = DYNSUP_REASON_OTHER, .value = test_object(self->test)};
    return DYNSUP_SLICE_EXIT;
}

static void fail_once_more(test_host *test, test_program *program) {
    program->last->act = fail_late;
    test_signal(test, NULL, program->last->pid, DYNSUP_TIMEOUT);
    test_run(test);
}

static void a_restart_is_put_off_from_the_crash_on(void **state) {
    test_host *test = *state;
    test_family f = family(test, 0);
    dynsup_backoff backoff = {
        .min_ms = 800, .max_ms = 800, .factor = 1, .jitter = 0, .reset_after_ms = 800};
    dynsup_child_spec spec = test_spec(f.program);
    spec.backoff = &backoff;
    f.program->traps = true;
    test_started(test, f.a, f.supervisor, &spec);
    fail_once_more(test, f.program);
    test_pass(test, 799);
    assert_int_equal(f.program->made, 1);
    test_pass(test, 1);
    assert_int_equal(f.program->made, 2);
}

static void restarts_are_as_far_apart_as_the_crashes(void **state) {
    test_host *test = *state;
    test_family f = family(test, 1); /* in 5 s */
    dynsup_child_spec spec = test_spec(f.program);
    f.program->traps = true;
    test_started(test, f.a, f.supervisor, &spec);
    test_crash(test, f.program);
    test_pass(test, 4500);
    fail_once_more(test, f.program);
    assert_int_equal(f.program->made, 3);
}

static void a_start_timeout_begins_with_the_start(void **state) {
    test_host *test = *state;
    test_family f = family(test, 0);
    dynsup_child_spec spec = test_spec(f.program);
    spec.ready = true;
    spec.start_timeout_ms = 500;
    test->now_ns += 1000 * MS_NS;
    assert_int_equal(test_start(test, f.a, f.supervisor, &spec), DYNSUP_PENDING);
    test_pass(test, 499);
    assert_false(f.a->replied);
    test_pass(test, 1);
    assert_int_equal(f.a->reply.status, DYNSUP_ETIMEOUT);
}

static void a_deadline_begins_with_the_start(void **state) {
    test_host *test = *state;
    test_family f = family(test, 0);
    dynsup_limits limits = {.deadline_ms = 500};
    dynsup_child_spec spec = test_spec(f.program);
    spec.limits = &limits;
    test->now_ns += 1000 * MS_NS;
    assert_int_equal(test_start(test, f.a, f.supervisor, &spec), 0);
    test_pass(test, 499);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), 0);
    test_pass(test, 1);
    assert_int_equal(test_events(test, DYNSUP_EVENT_CHILD_TERMINATED), 1);
}

static void a_shutdown_time_begins_with_the_signal(void **state) {
    test_host *test = *state;
    test_family f = family(test, 0);
    dynsup_child_spec spec = test_spec(f.program);
    spec.shutdown_ms = 500;
    f.program->traps = true;
    dynsup_pid child = test_started(test, f.a, f.supervisor, &spec);
    test->now_ns += 1000 * MS_NS;
    assert_int_equal(test_terminate(test, f.a, f.supervisor, child), DYNSUP_PENDING);
    test_pass(test, 499);
    assert_true(dynsup_is_alive(test->host, child));
    test_got_exit(f.program->last, f.supervisor, DYNSUP_SHUTDOWN);
    test_pass(test, 1);
    assert_false(dynsup_is_alive(test->host, child));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_restart_is_put_off_from_the_crash_on),
        TEST(restarts_are_as_far_apart_as_the_crashes),
        TEST(a_start_timeout_begins_with_the_start),
        TEST(a_deadline_begins_with_the_start),
        TEST(a_shutdown_time_begins_with_the_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
