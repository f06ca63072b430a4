/* Crash objects: an uncaught error with the traceback of the coroutine it happened in. */
#include "bindings/process/crash.h"

#include "bindings/codec/codec_type.h"
#include "bindings/process/message.h"
#include "bindings/protect.h"
#include "bindings/process/wait.h"

#define TYPE_NAME "dynsup.crash"

typedef struct crash {
    dsl_host *host;
    lua_State *co;
    const dsl_body *body; /* or NULL */
    dynsup_reason reason;
} crash;

static int crash_make(lua_State *L) {
    crash *c = lua_touserdata(L, 1);
    dsl_host *host = c->host;
    lua_State *co = c->co;
    if (!lua_checkstack(co, 1)) /* an error must be raised here, not in a coroutine that failed */
        return luaL_error(L, "stack overflow");
    lua_createtable(L, 0, 2);
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    lua_setfield(L, -2, "error");
    dsl_traceback_push(L, host->runtime, co);
    lua_setfield(L, -2, "traceback");
    if (c->body) {
        dsl_last_push(L, host, c->body);
        lua_setfield(L, -2, "last_message");
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->runtime->crash_meta);
    lua_setmetatable(L, -2);
    dsl_vault_reserve(L, &host->vault, 1);
    c->reason = (dynsup_reason){DYNSUP_REASON_OTHER, dsl_value_get(L, host, -1)};
    return 0;
}

dynsup_reason dsl_crash_reason(dsl_host *host, lua_State *co, const dsl_body *body, int status) {
    crash c = {host, co, body, dynsup_reason_atom(DYNSUP_NOMEM)};
    if (lua_touserdata(co, -1) == (const void *)&dsl_halt_sentinel)
        return dynsup_reason_atom(DYNSUP_SHUTDOWN);
    if (status != LUA_ERRMEM && dsl_protect(host->L, crash_make, &c) != LUA_OK)
        c.reason = dynsup_reason_atom(DYNSUP_NOMEM);
    return c.reason;
}

static int text_make(lua_State *L) {
    dynsup_lua_text_push(L, 1);
    return 1;
}

/* Pushes the value at index as text, as reports show it if its own __tostring fails. [-0, +1] */
static void text_push(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_pushcfunction(L, text_make);
    lua_pushvalue(L, index);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        return;
    if (lua_touserdata(L, -1) == (const void *)&dsl_halt_sentinel)
        lua_error(L);
    lua_pop(L, 1);
    dsl_description_push(L, index);
}

/* __tostring: the message with its traceback; for a server, also its last message. */
static int crash_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "error");
    text_push(L, -1);
    lua_pushliteral(L, "\n");
    lua_getfield(L, 1, "traceback");
    luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    lua_concat(L, 3);
    if (lua_getfield(L, 1, "callback") != LUA_TSTRING)
        return lua_pop(L, 1), 1;
    lua_pushliteral(L, "\nin ");
    lua_insert(L, -2);
    if (lua_getfield(L, 1, "last_message") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_concat(L, 3);
        return 1;
    }
    text_push(L, -1);
    lua_replace(L, -2);
    lua_pushliteral(L, ", last message: ");
    lua_insert(L, -2);
    lua_concat(L, 5);
    return 1;
}

void dsl_crash_open(lua_State *L, dsl_runtime *runtime) {
    lua_pushliteral(L, TYPE_NAME);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, crash_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, TYPE_NAME);
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, TYPE_NAME);
    lua_setfield(L, -2, "__pack");
    lua_pushvalue(L, -1);
    runtime->crash_meta = luaL_ref(L, LUA_REGISTRYINDEX);
    dsl_type_set(L, runtime);
    lua_createtable(L, 4, 0);
    lua_pushliteral(L, "error");
    lua_rawseti(L, -2, 1);
    lua_pushliteral(L, "traceback");
    lua_rawseti(L, -2, 2);
    lua_pushliteral(L, "callback");
    lua_rawseti(L, -2, 3);
    lua_pushliteral(L, "last_message");
    lua_rawseti(L, -2, 4);
    runtime->crash_keys = luaL_ref(L, LUA_REGISTRYINDEX);
}
