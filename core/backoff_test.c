/* Tests of backoff: the series, its jitter, its end, and valid configurations. */
#include "test_support.h"

#include "backoff.h"

#include <math.h>

#define MS     UINT64_C(1000000)
#define MIDDLE (UINT64_C(1) << 63) /* the random number that gives no jitter */

static dsi_backoff series(double jitter) {
    dsi_backoff backoff = {.config = dynsup_backoff_defaults()};
    backoff.config.jitter = jitter;
    return backoff;
}

static void the_defaults_are_valid(void **state) {
    (void)state;
    dynsup_backoff config = dynsup_backoff_defaults();
    assert_true(dynsup_backoff_valid(&config));
    assert_true(config.min_ms == 100 && config.max_ms == 30000 && config.factor == 2);
    assert_true(config.jitter == 0.1 && config.reset_after_ms == 30000);
}

static void delays_double_up_to_the_maximum(void **state) {
    (void)state;
    const uint64_t expected[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
    dsi_backoff backoff = series(0.1);
    for (int i = 0; i < 11; i++)
        assert_int_equal(dsi_backoff_next(&backoff, 0, MIDDLE), expected[i] * MS);
}

static void a_life_long_enough_ends_the_series(void **state) {
    (void)state;
    dsi_backoff backoff = series(0);
    dsi_backoff_next(&backoff, 0, 0);
    dsi_backoff_next(&backoff, 0, 0);
    assert_int_equal(dsi_backoff_next(&backoff, 30000 * MS - 1, 0), 400 * MS);
    assert_int_equal(dsi_backoff_next(&backoff, 30000 * MS, 0), 100 * MS);
    assert_int_equal(dsi_backoff_next(&backoff, 0, 0), 200 * MS);
}

static void a_reset_after_nothing_or_never_is_obeyed(void **state) {
    (void)state;
    dsi_backoff always = series(0), never = series(0);
    always.config.reset_after_ms = 0;
    never.config.reset_after_ms = INFINITY;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(dsi_backoff_next(&always, 0, 0), 100 * MS);
        dsi_backoff_next(&never, UINT64_MAX, 0);
    }
    assert_int_equal(dsi_backoff_next(&never, UINT64_MAX, 0), 30000 * MS);
}

static void jitter_spreads_the_delay_to_both_sides(void **state) {
    (void)state;
    dsi_backoff low = series(0.5), high = series(0.5);
    assert_int_equal(dsi_backoff_next(&low, 0, 0), 50 * MS);
    uint64_t highest = dsi_backoff_next(&high, 0, UINT64_MAX);
    assert_true(highest <= 150 * MS && highest >= 150 * MS - 1);
}

static void jitter_does_not_change_the_series(void **state) {
    (void)state;
    dsi_backoff backoff = series(1);
    assert_int_equal(dsi_backoff_next(&backoff, 0, 0), 0);
    assert_int_equal(dsi_backoff_next(&backoff, 0, UINT64_MAX / 4 * 3), 300 * MS - 1);
    assert_int_equal(dsi_backoff_next(&backoff, 0, MIDDLE), 400 * MS);
}

static void jitter_stays_within_its_bounds(void **state) {
    (void)state;
    uint64_t random = 11, sum = 0;
    for (int i = 0; i < 10000; i++) {
        dsi_backoff backoff = series(0.1);
        uint64_t delay = dsi_backoff_next(&backoff, 0, dsi_test_random(&random));
        assert_in_range(delay, 90 * MS, 110 * MS);
        sum += delay / 10000;
    }
    assert_in_range(sum, 99 * MS, 101 * MS);
}

static void no_delay_exceeds_the_maximum(void **state) {
    (void)state;
    dsi_backoff backoff = series(1);
    backoff.config.max_ms = 250;
    for (int i = 0; i < 20; i++)
        assert_true(dsi_backoff_next(&backoff, 0, UINT64_MAX) <= 250 * MS);
}

static void huge_delays_do_not_overflow(void **state) {
    (void)state;
    dsi_backoff backoff = series(1);
    backoff.config.min_ms = backoff.config.max_ms = backoff.config.factor = 1.7e308;
    assert_true(dynsup_backoff_valid(&backoff.config));
    for (int i = 0; i < 3; i++)
        assert_true(dsi_backoff_next(&backoff, 0, UINT64_MAX) == UINT64_C(1) << 63);
}

static bool valid_with(size_t field, double value) {
    dynsup_backoff config = dynsup_backoff_defaults();
    *(double *)(void *)((char *)&config + field) = value;
    return dynsup_backoff_valid(&config);
}

static void each_field_has_a_range(void **state) {
    (void)state;
    static const struct {
        size_t field;
        double good, bad, worse;
    } rows[] = {
        {offsetof(dynsup_backoff, min_ms), 0.001, 0, 30001},
        {offsetof(dynsup_backoff, max_ms), 100, 99, INFINITY},
        {offsetof(dynsup_backoff, factor), 1, 0.99, INFINITY},
        {offsetof(dynsup_backoff, jitter), 0, -0.01, 1.01},
        {offsetof(dynsup_backoff, jitter), 1, -1, 2},
        {offsetof(dynsup_backoff, reset_after_ms), 0, -1, -INFINITY},
        {offsetof(dynsup_backoff, reset_after_ms), INFINITY, -0.5, -INFINITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(valid_with(rows[i].field, rows[i].good));
        assert_false(valid_with(rows[i].field, rows[i].bad));
        assert_false(valid_with(rows[i].field, rows[i].worse));
        assert_false(valid_with(rows[i].field, NAN));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_valid),
        cmocka_unit_test(delays_double_up_to_the_maximum),
        cmocka_unit_test(a_life_long_enough_ends_the_series),
        cmocka_unit_test(a_reset_after_nothing_or_never_is_obeyed),
        cmocka_unit_test(jitter_spreads_the_delay_to_both_sides),
        cmocka_unit_test(jitter_does_not_change_the_series),
        cmocka_unit_test(jitter_stays_within_its_bounds),
        cmocka_unit_test(no_delay_exceeds_the_maximum),
        cmocka_unit_test(huge_delays_do_not_overflow),
        cmocka_unit_test(each_field_has_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
