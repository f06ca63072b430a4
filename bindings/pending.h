/*
 * Waits that libuv fulfils: a process waits for a socket, a request, a job in the thread pool.
 *
 * Design notes.
 * A pending is a member of the struct that is waited for. While its process waits it is a
 * possession of the process (so the end of the process abandons the wait; unwinding a line does,
 * too: line.c) and has a key. The awaited event happens in a callback of the loop, which calls
 * wake; the results are pushed by the continuation, in the process, where errors may be raised. A
 * callback that finds no key has no process to wake.
 */
#ifndef DSL_PENDING_H
#define DSL_PENDING_H

#include "bindings/binding.h"

typedef struct dsl_pending {
    dynsup_possession possession;
    dsl_host *host;
    dynsup_pid pid;
    uint64_t key;                     /* 0: no process waits */
    struct dsl_pending *next, **link; /* the list of a further heap; link: NULL in the first heap */
    bool unwound;                     /* its line was unwound, and the process itself goes on */
    /* The process has ended while it waited, or its line was unwound (key is 0 already). If the
     * line was unwound, a result that has come for it is to be closed: the process would own it
     * until its end. */
    void (*abandon)(struct dsl_pending *pending);
} dsl_pending;

/* Prepares the wait of the running process. 0; DYNSUP_ENOMEM: nothing has changed. */
int dsl_pending_begin(dsl_host *host, dsl_pending *pending, void (*abandon)(dsl_pending *pending));

/* Waits; to be returned by the caller, like dsl_suspend. The continuation gets the pending back by
 * dsl_pending_in, and may ask dsl_pending_timed_out. */
int dsl_pending_wait(lua_State *L, dsl_pending *pending, uint64_t deadline_ns, lua_KFunction k);

static inline dsl_pending *dsl_pending_in(lua_KContext context) {
    union {
        lua_KContext context;
        dsl_pending *pending;
    } as = {context};
    return as.pending;
}

/* In a continuation: did the wait time out? What it waited for may have happened all the same. */
bool dsl_pending_timed_out(lua_State *L);

/* Gives up the wait of a line that is unwound. */
void dsl_pending_abandon(dsl_pending *pending);

/* Abandons all waits of a further heap that is about to be closed. */
void dsl_pendings_abandon(dsl_host *face);

/* Makes the process go on, if one waits. From a callback. */
void dsl_pending_wake(dsl_pending *pending);

/* Ends the wait, if there is one. */
void dsl_pending_end(dsl_pending *pending);

#endif
