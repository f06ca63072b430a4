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

const luaL_Reg dsl_undivided_functions[] = {{"undivided", dsl_undivided}, {NULL, NULL}};
