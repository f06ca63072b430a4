/* Metatables of userdata, complete or made anew. */
#include "bindings/lua/metatable.h"

#include <stdbool.h>

/* The last function, with which the metatable on top is complete. */
static bool is_complete(lua_State *L, const luaL_Reg *functions) {
    while (functions[1].name)
        functions++;
    bool is_there = lua_getfield(L, -1, functions->name) != LUA_TNIL;
    lua_pop(L, 1);
    return is_there;
}

void dsl_metatable_set(lua_State *L, const char *name, const luaL_Reg *functions) {
    luaL_newmetatable(L, name);
    if (!is_complete(L, functions))
        luaL_setfuncs(L, functions, 0);
    lua_setmetatable(L, -2);
}
