/* Coroutines as bodies of processes and guests. */
#include "bindings/binding.h"

#include "bindings/account.h"
#include "bindings/dry.h"
#include "bindings/heap.h"

#include <stdlib.h>
#include <string.h>

/* ---- making and freeing ---- */

static lua_State *thread_take(dsl_host *host, uint32_t *anchor_out) {
    host->pool_count--;
    *anchor_out = host->pool_anchors[host->pool_count];
    return host->pool[host->pool_count];
}

/* A new coroutine on top, for whoever will run in it. After an error the rest of the slice is
 * debited to nobody. [-0, +1] */
static lua_State *thread_make(lua_State *L, const dsl_host *host) {
    dsl_memory *memory = host->memory;
    dsl_account *before = dsl_memory_enter(memory, memory ? &memory->common : NULL);
    lua_State *co = lua_newthread(L);
    dsl_memory_enter(memory, before);
    return co;
}

/* A finished coroutine or a new one; that many slots of the vault stay reserved. */
static lua_State *thread_new(lua_State *L, dsl_host *host, uint32_t slots, uint32_t *anchor_out) {
    dsl_vault_reserve(L, &host->vault, slots);
    if (host->pool_count > 0)
        return thread_take(host, anchor_out);
    luaL_checkstack(L, 4, NULL);
    lua_State *co = thread_make(L, host);
    dsl_vault_reserve(L, &host->vault, slots + 1);
    *anchor_out = dsl_vault_put(L, &host->vault);
    return co;
}

/* An error out of a hook leaves the coroutine with its hooks switched off, for ever. */
static bool thread_reusable(const dsl_host *host, const dsl_body *body) {
    if (body->failed && host->runtime->hooked)
        return false;
    return !body->base && host->pool_count < DSL_POOL_MAX && lua_status(body->co) == LUA_OK &&
           lua_gettop(body->co) == 0;
}

/* Finished coroutines wait for the next process, or are left to the collector. */
static void thread_end(dsl_host *host, const dsl_body *body) {
    if (!thread_reusable(host, body)) {
        dsl_vault_release(&host->vault, body->anchor);
        return;
    }
    host->pool[host->pool_count] = body->co;
    host->pool_anchors[host->pool_count] = body->anchor;
    host->pool_count++;
}

static dsl_body *body_alloc(dsl_host *host) {
    dsl_body *body = host->free_bodies;
    if (body)
        host->free_bodies = body->next;
    else
        body = host->alloc(host->alloc_ud, NULL, 0, sizeof *body);
    if (body)
        memset(body, 0, sizeof *body);
    return body;
}

static dsl_body *body_init(dsl_body *body, dsl_host *host, lua_State *co, uint32_t anchor) {
    body->host = host;
    body->co = body->inner = co;
    body->anchor = anchor;
    body->wait = DSL_WAIT_START;
    dsl_hook_begin(host, co);
    if (host->heap)
        dsl_heap_enter(host->heap);
    return body;
}

dsl_body *dsl_body_new(lua_State *L, dsl_host *host, uint32_t slots) {
    uint32_t anchor;
    lua_State *co = thread_new(L, host, slots, &anchor);
    dsl_body *body = body_alloc(host);
    if (!body) {
        dsl_vault_release(&host->vault, anchor);
        dsl_error(L, "not enough memory");
        return NULL;
    }
    return body_init(body, host, co, anchor);
}

dsl_body *dsl_body_reuse(dsl_host *host) {
    uint32_t anchor;
    if (host->pool_count == 0)
        return NULL;
    dsl_body *body = body_alloc(host);
    if (!body)
        return NULL;
    lua_State *co = thread_take(host, &anchor);
    return body_init(body, host, co, anchor);
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
    thread_end(host, body);
    if (body->server)
        dsl_server_fini(body->server);
    dsl_vault_release(&host->vault, body->dict);
    dsl_account_close(host->memory, body->account);
    dsl_last_forget(host, body);
    free(body->levels);
    free(body->base);
    body->next = host->free_bodies;
    host->free_bodies = body;
    if (host->heap)
        dsl_heap_leave(host->heap);
}

void dsl_body_discard(dsl_body *body) {
    body_fini(body);
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

void dsl_body_mark(dsl_body *body) {
    if (body->base)
        level_mark(body->base);
    for (int i = 0; i < body->depth; i++)
        level_mark(&body->levels[i]);
}

void dsl_body_unmark(dsl_body *body) {
    if (body->base)
        level_unmark(body->base);
    for (int i = 0; i < body->depth; i++)
        level_unmark(&body->levels[i]);
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

int dsl_go_on(lua_State *L, dsl_host *host, int results) {
    if (!host->current || !dynsup_doomed(host->core))
        return results;
    if (dsl_can_wait(L, host))
        return dsl_body_stop_here(L, host->current);
    dsl_preempt(host); /* it cannot end where it is: it will as soon as it can */
    return results;
}

/* ---- slices ---- */

static int push_timeout(dsl_body *body) {
    lua_pushnil(body->inner);
    dsl_atom_push(body->inner, body->host->runtime, DYNSUP_TIMEOUT);
    return 2;
}

/* The oldest message's values go to the stack of the receiving coroutine. */
static int push_message(dsl_body *body, dynsup_host *core) {
    dynsup_message *message = dynsup_mailbox_take(core, NULL);
    body->takes++;
    int count = dsl_message_push(body->inner, body->host, message);
    dsl_last_note(body->inner, body->host, body, count);
    return count;
}

/* Puts what the suspended code is to go on with on inner's stack; returns how much that is. */
static int resume_values(dsl_body *body, dynsup_host *core, enum dynsup_wake wake) {
    switch ((enum dsl_wait)body->wait) {
    case DSL_WAIT_MESSAGE:
        if (wake == DYNSUP_WAKE_MESSAGE)
            return push_message(body, core);
        return wake == DYNSUP_WAKE_TIMEOUT ? push_timeout(body) : body->nargs;
    case DSL_WAIT_VALUES:
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

enum dynsup_slice dsl_body_yielded(dsl_body *body, int count, dynsup_outcome *outcome) {
    if (!body->host->switching) { /* by a yield that is not ours: it gives way */
        lua_pop(body->co, count);
        body->inner = body->co;
        body->wait = DSL_WAIT_NOTHING;
    }
    dsl_body_mark(body); /* also of one that exits: nobody resumes its coroutines before its end */
    if (body->exiting)
        return slice_exiting(body, outcome);
    if (dsl_account_exceeded(body)) {
        outcome->reason = dynsup_reason_atom(DYNSUP_MEMORY_EXCEEDED);
        return DYNSUP_SLICE_EXIT;
    }
    return body->wait == DSL_WAIT_NOTHING ? DYNSUP_SLICE_AGAIN : DYNSUP_SLICE_WAIT;
}

/* Resumes the base coroutine; returns Lua's status. */
static int base_resume(dsl_body *body, int nargs, int *count_out) {
    dsl_host *host = body->host;
    dsl_body *outer = host->current; /* whose slice starts this process; mostly none */
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

/* Is it the line that exits, and not the process? */
static bool line_exits(const dsl_body *body, int status) {
    return status == LUA_YIELD && body->exiting && body->has_line;
}

int dsl_body_run(dsl_body *body, int *count_out) {
    dsl_host *host = body->host;
    if (host->count_hook && !lua_gethook(body->inner))
        dsl_hook_begin(host, body->inner); /* a hook of the user had taken its place */
    int status = base_resume(body, body->inner == body->co ? body->nargs : 0, count_out);
    while (line_exits(body, status)) {
        body->unwinding = true;
        status = base_resume(body, 0, count_out);
    }
    if (body->wait == DSL_WAIT_START)
        body->wait = DSL_WAIT_NOTHING;
    return status;
}

static enum dynsup_slice body_slice(dsl_body *body, dynsup_host *core, enum dynsup_wake wake,
                                    dynsup_outcome *outcome) {
    int count;
    if (body->wait != DSL_WAIT_START)
        dsl_body_unmark(body);
    else if (dsl_dry_idles(body) && !dsl_dry_begin(body))
        return DYNSUP_SLICE_IDLE;
    body->nargs = resume_values(body, core, wake);
    int status = dsl_body_run(body, &count);
    if (body->server)
        return dsl_server_returned(body, status, count, outcome);
    if (status == LUA_YIELD)
        return dsl_body_yielded(body, count, outcome);
    return status == LUA_OK ? slice_returned(body, count, outcome)
                            : slice_failed(body, status, outcome);
}

static enum dynsup_slice body_step(void *p, dynsup_host *core, dynsup_pid self,
                                   enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)self;
    dsl_body *body = p;
    dsl_heap *heap = body->host->heap;
    bool is_guest = body->is_guest;
    if (heap && dsl_heap_ends(heap, is_guest, outcome))
        return DYNSUP_SLICE_EXIT;
    enum dynsup_slice end = body_slice(body, core, wake, outcome);
    bool is_over = is_guest && end == DYNSUP_SLICE_EXIT;
    if (heap && !is_over && dsl_heap_ends(heap, is_guest, outcome))
        return DYNSUP_SLICE_EXIT;
    return end;
}

/* A reply's raw form for the continuation of the request: status, pid, existing, two values. */
static void body_reply(void *p, const dynsup_reply *reply) {
    dsl_body *body = p;
    dsl_reply_push(body->inner, body->host, reply);
    body->nargs = DSL_REPLY_VALUES;
}

/* ---- the end ---- */

/* Is there anything on its stack that could still have to be closed? */
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
    if (lua_status(body->co) == LUA_YIELD)
        dsl_body_unmark(body);
    body->closed = body->closing = true;
    dsl_body *outer = host->current;
    lua_State *outer_innermost = host->innermost;
    bool outer_chain_ok = host->chain_ok;
    host->current = body;
    host->switching = false; /* of the slice before: what yields in a handler yields to its user */
    dsl_account *outer_account = dsl_account_enter_end(body);
    dsl_close_begin(host);
    while (body->depth > 0)
        dsl_close_thread(host, body->levels[--body->depth].co);
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
    if (body->server)
        dsl_server_stop(body->server);
}

static void body_preempt(void *p) {
    dsl_preempt(((dsl_body *)p)->host);
}

/* First the coroutine that goes on, then its frame and the top of its stack. */
static void body_near(void *b, bool is_next) {
    dsl_body *body = b;
    const char *inner = (const char *)body->inner;
    if (is_next) {
        if (lua_gettop(body->inner) > 0)
            (void)lua_type(body->inner, -1);
        return;
    }
    __builtin_prefetch(inner);
    __builtin_prefetch(inner + 64);
    __builtin_prefetch(inner + 128);
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
