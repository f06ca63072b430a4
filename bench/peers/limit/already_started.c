/*
 * Looking a name up in a table of Lua.
 */
#include "limit.h"

void limit_already_started(const limit_ask *ask, int size) {
    lua_State *L = limit_open(ask);
    int count = limit_count(ask, 1000000, 100);
    lua_newtable(L);
    for (int i = 1; i <= size; i++) {
        lua_pushfstring(L, "child %d", i);
        lua_pushinteger(L, i);
        lua_rawset(L, 1);
    }
    lua_pushstring(L, "child 1");
    double begun = limit_now_ms();
    for (int i = 0; i < count; i++) {
        lua_pushvalue(L, 2);
        lua_rawget(L, 1);
        lua_pop(L, 1);
    }
    limit_figure(ask, "taken", size, count / (limit_now_ms() - begun) * 1e3, "calls/s");
    limit_close(ask, L);
}
