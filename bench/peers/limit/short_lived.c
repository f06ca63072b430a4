/*
 * A function run to its end in a coroutine that is used again.
 */
#include "limit.h"

static double run_all(lua_State *L, lua_State *co, int count) {
    double begun = limit_now_ms();
    for (int i = 0; i < count; i++) {
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        limit_resume(co, L, 0);
        lua_settop(co, 0);
    }
    return limit_now_ms() - begun;
}

void limit_short_lived(const limit_ask *ask, int size) {
    lua_State *L = limit_open(ask);
    limit_load(L, "return function() end");
    lua_State *co = lua_newthread(L);
    run_all(L, co, size);
    double rate = size / run_all(L, co, size) * 1e3;
    limit_figure(ask, "all", size, rate, "workers/s");
    limit_figure(ask, "turns", size, rate, "workers/s");
    limit_close(ask, L);
}
