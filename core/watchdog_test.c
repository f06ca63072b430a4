/*
 * The watchdog, around steps of hosts whose bodies spin until they are preempted.
 *
 * A watchdog that fails shows as a test that never ends (until ctest's time limit). Threads report
 * by values; only the main thread asserts. Spinning bodies read the clock: a library call, at which
 * ThreadSanitizer lets signals through.
 */
#define _XOPEN_SOURCE 700 /* the fields of sigaction */

#include "core/watchdog.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define LOOK_NS 250000

/* ---- a body that spins ----------------------------------------------------------------------- */

struct spinner {
    volatile sig_atomic_t preempted; /* how often it was asked to end its slice */
    sig_atomic_t patience;           /* how often it must be asked */
    bool done;
};

static uint64_t clock_ns(void *ud) {
    struct timespec now;
    (void)ud;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static enum dynsup_slice spinner_step(void *body, dynsup_host *host, dynsup_pid self,
                                      enum dynsup_wake wake, dynsup_outcome *outcome) {
    struct spinner *spinner = body;
    (void)host;
    (void)self;
    (void)wake;
    while (spinner->preempted < spinner->patience)
        clock_ns(NULL);
    spinner->done = true;
    outcome->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    return DYNSUP_SLICE_EXIT;
}

static void spinner_fini(void *body) {
    (void)body; /* the test's own */
}

static void spinner_preempt(void *body) {
    ((struct spinner *)body)->preempted++;
}

static const dynsup_body_ops spinner_ops = {
    .name = "spinner", .step = spinner_step, .fini = spinner_fini, .preempt = spinner_preempt};

/* ---- a watched host -------------------------------------------------------------------------- */

struct watched {
    dsi_watchdog *dog;
    dynsup_host *host;
    dynsup_port port;
};

static void watched_open(struct watched *watched) {
    assert_int_equal(dsi_watchdog_new(LOOK_NS, &watched->dog), 0);
    watched->port = (dynsup_port){.now = clock_ns, .tick = dsi_watchdog_tick(watched->dog)};
    watched->host = dynsup_host_new(&(dynsup_host_config){.port = &watched->port});
    assert_non_null(watched->host);
    dsi_watchdog_attach(watched->dog, watched->host);
}

/* The host is freed first: the watchdog does not read it any more. */
static void watched_close(struct watched *watched) {
    dynsup_host_free(watched->host);
    dsi_watchdog_free(watched->dog);
}

static uint64_t step_watched(struct watched *watched) {
    uint64_t deadline_ns;
    dsi_watchdog_enter(watched->dog);
    dynsup_host_step(watched->host, LOOK_NS, &deadline_ns);
    return dsi_watchdog_leave(watched->dog);
}

/* Runs a spinner to its end; *stuck_ns_out is what the watchdog said. */
static bool spin(struct watched *watched, int patience, uint64_t *stuck_ns_out) {
    dynsup_pid pid;
    struct spinner spinner = {.patience = patience};
    if (dynsup_spawn(watched->host, &spinner_ops, &spinner, NULL, &pid) != 0)
        return false;
    dsi_watchdog_begin(watched->dog);
    *stuck_ns_out = 0;
    while (dynsup_host_process_count(watched->host) > 0)
        *stuck_ns_out += step_watched(watched);
    dsi_watchdog_end(watched->dog);
    return spinner.done;
}

/* ---- slices ---------------------------------------------------------------------------------- */

static void a_long_slice_is_preempted(void **state) {
    (void)state;
    uint64_t stuck_ns;
    struct watched watched;
    watched_open(&watched);
    assert_true(spin(&watched, 1, &stuck_ns));
    assert_int_equal(stuck_ns, 0);
    watched_close(&watched);
}

static uint32_t tick_of(const struct watched *watched) {
    return __atomic_load_n(watched->port.tick, __ATOMIC_RELAXED);
}

static void wait_until_parked(const struct watched *watched) {
    uint32_t seen;
    do {
        seen = tick_of(watched);
        nanosleep(&(struct timespec){.tv_nsec = 20L * LOOK_NS}, NULL);
    } while (tick_of(watched) != seen);
}

static void the_watchdog_parks_and_comes_back(void **state) {
    (void)state;
    uint64_t stuck_ns;
    struct watched watched;
    watched_open(&watched);
    for (int i = 0; i < 3; i++) {
        wait_until_parked(&watched);
        assert_true(spin(&watched, 1, &stuck_ns));
    }
    watched_close(&watched);
}

static void a_slice_that_ignores_three_signals_is_stuck(void **state) {
    (void)state;
    uint64_t stuck_ns;
    struct watched watched;
    watched_open(&watched);
    assert_true(spin(&watched, 4, &stuck_ns)); /* the fourth comes when it has been noted */
    assert_true(stuck_ns > 0);
    assert_true(spin(&watched, 6, &stuck_ns)); /* and more come */
    assert_true(stuck_ns > 0);
    watched_close(&watched);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void a_thread_that_blocks_sigurg_is_watched_as_well(void **state) {
    (void)state;
    uint64_t stuck_ns;
    sigset_t urgent, before;
    struct watched watched;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_sigmask(SIG_BLOCK, &urgent, NULL);
    watched_open(&watched);
    assert_true(spin(&watched, 1, &stuck_ns));
    pthread_sigmask(SIG_UNBLOCK, &urgent, &before);
    assert_int_equal(sigismember(&before, SIGURG), 1);
    watched_close(&watched);
}

struct watched_thread {
    pthread_t thread;
    struct watched watched;
    bool ok;
};

static void *spin_repeatedly(void *arg) {
    struct watched_thread *thread = arg;
    uint64_t stuck_ns;
    thread->ok = true;
    for (int i = 0; i < 5 && thread->ok; i++)
        thread->ok = spin(&thread->watched, 1, &stuck_ns);
    return NULL;
}

static void hosts_in_several_threads_are_watched_each_by_itself(void **state) {
    (void)state;
    struct watched_thread threads[4];
    for (int i = 0; i < 4; i++)
        watched_open(&threads[i].watched);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i].thread, NULL, spin_repeatedly, &threads[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i].thread, NULL);
    for (int i = 0; i < 4; i++) {
        assert_true(threads[i].ok);
        watched_close(&threads[i].watched);
    }
}

static void a_host_may_move_to_another_thread_between_runs(void **state) {
    (void)state;
    uint64_t stuck_ns;
    struct watched_thread thread;
    watched_open(&thread.watched);
    assert_int_equal(pthread_create(&thread.thread, NULL, spin_repeatedly, &thread), 0);
    pthread_join(thread.thread, NULL);
    assert_true(thread.ok);
    assert_true(spin(&thread.watched, 1, &stuck_ns));
    watched_close(&thread.watched);
}

static void a_run_within_another_is_watched_by_its_own(void **state) {
    (void)state;
    uint64_t stuck_ns;
    struct watched outer, inner;
    watched_open(&outer);
    watched_open(&inner);
    dsi_watchdog_begin(outer.dog);
    assert_true(spin(&inner, 1, &stuck_ns));
    dsi_watchdog_end(outer.dog);
    assert_true(spin(&outer, 1, &stuck_ns));
    watched_close(&inner);
    watched_close(&outer);
}

/* ---- the handler of SIGURG ------------------------------------------------------------------- */

static volatile sig_atomic_t former_calls, later_calls;
static struct sigaction covered; /* what the later handler calls */

static void former_handler(int signum) {
    (void)signum;
    former_calls++;
}

static void later_handler(int signum, siginfo_t *info, void *context) {
    later_calls++;
    covered.sa_sigaction(signum, info, context);
}

static struct sigaction set_former_handler(void) {
    struct sigaction former = {.sa_handler = former_handler}, before;
    former_calls = later_calls = 0;
    sigaction(SIGURG, &former, &before);
    return before;
}

static void a_former_handler_is_called_and_put_back(void **state) {
    (void)state;
    struct watched one, two;
    struct sigaction before = set_former_handler(), found;
    watched_open(&one);
    watched_open(&two);
    raise(SIGURG);
    assert_int_equal(former_calls, 1);
    watched_close(&one);
    raise(SIGURG); /* two is still there */
    assert_int_equal(former_calls, 2);
    watched_close(&two);
    sigaction(SIGURG, &before, &found);
    assert_true(found.sa_handler == former_handler);
}

static void a_handler_put_over_ours_stays_and_may_call_it(void **state) {
    (void)state;
    uint64_t stuck_ns;
    struct watched watched;
    struct sigaction before = set_former_handler(), found;
    struct sigaction later = {.sa_sigaction = later_handler, .sa_flags = SA_SIGINFO};
    watched_open(&watched);
    sigaction(SIGURG, &later, &covered);
    assert_true(spin(&watched, 1, &stuck_ns));
    assert_true(later_calls > 0 && later_calls == former_calls);
    watched_close(&watched);
    watched_open(&watched);
    raise(SIGURG); /* ours, then the later one, which calls ours: the circle ends there */
    watched_close(&watched);
    sigaction(SIGURG, &before, &found);
    assert_true(found.sa_sigaction == later_handler);
}

static void an_ignored_signal_stays_ignored_after_it(void **state) {
    (void)state;
    struct watched watched;
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before, found;
    uint64_t stuck_ns;
    sigaction(SIGURG, &ignored, &before);
    watched_open(&watched);
    assert_true(spin(&watched, 1, &stuck_ns));
    watched_close(&watched);
    sigaction(SIGURG, &before, &found);
    assert_ptr_equal(found.sa_handler, SIG_IGN);
}

static void a_handler_of_ours_that_somebody_kept_is_not_its_own_former(void **state) {
    (void)state;
    struct watched watched;
    struct sigaction before = set_former_handler(), ours;
    uint64_t stuck_ns;
    watched_open(&watched);
    sigaction(SIGURG, NULL, &ours);
    watched_close(&watched);
    sigaction(SIGURG, &ours, NULL); /* as a program that saved a handler and restores it */
    watched_open(&watched);
    assert_true(spin(&watched, 1, &stuck_ns));
    assert_true(former_calls > 0);
    watched_close(&watched);
    sigaction(SIGURG, &before, NULL);
}

static void another_handler_is_left_alone(void **state) {
    (void)state;
    struct watched watched;
    struct sigaction other = {.sa_handler = former_handler}, before, found;
    watched_open(&watched);
    sigaction(SIGURG, &other, &before);
    watched_close(&watched);
    sigaction(SIGURG, NULL, &found);
    assert_ptr_equal(found.sa_handler, former_handler);
    other.sa_handler = SIG_DFL;
    sigaction(SIGURG, &other, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_slice_is_preempted),
        cmocka_unit_test(the_watchdog_parks_and_comes_back),
        cmocka_unit_test(a_slice_that_ignores_three_signals_is_stuck),
        cmocka_unit_test(a_thread_that_blocks_sigurg_is_watched_as_well),
        cmocka_unit_test(hosts_in_several_threads_are_watched_each_by_itself),
        cmocka_unit_test(a_host_may_move_to_another_thread_between_runs),
        cmocka_unit_test(a_run_within_another_is_watched_by_its_own),
        cmocka_unit_test(a_former_handler_is_called_and_put_back),
        cmocka_unit_test(a_handler_put_over_ours_stays_and_may_call_it),
        cmocka_unit_test(an_ignored_signal_stays_ignored_after_it),
        cmocka_unit_test(a_handler_of_ours_that_somebody_kept_is_not_its_own_former),
        cmocka_unit_test(another_handler_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
