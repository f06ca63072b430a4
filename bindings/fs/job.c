/* Jobs: work that is done in libuv's thread pool while a process waits. */
#include "bindings/fs/job.h"

#include "bindings/lua/metatable.h"

#include <stdlib.h>

#define BOX_NAME "dynsup.job"

static void job_free(dsl_job *job) {
    if (job->ops->fini)
        job->ops->fini(job);
    free(job);
}

bool dsl_job_abandoned(const dsl_job *job) {
    return __atomic_load_n(&job->abandoned, __ATOMIC_RELAXED);
}

static int box_gc(lua_State *L) {
    dsl_job **box = lua_touserdata(L, 1);
    if (*box)
        job_free(*box);
    *box = NULL;
    return 0;
}

static const luaL_Reg box_meta[] = {{"__gc", box_gc}, {NULL, NULL}};

void *dsl_job_new(lua_State *L, const dsl_job_ops *ops, size_t size) {
    dsl_host *host;
    dsl_waiter_of(L, &host);
    dsl_job **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    dsl_metatable_set(L, BOX_NAME, box_meta);
    dsl_job *job = calloc(1, size);
    if (!job) {
        dsl_error(L, "not enough memory");
        return NULL;
    }
    job->pending.host = host;
    job->ops = ops;
    job->box = lua_gettop(L);
    *box = job;
    return job;
}

/* The job is in its box, so it is freed even when push raises. */
static int results(lua_State *L, dsl_job *job) {
    lua_settop(L, job->box);
    int count = job->ops->push(L, job);
    *(dsl_job **)lua_touserdata(L, job->box) = NULL;
    job_free(job);
    return count;
}

static void work(uv_work_t *request) {
    dsl_job *job = request->data;
    if (!dsl_job_abandoned(job))
        job->ops->work(job);
}

static void on_worked(uv_work_t *request, int status) {
    (void)status;
    dsl_job *job = request->data;
    job->done = true;
    if (job->pending.key)
        dsl_pending_wake(&job->pending);
    else
        job_free(job);
}

static void abandon(dsl_pending *pending) {
    dsl_job *job = (dsl_job *)pending;
    if (job->done) {
        job_free(job);
        return;
    }
    __atomic_store_n(&job->abandoned, true, __ATOMIC_RELAXED);
    uv_cancel((uv_req_t *)&job->request); /* if it has not begun; its callback comes all the same */
}

static int job_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    dsl_job *job = (dsl_job *)dsl_pending_in(context);
    dsl_pending_end(&job->pending);
    *(dsl_job **)lua_touserdata(L, job->box) = job;
    return results(L, job);
}

int dsl_job_run(lua_State *L, dsl_job *job) {
    dsl_host *host = job->pending.host;
    if (!host->uv || !host->config->threads) {
        job->ops->work(job);
        return results(L, job);
    }
    dsl_check_status(L, dsl_pending_begin(host, &job->pending, abandon));
    job->request.data = job;
    uv_queue_work(host->runtime->loop, &job->request, work, on_worked); /* cannot fail */
    *(dsl_job **)lua_touserdata(L, job->box) = NULL;
    return dsl_pending_wait(L, &job->pending, DYNSUP_NEVER, job_k);
}
