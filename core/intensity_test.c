/* Tests of intensity: the window's edges, its ring, and counting without memory. */
#include "test_support.h"

#include "intensity.h"

#define STEPS 5000

static void init_plain(dsi_intensity *intensity, dsi_memory *memory, uint64_t max,
                       uint64_t period) {
    dsi_memory_init(memory, NULL, NULL);
    dsi_intensity_init(intensity, memory, max, period);
}

static void fini_plain(dsi_intensity *intensity) {
    dsi_intensity_fini(intensity);
    assert_int_equal(intensity->memory->in_use, 0);
}

static void one_restart_more_than_allowed_is_too_many(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, 3, 5000);
    assert_true(dsi_intensity_add(&intensity, 10));
    assert_true(dsi_intensity_add(&intensity, 20));
    assert_true(dsi_intensity_add(&intensity, 30));
    assert_false(dsi_intensity_add(&intensity, 40));
    assert_int_equal(dsi_intensity_count(&intensity, 40), 4);
    fini_plain(&intensity);
}

static void a_restart_as_old_as_the_period_still_counts(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, 1, 5000);
    assert_true(dsi_intensity_add(&intensity, 100));
    assert_int_equal(dsi_intensity_count(&intensity, 5100), 1);
    assert_false(dsi_intensity_add(&intensity, 5100));
    fini_plain(&intensity);
}

static void a_restart_older_than_the_period_is_forgotten(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, 1, 5000);
    for (uint64_t n = 0; n < 100; n++)
        assert_true(dsi_intensity_add(&intensity, n * 5001));
    fini_plain(&intensity);
}

static void a_limit_of_zero_allows_none(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, 0, 5000);
    assert_int_equal(dsi_intensity_count(&intensity, 0), 0);
    assert_false(dsi_intensity_add(&intensity, 0));
    fini_plain(&intensity);
}

static void a_period_without_end_forgets_nothing(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, UINT64_MAX, UINT64_MAX);
    dsi_intensity_add(&intensity, 0);
    dsi_intensity_add(&intensity, UINT64_MAX);
    assert_int_equal(dsi_intensity_count(&intensity, UINT64_MAX), 2);
    fini_plain(&intensity);
}

static void many_restarts_in_few_milliseconds_need_little_memory(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, UINT64_MAX, 5000);
    for (uint64_t n = 0; n < 100000; n++)
        dsi_intensity_add(&intensity, n / 25000);
    assert_int_equal(dsi_intensity_count(&intensity, 4), 100000);
    assert_int_equal(memory.in_use, 4 * sizeof(dsi_intensity_run));
    fini_plain(&intensity);
}

static void restarts_far_apart_need_no_memory(void **state) {
    (void)state;
    dsi_memory memory;
    dsi_intensity intensity;
    init_plain(&intensity, &memory, 3, 5000);
    for (uint64_t n = 0; n < 100; n++)
        dsi_intensity_add(&intensity, n * 6000);
    assert_int_equal(memory.in_use, 0);
    fini_plain(&intensity);
}

/* Elixir's add_restart: keeps those with now <= then + period, then compares. */
static void intensity_matches_a_list_of_times(void **state) {
    (void)state;
    static uint64_t times[STEPS];
    uint64_t random = 10;
    for (uint64_t period = 1; period < 100000; period *= 7) {
        dsi_memory memory;
        dsi_intensity intensity;
        init_plain(&intensity, &memory, 20, period);
        uint64_t now = 0;
        size_t first = 0;
        for (size_t n = 0; n < STEPS; n++) {
            now += dsi_test_random(&random) % (period + 1) >> dsi_test_random_below(&random, 12);
            while (first < n && now > times[first] + period)
                first++;
            assert_int_equal(dsi_intensity_count(&intensity, now), n - first);
            times[n] = now;
            assert_int_equal(dsi_intensity_add(&intensity, now), n + 1 - first <= 20);
        }
        fini_plain(&intensity);
    }
}

/* Never below what a list would count: without memory restarts are held for too long. */
static bool a_restart_each_millisecond(dsi_memory *memory) {
    dsi_intensity intensity;
    dsi_intensity_init(&intensity, memory, 1000, 99);
    bool exact = true;
    for (uint64_t now = 0; now < 1000; now++) {
        dsi_intensity_add(&intensity, now);
        uint64_t expected = now < 100 ? now + 1 : 100;
        uint64_t count = dsi_intensity_count(&intensity, now);
        assert_true(count >= expected);
        exact = exact && count == expected;
    }
    dsi_intensity_fini(&intensity);
    return exact;
}

static void without_memory_the_count_is_never_too_low(void **state) {
    (void)state;
    dsi_test_sweep(a_restart_each_millisecond);
}

static void without_memory_all_is_forgotten_after_a_quiet_period(void **state) {
    (void)state;
    dsi_test_alloc alloc = {.fail_at = 1, .for_ever = true};
    dsi_memory memory;
    dsi_intensity intensity;
    dsi_memory_init(&memory, dsi_test_alloc_call, &alloc);
    dsi_intensity_init(&intensity, &memory, 10, 100);
    for (uint64_t now = 0; now < 10; now++)
        assert_true(dsi_intensity_add(&intensity, now));
    assert_int_equal(dsi_intensity_count(&intensity, 109), 10);
    assert_int_equal(dsi_intensity_count(&intensity, 110), 0);
    assert_true(dsi_intensity_add(&intensity, 110));
    assert_int_equal(dsi_intensity_count(&intensity, 110), 1);
    dsi_intensity_fini(&intensity);
    dsi_test_alloc_check_empty(&alloc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_restart_more_than_allowed_is_too_many),
        cmocka_unit_test(a_restart_as_old_as_the_period_still_counts),
        cmocka_unit_test(a_restart_older_than_the_period_is_forgotten),
        cmocka_unit_test(a_limit_of_zero_allows_none),
        cmocka_unit_test(a_period_without_end_forgets_nothing),
        cmocka_unit_test(many_restarts_in_few_milliseconds_need_little_memory),
        cmocka_unit_test(restarts_far_apart_need_no_memory),
        cmocka_unit_test(intensity_matches_a_list_of_times),
        cmocka_unit_test(without_memory_the_count_is_never_too_low),
        cmocka_unit_test(without_memory_all_is_forgotten_after_a_quiet_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
