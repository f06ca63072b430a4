/* Tests of which reports are written: the level of each kind of event, and the limit. */
#include "test_support.h"

#include "dynsup_report.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

static void each_kind_has_its_level(void **state) {
    (void)state;
    static const enum dynsup_report_level levels[DYNSUP_EVENT_COUNT] = {
        [DYNSUP_EVENT_SPAWNED] = DYNSUP_REPORT_DEBUG,
        [DYNSUP_EVENT_EXITED] = DYNSUP_REPORT_DEBUG,
        [DYNSUP_EVENT_CRASHED] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_CHILD_STARTED] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_CHILD_RESTARTED] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_CHILD_DELAYED] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_CHILD_REMOVED] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_CHILD_TERMINATED] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_START_ERROR] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_SHUTDOWN_ERROR] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_GAVE_UP] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_START_REFUSED] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_UNEXPECTED] = DYNSUP_REPORT_WARNING,
        [DYNSUP_EVENT_STUCK] = DYNSUP_REPORT_WARNING,
        [DYNSUP_EVENT_HUP] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_STATE_DROPPED] = DYNSUP_REPORT_WARNING,
        [DYNSUP_EVENT_CHILD_FAILED] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_MESSAGES_DROPPED] = DYNSUP_REPORT_WARNING,
        [DYNSUP_EVENT_HEAP_OPENED] = DYNSUP_REPORT_INFO,
        [DYNSUP_EVENT_HEAP_LOST] = DYNSUP_REPORT_ERROR,
        [DYNSUP_EVENT_HEAP_CLOSED] = DYNSUP_REPORT_INFO,
    };
    for (int kind = 0; kind < DYNSUP_EVENT_COUNT; kind++) {
        dynsup_event event = {.kind = (enum dynsup_event_kind)kind};
        assert_int_equal(dynsup_report_level(&event), levels[kind]);
    }
}

static void a_start_refused_for_want_of_memory_is_a_warning(void **state) {
    (void)state;
    dynsup_event event = {.kind = DYNSUP_EVENT_START_REFUSED, .status = DYNSUP_ENOMEM};
    assert_int_equal(dynsup_report_level(&event), DYNSUP_REPORT_WARNING);
}

/* ---- the limit ---- */

/* How many of n lines at that time pass; *told becomes the sum of the counts reported as held back.
 */
static int passes(dynsup_limit *limit, uint64_t now_ns, int n, uint64_t *told) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        uint64_t held_back = 99;
        bool passed = dynsup_limit_pass(limit, now_ns, 10, 2, &held_back);
        count += passed;
        assert_true(passed || held_back == 0);
        *told += held_back;
    }
    return count;
}

static void a_burst_passes_and_the_rest_is_counted(void **state) {
    (void)state;
    dynsup_limit limit = {0};
    uint64_t told = 0;
    assert_int_equal(passes(&limit, 7 * SECOND, 100, &told), 10);
    assert_int_equal(told, 0);
    assert_int_equal(limit.held_back, 90);
    assert_int_equal(limit.total_held_back, 90);
}

static void time_lets_more_lines_pass_which_tell_what_was_held_back(void **state) {
    (void)state;
    dynsup_limit limit = {0};
    uint64_t told = 0;
    passes(&limit, 0, 15, &told);
    assert_int_equal(passes(&limit, SECOND / 2 - 1, 1, &told), 0);
    assert_int_equal(passes(&limit, SECOND / 2, 1, &told), 1);
    assert_int_equal(told, 6);
    assert_int_equal(passes(&limit, 2 * SECOND, 10, &told), 3);
    assert_int_equal(told, 6);
    assert_int_equal(limit.total_held_back, 13);
}

static void a_pause_fills_the_bucket_to_the_burst_only(void **state) {
    (void)state;
    dynsup_limit limit = {0};
    uint64_t told = 0;
    passes(&limit, 0, 11, &told);
    assert_int_equal(passes(&limit, 1000000 * SECOND, 100, &told), 10);
    assert_int_equal(told, 1);
}

static void many_short_steps_of_time_add_up(void **state) {
    (void)state;
    dynsup_limit limit = {0};
    uint64_t told = 0;
    passes(&limit, 0, 10, &told);
    int count = 0;
    for (uint64_t ms = 1; ms <= 10000; ms++)
        count += passes(&limit, ms * MS, 1, &told);
    assert_in_range(count, 19, 20);
    assert_int_equal(told + limit.held_back, 10000 - (uint64_t)count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_level),
        cmocka_unit_test(a_start_refused_for_want_of_memory_is_a_warning),
        cmocka_unit_test(a_burst_passes_and_the_rest_is_counted),
        cmocka_unit_test(time_lets_more_lines_pass_which_tell_what_was_held_back),
        cmocka_unit_test(a_pause_fills_the_bucket_to_the_burst_only),
        cmocka_unit_test(many_short_steps_of_time_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
