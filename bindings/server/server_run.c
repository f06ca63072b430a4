/* Servers: the slices of a process that is a module of callbacks. */
#include "bindings/server/server_run.h"

#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/heap/heap.h"
#include "bindings/child/kept.h"
#include "bindings/process/preempt.h"
#include "bindings/protect.h"
#include "core/tiny.h"

#include <string.h>

#define BATCH DSI_TINY(64, 1) /* messages a slice */

/* ---- coroutines ---- */

bool dsl_server_body_take(dsl_server_run *r) {
    if (r->body)
        return true;
    r->body = dsl_body_take(r->host);
    if (!r->body)
        return false;
    r->body->dict = r->server->dict;
    r->body->account = r->server->account;
    r->server->dict = 0;
    r->server->account = NULL;
    if (r->host->heap) /* it is the same process */
        dsl_heap_leave(r->host->heap);
    return true;
}

void dsl_server_body_give(dsl_server_run *r) {
    if (!r->body)
        return;
    r->server->dict = r->body->dict;
    r->server->account = r->body->account;
    r->body->dict = 0;
    r->body->account = NULL;
    lua_settop(r->body->co, 0);
    if (r->host->heap)
        dsl_heap_enter(r->host->heap);
    dsl_body_discard(r->body);
    r->body = NULL;
}

bool dsl_server_body_is_fresh(const dsl_body *body) {
    return !dsl_body_is_seen(body) && !body->closed && lua_status(body->co) == LUA_OK;
}

/* ---- messages ---- */

void dsl_server_message_end(dsl_server *server) {
    dynsup_message *message = dsl_server_message(server);
    if (!message)
        return;
    for (uint32_t i = 0; i < message->count; i++)
        dsl_value_release(server->host, &message->values[i]);
    *(server->ends ? &server->at.end->message : &server->at.message) = NULL;
    dynsup_message_free(server->host->core, message);
}

static bool is_tagged(const dynsup_message *message, enum dynsup_atom atom, uint32_t count) {
    return message->values[0].kind == DYNSUP_ATOM && message->values[0].as.atom == atom &&
           message->count == count;
}

/* ---- callbacks ---- */

static enum dsl_next failed(dsl_server_run *r, int status) {
    dynsup_reason reason = dsl_server_crash(r->server, r->body, status);
    r->body->failed = true;
    dsl_body_close(r->body);
    return dsl_server_end_with(r, reason, 0);
}

/* exit(reason) in a callback: its coroutines are closed before anything else. */
static enum dsl_next exited(dsl_server_run *r) {
    dynsup_reason reason = r->outcome->reason;
    r->outcome->reason = (dynsup_reason){0};
    dsl_body_close(r->body);
    return dsl_server_end_with(r, reason, 0);
}

static enum dsl_next yielded(dsl_server_run *r, int count) {
    r->slice = dsl_body_yielded(r->body, count, r->outcome);
    if (r->slice == DYNSUP_SLICE_EXIT)
        return exited(r);
    dsl_server_lend(r->server, r->body); /* from here on the coroutine is the process's body */
    dynsup_body_set(r->host->core, &dsl_body_ops, r->body);
    r->body = NULL;
    return DSL_SLICE_ENDS;
}

/* The coroutine has run: what follows? */
static enum dsl_next ran(dsl_server_run *r, int status, int count) {
    if (status == LUA_YIELD)
        return yielded(r, count);
    if (dynsup_doomed(r->host->core))
        return dsl_server_gone(r, (dynsup_reason){0});
    return status == LUA_OK ? dsl_server_outcome(r) : failed(r, status);
}

/* Runs the callback on the coroutine, if any, and those that follow without waiting. */
static enum dsl_next run_callbacks(dsl_server_run *r, enum dsl_next next) {
    while (next == DSL_CALLBACK) {
        int count;
        r->body->wait = DSL_WAIT_START;
        r->body->inner = r->body->co;
        int status = dsl_body_run(r->body, &count);
        next = ran(r, status, count);
    }
    if (next == DSL_GO_ON) {
        dsl_server_message_end(r->server);
        lua_settop(r->body->co, 0);
        if (!dsl_server_body_is_fresh(r->body))
            dsl_server_body_give(r);
    }
    return next;
}

/* ---- messages become callbacks ---- */

static enum dsl_next begin(dsl_server_run *r, enum dsl_server_callback callback, int first,
                           int last) {
    dsl_server *server = r->server;
    const dynsup_message *message = server->at.message;
    int values = last - first + 1;
    server->callback = (uint8_t)callback;
    if (!dsl_server_body_take(r) || !dsl_server_has_room(r->body->co, values))
        return dsl_server_no_memory(r);
    lua_State *co = r->body->co;
    int pushed = dsl_server_callback_push(co, server, callback);
    if (callback == DSL_INFO)
        dsl_server_state_push(co, server);
    for (int i = last; i >= first && callback != DSL_INFO; i--)
        dsl_value_push_in_slice(co, r->host, &message->values[i]);
    if (callback == DSL_INFO)
        dsl_values_push_in_slice(co, r->host, message->values + first, values);
    if (callback != DSL_INFO)
        dsl_server_state_push(co, server);
    r->body->nargs = pushed + values;
    return DSL_CALLBACK;
}

/* The server is asked to end, by stop or by the parent's exit signal; the reason is the last value.
 */
static enum dsl_next asked_to_end(dsl_server_run *r) {
    const dynsup_value *value = &r->server->at.message->values[2];
    if (!dsl_server_body_take(r) || !lua_checkstack(r->body->co, DSL_CO_STACK) ||
        !dsl_reserve(r->host, 1))
        return dsl_server_no_memory(r);
    dsl_value_push(r->body->co, r->host, value);
    dynsup_reason reason = dsl_reason_get(r->body->co, r->host, -1);
    r->server->callback = DSL_INFO;
    return dsl_server_end_with(r, reason, 0);
}

static bool is_parents_exit(const dsl_server_run *r, const dynsup_message *message) {
    return is_tagged(message, DYNSUP_EXIT, 3) && r->server->linked &&
           message->values[1].as.id == dynsup_parent(r->host->core);
}

static enum dsl_next handle(dsl_server_run *r, dynsup_message *message) {
    r->server->at.message = message;
    r->deadline_ns = DYNSUP_NEVER;
    if (is_tagged(message, DYNSUP_CALL, 3))
        return begin(r, DSL_CALL, 1, 2);
    if (is_tagged(message, DYNSUP_CAST, 2))
        return begin(r, DSL_CAST, 1, 1);
    if (is_tagged(message, DYNSUP_STOP, 3) || is_parents_exit(r, message))
        return asked_to_end(r);
    return begin(r, DSL_INFO, 0, (int)message->count - 1);
}

/* The idle time is over. */
static enum dsl_next idle_over(dsl_server_run *r) {
    if (!dsl_server_body_take(r) || !lua_checkstack(r->body->co, DSL_CO_STACK))
        return dsl_server_no_memory(r);
    lua_State *co = r->body->co;
    r->server->callback = DSL_INFO;
    int pushed = dsl_server_callback_push(co, r->server, DSL_INFO);
    dsl_server_state_push(co, r->server);
    dsl_atom_push(co, r->host->runtime, DYNSUP_TIMEOUT);
    r->body->nargs = pushed + 1;
    return DSL_CALLBACK;
}

/* ---- slices ---- */

/* Handles what is in the mailbox, up to a batch; then the server waits, without a coroutine. */
static enum dynsup_slice work(dsl_server_run *r) {
    dynsup_host *core = r->host->core;
    for (int left = BATCH;; left--) {
        if (!dynsup_mailbox_first(core)) { /* also behind the last one, for its idle time */
            dsl_server_body_give(r);
            dynsup_wait_message(core, 0, r->deadline_ns);
            return DYNSUP_SLICE_WAIT;
        }
        if (left == 0)
            break;
        if (run_callbacks(r, handle(r, dynsup_mailbox_take(core, NULL))) == DSL_SLICE_ENDS) {
            dsl_server_body_give(r);
            return r->slice;
        }
    }
    dsl_server_body_give(r);
    return DYNSUP_SLICE_AGAIN;
}

static enum dynsup_slice server_slice(dsl_server *server, enum dynsup_wake wake,
                                      dynsup_outcome *outcome) {
    dsl_server_run r = {.server = server, .host = server->host, .outcome = outcome};
    r.deadline_ns = DYNSUP_NEVER;
    if (wake == DYNSUP_WAKE_TIMEOUT && run_callbacks(&r, idle_over(&r)) == DSL_SLICE_ENDS) {
        dsl_server_body_give(&r);
        return r.slice;
    }
    return work(&r);
}

static enum dynsup_slice server_step(void *p, dynsup_host *core, dynsup_pid self,
                                     enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)core, (void)self;
    dsl_heap *heap = ((dsl_server *)p)->host->heap;
    if (heap && dsl_heap_ends(heap, false, outcome))
        return DYNSUP_SLICE_EXIT;
    enum dynsup_slice end = server_slice(p, wake, outcome);
    if (heap && dsl_heap_ends(heap, false, outcome))
        return DYNSUP_SLICE_EXIT;
    return end;
}

enum dynsup_slice dsl_server_returned(dsl_body *body, int status, int count,
                                      dynsup_outcome *outcome) {
    dsl_server *server = body->server;
    dsl_server_run r = {.server = server, .host = server->host, .outcome = outcome, .body = body};
    r.deadline_ns = DYNSUP_NEVER;
    if (status == LUA_YIELD && !body->exiting)
        return dsl_body_yielded(body, count, outcome);
    dsl_server_regain(body); /* the server is the process's body again */
    dynsup_body_set(r.host->core, &dsl_server_ops, server);
    enum dsl_next next = run_callbacks(&r, ran(&r, status, count));
    if (next == DSL_SLICE_ENDS) {
        dsl_server_body_give(&r);
        return r.slice;
    }
    return work(&r);
}

/* ---- making and ending ---- */

void dsl_server_stop(dsl_server *server) {
    dsl_server_message_end(server);
}

static void server_stop(void *p, dynsup_host *core, dynsup_pid self) {
    (void)core, (void)self;
    dsl_server_stop(p);
}

void dsl_server_fini(dsl_server *server) {
    dsl_host *host = server->host;
    dynsup_value state = dsl_server_state(server);
    dsl_value_release(host, &state);
    dsl_vault_release(&host->vault, server->module);
    dsl_vault_release(&host->vault, server->dict);
    dsl_account_close(host->memory, server->account);
    if (server->ends) {
        dsl_server_end *end = server->at.end;
        dsl_value_release(host, &end->reason.value);
        dsl_value_release(host, &end->reply);
        host->alloc(host->alloc_ud, end, sizeof *end, 0);
    }
    host->alloc(host->alloc_ud, server, sizeof *server, 0);
}

static void server_fini(void *p) {
    dsl_heap *heap = ((dsl_server *)p)->host->heap;
    dsl_server_fini(p);
    if (heap)
        dsl_heap_leave(heap);
}

static void server_preempt(void *p) {
    dsl_preempt(((dsl_server *)p)->host);
}

const dynsup_body_ops dsl_server_ops = {
    .name = "server",
    .step = server_step,
    .stop = server_stop,
    .fini = server_fini,
    .preempt = server_preempt,
};

dsl_body *dsl_server_new(lua_State *L, dsl_host *host, bool linked, uint32_t slots) {
    dsl_body *body = dsl_body_new(L, host, slots + 1);
    dsl_server *server = host->alloc(host->alloc_ud, NULL, 0, sizeof *server);
    if (!server) {
        dsl_body_discard(body);
        dsl_error(L, "not enough memory");
        return NULL;
    }
    memset(server, 0, sizeof *server);
    server->host = host;
    server->linked = linked;
    dsl_keep(L, host, &host->server_module, -3);
    server->module = host->server_module.slot;
    dsl_vault_retain(&host->vault, server->module);
    dsl_server_lend(server, body);
    dsl_body_load(L, body, 1);
    lua_pop(L, 1);
    return body;
}
