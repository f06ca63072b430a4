/*
 * A coroutine that is closed in the middle, or fails and has its traceback made, and begins again.
 */
#include "limit.h"

#include <stdlib.h>

static void begin(lua_State *L, lua_State *co) {
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    limit_resume(co, L, 0);
}

static double killed(lua_State *L, lua_State *co) {
    double from = limit_now_ms();
    limit_reset(co, L);
    begin(L, co);
    return limit_now_ms() - from;
}

static double failed(lua_State *L, lua_State *co) {
    double from = limit_now_ms();
    if (limit_resume(co, L, 0) <= LUA_YIELD)
        abort();
    luaL_traceback(L, co, lua_tostring(co, -1), 0);
    lua_pop(L, 1);
    limit_reset(co, L);
    begin(L, co);
    return limit_now_ms() - from;
}

static void measure(const limit_ask *ask, const char *kind,
                    double (*end)(lua_State *L, lua_State *co)) {
    int count = limit_count(ask, 20000, 20);
    double *values = limit_alloc(count, sizeof *values);
    lua_State *L = limit_open(ask);
    limit_load(L, "return function() receive(); error('as it was told') end");
    lua_State *co = lua_newthread(L);
    begin(L, co);
    for (int i = 0; i < count; i++)
        values[i] = end(L, co) * 1e3;
    limit_spread(ask, kind, 1, values, count, "us");
    limit_close(ask, L);
    free(values);
}

void limit_restart(const limit_ask *ask, int size) {
    (void)size;
    if (limit_wants(ask, "kill"))
        measure(ask, "kill", killed);
    if (limit_wants(ask, "error"))
        measure(ask, "error", failed);
}
