/* Tests of stopped clocks and supervisors: only supervisors whose end waits are checked. */
#include "test_clock.h"
#include "test_guest.h"

/* Nothing is left to check after its slice, however many supervisors there are. */
static void who_waits_on_a_clock_that_stands_costs_no_look_when_nobody_ends(void **state) {
    test_host *test = *state;
    uint64_t deadline_ns;
    test_supervisor(test, NULL);
    test_run(test);
    test_body *body = test_spawn_on(test, NULL, test_clock(test, true));
    body->until = 10 * MS;
    assert_int_equal(dynsup_host_step(test->host, 0, &deadline_ns), DYNSUP_STILL);
    assert_int_equal(body->slices, 1);
}

/* It begins when the start function before it is done, and does not block the end either. */
static void a_stop_behind_two_starts_does_not_wait_for_the_second_if_that_stands(void **state) {
    test_host *test = *state;
    test_body *a = test_spawn_trapping(test), *b = test_spawn_trapping(test);
    test_body *stopper = test_spawn_trapping(test);
    dynsup_pid supervisor = test_supervisor_on(test, NULL, test_clock(test, true));
    test_plan first = {.waits = true}, second = {.waits = true};
    test_start_guest(test, a, supervisor, &first, DYNSUP_TEMPORARY);
    test_run(test);
    test_start_guest(test, b, supervisor, &second, DYNSUP_TEMPORARY);
    test_stop(test, stopper, supervisor, DYNSUP_NORMAL);
    test_sleeper(test, test_clock(test, true), 10); /* makes the host check meanwhile */
    test_run(test);
    test_say_go(test, supervisor);
    assert_true(a->replied);
    assert_false(b->replied || stopper->replied);
    test_body *guest = test->programs->last;
    guest->until = dynsup_process_now(test->host, supervisor) + 10 * MS;
    test_enter(guest);
    test_leave(test);
    test_run(test);
    assert_true(b->replied && stopper->replied);
    assert_int_equal(b->reply.status, DYNSUP_EREASON);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_waits_on_a_clock_that_stands_costs_no_look_when_nobody_ends),
        TEST(a_stop_behind_two_starts_does_not_wait_for_the_second_if_that_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
