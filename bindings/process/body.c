/* Coroutines as bodies of processes and guests. */
#include "bindings/process/body.h"

#include "bindings/memory/account.h"
#include "bindings/process/close.h"
#include "bindings/process/crash.h"
#include "bindings/process/dry.h"
#include "bindings/heap/heap.h"
#include "bindings/process/message.h"
#include "bindings/process/preempt.h"
#include "bindings/server/server.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

/* ---- making and freeing ---- */

/* A body with a coroutine of the pool, which is not empty; NULL without memory. */
static dsl_body *body_alloc(dsl_host *host) {
    dsl_body *body = host->free_bodies;
    if (body)
        host->free_bodies = body->next;
    else
        body = host->alloc(host->alloc_ud, NULL, 0, sizeof *body);
    if (!body)
        return NULL;
    memset(body, 0, sizeof *body);
    body->host = host;
    body->co = body->inner = dsl_pool_take(host, &body->anchor);
    body->wait = DSL_WAIT_START;
    dsl_hook_begin(host, body->co);
    if (host->heap)
        dsl_heap_enter(host->heap);
    return body;
}

dsl_body *dsl_body_new(lua_State *L, dsl_host *host, uint32_t slots) {
    luaL_checkstack(L, 4, NULL);
    dsl_vault_reserve(L, &host->vault, slots);
    while (host->pool_count == 0) { /* making one may run finalizers, which may take it */
        dsl_pool_add(L, host);
        dsl_vault_reserve(L, &host->vault, slots);
    }
    dsl_body *body = body_alloc(host);
    if (!body)
        dsl_error(L, "not enough memory");
    return body;
}

dsl_body *dsl_body_take(dsl_host *host) {
    return host->pool_count > 0 || dsl_pool_fill(host) ? body_alloc(host) : NULL;
}

void dsl_body_load(lua_State *L, dsl_body *body, int count) {
    if (!lua_checkstack(body->co, count + 1)) {
        dsl_body_discard(body);
        dsl_error(L, "too many arguments for a process");
    }
    lua_xmove(L, body->co, count + 1);
    body->nargs = count;
}

static void body_fini(void *p) {
    dsl_body *body = p;
    dsl_host *host = body->host;
    if (body->wait == DSL_WAIT_START)
        lua_settop(body->co, 0);
    dsl_pool_return(host, body);
    if (body->serves)
        dsl_server_fini(body->server);
    else
        dsl_vault_release(&host->vault, body->dict);
    dsl_account_close(host->memory, body->account);
    dsl_last_forget(host, body);
    if (body->nest) /* few have one: not even a call for the others */
        free(body->nest);
    body->next = host->free_bodies;
    host->free_bodies = body;
    if (host->heap)
        dsl_heap_leave(host->heap);
}

void dsl_body_discard(dsl_body *body) {
    body_fini(body);
}

void dsl_bodies_free(dsl_host *face) {
    while (face->free_bodies) {
        dsl_body *next = face->free_bodies->next;
        face->alloc(face->alloc_ud, face->free_bodies, sizeof(dsl_body), 0);
        face->free_bodies = next;
    }
}

/* ---- marks ---- */

static void mark_hook(lua_State *L, lua_Debug *ar) {
    (void)L, (void)ar; /* never runs: a marked coroutine is suspended */
}

static void level_mark(dsl_level *level) {
    level->hook = lua_gethook(level->co);
    level->hook_mask = lua_gethookmask(level->co);
    level->hook_count = lua_gethookcount(level->co);
    lua_sethook(level->co, mark_hook, LUA_MASKCOUNT, 1 << 30);
}

static void level_unmark(const dsl_level *level) {
    lua_sethook(level->co, level->hook, level->hook_mask, level->hook_count);
}

/* Most bodies have one coroutine, which user code has not seen. */
static bool is_hidden(const dsl_body *body) {
    return !body->nest;
}

/* Hides the coroutines of a suspended body from all other code, unless it is hidden anyway. */
static void body_mark(dsl_body *body) {
    dsl_nest *nest = body->nest;
    if (nest->base.co)
        level_mark(&nest->base);
    for (int i = 0; i < nest->depth; i++)
        level_mark(&nest->levels[i]);
}

static void body_unmark(dsl_body *body) {
    const dsl_nest *nest = body->nest;
    if (nest->base.co)
        level_unmark(&nest->base);
    for (int i = 0; i < nest->depth; i++)
        level_unmark(&nest->levels[i]);
}

bool dsl_is_marked(lua_State *co) {
    return lua_gethook(co) == mark_hook;
}

/* ---- suspending ---- */

int dsl_suspend(lua_State *L, dsl_body *body, enum dsl_wait wait, lua_KContext context,
                lua_KFunction k) {
    body->inner = L;
    body->wait = (uint8_t)wait;
    body->nargs = 0;
    body->timed_out = false;
    body->host->switching = true;
    return lua_yieldk(L, 0, context, k);
}

int dsl_body_exit(lua_State *L, dsl_body *body, dynsup_reason reason) {
    body->exiting = true;
    body->host->exit_reason = reason;
    return dsl_suspend(L, body, DSL_WAIT_FOREVER, 0, NULL);
}

int dsl_body_stop_here(lua_State *L, dsl_body *body) {
    return dsl_suspend(L, body, DSL_WAIT_FOREVER, 0, NULL);
}

void dsl_check_linkable(lua_State *L, const dsl_body *body) {
    if (body->closing)
        dsl_error(L, "cannot link here: the process is ending");
}

void dsl_check_monitorable(lua_State *L, const dsl_body *body) {
    if (body->closing)
        dsl_error(L, "cannot monitor here: the process is ending");
}

int dsl_go_on(lua_State *L, dsl_host *host, int results) {
    if (!host->current || !dynsup_doomed(host->core))
        return results;
    if (dsl_can_wait(L, host))
        return dsl_body_stop_here(L, host->current);
    dsl_preempt(host); /* it cannot end here: it ends as soon as it can */
    return results;
}

/* ---- slices ---- */

static int push_timeout(dsl_body *body) {
    lua_pushnil(body->inner);
    dsl_atom_push(body->inner, body->host->runtime, DYNSUP_TIMEOUT);
    return 2;
}

/* The oldest message's values go to the stack of the receiving coroutine. No error can be raised
 * here for a message with too many values: it stays, and the next receive raises. */
static int push_message(dsl_body *body, dynsup_host *core) {
    uint32_t count = dynsup_mailbox_first(core)->count;
    if (count > DSL_FEW_VALUES && !lua_checkstack(body->inner, (int)count + 3)) {
        lua_pushnil(body->inner);
        dsl_atom_push(body->inner, body->host->runtime, DYNSUP_MESSAGE_TOO_BIG);
        return 2;
    }
    dynsup_message *message = dynsup_mailbox_take(core, NULL);
    body->takes++;
    int pushed = dsl_message_push(body->inner, body->host, message);
    dsl_last_note(body->inner, body->host, body, pushed);
    return pushed;
}

/* Puts the values that the suspended code goes on with on inner's stack; returns their number. */
static int resume_values(dsl_body *body, dynsup_host *core, enum dynsup_wake wake) {
    switch ((enum dsl_wait)body->wait) {
    case DSL_WAIT_MESSAGE:
        if (wake == DYNSUP_WAKE_MESSAGE)
            return push_message(body, core);
        return wake == DYNSUP_WAKE_TIMEOUT ? push_timeout(body) : body->nargs;
    case DSL_WAIT_VALUES:
    case DSL_WAIT_PENDING:
    case DSL_WAIT_CALL:
        body->timed_out = wake == DYNSUP_WAKE_TIMEOUT;
        return wake == DYNSUP_WAKE_TIMEOUT ? push_timeout(body) : body->nargs;
    case DSL_WAIT_MATCH:
        body->timed_out = wake == DYNSUP_WAKE_TIMEOUT;
        return 0;
    case DSL_WAIT_START:
        return body->nargs;
    default:
        return 0;
    }
}

static enum dynsup_slice slice_failed(dsl_body *body, int status, dynsup_outcome *outcome) {
    body->failed = true;
    if (dsl_dry_idles(body)) {
        dsl_dry_missing(body);
        return DYNSUP_SLICE_IDLE;
    }
    dynsup_reason reason = status == LUA_ERRMEM
                               ? dsl_account_reason(body)
                               : dsl_crash_reason(body->host, body->co, body, status);
    if (body->is_guest) {
        outcome->status = DYNSUP_EREASON;
        outcome->values[0] = reason.value;
    } else {
        outcome->reason = reason;
    }
    return DYNSUP_SLICE_EXIT;
}

static enum dynsup_slice slice_exiting(dsl_body *body, dynsup_outcome *outcome) {
    if (body->is_guest) {
        outcome->status = DYNSUP_EREASON;
        outcome->reason.kind = body->host->exit_reason.kind;
        outcome->values[0] = body->host->exit_reason.value;
    } else {
        outcome->reason = body->host->exit_reason;
    }
    body->exiting = false;
    return DYNSUP_SLICE_EXIT;
}

static enum dynsup_slice slice_returned(dsl_body *body, int count, dynsup_outcome *outcome) {
    enum dynsup_slice end = DYNSUP_SLICE_EXIT;
    if (body->is_guest)
        dsl_guest_outcome(body, count, outcome);
    else
        outcome->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    if (body->is_main) {
        dsl_main_returned(body, count);
        end = DYNSUP_SLICE_IDLE;
    }
    if (dsl_dry_idles(body))
        end = DYNSUP_SLICE_IDLE;
    lua_settop(body->co, 0);
    return end;
}

/* Inline: a yield is a longjmp, and after that a processor predicts the return of each
 * function on the way back to the pump wrongly. */
#define ON_THE_WAY_BACK static inline __attribute__((always_inline))

ON_THE_WAY_BACK enum dynsup_slice yielded(dsl_body *body, int count, dynsup_outcome *outcome) {
    if (!body->host->switching) { /* by a yield of the user's: the process gives way */
        lua_pop(body->co, count);
        body->inner = body->co;
        body->wait = DSL_WAIT_NOTHING;
    }
    if (!is_hidden(body))
        body_mark(body); /* also when it exits: no code may resume its coroutines before its end */
    if (body->exiting)
        return slice_exiting(body, outcome);
    if (dsl_account_exceeded(body))
        return dsl_account_end(body, outcome);
    return body->wait == DSL_WAIT_NOTHING ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

enum dynsup_slice dsl_body_yielded(dsl_body *body, int count, dynsup_outcome *outcome) {
    return yielded(body, count, outcome);
}

/* Resumes the base coroutine; returns Lua's status. */
ON_THE_WAY_BACK int base_resume(dsl_body *body, int nargs, int *count_out) {
    dsl_host *host = body->host;
    dsl_body *outer = host->current; /* the body whose slice starts this process; mostly none */
    lua_State *outer_innermost = host->innermost;
    bool outer_chain_ok = host->chain_ok;
    host->current = body;
    host->switching = false;
    host->chain_ok = true;
    host->innermost = body->co;
    dsl_account *outer_account = dsl_account_enter(body);
    int status = lua_resume(body->co, host->L, nargs, count_out);
    dsl_memory_enter(host->memory, outer_account);
    host->innermost = outer_innermost;
    host->current = outer;
    host->chain_ok = outer_chain_ok;
    dsl_preempt_left(host, body->co);
    return status;
}

/* Does the line exit, and not the process? */
static bool line_exits(const dsl_body *body, int status) {
    return status == LUA_YIELD && body->exiting && body->has_line;
}

ON_THE_WAY_BACK int run(dsl_body *body, int *count_out) {
    dsl_host *host = body->host;
    int nargs = body->inner == body->co ? body->nargs : 0;
    int status;
    if (host->count_hook && !lua_gethook(body->inner))
        dsl_hook_begin(host, body->inner); /* a hook of the user had taken its place */
    do {
        status = base_resume(body, nargs, count_out);
        nargs = 0;
    } while (line_exits(body, status) && (body->unwinding = true));
    if (body->wait == DSL_WAIT_START)
        body->wait = DSL_WAIT_NOTHING;
    return status;
}

int dsl_body_run(dsl_body *body, int *count_out) {
    return run(body, count_out);
}

static __attribute__((noinline)) enum dynsup_slice
body_slice(dsl_body *body, dynsup_host *core, enum dynsup_wake wake, dynsup_outcome *outcome) {
    int count;
    if (!is_hidden(body) && body->wait != DSL_WAIT_START)
        body_unmark(body);
    else if (body->wait == DSL_WAIT_START && dsl_dry_idles(body) && !dsl_dry_begin(body))
        return DYNSUP_SLICE_IDLE;
    body->nargs = resume_values(body, core, wake);
    int status = run(body, &count);
    if (body->serves)
        return dsl_server_returned(body, status, count, outcome);
    if (status == LUA_YIELD)
        return yielded(body, count, outcome);
    return status == LUA_OK ? slice_returned(body, count, outcome)
                            : slice_failed(body, status, outcome);
}

/* A slice in a further heap, which may have to end. */
static __attribute__((noinline)) enum dynsup_slice
heap_slice(dsl_body *body, dynsup_host *core, enum dynsup_wake wake, dynsup_outcome *outcome) {
    dsl_heap *heap = body->host->heap;
    bool is_guest = body->is_guest;
    if (dsl_heap_ends(heap, is_guest, outcome))
        return DYNSUP_SLICE_EXIT;
    enum dynsup_slice end = body_slice(body, core, wake, outcome);
    bool is_over = is_guest && end == DYNSUP_SLICE_EXIT;
    if (!is_over && dsl_heap_ends(heap, is_guest, outcome))
        return DYNSUP_SLICE_EXIT;
    return end;
}

/* A tail call of one of the two, which returns to the pump: one return less after a yield. */
static enum dynsup_slice body_step(void *p, dynsup_host *core, dynsup_pid self,
                                   enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)self;
    dsl_body *body = p;
    return body->host->heap ? heap_slice(body, core, wake, outcome)
                            : body_slice(body, core, wake, outcome);
}

/* A reply's raw form for the continuation of the request: status, pid, existing, three values. */
static void body_reply(void *p, const dynsup_reply *reply) {
    dsl_body *body = p;
    dsl_reply_push(body->inner, body->host, reply);
    body->nargs = DSL_REPLY_VALUES;
}

/* ---- the end ---- */

/* Could anything on the body's stack still have to be closed? */
static bool is_open(const dsl_body *body) {
    if (body->closed || body->wait == DSL_WAIT_START)
        return false;
    return lua_status(body->co) != LUA_OK || lua_gettop(body->co) > 0;
}

void dsl_body_close(dsl_body *body) {
    dsl_host *host = body->host;
    if (!is_open(body)) {
        body->closed = true;
        return;
    }
    if (lua_status(body->co) == LUA_YIELD && !is_hidden(body))
        body_unmark(body);
    body->closed = body->closing = true;
    dsl_body *outer = host->current;
    lua_State *outer_innermost = host->innermost;
    bool outer_chain_ok = host->chain_ok;
    host->current = body;
    host->switching =
        false; /* left from the slice before: a yield in a handler goes to the user's resume */
    dsl_account *outer_account = dsl_account_enter_end(body);
    dsl_close_begin(host);
    dsl_nest_close(host, body);
    dsl_close_thread(host, body->co);
    dsl_memory_enter(host->memory, outer_account);
    host->innermost = outer_innermost;
    host->current = outer;
    host->chain_ok = outer_chain_ok;
}

static void body_stop(void *p, dynsup_host *core, dynsup_pid self) {
    (void)core, (void)self;
    dsl_body *body = p;
    dsl_body_close(body);
    if (body->serves)
        dsl_server_stop(body->server);
}

static void body_preempt(void *p) {
    dsl_preempt(((dsl_body *)p)->host);
}

/* The lines of the cache from the first to the last, counted from that of the address. */
static void fetch(const void *from, ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t line = first; line <= last; line++)
        __builtin_prefetch((const char *)from + line * CACHE_LINE);
}

/* Fetches, for the coroutine that goes on (or is closed first): its record; then that of the C
 * function in which it waits; then the part of its stack around that function, and the record of
 * the function's caller. A coroutine that is closed gets a new stack, to which the beginning of the
 * old one is copied. Each call reads only what an earlier call has fetched. A function's record is
 * taken to begin with its place on the stack; were that wrong, only something useless would be
 * fetched. */
static void body_near(void *b, unsigned away, bool ends) {
    dsl_body *body = b;
    lua_State *co = ends ? body->co : body->inner;
    lua_Debug frame;
    if (away > 2) {
        __builtin_prefetch(&body->takes);
        fetch(co, 0, 3);
    } else if (!lua_getstack(co, 0, &frame)) {
        return;
    } else if (away == 2) {
        fetch(frame.i_ci, 0, 0);
    } else {
        const void *place;
        memcpy(&place, (const void *)frame.i_ci, sizeof place);
        fetch(place, -2, ends ? 5 : 1);
        if (lua_getstack(co, 1, &frame))
            fetch(frame.i_ci, 0, 0);
    }
}

const dynsup_body_ops dsl_body_ops = {
    .name = "coroutine",
    .step = body_step,
    .reply = body_reply,
    .stop = body_stop,
    .fini = body_fini,
    .preempt = body_preempt,
    .near = body_near,
};
