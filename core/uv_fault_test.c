/*
 * What a runner needs of libuv and of the system, failing: the n-th call fails, for all n, and the
 * runner is not made, or is without its alarm; nothing is left. And loops that are not empty when
 * they are freed. The linker hands these calls of the project's code to the functions here (--wrap
 * in CMakeLists.txt).
 */
#include "core/test_uv.h"

#include <errno.h>
#include <pthread.h>
#include <sys/timerfd.h>

static struct {
    int calls, fail_at; /* 0: none */
    bool failed;
} faults;

static bool fails(void) {
    bool is_it = faults.fail_at && ++faults.calls == faults.fail_at;
    faults.failed |= is_it;
    return is_it;
}

/* WRAP(type, name, failure, parameters, arguments); errno is set, too. */
#define WRAP(type, name, failure, parameters, arguments)                                           \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        if (!fails())                                                                              \
            return __real_##name arguments;                                                        \
        errno = ENOMEM;                                                                            \
        return failure;                                                                            \
    }

WRAP(void *, malloc, NULL, (size_t size), (size))
WRAP(void *, calloc, NULL, (size_t count, size_t size), (count, size))
WRAP(int, timerfd_create, -1, (int clock, int flags), (clock, flags))
WRAP(int, uv_loop_init, UV_EMFILE, (uv_loop_t * loop), (loop))
WRAP(int, uv_async_init, UV_EMFILE, (uv_loop_t * loop, uv_async_t *async, uv_async_cb on),
     (loop, async, on))
WRAP(int, uv_poll_init, UV_EMFILE, (uv_loop_t * loop, uv_poll_t *poll, int fd), (loop, poll, fd))
WRAP(int, pthread_mutex_init, EAGAIN,
     (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes), (mutex, attributes))
WRAP(int, pthread_condattr_init, ENOMEM, (pthread_condattr_t * attributes), (attributes))
WRAP(int, pthread_cond_init, EAGAIN,
     (pthread_cond_t * condition, const pthread_condattr_t *attributes), (condition, attributes))
WRAP(int, pthread_create, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *ud),
     (thread, attributes, run, ud))

/* ---- runners --------------------------------------------------------------------------------- */

static enum dynsup_slice sleep_once(struct actor *actor, dynsup_host *host, enum dynsup_wake wake) {
    (void)actor;
    if (wake == DYNSUP_WAKE_TIMEOUT)
        return DYNSUP_SLICE_EXIT;
    dynsup_wait_time(host, dynsup_host_now(host) + 100000);
    return DYNSUP_SLICE_WAIT;
}

/* A runner with all options, which runs until a process has slept. True if a call has failed. */
static bool round_of(int fail_at) {
    const dynsup_uv_config config = {.watchdog = true, .turn_ns = 1000000};
    struct actor sleeper = {.act = sleep_once};
    int error = 0;
    faults.calls = 0;
    faults.failed = false;
    faults.fail_at = fail_at;
    struct place place = {.uv = dynsup_uv_new(&config, &error)};
    faults.fail_at = 0;
    assert_int_equal(error != 0, place.uv == NULL);
    assert_true(place.uv || faults.failed);
    if (!place.uv)
        return true;
    dynsup_host_config host_config = {.port = dynsup_uv_port(place.uv), .port_ud = place.uv};
    place.host = dynsup_host_new(&host_config);
    dynsup_uv_attach(place.uv, place.host);
    assert_true(add(&place, &sleeper));
    assert_int_equal(dynsup_uv_run(place.uv), DYNSUP_UV_STILL);
    assert_true(sleeper.done);
    place_close(&place);
    return faults.failed;
}

static void a_call_that_fails_leaves_no_runner_or_one_without_an_alarm(void **state) {
    (void)state;
    int n = 1;
    while (round_of(n))
        n++;
    assert_true(n > 8);
}

static void who_does_not_ask_is_not_told_the_error(void **state) {
    (void)state;
    const dynsup_uv_config config = {.watchdog = false};
    faults.calls = 0;
    faults.fail_at = 1;
    assert_null(dynsup_uv_new(&config, NULL));
    faults.fail_at = 0;
}

/* ---- loops ----------------------------------------------------------------------------------- */

static void a_loop_needs_memory_and_descriptors(void **state) {
    (void)state;
    for (int n = 1; n <= 2; n++) {
        faults.calls = 0;
        faults.fail_at = n;
        assert_null(dynsup_uv_loop_new());
    }
    faults.fail_at = 0;
    dynsup_uv_loop_free(NULL);
}

static void a_loop_is_freed_with_handles_that_are_closing_or_open(void **state) {
    (void)state;
    static uv_idle_t open, closing;
    uv_loop_t *loop = dynsup_uv_loop_new();
    assert_non_null(loop);
    uv_idle_init(loop, &open);
    uv_idle_init(loop, &closing);
    uv_close((uv_handle_t *)&closing, NULL);
    dynsup_uv_loop_free(loop);
    assert_true(uv_is_closing((uv_handle_t *)&open));
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void pass_the_gate(uv_work_t *work) {
    (void)work;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void a_loop_that_a_thread_works_for_is_not_freed(void **state) {
    (void)state;
    static uv_work_t work;
    uv_loop_t *loop = dynsup_uv_loop_new();
    assert_non_null(loop);
    pthread_mutex_lock(&gate);
    uv_queue_work(loop, &work, pass_the_gate, NULL);
    dynsup_uv_loop_free(loop); /* it is still there */
    pthread_mutex_unlock(&gate);
    dynsup_uv_loop_finish(loop);
    dynsup_uv_loop_free(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_fails_leaves_no_runner_or_one_without_an_alarm),
        cmocka_unit_test(who_does_not_ask_is_not_told_the_error),
        cmocka_unit_test(a_loop_needs_memory_and_descriptors),
        cmocka_unit_test(a_loop_is_freed_with_handles_that_are_closing_or_open),
        cmocka_unit_test(a_loop_that_a_thread_works_for_is_not_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
