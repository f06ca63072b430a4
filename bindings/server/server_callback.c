/* Callbacks of servers: how their code is found, and what a crash says of them. */
#include "bindings/server/server.h"

#include "bindings/memory/account.h"
#include "bindings/process/body.h"
#include "bindings/process/crash.h"
#include "bindings/process/message.h"
#include "bindings/protect.h"

const char *const dsl_server_callback_names[DSL_CALLBACK_COUNT] = {
    "init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate"};

void dsl_server_words_open(lua_State *L, dsl_runtime *runtime) {
    if (runtime->server_words)
        return;
    lua_createtable(L, DSL_SERVER_WORD_CONTINUE, 0);
    for (int i = 0; i < DSL_CALLBACK_COUNT; i++) {
        lua_pushstring(L, dsl_server_callback_names[i]);
        lua_rawseti(L, -2, DSL_SERVER_WORD_CALLBACK + i);
    }
    lua_pushliteral(L, "continue");
    lua_rawseti(L, -2, DSL_SERVER_WORD_CONTINUE);
    runtime->server_words = luaL_ref(L, LUA_REGISTRYINDEX);
}

bool dsl_server_init_push(lua_State *L, const dsl_runtime *runtime, int module) {
    if (!runtime->server_words || !lua_istable(L, module))
        return false;
    module = lua_absindex(L, module);
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->server_words);
    lua_rawgeti(L, -1, DSL_SERVER_WORD_CALLBACK + DSL_INIT);
    bool found = lua_rawget(L, module) == LUA_TFUNCTION;
    lua_replace(L, -2);
    if (!found)
        lua_pop(L, 1);
    return found;
}

/* ---- code that must be looked for ---- */

/* [.., state, values] -> [.., a packed table, state] */
static void pack_message(lua_State *L, int state) {
    int count = lua_gettop(L) - state;
    lua_createtable(L, count, 1);
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(L, state + i);
        lua_rawseti(L, -2, i);
    }
    lua_pushinteger(L, count);
    lua_setfield(L, -2, "n");
    lua_insert(L, state);
    lua_settop(L, state + 1);
}

/* Runs where the module has no such callback. Stack: module, callback, arguments. */
static int callback_missing(lua_State *L, lua_Integer callback) {
    if (callback == DSL_TERMINATE)
        return 0;
    if (callback != DSL_INFO)
        return luaL_error(L, "the server's module has no function %s",
                          dsl_server_callback_names[callback]);
    dynsup_unexpected(dsl_host_of_thread(L)->core);
    lua_pushliteral(L, "noreply");
    lua_pushvalue(L, 3);
    return 2;
}

static int callback_called_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    return lua_gettop(L);
}

/* Stack: module, callback, arguments; of handle_info: module, callback, state, the message. */
static int callback_call(lua_State *L) {
    lua_Integer callback = lua_tointeger(L, 2);
    luaL_checkstack(L, 6, NULL);
    if (lua_getfield(L, 1, dsl_server_callback_names[callback]) == LUA_TNIL)
        return lua_pop(L, 1), callback_missing(L, callback);
    lua_replace(L, 1);
    lua_remove(L, 2);
    if (callback == DSL_INFO)
        pack_message(L, 2);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, callback_called_k);
    return lua_gettop(L);
}

int dsl_server_callback_push(lua_State *co, dsl_server *server, enum dsl_server_callback callback) {
    dsl_host *host = server->host;
    dsl_vault_push(co, &host->vault, server->module);
    lua_rawgeti(co, LUA_REGISTRYINDEX, host->runtime->server_words);
    lua_rawgeti(co, -1, DSL_SERVER_WORD_CALLBACK + (int)callback);
    lua_rawget(co, -3);
    bool there = lua_isfunction(co, -1);
    bool elsewhere = !there && lua_getmetatable(co, -3);
    if (callback == DSL_TERMINATE && !there && !elsewhere) {
        lua_pop(co, 3);
        return 0;
    }
    if (there && callback != DSL_INFO) {
        lua_replace(co, -3);
        lua_pop(co, 1);
        return 1;
    }
    lua_pop(co, elsewhere ? 3 : 2);
    lua_pushcfunction(co, callback_call);
    lua_insert(co, -2);
    lua_pushinteger(co, callback);
    return 3;
}

/* ---- crashes ---- */

typedef struct told {
    dsl_server *server;
    dynsup_reason *reason;
} told;

/* Does a call, a cast or a stop begin like this? The request is the last value. */
static bool is_asked(const dynsup_value *first) {
    enum dynsup_atom tag = first->kind == DYNSUP_ATOM ? first->as.atom : DYNSUP_NO_ATOM;
    return tag == DYNSUP_CALL || tag == DYNSUP_CAST || tag == DYNSUP_STOP;
}

/* Pushes what the callback was called with: the request, or the packed message. [-0, +1] */
static void message_push(lua_State *L, const dsl_server *server, const dynsup_message *message) {
    dsl_host *host = server->host;
    if (is_asked(&message->values[0])) {
        dsl_value_push(L, host, &message->values[message->count - 1]);
        return;
    }
    int top = lua_gettop(L);
    luaL_checkstack(L, (int)message->count + 4, NULL);
    lua_pushnil(L); /* in place of the state */
    dsl_values_push(L, host, message->values, (int)message->count);
    pack_message(L, top + 1);
    lua_pop(L, 1);
}

static int crash_tell(lua_State *L) {
    const told *t = lua_touserdata(L, 1);
    dsl_server *server = t->server;
    const dynsup_message *message = dsl_server_message(server);
    dsl_value_push(L, server->host, &t->reason->value);
    lua_pushstring(L, dsl_server_callback_names[server->callback]);
    lua_setfield(L, 2, "callback");
    if (message) {
        message_push(L, server, message);
        lua_setfield(L, 2, "last_message");
    }
    return 0;
}

dynsup_reason dsl_server_crash(dsl_server *server, const dsl_body *body, int status) {
    if (status == LUA_ERRMEM)
        return dsl_account_reason(body);
    dynsup_reason reason = dsl_crash_reason(server->host, body->co, NULL, status);
    if (reason.value.kind == DYNSUP_OBJECT)
        dsl_protect(server->host->L, crash_tell, &(told){server, &reason});
    return reason;
}

/* ---- small things ---- */

/* Stack: 1 the thread whose value at the top is copied. */
static int copy_protected(lua_State *L) {
    lua_State *co = lua_touserdata(L, 1);
    lua_xmove(co, L, 1);
    dsl_copy_values(L, 2, 1);
    lua_xmove(L, co, 1);
    return 0;
}

bool dsl_server_copy(dsl_host *host, lua_State *co, int index) {
    if (!host->config->copy_messages)
        return true;
    int top = lua_gettop(co);
    lua_pushvalue(co, index);
    if (dsl_protect(host->L, copy_protected, co) != LUA_OK) {
        lua_settop(co, top);
        return false;
    }
    lua_replace(co, index);
    return true;
}

/* Moves the value on top of L to the caller, if it still waits. [-1, +0] */
static void reply_move(lua_State *L, dsl_host *host, dynsup_ref ref) {
    dsl_body *caller = dynsup_caller(host->core, ref, &dsl_body_ops);
    if (!caller) {
        lua_pop(L, 1);
        return;
    }
    lua_xmove(L, caller->inner, 1);
    caller->nargs = 1;
    dynsup_call_replied(host->core, ref);
}

/* To the heap of that face, in which finalizers may run: one of them may have replied. */
static void reply_abroad(lua_State *L, dsl_host *host, dynsup_ref ref, int index, dsl_host *to) {
    if (!lua_checkstack(to->L, LUA_MINSTACK))
        return;
    dynsup_value value = dsl_value_abroad(L, host, index);
    dsl_value_push_in_slice(to->L, to, &value);
    dsl_value_release(host, &value);
    reply_move(to->L, host, ref);
}

void dsl_server_reply(lua_State *L, dsl_host *host, dynsup_ref ref, int index) {
    const dsl_body *caller = dynsup_caller(host->core, ref, &dsl_body_ops);
    if (!caller)
        return;
    if (caller->host != host) {
        reply_abroad(L, host, ref, index, caller->host);
        return;
    }
    lua_pushvalue(L, index);
    reply_move(L, host, ref);
}
