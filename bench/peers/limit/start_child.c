/*
 * Coroutines made and run to their first yield. The first time pays for memory that stays.
 */
#include "limit.h"

void limit_start_child(const limit_ask *ask, int size) {
    if (!limit_wants(ask, "light"))
        return;
    lua_State *L = limit_open(ask);
    limit_load_child(L);
    limit_start_all(L, size);
    lua_settop(L, 1);
    lua_gc(L, LUA_GCCOLLECT);
    double begun = limit_now_ms();
    limit_start_all(L, size);
    limit_figure(ask, "light", size, size / (limit_now_ms() - begun) * 1e3, "starts/s");
    limit_close(ask, L);
}
