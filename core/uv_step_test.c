/*
 * A host whose loop others wait for or run: steps without waiting, and turns of the loop.
 *
 * No test waits for a time to pass, except as a host does.
 */
#include "core/test_uv.h"

/* ---- steps ---- */

static void a_step_never_waits(void **state) {
    (void)state;
    struct place place = {0};
    uint64_t deadline_ns;
    struct actor napper = {.act = nap, .duration_ns = 3600 * UINT64_C(1000000000)};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    assert_int_equal(dynsup_uv_step(place.uv, MS_NS, &deadline_ns), DYNSUP_STILL);
    assert_int_equal(dynsup_uv_timeout_ms(place.uv), -1);
    assert_true(add(&place, &napper));
    assert_int_equal(dynsup_uv_step(place.uv, MS_NS, &deadline_ns), DYNSUP_WAITING);
    assert_true(deadline_ns > uv_hrtime() && deadline_ns <= napper.deadline_ns);
    assert_in_range(dynsup_uv_timeout_ms(place.uv), 3000000, 3600001);
    place_close(&place);
}

static void a_busy_host_is_to_be_stepped_again(void **state) {
    (void)state;
    struct place place = {0};
    uint64_t deadline_ns;
    struct actor actor = {.act = bustle};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    assert_true(add(&place, &actor));
    assert_int_equal(dynsup_uv_step(place.uv, MS_NS, &deadline_ns), DYNSUP_READY);
    assert_int_equal(dynsup_uv_timeout_ms(place.uv), 0);
    actor.done = true;
    assert_int_equal(dynsup_uv_step(place.uv, MS_NS, &deadline_ns), DYNSUP_STILL);
    place_close(&place);
}

static void tell_listener(uv_async_t *async) {
    struct place *place = async->data;
    tell(place, place->listener);
}

static void a_step_brings_what_has_arrived_in_the_loop(void **state) {
    (void)state;
    struct place place = {0};
    uv_async_t foreign;
    uint64_t deadline_ns;
    struct actor listener = {.act = listen_once};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    assert_true(add(&place, &listener));
    place.listener = &listener;
    assert_int_equal(uv_async_init(dynsup_uv_loop(place.uv), &foreign, tell_listener), 0);
    foreign.data = &place;
    listener.handle = (uv_handle_t *)&foreign;
    assert_int_equal(dynsup_uv_step(place.uv, MS_NS, &deadline_ns), DYNSUP_STILL);
    uv_async_send(&foreign);
    dynsup_uv_step(place.uv, 1000 * MS_NS, &deadline_ns);
    assert_true(listener.done);
    dynsup_uv_step(place.uv, MS_NS, &deadline_ns); /* the handle is closed */
    place_close(&place);
}

/* ---- wake-ups ---- */

static void count_wake(void *ud) {
    ++*(int *)ud;
}

static void a_wake_up_is_told_in_the_loop(void **state) {
    (void)state;
    struct place place = {0};
    uint64_t deadline_ns;
    int wakes = 0;
    assert_true(place_open(&place, &(dynsup_uv_config){.on_wake = count_wake, .wake_ud = &wakes}));
    dynsup_uv_step(place.uv, MS_NS, &deadline_ns);
    assert_int_equal(wakes, 0);
    dynsup_uv_wake(place.uv);
    dynsup_uv_wake(place.uv);
    dynsup_uv_step(place.uv, MS_NS, &deadline_ns);
    assert_int_equal(wakes, 1);
    place_close(&place);
}

/* ---- turns of a loop that others run ---- */

static void whoever_runs_the_loop_runs_the_host(void **state) {
    (void)state;
    struct place place = {0};
    struct actor napper = {.act = nap, .duration_ns = MS_NS};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    dynsup_uv_start(place.uv);
    assert_true(add(&place, &napper));
    assert_int_equal(uv_run(dynsup_uv_loop(place.uv), UV_RUN_DEFAULT), 0);
    assert_true(napper.done);
    assert_int_equal(napper.slices, 2);
    place_close(&place);
}

static void a_stopped_runner_leaves_the_loop_alone(void **state) {
    (void)state;
    struct place place = {0};
    struct actor actor = {.act = bustle};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    dynsup_uv_start(place.uv);
    assert_true(add(&place, &actor));
    uv_run(dynsup_uv_loop(place.uv), UV_RUN_NOWAIT);
    unsigned slices = actor.slices;
    assert_true(slices > 0);
    dynsup_uv_stop(place.uv);
    assert_int_equal(uv_run(dynsup_uv_loop(place.uv), UV_RUN_DEFAULT), 0);
    assert_int_equal(actor.slices, slices);
    place_close(&place);
}

static void a_run_in_between_takes_the_loop_for_its_time(void **state) {
    (void)state;
    struct place place = {0};
    struct actor first = {.act = nap, .duration_ns = MS_NS};
    struct actor second = {.act = nap, .duration_ns = MS_NS};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    dynsup_uv_start(place.uv);
    assert_true(add(&place, &first));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(first.done);
    assert_true(add(&place, &second));
    uv_run(dynsup_uv_loop(place.uv), UV_RUN_DEFAULT);
    assert_true(second.done);
    place_close(&place);
}

static void tell_from_async(uv_async_t *async) {
    struct place *place = async->data;
    tell(place, place->listener);
}

static void what_comes_with_the_last_poll_is_done(void **state) {
    (void)state;
    static uv_async_t async;
    struct place place = {0};
    struct actor listener = {.act = listen_once, .handle = (uv_handle_t *)&async};
    assert_true(place_open(&place, &(dynsup_uv_config){.turn_ns = 1000000}));
    place.listener = &listener;
    async.data = &place;
    assert_int_equal(uv_async_init(dynsup_uv_loop(place.uv), &async, tell_from_async), 0);
    uv_unref((uv_handle_t *)&async); /* it keeps no run going */
    uv_async_send(&async);
    assert_true(add(&place, &listener));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(listener.done);
    place_close(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_never_waits),
        cmocka_unit_test(a_busy_host_is_to_be_stepped_again),
        cmocka_unit_test(a_step_brings_what_has_arrived_in_the_loop),
        cmocka_unit_test(a_wake_up_is_told_in_the_loop),
        cmocka_unit_test(whoever_runs_the_loop_runs_the_host),
        cmocka_unit_test(a_stopped_runner_leaves_the_loop_alone),
        cmocka_unit_test(a_run_in_between_takes_the_loop_for_its_time),
        cmocka_unit_test(what_comes_with_the_last_poll_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
