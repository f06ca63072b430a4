/*
 * Jobs: work that is done in libuv's thread pool while a process waits.
 *
 * Design notes.
 * A thread works on the job and on nothing else: not on Lua, the host, or the host's memory, which
 * may be gone before the thread is done. So a job comes from malloc. It belongs to its box, a
 * userdata, except while it is in the pool; there it belongs to the callback or the continuation,
 * whichever comes last. When its process ends meanwhile the job is abandoned: the thread may look
 * and stop early, and the result is dropped. On a virtual clock there is no loop: the work is done
 * at once, in the caller's slice.
 */
#ifndef DSL_JOB_H
#define DSL_JOB_H

#include "bindings/pending.h"

#include <uv.h>

typedef struct dsl_job dsl_job;

typedef struct dsl_job_ops {
    /* In a thread. */
    void (*work)(dsl_job *job);
    /* In the process: pushes the results and returns their number. May raise. */
    int (*push)(lua_State *L, dsl_job *job);
    /* Frees what the job holds, except its own memory. Once, also if it never worked. May be NULL.
     */
    void (*fini)(dsl_job *job);
} dsl_job_ops;

struct dsl_job {
    dsl_pending pending; /* first */
    uv_work_t request;
    const dsl_job_ops *ops;
    int box; /* its index on the stack of the call */
    bool done;
    bool abandoned; /* read by the thread: dsl_job_abandoned */
    int error;      /* of libuv, set by work; 0 */
};

/* A new job of that many bytes, zeroed except for the header, and its box on the stack. Raises
 * without memory, and where the caller cannot wait. [-0, +1] */
void *dsl_job_new(lua_State *L, const dsl_job_ops *ops, size_t size);

/* Starts the job and waits for it; to be returned by the caller. Results are what push pushes. */
int dsl_job_run(lua_State *L, dsl_job *job);

bool dsl_job_abandoned(const dsl_job *job);

#endif
