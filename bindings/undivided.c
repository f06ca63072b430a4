/* For scripts whose data several processes share: a piece of code that nobody else's can come
 * between; and for those that act before they wait: a look whether they can. */
#include "bindings/native.h"

#include <lauxlib.h>

int dsl_undivided(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* Raises why, without a place: it is called from C. */
static int refuse_wait(lua_State *L) {
    const dsl_host *host = lua_touserdata(L, 1);
    if (!host->current)
        dsl_no_process(L);
    return dsl_cannot_wait(L, host);
}

int dsl_check_wait(lua_State *L) {
    dsl_host *host = dsl_host_of(L);
    if (dsl_can_wait(L, host))
        return 0;
    luaL_where(L, (int)luaL_checkinteger(L, 1));
    lua_pushcfunction(L, refuse_wait);
    lua_pushlightuserdata(L, host);
    lua_pcall(L, 1, 1, 0);
    lua_concat(L, 2);
    return lua_error(L);
}

const luaL_Reg dsl_undivided_functions[] = {{"undivided", dsl_undivided}, {NULL, NULL}};
