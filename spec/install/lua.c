/* A program that runs Lua code as the main process of a host. */
#include <dynsup/dynsup_lua.h>

#include <lauxlib.h>
#include <lualib.h>

#include <stdio.h>

static const char code[] = "local dynsup = require 'dynsup' "
                           "local sup = dynsup.start_link() "
                           "local main = dynsup.self() "
                           "dynsup.start_child(sup, function() dynsup.send(main, 'up') end) "
                           "return dynsup.receive(), dynsup.version";

int main(void) {
    lua_State *L = dynsup_lua_newstate();
    if (!L)
        return 1;
    luaL_openlibs(L);
    luaL_requiref(L, "dynsup", luaopen_dynsup, 0);
    lua_pop(L, 1);
    if (luaL_loadstring(L, code) != LUA_OK)
        return 1;
    const dynsup_lua_config config = {.seed = 1};
    int count;
    enum dynsup_lua_end end = dynsup_lua_run(L, &config, 0, &count);
    if (end == DYNSUP_LUA_DONE && count == 2)
        printf("lua %s: %s\n", lua_tostring(L, -1), lua_tostring(L, -2));
    dynsup_lua_close(L);
    return end != DYNSUP_LUA_DONE || count != 2;
}
