/*
 * C workers: bodies of processes that are the program's functions.
 *
 * Design notes.
 * In Lua a userdata with the ops and the argument stands for a kind of worker, so the child spec of
 * a C worker is a spec like any other. Each body keeps the userdata in the vault: the argument is
 * dropped when neither bodies nor specs are left. The finalizer may come earlier, when the
 * lua_State is closed before its host, or when it is called by hand: the userdata is no kind then,
 * and its last body drops the argument.
 * The program's functions run protected, on the host's thread, with nothing else on the stack: an
 * error that they raise is their worker's crash. The message handler makes the crash object, as the
 * stack still shows the place there.
 */
#include "bindings/embed/worker.h"

#include "bindings/heap/heap.h"
#include "bindings/log/log.h"
#include "bindings/process/message.h"
#include "bindings/lua/metatable.h"
#include "bindings/embed/misuse.h"
#include "bindings/protect.h"
#include "bindings/process/wait.h"
#include "core/tiny.h"

#include <string.h>

#define KIND_NAME        "dynsup.worker"
#define MESSAGES_A_SLICE DSI_TINY(16, 1)

typedef struct kind {
    const dynsup_lua_worker_ops *ops;
    void *arg;
    size_t body_count;
    bool is_over; /* no body is made of it any more */
} kind;

struct dynsup_lua_worker {
    dsl_host *host;
    const dynsup_lua_worker_ops *ops;
    void *arg;
    size_t size;
    dynsup_pid pid; /* 0: its first slice has not come */
    kind *kind;
    uint32_t kind_slot; /* the kind's userdata, in the vault */
    bool again;         /* the last slice has asked for another one */
    uint64_t deadline_ns;
    max_align_t data[];
};

/* ---- kinds ---- */

static void kind_drop(kind *k) {
    if (k->is_over && k->body_count == 0 && k->ops->drop)
        k->ops->drop(k->arg);
}

static int kind_gc(lua_State *L) {
    kind *k = luaL_checkudata(L, 1, KIND_NAME);
    if (k->is_over)
        return 0;
    k->is_over = true;
    kind_drop(k);
    return 0;
}

static int kind_tostring(lua_State *L) {
    const kind *k = luaL_checkudata(L, 1, KIND_NAME);
    lua_pushfstring(L, "worker: %s", k->is_over ? "(dropped)" : k->ops->name);
    return 1;
}

static const luaL_Reg kind_meta[] = {
    {"__tostring", kind_tostring}, {"__gc", kind_gc}, {NULL, NULL}};

void dsl_worker_kind_push(lua_State *L, const dynsup_lua_worker_ops *ops, void *arg) {
    kind *k = lua_newuserdatauv(L, sizeof *k, 0);
    *k = (kind){.is_over = true};
    dsl_metatable_set(L, KIND_NAME, kind_meta);
    *k = (kind){.ops = ops, .arg = arg}; /* last: from here on the collector drops it */
}

const char *dsl_worker_name(lua_State *L, int index) {
    const kind *k = luaL_testudata(L, index, KIND_NAME);
    return k && !k->is_over ? k->ops->name : NULL;
}

/* ---- bodies ---- */

dynsup_lua_worker *dsl_worker_new(lua_State *L, dsl_host *host, int index, uint32_t slots) {
    kind *k = lua_touserdata(L, index);
    size_t size = sizeof(dynsup_lua_worker) + k->ops->data_size;
    index = lua_absindex(L, index);
    dsl_vault_reserve(L, &host->vault, slots + 1);
    if (k->is_over) /* by a finalizer that has just run */
        dsl_error(L, "the kind of the worker has been dropped");
    bool fits = size > k->ops->data_size;
    dynsup_lua_worker *w = fits ? host->alloc(host->alloc_ud, NULL, 0, size) : NULL;
    if (!w) {
        dsl_error(L, "not enough memory");
        return NULL;
    }
    memset(w, 0, size);
    w->host = host;
    w->ops = k->ops;
    w->arg = k->arg;
    w->size = size;
    lua_pushvalue(L, index);
    w->kind = k;
    w->kind_slot = dsl_vault_put(L, &host->vault);
    k->body_count++;
    if (host->heap)
        dsl_heap_enter(host->heap);
    return w;
}

static void worker_fini(void *body) {
    dynsup_lua_worker *w = body;
    dsl_host *host = w->host;
    w->kind->body_count--;
    kind_drop(w->kind);
    dsl_vault_release(&host->vault, w->kind_slot);
    host->alloc(host->alloc_ud, w, w->size, 0);
    if (host->heap)
        dsl_heap_leave(host->heap);
}

/* ---- slices ---- */

typedef struct slice {
    dynsup_lua_worker *worker;
    dynsup_host *core;
    dynsup_pid self;
    enum dynsup_wake wake;
    int next; /* what the last function returned */
    dynsup_reason reason;
} slice;

static int first(lua_State *L, slice *s) {
    dynsup_lua_worker *w = s->worker;
    w->pid = s->self;
    return w->ops->start ? w->ops->start(L, w) : DYNSUP_LUA_WAIT;
}

static int work(lua_State *L, const slice *s) {
    dynsup_lua_worker *w = s->worker;
    bool due = w->again || s->wake == DYNSUP_WAKE_TIMEOUT;
    w->again = false;
    return due && w->ops->work ? w->ops->work(L, w) : DYNSUP_LUA_WAIT;
}

static int message(lua_State *L, const slice *s) {
    dynsup_lua_worker *w = s->worker;
    lua_settop(L, 0);
    int size = (int)dynsup_mailbox_first(s->core)->count;
    luaL_checkstack(L, size + LUA_MINSTACK,
                    "too many values in a message"); /* before it is taken */
    int count = dsl_message_push(L, w->host, dynsup_mailbox_take(s->core, NULL));
    return count && w->ops->message ? w->ops->message(L, w) : DYNSUP_LUA_WAIT;
}

/* A worker that returns an unknown number fails. */
static void check_next(lua_State *L, const slice *s) {
    if (s->next > DYNSUP_LUA_END || s->next <= -DYNSUP_ATOM_COUNT)
        luaL_error(
            L,
            "the worker '%s' has returned %d, which is neither an enum dynsup_lua_next nor an "
            "error code of dynsup",
            s->worker->ops->name, s->next);
}

/* [-1, +1] nil, or the reason that the worker ends with */
static int slice_run(lua_State *L) {
    slice *s = lua_touserdata(L, 1);
    lua_settop(L, 0);
    s->worker->deadline_ns = DYNSUP_NEVER;
    s->next = s->worker->pid ? work(L, s) : first(L, s);
    for (int left = MESSAGES_A_SLICE; left > 0 && s->next == DYNSUP_LUA_WAIT; left--) {
        if (dynsup_doomed(s->core) || !dynsup_mailbox_first(s->core))
            break;
        s->worker->deadline_ns = DYNSUP_NEVER;
        s->next = message(L, s);
    }
    if (s->next == DYNSUP_EREASON)
        return 1;
    lua_settop(L, 0); /* it may have used all the room */
    check_next(L, s);
    lua_pushnil(L);
    return 1;
}

static int crash(lua_State *L) {
    const dsl_runtime *runtime = dsl_runtime_of_thread(L);
    if (lua_touserdata(L, 1) == (const void *)&dsl_halt_sentinel)
        return 1;
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "error");
    luaL_traceback(L, L, NULL, 1);
    lua_setfield(L, -2, "traceback");
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->crash_meta);
    lua_setmetatable(L, -2);
    return 1;
}

static int slice_protected(lua_State *L) {
    slice *s = lua_touserdata(L, 1);
    dsl_host *host = s->worker->host;
    lua_pushcfunction(L, crash);
    lua_pushcfunction(L, slice_run);
    lua_pushlightuserdata(L, s);
    bool failed = lua_pcall(L, 1, 1, -3) != LUA_OK;
    if (!failed && s->next != DYNSUP_EREASON)
        return 0;
    s->next = DYNSUP_ENOMEM; /* in case that nothing can be kept */
    dsl_vault_reserve(L, &host->vault, 1);
    if (lua_touserdata(L, -1) == (const void *)&dsl_halt_sentinel)
        s->reason = dynsup_reason_atom(DYNSUP_SHUTDOWN);
    else
        s->reason = dsl_reason_get(L, host, -1);
    s->next = DYNSUP_EREASON;
    return 0;
}

static enum dynsup_slice slice_exit(const slice *s, dynsup_outcome *outcome) {
    if (s->next == DYNSUP_EREASON)
        outcome->reason = s->reason;
    else if (s->next == DYNSUP_LUA_END)
        outcome->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    else
        outcome->reason = dynsup_reason_atom((enum dynsup_atom) - s->next);
    return DYNSUP_SLICE_EXIT;
}

static enum dynsup_slice worker_step(void *body, dynsup_host *core, dynsup_pid self,
                                     enum dynsup_wake wake, dynsup_outcome *outcome) {
    dynsup_lua_worker *w = body;
    if (w->host->heap && dsl_heap_ends(w->host->heap, false, outcome))
        return DYNSUP_SLICE_EXIT;
    slice s = {.worker = w, .core = core, .self = self, .wake = wake};
    if (dsl_protect(w->host->L, slice_protected, &s) != LUA_OK)
        s.next = DYNSUP_ENOMEM;
    if (s.next < 0 || s.next == DYNSUP_LUA_END)
        return slice_exit(&s, outcome);
    w->again = s.next == DYNSUP_LUA_AGAIN;
    if (w->again || dynsup_mailbox_first(core))
        return DYNSUP_SLICE_AGAIN;
    dynsup_wait_message(core, 0, w->deadline_ns);
    return DYNSUP_SLICE_WAIT;
}

/* ---- the end ---- */

static int stop_protected(lua_State *L) {
    dynsup_lua_worker *w = lua_touserdata(L, 1);
    lua_settop(L, 0);
    w->ops->stop(L, w);
    return 0;
}

static void stop_failed(const dynsup_lua_worker *w, const char *text) {
    dsl_log(w->host, DYNSUP_LEVEL_ERROR, "error in the stop function of the C worker '%s': %s",
            w->ops->name, text);
}

/* The error is on top. [-1, +0] */
static void stop_raised(lua_State *L, const dynsup_lua_worker *w) {
    char text[DSL_DESCRIPTION_SIZE];
    dsl_description_write(L, -1, text, sizeof text);
    if (lua_touserdata(L, -1) != (const void *)&dsl_halt_sentinel)
        stop_failed(w, text);
    lua_pop(L, 1);
}

static void worker_stop(void *body, dynsup_host *core, dynsup_pid self) {
    (void)core, (void)self;
    dynsup_lua_worker *w = body;
    lua_State *L = w->host->L;
    if (!w->pid || !w->ops->stop)
        return;
    if (!lua_checkstack(L, 4)) {
        stop_failed(w, "not enough memory");
        return;
    }
    lua_pushcfunction(L, stop_protected);
    lua_pushlightuserdata(L, w);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        stop_raised(L, w);
}

const dynsup_body_ops dsl_worker_body_ops = {
    .name = "C worker",
    .step = worker_step,
    .stop = worker_stop,
    .fini = worker_fini,
};

/* ---- what a worker may ask ---- */

void *dynsup_lua_worker_data(dynsup_lua_worker *worker) {
    return worker->data;
}

void *dynsup_lua_worker_arg(const dynsup_lua_worker *worker) {
    return worker->arg;
}

dynsup_pid dynsup_lua_worker_pid(const dynsup_lua_worker *worker) {
    return worker->pid;
}

dynsup_lua_host *dynsup_lua_worker_host(const dynsup_lua_worker *worker) {
    return worker->host;
}

void dynsup_lua_worker_timeout(dynsup_lua_worker *worker, double ms) {
    worker->deadline_ns = dsl_time_in(worker->host, ms > 0 ? ms : 0); /* NaN is 0 */
}

void dynsup_lua_worker_ready(dynsup_lua_worker *worker) {
    dynsup_value nothing = {DYNSUP_NIL, {0}};
    if (dsl_expect(dynsup_self(worker->host->core) == worker->pid, "the worker that runs"))
        dynsup_ready(worker->host->core, &nothing);
}
