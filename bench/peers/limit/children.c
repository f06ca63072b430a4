/*
 * Making a list of tables with the fields of a child.
 */
#include "limit.h"

static void fill(lua_State *L, int size) {
    static const char *const names[] = {"type", "modules", "name", "last_pid", "pid", NULL};
    lua_createtable(L, size, 0);
    for (int i = 1; i <= size; i++) {
        lua_createtable(L, 0, 6);
        for (const char *const *name = names; *name; name++) {
            lua_pushinteger(L, i);
            lua_setfield(L, -2, *name);
        }
        lua_rawseti(L, -2, i);
    }
}

void limit_children(const limit_ask *ask, int size) {
    lua_State *L = limit_open(ask);
    fill(L, size);
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT);
    double begun = limit_now_ms();
    fill(L, size);
    limit_figure(ask, "which", size, limit_now_ms() - begun, "ms");
    limit_close(ask, L);
}
