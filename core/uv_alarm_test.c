/*
 * Alarms on a loop whose poll nothing else would end: a handle that never fires keeps it going. No
 * test waits for a time to pass; a failure lasts for ever (until ctest's time limit).
 */
#include "core/uv_alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>

#define MS_NS UINT64_C(1000000)

typedef struct fixture {
    uv_loop_t loop;
    uv_async_t silent;
    dsi_alarm alarm;
} fixture;

static int setup(void **state) {
    static fixture f;
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(uv_async_init(&f.loop, &f.silent, NULL), 0);
    dsi_alarm_init(&f.alarm, &f.loop);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    uv_close((uv_handle_t *)&f->silent, NULL);
    if (f->alarm.fd >= 0)
        uv_close((uv_handle_t *)&f->alarm.poll, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    dsi_alarm_fini(&f->alarm);
    return uv_loop_close(&f->loop);
}

/* The test's fixture; where the system has no alarms the test is left out. */
static fixture *with_alarm(void **state) {
    fixture *f = *state;
    if (f->alarm.fd < 0)
        skip();
    return f;
}

static void an_alarm_ends_a_poll_at_its_time_and_not_before(void **state) {
    fixture *f = with_alarm(state);
    uint64_t time_ns = uv_hrtime() + MS_NS / 2;
    dsi_alarm_set(&f->alarm, time_ns);
    uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(uv_hrtime() >= time_ns);
}

static void a_time_that_is_over_rings_at_once(void **state) {
    fixture *f = with_alarm(state);
    dsi_alarm_set(&f->alarm, 1);
    uv_run(&f->loop, UV_RUN_ONCE);
}

static void an_alarm_can_be_set_again(void **state) {
    fixture *f = with_alarm(state);
    dsi_alarm_set(&f->alarm, uv_hrtime() + 3600000 * MS_NS);
    for (int i = 0; i < 3; i++) {
        dsi_alarm_set(&f->alarm, uv_hrtime());
        uv_run(&f->loop, UV_RUN_ONCE);
    }
}

static void an_alarm_that_has_rung_is_quiet(void **state) {
    fixture *f = with_alarm(state);
    struct pollfd rings = {.fd = f->alarm.fd, .events = POLLIN};
    dsi_alarm_set(&f->alarm, uv_hrtime());
    assert_int_equal(poll(&rings, 1, -1), 1);
    uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(poll(&rings, 1, 0), 0);
}

static void an_alarm_keeps_no_loop_alive(void **state) {
    fixture *f = with_alarm(state);
    uv_unref((uv_handle_t *)&f->silent);
    dsi_alarm_set(&f->alarm, uv_hrtime() + 3600000 * MS_NS);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
}

static void without_a_descriptor_nothing_is_set(void **state) {
    (void)state;
    dsi_alarm none = {.fd = -1};
    dsi_alarm_set(&none, 1);
    assert_int_equal(none.set_ns, 0);
    dsi_alarm_fini(&none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_alarm_ends_a_poll_at_its_time_and_not_before),
        TEST(a_time_that_is_over_rings_at_once),
        TEST(an_alarm_can_be_set_again),
        TEST(an_alarm_that_has_rung_is_quiet),
        TEST(an_alarm_keeps_no_loop_alive),
        cmocka_unit_test(without_a_descriptor_nothing_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
