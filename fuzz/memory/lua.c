/* A Lua that runs a script, lua SCRIPT [ARGUMENT...], with a shared library of Lua and not, as the
 * stock interpreter has it, within the program: so that fuzz/memory/places.c is asked before it. */
#include <lauxlib.h>
#include <lualib.h>

#include <stdio.h>
#include <stdlib.h>

static void set_arguments(lua_State *L, int count, char **words) {
    lua_createtable(L, count, 0);
    for (int i = 1; i < count; i++) {
        lua_pushstring(L, words[i]);
        lua_rawseti(L, -2, i - 1);
    }
    lua_setglobal(L, "arg");
}

static int traceback(lua_State *L) {
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

int main(int count, char **words) {
    lua_State *L = luaL_newstate();
    if (!L || count < 2)
        return EXIT_FAILURE;
    luaL_openlibs(L);
    set_arguments(L, count, words);
    lua_pushcfunction(L, traceback);
    if (luaL_loadfile(L, words[1]) == LUA_OK)
        lua_pcall(L, 0, 0, -2);
    if (lua_isstring(L, -1)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return EXIT_FAILURE;
    }
    lua_close(L);
    return EXIT_SUCCESS;
}
