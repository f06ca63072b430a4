/*
 * Waits that libuv fulfils: of a process for a socket, a request, a job in the thread pool.
 *
 * Design notes.
 * A pending is a member of what is waited for. While its process waits it is a possession of the
 * process (so the end of the process abandons the wait, and so does who unwinds a line: line.c) and
 * has a key. What was waited for happens
 * in a callback of the loop, which calls wake; the results are pushed by the continuation, in the
 * process, where errors may be raised. Whoever is in a callback with no key finds nobody there.
 */
#ifndef DSL_PENDING_H
#define DSL_PENDING_H

#include "bindings/binding.h"

typedef struct dsl_pending {
    dynsup_possession possession;
    dsl_host *host;
    dynsup_pid pid;
    uint64_t key;                     /* 0: nobody waits */
    struct dsl_pending *next, **link; /* among those of a further heap; link: NULL in the first */
    bool unwound;                     /* its line was: the process itself goes on */
    /* The process has ended while it waited, or its line was unwound (key is 0 already). Then what
     * has come for the line is to be closed: it would belong to the process until its end. */
    void (*abandon)(struct dsl_pending *pending);
} dsl_pending;

/* The running process will wait. 0, or DYNSUP_ENOMEM: as it was. */
int dsl_pending_begin(dsl_host *host, dsl_pending *pending, void (*abandon)(dsl_pending *pending));

/* Waits; to be returned by the caller, like dsl_suspend. The continuation gets the pending back by
 * dsl_pending_in, and finds dsl_pending_timed_out. */
int dsl_pending_wait(lua_State *L, dsl_pending *pending, uint64_t deadline_ns, lua_KFunction k);

static inline dsl_pending *dsl_pending_in(lua_KContext context) {
    union {
        lua_KContext context;
        dsl_pending *pending;
    } as = {context};
    return as.pending;
}

/* In a continuation: was the time over? What was waited for may have happened all the same. */
bool dsl_pending_timed_out(lua_State *L);

/* The process gives up its wait: that of a line that is unwound. */
void dsl_pending_abandon(dsl_pending *pending);

/* Of a further heap that is about to be closed: nobody will wait for what is left. */
void dsl_pendings_abandon(dsl_host *face);

/* Makes the process go on, if there is one that waits. From a callback. */
void dsl_pending_wake(dsl_pending *pending);

/* Nobody waits any more. Also if nobody did. */
void dsl_pending_end(dsl_pending *pending);

#endif
