/* debug.sethook and debug.gethook, for which the host's own hooks do not exist. */
#include "bindings/module.h"

#include "bindings/process/body.h"
#include "bindings/process/callback.h"
#include "bindings/process/close.h"
#include "bindings/process/preempt.h"

/* Lua's own function (second upvalue), while no hook but the user's is in place. */
static int with_user_hook(lua_State *L) {
    dsl_host *host = dsl_runtime_of(L)->host;
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    if (host && dsl_is_closing(host))
        return luaL_error(L, "not possible here: the process is ending");
    if (dsl_in_callback(dsl_runtime_of(L)))
        return luaL_error(L, "not possible here: the hook is the callback's, which has a second");
    if (dsl_is_marked(co))
        return luaL_error(L, "the coroutine is not suspended: its process waits in it");
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    if (host)
        dsl_hook_hide(host, co);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (host)
        dsl_hook_show(host, co);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static void debug_wrap(lua_State *L, dsl_runtime *runtime, const char *name) {
    if (lua_getfield(L, -1, name) != LUA_TFUNCTION || lua_tocfunction(L, -1) == with_user_hook) {
        lua_pop(L, 1);
        return;
    }
    lua_pushlightuserdata(L, runtime);
    lua_insert(L, -2);
    lua_pushcclosure(L, with_user_hook, 2);
    lua_setfield(L, -2, name);
}

void dsl_debug_open(lua_State *L, dsl_runtime *runtime) {
    if (lua_getglobal(L, LUA_DBLIBNAME) == LUA_TTABLE) {
        debug_wrap(L, runtime, "sethook");
        debug_wrap(L, runtime, "gethook");
    }
    lua_pop(L, 1);
}
