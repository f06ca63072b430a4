/*
 * Keeps SIGPIPE away from calls of a library that writes to sockets: a peer that is gone must not
 * end a program that has no handler for it. The signal is for the thread that writes, so it is
 * blocked there, and taken back if it came.
 */
#ifndef DSL_PIPE_GUARD_H
#define DSL_PIPE_GUARD_H

#include <signal.h>
#include <stdbool.h>

typedef struct dsl_pipe_guard {
    sigset_t old;
    bool was_pending;
} dsl_pipe_guard;

/* Before and after the calls, in one thread; pairs may be nested. */
void dsl_pipe_guard_begin(dsl_pipe_guard *guard);
void dsl_pipe_guard_end(const dsl_pipe_guard *guard);

#endif
