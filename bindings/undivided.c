/* For scripts whose data several processes share: a piece of code that nobody else's can come
 * between; and for those that act before they wait: a look whether they can. */
#include "bindings/native.h"

#include <lauxlib.h>

int dsl_undivided(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

int dsl_check_wait(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_waiter_of(L, &host);
    return 0;
}

int dsl_runs(lua_State *L) {
    const dsl_runtime *runtime = dsl_runtime_of(L);
    const dsl_host *innermost = runtime->apart ? NULL : runtime->host;
    lua_Integer depth = 0;
    for (const dsl_host *host = innermost; host; host = host->outer)
        depth++;
    lua_createtable(L, (int)depth, 0);
    for (const dsl_host *host = innermost; host; host = host->outer) {
        if (host->core && dynsup_self(host->core))
            dsl_id_push(L, dynsup_self(host->core));
        else
            lua_pushboolean(L, 0);
        lua_rawseti(L, -2, depth--);
    }
    return 1;
}

const luaL_Reg dsl_undivided_functions[] = {
    {"undivided", dsl_undivided}, {"runs", dsl_runs}, {NULL, NULL}};
