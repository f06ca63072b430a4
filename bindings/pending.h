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

#include <uv.h>

/* Memory that may outlive the run it was obtained in: the state's. */
typedef struct dsl_source {
    lua_Alloc alloc;
    void *ud;
} dsl_source;

static inline dsl_source dsl_source_of(const dsl_host *host) {
    return (dsl_source){host->alloc, host->alloc_ud};
}

/* Zeroed; NULL without memory. */
void *dsl_source_new(const dsl_source *memory, size_t size);
void *dsl_source_resize(const dsl_source *memory, void *block, size_t old_size, size_t size);
void dsl_source_free(const dsl_source *memory, void *block, size_t size);

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

/* Raises where the host has no loop, and says that these need one. */
void dsl_check_loop(lua_State *L, const dsl_host *host, const char *who);

/* The loop for sockets; raises where there is none, and in a dry run waits for ever. */
uv_loop_t *dsl_loop_of(lua_State *L, dsl_host *host);

/* A time in ms at the index as a deadline that leaves the loop time for one look at least. */
uint64_t dsl_check_io_deadline(lua_State *L, dsl_host *host, int index);

/* Deadlines as integers on the stack: -1 is never. */
void dsl_deadline_push(lua_State *L, uint64_t deadline_ns);
uint64_t dsl_deadline_to(lua_State *L, int index);

/* [-0, +2] nil, the name of libuv's error in lower case ("econnrefused"). Returns 2. */
int dsl_fail_uv(lua_State *L, int error);

#endif
