/* A guard against SIGPIPE: a program without a handler survives, and nothing else changes. */
#include "bindings/net/pipe_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

static bool pipe_is_pending(void) {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

static bool pipe_is_blocked(void) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return sigismember(&blocked, SIGPIPE) == 1;
}

static void write_to_nobody(void) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

static void a_write_to_nobody_is_survived(void **state) {
    (void)state;
    dsl_pipe_guard guard;
    dsl_pipe_guard_begin(&guard);
    write_to_nobody();
    dsl_pipe_guard_end(&guard);
    assert_false(pipe_is_pending());
    assert_false(pipe_is_blocked());
}

static void guards_may_be_nested(void **state) {
    (void)state;
    dsl_pipe_guard outer, inner;
    dsl_pipe_guard_begin(&outer);
    dsl_pipe_guard_begin(&inner);
    write_to_nobody();
    dsl_pipe_guard_end(&inner);
    assert_true(pipe_is_blocked());
    write_to_nobody();
    dsl_pipe_guard_end(&outer);
    assert_false(pipe_is_blocked());
}

static void a_signal_from_before_stays(void **state) {
    (void)state;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    raise(SIGPIPE);
    dsl_pipe_guard guard;
    dsl_pipe_guard_begin(&guard);
    write_to_nobody();
    dsl_pipe_guard_end(&guard);
    assert_true(pipe_is_pending());
    assert_true(pipe_is_blocked());
    int signum;
    sigwait(&pipe, &signum);
    pthread_sigmask(SIG_UNBLOCK, &pipe, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_to_nobody_is_survived),
        cmocka_unit_test(guards_may_be_nested),
        cmocka_unit_test(a_signal_from_before_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
