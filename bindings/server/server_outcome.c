/* Servers: what callbacks return, and how a server ends. */
#include "bindings/protect.h"
#include "bindings/server/server_run.h"

#include <string.h>

#define MS_FOREVER 9e12

static enum dsl_next exit_now(dsl_server_run *r, dynsup_reason reason);

static dynsup_reason reason_take(dsl_server_end *end) {
    dynsup_reason reason = end->reason;
    end->reason = dynsup_reason_atom(DYNSUP_NORMAL);
    return reason;
}

/* ---- the state ---- */

/* The value at the index becomes the state; false without memory. */
static bool state_set(dsl_server *server, lua_State *co, int index) {
    dsl_host *host = server->host;
    if (server->state_kind == DYNSUP_OBJECT) {
        dsl_server_state_push(co, server);
        bool same = lua_rawequal(co, -1, index);
        lua_pop(co, 1);
        if (same)
            return true;
    }
    if (!dsl_reserve(host, 1))
        return false;
    dynsup_value old = dsl_server_state(server);
    dynsup_value state = dsl_value_get(co, host, index);
    server->state = state.as.object;
    server->state_kind = (uint8_t)state.kind;
    dsl_value_release(host, &old);
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
    dsl_server_run *r = lua_touserdata(L, 1);
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
static enum dsl_next bad_return(dsl_server_run *r) {
    dynsup_reason reason = dynsup_reason_atom(DYNSUP_NOMEM);
    if (lua_checkstack(r->body->co, 1) && dsl_protect(r->host->L, bad_make, r) == LUA_OK)
        reason = r->outcome->reason;
    r->outcome->reason = (dynsup_reason){0};
    return dsl_server_end_with(r, reason, 0);
}

enum dsl_next dsl_server_no_memory(dsl_server_run *r) {
    return dsl_server_end_with(r, dynsup_reason_atom(DYNSUP_NOMEM), 0);
}

/* Leaves handle_continue(x, state) on the coroutine; x is on top. */
static enum dsl_next continue_begin(dsl_server_run *r) {
    lua_State *co = r->body->co;
    dsl_server_message_end(r->server);
    r->server->callback = DSL_CONTINUE;
    r->server->at.message = NULL;
    lua_insert(co, 1);
    lua_settop(co, 1);
    int pushed = dsl_server_callback_push(co, r->server, DSL_CONTINUE);
    lua_pushvalue(co, 1);
    lua_remove(co, 1);
    dsl_server_state_push(co, r->server);
    r->body->nargs = pushed + 1;
    return DSL_CALLBACK;
}

/* Reads what may follow the state, at the index, if anything is there. False: it is nothing valid.
 */
static bool extra_read(dsl_server_run *r, int index, bool *continues_out) {
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
    lua_rawgeti(co, -1, DSL_SERVER_WORD_CONTINUE);
    lua_rawget(co, index);
    *continues_out = !lua_isnil(co, -1);
    return *continues_out;
}

/* The state is at the index, and what follows it behind. */
static enum dsl_next carry_on(dsl_server_run *r, int index) {
    bool continues = false;
    int count = lua_gettop(r->body->co);
    if (count < index || count > index + 1)
        return bad_return(r);
    if (count > index && !extra_read(r, index + 1, &continues))
        return lua_settop(r->body->co, count), bad_return(r);
    if (!state_set(r->server, r->body->co, index))
        return dsl_server_no_memory(r);
    return continues ? continue_begin(r) : DSL_GO_ON;
}

/* "stop", reason [, reply], state */
static enum dsl_next stop_returned(dsl_server_run *r, int count) {
    lua_State *co = r->body->co;
    bool may_reply = r->server->callback == DSL_CALL;
    if ((count != 3 && !(may_reply && count == 4)) || !is_reason(co, 2))
        return bad_return(r);
    if (count == 4 && !dsl_server_copy(r->host, co, 3)) /* first: what it collects may take slots */
        return dsl_server_no_memory(r);
    if (!dsl_reserve(r->host, 3) || !state_set(r->server, co, count))
        return dsl_server_no_memory(r);
    return dsl_server_end_with(r, dsl_reason_get(co, r->host, 2), count == 4 ? 3 : 0);
}

/* "reply", value, state */
static enum dsl_next call_returned(dsl_server_run *r, int count) {
    lua_State *co = r->body->co;
    bool continues;
    if (count < 3 || count > 4)
        return bad_return(r);
    if (count == 4 && !extra_read(r, 4, &continues))
        return lua_settop(co, 4), bad_return(r);
    lua_settop(co, count);
    if (!dsl_server_copy(r->host, co, 2))
        return dsl_server_no_memory(r);
    dsl_server_reply(co, r->host, dsl_server_message(r->server)->values[1].as.id, 2);
    return carry_on(r, 3);
}

enum dsl_next dsl_server_gone(dsl_server_run *r, dynsup_reason reason) {
    r->outcome->reason = reason;
    r->slice = DYNSUP_SLICE_EXIT;
    return DSL_SLICE_ENDS;
}

/* Only a successful start is reported here; a failed one is noticed by its end. */
static enum dsl_next init_returned(dsl_server_run *r, int count) {
    lua_State *co = r->body->co;
    if (count == 2 && is_word(co, 1, "stop") && is_reason(co, 2)) {
        if (!dsl_reserve(r->host, 1))
            return dsl_server_no_memory(r);
        return dsl_server_gone(r, dsl_reason_get(co, r->host, 2));
    }
    if (count == 1 && is_word(co, 1, "ignore"))
        return dsl_server_gone(
            r, (dynsup_reason){DYNSUP_REASON_NORMAL, dynsup_reason_atom(DYNSUP_IGNORE).value});
    if (!is_word(co, 1, "ok"))
        return bad_return(r);
    dynsup_ref start = r->server->at.start;
    enum dsl_next next = carry_on(r, 2);
    if (next == DSL_SLICE_ENDS)
        return next;
    dynsup_started(r->host->core, start);
    r->server->at.message = NULL;
    if (next == DSL_GO_ON)
        r->server->callback = DSL_INFO; /* the start is over */
    return next;
}

enum dsl_next dsl_server_outcome(dsl_server_run *r) {
    lua_State *co = r->body->co;
    int count = lua_gettop(co);
    if (!dsl_server_has_room(co, count))
        return dsl_server_no_memory(r);
    if (r->server->callback == DSL_INIT)
        return init_returned(r, count);
    if (r->server->callback == DSL_TERMINATE)
        return exit_now(r, reason_take(r->server->at.end));
    const char *word = lua_type(co, 1) == LUA_TSTRING ? lua_tostring(co, 1) : "";
    if (r->server->callback == DSL_CALL && strcmp(word, "reply") == 0)
        return call_returned(r, count);
    if (strcmp(word, "noreply") == 0)
        return carry_on(r, 2);
    return strcmp(word, "stop") == 0 ? stop_returned(r, count) : bad_return(r);
}

/* ---- the end ---- */

static enum dsl_next exit_now(dsl_server_run *r, dynsup_reason reason) {
    const dsl_server_end *end = r->server->ends ? r->server->at.end : NULL;
    lua_State *L = r->host->L;
    if (end && end->replies && lua_checkstack(L, 2)) {
        dsl_value_push(L, r->host, &end->reply);
        dsl_server_reply(L, r->host, dsl_server_message(r->server)->values[1].as.id, -1);
        lua_pop(L, 1);
    }
    r->outcome->reason = reason;
    r->slice = DYNSUP_SLICE_EXIT;
    return DSL_SLICE_ENDS;
}

/* Keeps how the server ends; does nothing without memory. */
static bool end_keep(dsl_server_run *r, dynsup_reason reason, int reply) {
    dsl_host *host = r->host;
    dsl_server_end *end = host->alloc(host->alloc_ud, NULL, 0, sizeof *end);
    if (!end)
        return false;
    *end =
        (dsl_server_end){.reason = reason, .message = r->server->at.message, .replies = reply != 0};
    if (reply)
        end->reply = dsl_value_get(r->body->co, host, reply); /* reserved by stop_returned */
    r->server->at.end = end;
    r->server->ends = true;
    return true;
}

/* Leaves terminate(reason, state) on the coroutine, if the module has it. */
static enum dsl_next terminate_begin(dsl_server_run *r) {
    dsl_server *server = r->server;
    lua_State *co = r->body->co;
    lua_settop(co, 0);
    int pushed = dsl_server_callback_push(co, server, DSL_TERMINATE);
    if (pushed == 0)
        return exit_now(r, reason_take(server->at.end));
    server->callback = DSL_TERMINATE;
    dsl_value_push(co, r->host, &server->at.end->reason.value);
    dsl_server_state_push(co, server);
    r->body->nargs = pushed + 1;
    return DSL_CALLBACK;
}

enum dsl_next dsl_server_end_with(dsl_server_run *r, dynsup_reason reason, int reply) {
    dsl_server *server = r->server;
    if (server->callback == DSL_INIT)
        return dsl_server_gone(r, reason);
    if (server->callback == DSL_TERMINATE) {
        dynsup_reason before = reason_take(server->at.end);
        dsl_value_release(r->host, &before.value);
        return exit_now(r, reason);
    }
    if (!end_keep(r, reason, reply))
        return exit_now(r, reason);
    if (r->body && !dsl_server_body_is_fresh(r->body))
        dsl_server_body_give(r);
    return dsl_server_body_take(r) ? terminate_begin(r) : exit_now(r, reason_take(server->at.end));
}
