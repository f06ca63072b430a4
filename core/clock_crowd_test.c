/* Tests of clocks with many timers that are due at once: a step of the host stays short. */
#include "test_clock.h"

#include "dynsup_look.h"

enum { CROWD = 1000, A_ROUND = 64 };

static uint64_t left_of(test_host *test, dynsup_clock clock) {
    return test_clock_look(test, clock).timer_count;
}

/* The shortest step that a host can make. */
static void step_once(test_host *test) {
    uint64_t deadline_ns;
    dynsup_host_step(test->host, 0, &deadline_ns);
    dynsup_host_check(test->host);
}

static void came_in_order(const test_body *body, size_t count) {
    assert_int_equal(body->received, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(body->inbox[i].value.as.integer, i);
}

static void a_crowd_of_timers_is_fired_in_parts(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *body = test_spawn_on(test, NULL, clock);
    for (int i = 0; i < CROWD; i++)
        test_send_at(test, body, MS + (uint64_t)i / 300, i);
    test_run(test);
    test->now_ns += 10 * MS;
    for (uint64_t left = CROWD; left > 0; left = left_of(test, clock)) {
        step_once(test);
        assert_in_range(left - left_of(test, clock), 1, A_ROUND);
    }
    test_run(test);
    came_in_order(body, CROWD);
}

static void a_crowd_within_a_step_is_fired_in_parts(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_spawn_on(test, NULL, clock);
    for (int i = 0; i < CROWD; i++)
        test_send_at(test, body, MS + (uint64_t)i / 300, i);
    test_run(test);
    assert_int_equal(dynsup_clock_step(test->host, clock, 10 * MS, false, &(uint64_t){0}), 0);
    for (uint64_t left = CROWD; left > 0; left = left_of(test, clock)) {
        step_once(test);
        assert_in_range(left - left_of(test, clock), 0, 2 * A_ROUND); /* due ones come either way */
    }
    test_run(test);
    came_in_order(body, CROWD);
    assert_int_equal(test_clock_look(test, clock).now_ns, 10 * MS);
}

/* Its process is paused, and never busy: nothing blocks the step. */
static void deadlines_of_who_is_paused_are_passed_in_parts(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, true);
    test_body *body = test_spawn_on(test, NULL, clock);
    test_run(test);
    for (int i = 0; i < CROWD; i++)
        test_send_at(test, body, MS + (uint64_t)i * MS, i);
    dynsup_pause(test->host, body->pid);
    assert_int_equal(dynsup_clock_step(test->host, clock, 2000 * MS, false, &(uint64_t){0}), 0);
    for (uint64_t left = left_of(test, clock); left > 0; left = left_of(test, clock)) {
        step_once(test);
        assert_in_range(left - left_of(test, clock), 1, A_ROUND);
    }
    test_run(test);
    assert_int_equal(test_clock_look(test, clock).now_ns, 2000 * MS);
}

/* Other clocks' deadlines in between keep their order. */
static void parts_keep_the_order_of_all_deadlines(void **state) {
    test_host *test = *state;
    dynsup_clock a = test_clock(test, false), b = test_clock(test, false);
    dynsup_clock_set_rate(test->host, b, 2);
    test_body *bodies[] = {test_sleeper(test, a, 1000), test_sleeper(test, b, 1000),
                           test_sleeper(test, 0, 1000)};
    for (int i = 0; i < CROWD; i++) {
        const test_body *to = bodies[i % 3];
        uint64_t ns = MS + 10 * (uint64_t)i;
        uint64_t now_ns = dynsup_process_now(test->host, to->pid);
        test_send_at(test, to, now_ns + (to == bodies[1] ? 2 * ns : ns), i);
    }
    test->now_ns += 10 * MS;
    do {
        step_once(test);
        assert_in_range(bodies[0]->received + 1, bodies[2]->received, bodies[2]->received + 2);
        assert_in_range(bodies[1]->received + 1, bodies[2]->received, bodies[2]->received + 2);
    } while (bodies[2]->received < CROWD / 3);
    test_run(test);
    assert_int_equal(bodies[0]->received + bodies[1]->received + bodies[2]->received, CROWD);
}

static void a_pause_half_way_keeps_back_nothing_that_was_due(void **state) {
    test_host *test = *state;
    dynsup_clock clock = test_clock(test, false);
    test_body *body = test_spawn_on(test, NULL, clock);
    for (int i = 0; i < CROWD; i++)
        test_send_at(test, body, MS + (uint64_t)i, i);
    test_run(test);
    test->now_ns += 10 * MS;
    step_once(test);
    assert_in_range(left_of(test, clock), 1, CROWD - 1);
    dynsup_clock_pause(test->host, clock);
    test_pass(test, 0);
    came_in_order(body, CROWD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
        TEST(a_crowd_of_timers_is_fired_in_parts),
        TEST(a_crowd_within_a_step_is_fired_in_parts),
        TEST(deadlines_of_who_is_paused_are_passed_in_parts),
        TEST(parts_keep_the_order_of_all_deadlines),
        TEST(a_pause_half_way_keeps_back_nothing_that_was_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
