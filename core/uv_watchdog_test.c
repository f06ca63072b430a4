/*
 * The runner's watchdog, seen from outside.
 *
 * Spinning bodies read the clock: a library call, at which ThreadSanitizer lets signals through.
 */
#include "core/test_uv.h"

static enum dynsup_slice spin(struct actor *actor, dynsup_host *host, enum dynsup_wake wake) {
    (void)wake;
    while (actor->preempted < actor->patience)
        dynsup_host_now(host);
    return DYNSUP_SLICE_EXIT;
}

static void note_stuck(void *ud, uint64_t stuck_ns) {
    struct place *place = ud;
    place->stuck_count++;
    place->stuck_ns = stuck_ns;
    if (place->listener)
        tell(place, place->listener);
}

static void without_a_watchdog_the_port_has_no_tick(void **state) {
    (void)state;
    struct place place = {0};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    assert_null(dynsup_uv_port(place.uv)->tick);
    place_close(&place);
}

static void the_watchdog_ends_a_long_slice(void **state) {
    (void)state;
    struct place place = {0};
    struct actor spinner = {.act = spin, .patience = 1};
    assert_true(place_open(&place, &(dynsup_uv_config){.watchdog = true}));
    assert_true(add(&place, &spinner));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(spinner.done);
    assert_true(__atomic_load_n(dynsup_uv_port(place.uv)->tick, __ATOMIC_RELAXED) > 0);
    place_close(&place);
}

static void whoever_is_told_of_a_stuck_slice_may_call_the_host(void **state) {
    (void)state;
    struct actor listener = {.act = listen_once};
    struct actor stubborn = {.act = spin,
                             .patience = 6}; /* the fourth signal comes when it is stuck */
    struct place place = {.listener = &listener};
    dynsup_uv_config config = {
        .watchdog = true, .slice_ns = MS_NS / 4, .on_stuck = note_stuck, .stuck_ud = &place};
    assert_true(place_open(&place, &config));
    assert_true(add(&place, &listener));
    assert_true(add(&place, &stubborn));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_int_equal(place.stuck_count, 1);
    assert_true(place.stuck_ns > 0);
    assert_true(listener.done); /* the callback's message has woken the host */
    place_close(&place);
}

static void nobody_need_be_told_of_a_stuck_slice(void **state) {
    (void)state;
    struct place place = {0};
    struct actor stubborn = {.act = spin, .patience = 4};
    assert_true(place_open(&place, &(dynsup_uv_config){.watchdog = true, .slice_ns = 50000}));
    assert_true(add(&place, &stubborn));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(stubborn.done);
    place_close(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_watchdog_the_port_has_no_tick),
        cmocka_unit_test(the_watchdog_ends_a_long_slice),
        cmocka_unit_test(whoever_is_told_of_a_stuck_slice_may_call_the_host),
        cmocka_unit_test(nobody_need_be_told_of_a_stuck_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
