/*
 * The runner on a libuv loop, with small bodies written in C.
 *
 * No test waits for a time to pass: what would go wrong shows as a run that never ends (ctest's
 * limit ends it then) or ends too early.
 */
#include "core/test_uv.h"

#include <sys/resource.h>
#include <unistd.h>

/* ---- bodies ---------------------------------------------------------------------------------- */

static enum dynsup_slice raise_sigterm(struct actor *actor, dynsup_host *host,
                                       enum dynsup_wake wake) {
    (void)actor;
    (void)host;
    if (wake == DYNSUP_WAKE_FIRST)
        raise(SIGTERM);
    return DYNSUP_SLICE_AGAIN;
}

static enum dynsup_slice halt_with_7(struct actor *actor, dynsup_host *host,
                                     enum dynsup_wake wake) {
    (void)actor;
    (void)wake;
    dynsup_host_halt(host, 7);
    return DYNSUP_SLICE_EXIT;
}

static void halt_on_signal(void *ud, int signum) {
    struct place *place = ud;
    place->signum = signum;
    dynsup_host_halt(place->host, signum);
}

/* ---- still, waiting, ended ------------------------------------------------------------------- */

static void a_host_without_work_is_still_at_once(void **state) {
    (void)state;
    struct place place = {0};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    place_close(&place);
}

static void a_runner_whose_host_never_ran_can_be_freed(void **state) {
    (void)state;
    struct place place = {0};
    dynsup_uv_config config = {.watchdog = true, .on_signal = halt_on_signal, .signal_ud = &place};
    assert_true(place_open(&place, &config));
    place_close(&place);
}

static void a_process_that_waits_for_ever_keeps_no_run_going(void **state) {
    (void)state;
    struct place place = {0};
    struct actor listener = {.act = listen_once};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    assert_true(add(&place, &listener));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_int_equal(listener.slices, 1);
    tell(&place, &listener); /* between two runs */
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(listener.done);
    place_close(&place);
}

static void a_timer_never_fires_early(void **state) {
    (void)state;
    static const uint64_t durations_ns[] = {0, 1, 1000, 400000, 999999, 1000000, 1000001, 2500000};
    struct place place = {0};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    for (size_t i = 0; i < sizeof durations_ns / sizeof *durations_ns; i++) {
        struct actor napper = {.act = nap, .duration_ns = durations_ns[i]};
        assert_true(add(&place, &napper));
        assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
        assert_true(uv_hrtime() >= napper.deadline_ns);
        assert_true(napper.done);
        assert_int_equal(napper.slices, 2);
    }
    place_close(&place);
}

static void a_halted_host_ends_the_run_whatever_is_in_the_loop(void **state) {
    (void)state;
    struct place place = {0};
    uv_async_t foreign;
    struct actor halter = {.act = halt_with_7};
    place_open_with(&place, &foreign);
    assert_true(add(&place, &halter));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_ENDED);
    assert_int_equal(dynsup_host_code(place.host), 7);
    uv_close((uv_handle_t *)&foreign, NULL);
    place_close(&place);
}

/* ---- handles of others ----------------------------------------------------------------------- */

static void tell_listener(uv_timer_t *timer) {
    struct place *place = timer->data;
    tell(place, place->listener);
}

/* The timer's callback comes before the poll of the same turn, and the async handle never fires:
 * that poll would last for ever if the message did not wake the host. */
static void a_message_from_a_callback_wakes_the_host_before_the_poll(void **state) {
    (void)state;
    uv_timer_t timer;
    uv_async_t foreign;
    struct actor listener = {.act = listen_once, .handle = (uv_handle_t *)&foreign};
    struct place place = {.listener = &listener};
    timer.data = &place;
    place_open_with(&place, &foreign);
    uv_timer_init(dynsup_uv_loop(place.uv), &timer);
    uv_timer_start(&timer, tell_listener, 0, 0);
    assert_true(add(&place, &listener));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(listener.done);
    uv_close((uv_handle_t *)&timer, NULL);
    place_close(&place);
}

/* Lasts until the host's timer is due, and lets the loop see it in the same turn. */
static void outlast(uv_timer_t *timer) {
    uint64_t end_ns = uv_hrtime() + 3 * MS_NS;
    while (uv_hrtime() < end_ns)
        continue;
    uv_update_time(timer->loop);
}

static enum dynsup_slice nap_and_close(struct actor *actor, dynsup_host *host,
                                       enum dynsup_wake wake) {
    if (wake == DYNSUP_WAKE_TIMEOUT)
        uv_close(actor->handle, NULL);
    return nap(actor, host, wake);
}

/* As above, but the host's timer is gone by then, and the poll must not last for ever. */
static void a_deadline_that_passes_before_the_poll_is_not_slept_over(void **state) {
    (void)state;
    uv_timer_t timer;
    uv_async_t foreign;
    struct actor sleeper = {
        .act = nap_and_close, .duration_ns = MS_NS, .handle = (uv_handle_t *)&foreign};
    struct place place = {0};
    place_open_with(&place, &foreign);
    uv_timer_init(dynsup_uv_loop(place.uv), &timer);
    uv_timer_start(&timer, outlast, 0, 0);
    assert_true(add(&place, &sleeper));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(sleeper.done);
    uv_close((uv_handle_t *)&timer, NULL);
    place_close(&place);
}

static void a_run_lasts_as_long_as_a_handle_of_others_is_active(void **state) {
    (void)state;
    uv_timer_t timer;
    struct actor listener = {.act = listen_once};
    struct place place = {.listener = &listener};
    timer.data = &place;
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    uv_timer_init(dynsup_uv_loop(place.uv), &timer);
    uv_timer_start(&timer, tell_listener, 2, 0);
    assert_true(add(&place, &listener));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(listener.done);
    uv_close((uv_handle_t *)&timer, NULL);
    place_close(&place);
}

static void tell_by_beat(void *place) {
    tell(place, ((struct place *)place)->listener);
}

/* The async handle, which never fires, keeps the run going until the first beat. */
static void a_beat_comes_while_the_loop_turns_and_keeps_no_run_going(void **state) {
    (void)state;
    uv_async_t foreign;
    struct actor listener = {.act = listen_once, .handle = (uv_handle_t *)&foreign};
    struct place place = {.listener = &listener};
    assert_true(place_open(
        &place, &(dynsup_uv_config){.beat_ms = 1, .on_beat = tell_by_beat, .beat_ud = &place}));
    assert_int_equal(uv_async_init(dynsup_uv_loop(place.uv), &foreign, NULL), 0);
    assert_true(add(&place, &listener));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(listener.done);
    place_close(&place);
}

/* ---- a run inside a slice -------------------------------------------------------------------- */

/* Waits for a message, then runs a host without work on the loop of its handle. */
static enum dynsup_slice run_inside(struct actor *actor, dynsup_host *host, enum dynsup_wake wake) {
    if (wake == DYNSUP_WAKE_FIRST) {
        dynsup_wait_message(host, 0, DYNSUP_NEVER);
        return DYNSUP_SLICE_WAIT;
    }
    struct place inner = {0};
    assert_true(place_open(&inner, &(dynsup_uv_config){.loop = actor->handle->loop}));
    assert_int_equal(dynsup_uv_run(inner.uv), DYNSUP_UV_STILL);
    place_close(&inner);
    return DYNSUP_SLICE_EXIT;
}

/* The callback wakes the outer host while its loop turns, and another process of it waits for a
 * time: neither may keep the run inside alive. */
static void a_run_inside_a_slice_ends_when_nothing_can_happen_in_it(void **state) {
    (void)state;
    uv_timer_t timer;
    struct actor listener = {.act = run_inside, .handle = (uv_handle_t *)&timer};
    struct actor sleeper = {.act = nap, .duration_ns = 5 * MS_NS};
    struct place place = {.listener = &listener};
    timer.data = &place;
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    uv_timer_init(dynsup_uv_loop(place.uv), &timer);
    uv_timer_start(&timer, tell_listener, 0, 0);
    assert_true(add(&place, &listener) && add(&place, &sleeper));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(listener.done && sleeper.done);
    uv_close((uv_handle_t *)&timer, NULL);
    place_close(&place);
}

static void halt_when_done(uv_timer_t *timer) {
    const struct place *place = timer->data;
    if (place->listener->done)
        dynsup_host_halt(place->host, 7);
}

static bool yes(void *ud) {
    (void)ud;
    return true;
}

/* The timers keep no loop alive: the run is there when they fire, and the one inside is over. */
static void a_run_that_stays_ends_when_it_is_halted_and_keeps_none_inside_going(void **state) {
    (void)state;
    uv_timer_t soon, later;
    struct actor listener = {.act = run_inside, .handle = (uv_handle_t *)&later};
    struct place place = {.listener = &listener};
    soon.data = later.data = &place;
    assert_true(place_open(&place, &(dynsup_uv_config){.stays = yes}));
    uv_timer_init(dynsup_uv_loop(place.uv), &soon);
    uv_timer_init(dynsup_uv_loop(place.uv), &later);
    uv_timer_start(&soon, tell_listener, 0, 0);
    uv_timer_start(&later, halt_when_done, 1, 1);
    uv_unref((uv_handle_t *)&soon);
    uv_unref((uv_handle_t *)&later);
    assert_true(add(&place, &listener));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_ENDED);
    assert_true(listener.done);
    uv_close((uv_handle_t *)&soon, NULL);
    uv_close((uv_handle_t *)&later, NULL);
    place_close(&place);
}

/* ---- a busy host ----------------------------------------------------------------------------- */

static void set_done(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

static void a_busy_host_leaves_the_loop_its_turns(void **state) {
    (void)state;
    struct place place = {0};
    uv_timer_t timer;
    struct actor busy = {.act = bustle};
    timer.data = &busy.done;
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    uv_timer_init(dynsup_uv_loop(place.uv), &timer);
    uv_timer_start(&timer, set_done, 1, 0);
    uv_unref((uv_handle_t *)&timer);
    assert_true(add(&place, &busy));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    uv_close((uv_handle_t *)&timer, NULL);
    place_close(&place);
}

/* Each poll is followed by this. */
static void close_foreign(uv_check_t *check) {
    if (!uv_is_closing(check->data))
        uv_close(check->data, NULL);
}

static void wake_from_thread(void *uv) {
    dynsup_uv_wake(uv);
}

static void another_thread_can_wake_a_run_that_blocks(void **state) {
    (void)state;
    struct place place = {0};
    uv_async_t foreign;
    uv_check_t check;
    uv_thread_t thread;
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    uv_loop_t *loop = dynsup_uv_loop(place.uv);
    assert_int_equal(uv_async_init(loop, &foreign, NULL), 0);
    uv_check_init(loop, &check);
    check.data = &foreign;
    uv_check_start(&check, close_foreign);
    uv_unref((uv_handle_t *)&check);
    assert_int_equal(uv_thread_create(&thread, wake_from_thread, place.uv), 0);
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    uv_thread_join(&thread);
    uv_close((uv_handle_t *)&check, NULL);
    place_close(&place);
}

static void a_borrowed_loop_is_given_back_clean(void **state) {
    (void)state;
    uv_loop_t loop;
    struct place place = {0};
    assert_int_equal(uv_loop_init(&loop), 0);
    dynsup_uv_config config = {.loop = &loop, .on_signal = halt_on_signal, .signal_ud = &place};
    assert_true(place_open(&place, &config));
    assert_ptr_equal(dynsup_uv_loop(place.uv), &loop);
    struct actor napper = {.act = nap, .duration_ns = MS_NS};
    assert_true(add(&place, &napper));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    place_close(&place);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_loop_that_others_still_use_is_left_to_them(void **state) {
    (void)state;
    uv_async_t foreign;
    struct place place = {0};
    assert_true(place_open(&place, &(dynsup_uv_config){0}));
    uv_loop_t *loop = dynsup_uv_loop(place.uv);
    assert_int_equal(uv_async_init(loop, &foreign, NULL), 0);
    place_close(&place);
    uv_close((uv_handle_t *)&foreign, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
    free(loop);
}

/* ---- signals --------------------------------------------------------------------------------- */

static void a_signal_reaches_a_busy_host_that_is_alone_in_its_loop(void **state) {
    (void)state;
    struct place place = {0};
    dynsup_uv_config config = {.on_signal = halt_on_signal, .signal_ud = &place};
    struct actor raiser = {.act = raise_sigterm};
    assert_true(place_open(&place, &config));
    assert_true(add(&place, &raiser));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_ENDED);
    assert_int_equal(place.signum, SIGTERM);
    assert_int_equal(dynsup_host_code(place.host), SIGTERM);
    place_close(&place);
}

/* ---- failure --------------------------------------------------------------------------------- */

static int lowest_free_descriptor(void) {
    int descriptor = dup(0);
    close(descriptor);
    return descriptor;
}

/* The first loop of a program must not fail: libuv aborts then. */
static void touch_libuv(void) {
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* libuv 1.44 loses a descriptor when the loop's second one cannot be had: hence none at all. */
static void without_descriptors_no_runner_is_made_and_nothing_lost(void **state) {
    (void)state;
    touch_libuv();
    struct rlimit before, none;
    int first = lowest_free_descriptor(), error = 0;
    dynsup_uv_config config = {.watchdog = true, .on_signal = halt_on_signal};
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = (rlim_t)first;
    setrlimit(RLIMIT_NOFILE, &none);
    dynsup_uv *uv = dynsup_uv_new(&config, &error);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_null(uv);
    assert_int_equal(error, UV_EMFILE);
    assert_int_equal(lowest_free_descriptor(), first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_without_work_is_still_at_once),
        cmocka_unit_test(a_runner_whose_host_never_ran_can_be_freed),
        cmocka_unit_test(a_process_that_waits_for_ever_keeps_no_run_going),
        cmocka_unit_test(a_timer_never_fires_early),
        cmocka_unit_test(a_halted_host_ends_the_run_whatever_is_in_the_loop),
        cmocka_unit_test(a_message_from_a_callback_wakes_the_host_before_the_poll),
        cmocka_unit_test(a_deadline_that_passes_before_the_poll_is_not_slept_over),
        cmocka_unit_test(a_run_lasts_as_long_as_a_handle_of_others_is_active),
        cmocka_unit_test(a_beat_comes_while_the_loop_turns_and_keeps_no_run_going),
        cmocka_unit_test(a_run_inside_a_slice_ends_when_nothing_can_happen_in_it),
        cmocka_unit_test(a_run_that_stays_ends_when_it_is_halted_and_keeps_none_inside_going),
        cmocka_unit_test(a_busy_host_leaves_the_loop_its_turns),
        cmocka_unit_test(another_thread_can_wake_a_run_that_blocks),
        cmocka_unit_test(a_borrowed_loop_is_given_back_clean),
        cmocka_unit_test(a_loop_that_others_still_use_is_left_to_them),
        cmocka_unit_test(a_signal_reaches_a_busy_host_that_is_alone_in_its_loop),
        cmocka_unit_test(without_descriptors_no_runner_is_made_and_nothing_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
