/*
 * xpcall, whose message handler cannot hold up an unwinding.
 *
 * Design notes.
 * Code over its limit that can be left in no other way is left by errors out of a hook (slice.c,
 * close.c, callback.c). Lua calls the message handler for such an error with hooks switched off: a
 * handler that loops would never be interrupted. So where that may happen the handler is called by
 * one in C, which lets the errors of an unwinding pass unchanged. Elsewhere the user's own is
 * called directly, as a function between would show in tracebacks.
 */
#include "bindings/process/callback.h"
#include "bindings/process/close.h"
#include "bindings/module.h"
#include "bindings/process/slice.h"

enum { XPCALL_FUNCTION = 1, XPCALL_HANDLER = 2 };

static bool unwinds(const dsl_runtime *runtime) {
    const dsl_host *host = runtime->host;
    if (dsl_callback_is_over(runtime))
        return true;
    return host && (dsl_slice_unwinds(host) || (dsl_is_closing(host) && host->close_over));
}

/* The user's handler is the upvalue. */
static int handle(lua_State *L) {
    lua_settop(L, 1);
    if (unwinds(dsl_runtime_of_thread(L)))
        return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static bool may_be_unwound(const dsl_runtime *runtime) {
    const dsl_host *host = runtime->host;
    if (dsl_in_callback(runtime))
        return true;
    return host && (dsl_is_closing(host) ||
                    (host->current && dynsup_slice_limit(host->core) != DYNSUP_NEVER));
}

/* The results, or the error, lie above the two arguments. */
static int finished(lua_State *L, int status, lua_KContext context) {
    (void)context;
    lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
    lua_replace(L, XPCALL_HANDLER);
    return lua_gettop(L) - XPCALL_FUNCTION;
}

static int protected_call(lua_State *L) {
    luaL_checktype(L, XPCALL_HANDLER, LUA_TFUNCTION);
    if (may_be_unwound(dsl_runtime_of_thread(L)) && !lua_iscfunction(L, XPCALL_HANDLER)) {
        lua_pushvalue(L, XPCALL_HANDLER);
        lua_pushcclosure(L, handle, 1);
        lua_replace(L, XPCALL_HANDLER);
    }
    int nargs = lua_gettop(L) - XPCALL_HANDLER;
    lua_pushvalue(L, XPCALL_FUNCTION);
    lua_insert(L, XPCALL_HANDLER + 1);
    int status = lua_pcallk(L, nargs, LUA_MULTRET, XPCALL_HANDLER, 0, finished);
    return finished(L, status, 0);
}

void dsl_xpcall_open(lua_State *L) {
    lua_pushcfunction(L, protected_call);
    lua_setglobal(L, "xpcall");
}
