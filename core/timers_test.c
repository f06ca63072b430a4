/* Tests of timers: exactness, order, far deadlines, long jumps of the clock. */
#include "test_timers.h"

static void without_timers_nothing_expires(void **state) {
    (void)state;
    dsi_timers timers;
    dsi_timers_init(&timers, 5 * MS);
    assert_int_equal(dsi_timers_next(&timers), DYNSUP_NEVER);
    assert_int_equal(dsi_timers_wake(&timers), DYNSUP_NEVER);
    assert_null(dsi_timers_expired(&timers, 5 * MS));
    assert_null(dsi_timers_expired(&timers, DYNSUP_NEVER));
}

static void a_timer_expires_at_its_deadline_and_not_before(void **state) {
    (void)state;
    for (uint64_t span = 1; span < DYNSUP_NEVER / 3; span *= 3) {
        dsi_timers timers;
        dsi_timer timer = {.purpose = 7};
        dsi_timers_init(&timers, MS);
        dsi_timers_start(&timers, &timer, MS + span);
        assert_true(dsi_timer_started(&timer));
        assert_null(dsi_timers_expired(&timers, MS + span - 1));
        assert_int_equal(dsi_timers_next(&timers), MS + span);
        assert_ptr_equal(dsi_timers_expired(&timers, MS + span), &timer);
        assert_false(dsi_timer_started(&timer));
        assert_int_equal(timer.purpose, 7);
        assert_int_equal(timers.count, 0);
    }
}

static void a_deadline_in_the_past_expires_at_the_next_call(void **state) {
    (void)state;
    dsi_timers timers;
    dsi_timer past = {0}, zero = {0};
    dsi_timers_init(&timers, YEAR);
    dsi_timers_start(&timers, &past, YEAR - MS);
    dsi_timers_start(&timers, &zero, 0);
    assert_int_equal(dsi_timers_next(&timers), 0);
    assert_ptr_equal(dsi_timers_expired(&timers, YEAR), &zero);
    assert_ptr_equal(dsi_timers_expired(&timers, YEAR), &past);
}

static void equal_deadlines_expire_in_the_order_of_their_start(void **state) {
    (void)state;
    dsi_timers timers;
    static dsi_timer all[100];
    dsi_timers_init(&timers, 0);
    /* Half of them come to the deadline's slot from a higher level of the wheel. */
    for (int i = 0; i < 50; i++)
        dsi_timers_start(&timers, &all[i], 5000 * MS);
    assert_null(dsi_timers_expired(&timers, 5000 * MS - TICK));
    for (int i = 50; i < 100; i++)
        dsi_timers_start(&timers, &all[i], 5000 * MS);
    for (int i = 0; i < 100; i++)
        assert_ptr_equal(dsi_timers_expired(&timers, YEAR), &all[i]);
    assert_null(dsi_timers_expired(&timers, YEAR));
}

static void a_stopped_timer_does_not_expire(void **state) {
    (void)state;
    dsi_timers timers;
    dsi_timer soon = {0}, late = {0}, due = {0};
    dsi_timers_init(&timers, 0);
    dsi_timers_start(&timers, &soon, MS);
    dsi_timers_start(&timers, &late, YEAR);
    dsi_timers_start(&timers, &due, 1);
    dsi_timers_stop(&timers, &soon);
    dsi_timers_stop(&timers, &due);
    dsi_timers_stop(&timers, &due);
    assert_false(dsi_timer_started(&soon));
    assert_int_equal(dsi_timers_next(&timers), YEAR);
    dsi_timers_stop(&timers, &late);
    assert_int_equal(dsi_timers_next(&timers), DYNSUP_NEVER);
    assert_null(dsi_timers_expired(&timers, 2 * YEAR));
    assert_int_equal(timers.count, 0);
}

static void a_timer_may_be_started_again_when_it_expired(void **state) {
    (void)state;
    dsi_timers timers;
    dsi_timer tick = {0};
    dsi_timers_init(&timers, 0);
    dsi_timers_start(&timers, &tick, 10 * MS);
    for (uint64_t n = 1; n <= 1000; n++) {
        assert_null(dsi_timers_expired(&timers, n * 10 * MS - 1));
        assert_ptr_equal(dsi_timers_expired(&timers, n * 10 * MS), &tick);
        dsi_timers_start(&timers, &tick, (n + 1) * 10 * MS);
    }
}

static void the_last_instant_is_a_deadline_like_any_other(void **state) {
    (void)state;
    dsi_timers timers;
    dsi_timer last = {0}, before = {0};
    dsi_timers_init(&timers, 0);
    dsi_timers_start(&timers, &last, DYNSUP_NEVER - 1);
    dsi_timers_start(&timers, &before, DYNSUP_NEVER - 2);
    assert_null(dsi_timers_expired(&timers, DYNSUP_NEVER - 3));
    assert_int_equal(dsi_timers_next(&timers), DYNSUP_NEVER - 2);
    assert_ptr_equal(dsi_timers_expired(&timers, DYNSUP_NEVER - 1), &before);
    assert_ptr_equal(dsi_timers_expired(&timers, DYNSUP_NEVER - 1), &last);
}

static void a_long_jump_expires_all_in_order(void **state) {
    (void)state;
    dsi_timers timers;
    static dsi_timer all[40];
    dsi_timers_init(&timers, 0);
    for (int i = 39; i >= 0; i--)
        dsi_timers_start(&timers, &all[i], (UINT64_C(1) << (i + 20)) + 1);
    for (int i = 0; i < 40; i++)
        assert_ptr_equal(dsi_timers_expired(&timers, DYNSUP_NEVER - 1), &all[i]);
}

static void the_wheel_turns_no_further_than_to_the_next_timer(void **state) {
    (void)state;
    dsi_timers timers;
    static dsi_timer all[40];
    dsi_timers_init(&timers, 0);
    for (uint64_t i = 0; i < 40; i++)
        dsi_timers_start(&timers, &all[i], 100 * i * TICK);
    for (uint64_t i = 0; i < 40; i++) {
        assert_ptr_equal(dsi_timers_expired(&timers, YEAR), &all[i]);
        assert_int_equal(timers.now_tick, 100 * i);
    }
}

static void waking_as_told_meets_each_deadline_in_a_few_steps(void **state) {
    (void)state;
    uint64_t random = 5;
    for (int round = 0; round < 2000; round++) {
        uint64_t now = random_span(&random, 62);
        uint64_t deadline = time_sum(now, random_span(&random, 63));
        dsi_timers timers;
        dsi_timer timer = {0};
        dsi_timers_init(&timers, now);
        dsi_timers_start(&timers, &timer, deadline);
        int steps = 0;
        for (; dsi_timers_expired(&timers, now) == NULL; steps++) {
            uint64_t wake = dsi_timers_wake(&timers);
            assert_true(wake > now && wake <= deadline);
            now = wake;
        }
        assert_int_equal(now, deadline);
        assert_true(steps <= DSI_TIMER_LEVELS + 1);
    }
}

static void timers_match_a_sorted_array(void **state) {
    (void)state;
    uint64_t random = 6;
    for (uint32_t bits = 10; bits <= 63; bits++) {
        static dsi_timer all[TIMERS];
        model m = {.count = 0};
        dsi_timers timers;
        uint64_t now = random_span(&random, 50);
        memset(all, 0, sizeof all);
        dsi_timers_init(&timers, now);
        for (int step = 0; step < 2000; step++) {
            dsi_timer *timer = &all[dsi_test_random_below(&random, TIMERS)];
            toggle_both(&timers, &m, timer, random_deadline(&random, now, bits));
            if (dsi_test_random_below(&random, 4) == 0) {
                now = time_sum(now, random_span(&random, bits) >> 4);
                expire_both(&timers, &m, now);
            }
            assert_int_equal(timers.count, m.count);
            assert_true(dsi_timers_next(&timers) == model_next(&m));
            assert_true(dsi_timers_wake(&timers) <= model_next(&m));
            assert_true(dsi_timers_wake(&timers) > now || model_next(&m) <= now);
        }
        expire_both(&timers, &m, DYNSUP_NEVER - 1);
        assert_int_equal(timers.count, 0);
    }
}

/* One timer at a time between changes: the wheel is behind the clock for most of the run. */
static void changes_between_two_expiries_keep_the_order(void **state) {
    (void)state;
    static dsi_timer all[TIMERS];
    uint64_t random = 7;
    model m = {.count = 0};
    dsi_timers timers;
    uint64_t now = 0;
    dsi_timers_init(&timers, now);
    for (int step = 0; step < 50000; step++) {
        dsi_timer *timer = &all[dsi_test_random_below(&random, TIMERS)];
        toggle_both(&timers, &m, timer, random_deadline(&random, now, 34));
        now = time_sum(now, random_span(&random, 30));
        assert_ptr_equal(dsi_timers_expired(&timers, now), model_expired(&m, now));
        assert_true(dsi_timers_next(&timers) == model_next(&m));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_timers_nothing_expires),
        cmocka_unit_test(a_timer_expires_at_its_deadline_and_not_before),
        cmocka_unit_test(a_deadline_in_the_past_expires_at_the_next_call),
        cmocka_unit_test(equal_deadlines_expire_in_the_order_of_their_start),
        cmocka_unit_test(a_stopped_timer_does_not_expire),
        cmocka_unit_test(a_timer_may_be_started_again_when_it_expired),
        cmocka_unit_test(the_last_instant_is_a_deadline_like_any_other),
        cmocka_unit_test(a_long_jump_expires_all_in_order),
        cmocka_unit_test(the_wheel_turns_no_further_than_to_the_next_timer),
        cmocka_unit_test(waking_as_told_meets_each_deadline_in_a_few_steps),
        cmocka_unit_test(timers_match_a_sorted_array),
        cmocka_unit_test(changes_between_two_expiries_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
