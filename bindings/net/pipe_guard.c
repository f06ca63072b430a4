/* Keeps SIGPIPE away. */
#include "bindings/net/pipe_guard.h"

#include <time.h>

static bool pipe_is_pending(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void dsl_pipe_guard_begin(dsl_pipe_guard *guard) {
    sigset_t pipe;
    guard->was_pending = pipe_is_pending();
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &guard->old);
}

void dsl_pipe_guard_end(const dsl_pipe_guard *guard) {
    if (!guard->was_pending && pipe_is_pending()) {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        sigtimedwait(&pipe, NULL, &(struct timespec){0});
    }
    pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}
