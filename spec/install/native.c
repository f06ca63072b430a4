/* A Lua module written in C, for the program dynsup: it links no library of dynsup's, and finds the
 * functions in the program. */
#include <dynsup/dynsup.h>
#include <dynsup/dynsup_lua.h>

static int describe(lua_State *L) {
    lua_pushstring(L, dynsup_atom_text(DYNSUP_NORMAL));
    dynsup_lua_text_push(L, 1);
    return 2;
}

__attribute__((visibility("default"))) int luaopen_native(lua_State *L) {
    lua_pushcfunction(L, describe);
    return 1;
}
