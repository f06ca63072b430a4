/*
 * Closing a Lua state that has many coroutines.
 */
#include "limit.h"

void limit_terminate(const limit_ask *ask, int size) {
    lua_State *L = limit_open(ask);
    limit_load_child(L);
    limit_start_all(L, size);
    double begun = limit_now_ms();
    limit_close(ask, L);
    limit_figure(ask, "stop", size, limit_now_ms() - begun, "ms");
}
