/* For scripts whose data several processes share: code that no other process can come between. */
#include "bindings/native.h"

#include <lauxlib.h>

int dsl_undivided(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

const luaL_Reg dsl_undivided_functions[] = {
    {"undivided", dsl_undivided}, {"runs", dsl_runs}, {NULL, NULL}};
