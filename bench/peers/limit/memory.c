/*
 * What a coroutine takes after its first yield.
 */
#include "limit.h"

void limit_memory(const limit_ask *ask, int size) {
    lua_State *L = limit_open(ask);
    limit_load_child(L);
    double before = limit_resident();
    limit_start_all(L, size);
    limit_figure(ask, "child", size, (limit_resident() - before) / size, "bytes/child");
    limit_close(ask, L);
}
