/* Servers: the slices of a process that is a module of callbacks. */
#include "bindings/server.h"

#include <string.h>

#define BATCH      64 /* messages a slice */
#define CO_STACK   12 /* slots of a coroutine that are needed beside a message */
#define MS_FOREVER 9e12

/* What a callback has led to. */
enum next {
    GO_ON,     /* wait for the next message */
    CALLBACK,  /* a callback is on the coroutine, ready to run */
    SLICE_ENDS /* run.slice says how */
};

/* A slice: the server and the coroutine that it has at the moment. */
typedef struct run {
    dsl_server *server;
    dsl_host *host;
    dsl_body *body; /* or NULL */
    dynsup_outcome *outcome;
    enum dynsup_slice slice;
    uint64_t deadline_ns; /* of the idle time that the last callback asked for */
} run;

static enum next server_end(run *r, dynsup_reason reason, int reply);
static enum next exit_now(run *r, dynsup_reason reason);

static dynsup_reason reason_take(dsl_server_end *end) {
    dynsup_reason reason = end->reason;
    end->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    return reason;
}

/* ---- coroutines ---- */

static int body_make(lua_State *L) {
    run *r = lua_touserdata(L, 1);
    r->body = dsl_body_new(L, r->host, 0);
    return 0;
}

static bool body_take(run *r) {
    if (r->body)
        return true;
    r->body = dsl_body_reuse(r->host);
    if (!r->body && dsl_protect(r->host->L, body_make, r) != LUA_OK)
        return false;
    r->body->dict = r->server->dict;
    r->server->dict = 0;
    return true;
}

static void body_give(run *r) {
    if (!r->body)
        return;
    r->body->server = NULL;
    r->server->dict = r->body->dict;
    r->body->dict = 0;
    lua_settop(r->body->co, 0);
    dsl_body_discard(r->body);
    r->body = NULL;
}

/* May the coroutine run the next callback as well? */
static bool body_is_fresh(const dsl_body *body) {
    return !body->base && !body->closed && lua_status(body->co) == LUA_OK;
}

/* ---- messages ---- */

static void message_end(dsl_server *server) {
    dynsup_message *message = server->at.message;
    if (!message || server->callback == DSL_INIT)
        return;
    for (uint32_t i = 0; i < message->count; i++)
        if (message->values[i].kind == DYNSUP_OBJECT)
            dsl_vault_release(&server->host->vault, (uint32_t)message->values[i].as.object);
    server->at.message = NULL;
    dynsup_message_free(server->host->core, message);
}

static void value_release(dsl_host *host, const dynsup_value *value) {
    if (value->kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)value->as.object);
}

static bool is_tagged(const dynsup_message *message, enum dynsup_atom atom, uint32_t count) {
    return message->values[0].kind == DYNSUP_ATOM && message->values[0].as.atom == atom &&
           message->count == count;
}

/* ---- the state ---- */

/* The value at the index becomes the state; false without memory. */
static bool state_set(dsl_server *server, lua_State *co, int index) {
    dsl_host *host = server->host;
    if (server->state.kind == DYNSUP_OBJECT) {
        dsl_value_push(co, host, &server->state);
        bool same = lua_rawequal(co, -1, index);
        lua_pop(co, 1);
        if (same)
            return true;
    }
    if (!dsl_server_reserve(host, 1))
        return false;
    dynsup_value old = server->state;
    server->state = dsl_value_get(co, host, index);
    value_release(host, &old);
    return true;
}

/* ---- what callbacks return ---- */

static bool is_word(lua_State *co, int index, const char *word) {
    return lua_type(co, index) == LUA_TSTRING && strcmp(lua_tostring(co, index), word) == 0;
}

static bool is_reason(lua_State *co, int index) {
    int type = lua_type(co, index);
    return type == LUA_TSTRING || type == LUA_TTABLE;
}

static int bad_make(lua_State *L) {
    run *r = lua_touserdata(L, 1);
    lua_State *co = r->body->co;
    int count = lua_gettop(co);
    luaL_checkstack(L, count + 4, NULL);
    lua_createtable(L, count + 1, 0);
    lua_pushliteral(L, "bad_return_value");
    lua_rawseti(L, 2, 1);
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(co, i);
        lua_xmove(co, L, 1);
        lua_rawseti(L, 2, i + 1);
    }
    dsl_vault_reserve(L, &r->host->vault, 1);
    r->outcome->reason = dsl_reason_get(L, r->host, 2);
    return 0;
}

/* { "bad_return_value", what it returned } */
static enum next bad_return(run *r) {
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NOMEM);
    if (lua_checkstack(r->body->co, 1) && dsl_protect(r->host->L, bad_make, r) == LUA_OK)
        reason = r->outcome->reason;
    r->outcome->reason = (dynsup_reason){0};
    return server_end(r, reason, 0);
}

static enum next no_memory(run *r) {
    return server_end(r, dynsup_reason_atom(DYNSUP_NOMEM), 0);
}

/* Leaves handle_continue(x, state) on the coroutine; x is on top. */
static enum next continue_begin(run *r) {
    lua_State *co = r->body->co;
    message_end(r->server);
    r->server->callback = DSL_CONTINUE;
    r->server->at.message = NULL;
    lua_insert(co, 1);
    lua_settop(co, 1);
    int pushed = dsl_callback_push(co, r->server, DSL_CONTINUE);
    lua_pushvalue(co, 1);
    lua_remove(co, 1);
    dsl_value_push(co, r->host, &r->server->state);
    r->body->nargs = pushed + 1;
    return CALLBACK;
}

/* What may follow the state: at the index, if there is anything. False: it is none of these. */
static bool extra_read(run *r, int index, bool *continues_out) {
    lua_State *co = r->body->co;
    *continues_out = false;
    if (lua_isnoneornil(co, index) || is_word(co, index, "infinity") ||
        is_word(co, index, "hibernate"))
        return true;
    if (lua_type(co, index) == LUA_TNUMBER) {
        double ms = lua_tonumber(co, index);
        if (ms >= 0 && ms < MS_FOREVER)
            r->deadline_ns = dsl_deadline_of(r->host, ms);
        return ms >= 0;
    }
    if (!lua_istable(co, index))
        return false;
    lua_rawgeti(co, LUA_REGISTRYINDEX, r->host->runtime->server_words);
    lua_rawgeti(co, -1, DSL_WORD_CONTINUE);
    lua_rawget(co, index);
    *continues_out = !lua_isnil(co, -1);
    return *continues_out;
}

/* The state is at the index, and what follows it behind. */
static enum next carry_on(run *r, int index) {
    bool continues;
    int count = lua_gettop(r->body->co);
    if (count < index || count > index + 1 || !extra_read(r, index + 1, &continues))
        return lua_settop(r->body->co, count), bad_return(r);
    if (!state_set(r->server, r->body->co, index))
        return no_memory(r);
    return continues ? continue_begin(r) : GO_ON;
}

/* "stop", reason [, reply], state */
static enum next stop_returned(run *r, int count) {
    lua_State *co = r->body->co;
    bool may_reply = r->server->callback == DSL_CALL;
    if ((count != 3 && !(may_reply && count == 4)) || !is_reason(co, 2))
        return bad_return(r);
    if (!dsl_server_reserve(r->host, 3) || !state_set(r->server, co, count))
        return no_memory(r);
    return server_end(r, dsl_reason_get(co, r->host, 2), count == 4 ? 3 : 0);
}

static enum next call_returned(run *r, int count) {
    lua_State *co = r->body->co;
    bool continues;
    if (!is_word(co, 1, "reply") || count < 3 || count > 4 || !extra_read(r, 4, &continues))
        return lua_settop(co, count), bad_return(r);
    lua_settop(co, count);
    dsl_server_reply(co, r->host, r->server->at.message->values[1].as.id, 2);
    return carry_on(r, 3);
}

static enum next init_ended(run *r, dynsup_reason reason) {
    r->outcome->reason = reason;
    r->slice = DYNSUP_SLICE_EXIT;
    return SLICE_ENDS;
}

/* Only a good start is told here; a failed one is known by its end. */
static enum next init_returned(run *r, int count) {
    lua_State *co = r->body->co;
    if (count == 2 && is_word(co, 1, "stop") && is_reason(co, 2)) {
        if (!dsl_server_reserve(r->host, 1))
            return no_memory(r);
        return init_ended(r, dsl_reason_get(co, r->host, 2));
    }
    if (count == 1 && is_word(co, 1, "ignore"))
        return init_ended(
            r, (dynsup_reason){DYNSUP_REASON_NORMAL, dynsup_reason_atom(DYNSUP_IGNORE).value});
    if (!is_word(co, 1, "ok"))
        return bad_return(r);
    dynsup_ref start = r->server->at.start;
    enum next next = carry_on(r, 2);
    if (next == SLICE_ENDS)
        return next;
    dynsup_started(r->host->core, start);
    r->server->at.message = NULL;
    if (next == GO_ON)
        r->server->callback = DSL_INFO; /* the start is over */
    return next;
}

static enum next returned(run *r) {
    lua_State *co = r->body->co;
    int count = lua_gettop(co);
    if (!lua_checkstack(co, CO_STACK))
        return no_memory(r);
    if (r->server->callback == DSL_INIT)
        return init_returned(r, count);
    if (r->server->callback == DSL_TERMINATE)
        return exit_now(r, reason_take(r->server->end));
    if (is_word(co, 1, "noreply"))
        return carry_on(r, 2);
    if (is_word(co, 1, "stop"))
        return stop_returned(r, count);
    return r->server->callback == DSL_CALL ? call_returned(r, count) : bad_return(r);
}

/* ---- the end ---- */

static enum next exit_now(run *r, dynsup_reason reason) {
    const dsl_server_end *end = r->server->end;
    lua_State *L = r->host->L;
    if (end && end->replies && lua_checkstack(L, 2)) {
        dsl_value_push(L, r->host, &end->reply);
        dsl_server_reply(L, r->host, r->server->at.message->values[1].as.id, -1);
        lua_pop(L, 1);
    }
    r->outcome->reason = reason;
    r->slice = DYNSUP_SLICE_EXIT;
    return SLICE_ENDS;
}

/* Keeps how the server ends; without memory there is nothing to keep it in. */
static bool end_keep(run *r, dynsup_reason reason, int reply) {
    dsl_host *host = r->host;
    dsl_server_end *end = host->alloc(host->alloc_ud, NULL, 0, sizeof *end);
    if (!end)
        return false;
    *end = (dsl_server_end){.reason = reason, .replies = reply != 0};
    if (reply)
        end->reply = dsl_value_get(r->body->co, host, reply); /* reserved by stop_returned */
    r->server->end = end;
    return true;
}

/* Leaves terminate(reason, state) on the coroutine, if the module has it. */
static enum next terminate_begin(run *r) {
    dsl_server *server = r->server;
    lua_State *co = r->body->co;
    lua_settop(co, 0);
    int pushed = dsl_callback_push(co, server, DSL_TERMINATE);
    if (pushed == 0)
        return exit_now(r, reason_take(server->end));
    server->callback = DSL_TERMINATE;
    dsl_value_push(co, r->host, &server->end->reason.value);
    dsl_value_push(co, r->host, &server->state);
    r->body->nargs = pushed + 1;
    return CALLBACK;
}

/* The server is to end with the reason, and the value at the index `reply`, if it is not 0, goes to
 * the call that is handled, last of all. */
static enum next server_end(run *r, dynsup_reason reason, int reply) {
    dsl_server *server = r->server;
    if (server->callback == DSL_INIT)
        return init_ended(r, reason);
    if (server->callback == DSL_TERMINATE) {
        dynsup_reason before = reason_take(server->end);
        value_release(r->host, &before.value);
        return exit_now(r, reason);
    }
    if (!end_keep(r, reason, reply))
        return exit_now(r, reason);
    if (r->body && !body_is_fresh(r->body))
        body_give(r);
    return body_take(r) ? terminate_begin(r) : exit_now(r, reason_take(server->end));
}

/* ---- callbacks ---- */

static enum next failed(run *r, int status) {
    dynsup_reason reason = dsl_server_crash(r->server, r->body->co, status);
    r->body->failed = true;
    dsl_body_close(r->body);
    return server_end(r, reason, 0);
}

/* exit(reason) in a callback: its coroutines are closed before anything else. */
static enum next exited(run *r) {
    dynsup_reason reason = r->outcome->reason;
    r->outcome->reason = (dynsup_reason){0};
    dsl_body_close(r->body);
    return server_end(r, reason, 0);
}

static enum next yielded(run *r, int count) {
    r->slice = dsl_body_yielded(r->body, count, r->outcome);
    if (r->slice == DYNSUP_SLICE_EXIT)
        return exited(r);
    r->body->server = r->server; /* from here on the coroutine is the process's body */
    dynsup_body_set(r->host->core, &dsl_body_ops, r->body);
    r->body = NULL;
    return SLICE_ENDS;
}

/* The coroutine has run: what follows? */
static enum next ran(run *r, int status, int count) {
    if (status == LUA_YIELD)
        return yielded(r, count);
    if (dynsup_doomed(r->host->core))
        return init_ended(r, (dynsup_reason){0});
    return status == LUA_OK ? returned(r) : failed(r, status);
}

/* Runs what is on the coroutine, if anything, and what follows without waiting. */
static enum next run_callbacks(run *r, enum next next) {
    while (next == CALLBACK) {
        int count;
        r->body->wait = DSL_WAIT_START;
        r->body->inner = r->body->co;
        int status = dsl_body_run(r->body, &count);
        next = ran(r, status, count);
    }
    if (next == GO_ON) {
        message_end(r->server);
        lua_settop(r->body->co, 0);
        if (!body_is_fresh(r->body))
            body_give(r);
    }
    return next;
}

/* ---- messages become callbacks ---- */

static enum next begin(run *r, enum dsl_callback callback, int first, int last) {
    dsl_server *server = r->server;
    const dynsup_message *message = server->at.message;
    int values = last - first + 1;
    server->callback = (uint8_t)callback;
    if (!body_take(r) || !lua_checkstack(r->body->co, values + CO_STACK))
        return no_memory(r);
    lua_State *co = r->body->co;
    int pushed = dsl_callback_push(co, server, callback);
    if (callback == DSL_INFO)
        dsl_value_push(co, r->host, &server->state);
    for (int i = last; i >= first && callback != DSL_INFO; i--)
        dsl_value_push(co, r->host, &message->values[i]);
    for (int i = first; i <= last && callback == DSL_INFO; i++)
        dsl_value_push(co, r->host, &message->values[i]);
    if (callback != DSL_INFO)
        dsl_value_push(co, r->host, &server->state);
    r->body->nargs = pushed + values;
    return CALLBACK;
}

/* Asked to end, by stop or by the parent's exit signal; the reason is the last value. */
static enum next asked_to_end(run *r) {
    const dynsup_value *value = &r->server->at.message->values[2];
    if (!body_take(r) || !lua_checkstack(r->body->co, CO_STACK) || !dsl_server_reserve(r->host, 1))
        return no_memory(r);
    dsl_value_push(r->body->co, r->host, value);
    dynsup_reason reason = dsl_reason_get(r->body->co, r->host, -1);
    r->server->callback = DSL_INFO;
    return server_end(r, reason, 0);
}

static bool is_parents_exit(const run *r, const dynsup_message *message) {
    return is_tagged(message, DYNSUP_EXIT, 3) && r->server->linked &&
           message->values[1].as.id == dynsup_parent(r->host->core);
}

static enum next handle(run *r, dynsup_message *message) {
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
static enum next idle_over(run *r) {
    if (!body_take(r) || !lua_checkstack(r->body->co, CO_STACK))
        return no_memory(r);
    lua_State *co = r->body->co;
    r->server->callback = DSL_INFO;
    int pushed = dsl_callback_push(co, r->server, DSL_INFO);
    dsl_value_push(co, r->host, &r->server->state);
    dsl_atom_push(co, r->host->runtime, DYNSUP_TIMEOUT);
    r->body->nargs = pushed + 1;
    return CALLBACK;
}

/* ---- slices ---- */

/* Handles what is in the mailbox, up to a batch; then the server waits, without a coroutine. */
static enum dynsup_slice work(run *r) {
    dynsup_host *core = r->host->core;
    for (int i = 0; i < BATCH; i++) {
        if (!dynsup_mailbox_first(core)) {
            body_give(r);
            dynsup_wait_message(core, 0, r->deadline_ns);
            return DYNSUP_SLICE_WAIT;
        }
        if (run_callbacks(r, handle(r, dynsup_mailbox_take(core, NULL))) == SLICE_ENDS) {
            body_give(r);
            return r->slice;
        }
    }
    body_give(r);
    return DYNSUP_SLICE_AGAIN;
}

static enum dynsup_slice server_step(void *p, dynsup_host *core, dynsup_pid self,
                                     enum dynsup_wake wake, dynsup_outcome *outcome) {
    (void)core, (void)self;
    dsl_server *server = p;
    run r = {.server = server, .host = server->host, .outcome = outcome};
    r.deadline_ns = DYNSUP_NEVER;
    if (wake == DYNSUP_WAKE_TIMEOUT && run_callbacks(&r, idle_over(&r)) == SLICE_ENDS) {
        body_give(&r);
        return r.slice;
    }
    return work(&r);
}

enum dynsup_slice dsl_server_returned(dsl_body *body, int status, int count,
                                      dynsup_outcome *outcome) {
    dsl_server *server = body->server;
    run r = {.server = server, .host = server->host, .outcome = outcome, .body = body};
    r.deadline_ns = DYNSUP_NEVER;
    if (status == LUA_YIELD && !body->exiting)
        return dsl_body_yielded(body, count, outcome);
    body->server = NULL; /* the server is the process's body again */
    dynsup_body_set(r.host->core, &dsl_server_ops, server);
    enum next next = run_callbacks(&r, ran(&r, status, count));
    if (next == SLICE_ENDS) {
        body_give(&r);
        return r.slice;
    }
    return work(&r);
}

/* ---- making and ending ---- */

void dsl_server_stop(dsl_server *server) {
    message_end(server);
}

static void server_stop(void *p, dynsup_host *core, dynsup_pid self) {
    (void)core, (void)self;
    dsl_server_stop(p);
}

void dsl_server_fini(dsl_server *server) {
    dsl_host *host = server->host;
    value_release(host, &server->state);
    dsl_vault_release(&host->vault, server->module);
    dsl_vault_release(&host->vault, server->dict);
    if (server->end) {
        value_release(host, &server->end->reason.value);
        value_release(host, &server->end->reply);
        host->alloc(host->alloc_ud, server->end, sizeof *server->end, 0);
    }
    host->alloc(host->alloc_ud, server, sizeof *server, 0);
}

static void server_fini(void *p) {
    dsl_server_fini(p);
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

/* The module, below init and arg, as one more owner of its slot: the next server is mostly of the
 * same one. */
static uint32_t module_keep(lua_State *L, dsl_host *host) {
    bool same = false;
    if (host->server_module) {
        dsl_vault_push(L, &host->vault, host->server_module);
        same = lua_rawequal(L, -1, -4);
        lua_pop(L, 1);
    }
    if (!same) {
        dsl_vault_release(&host->vault, host->server_module);
        lua_pushvalue(L, -3);
        host->server_module = dsl_vault_put(L, &host->vault);
    }
    dsl_vault_retain(&host->vault, host->server_module);
    return host->server_module;
}

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
    server->module = module_keep(L, host);
    body->server = server;
    dsl_body_load(L, body, 1);
    lua_pop(L, 1);
    return body;
}
