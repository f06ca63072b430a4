/*
 * Two values that go from the stack of one coroutine of a pair to that of the other, and back.
 */
#include "limit.h"

#include <stdlib.h>

void limit_ping_pong(const limit_ask *ask, int size) {
    int messages = limit_count(ask, 2000000, 200), sent = 0;
    lua_State *L = limit_open(ask);
    limit_load(L, "return function() while true do assert(receive()) end end");
    limit_start_all(L, 2 * size);
    lua_State **co = limit_alloc(2 * size, sizeof(lua_State *));
    for (int i = 0; i < 2 * size; i++)
        co[i] = limit_coroutine(L, i + 1);
    double begun = limit_now_ms();
    for (; sent < messages; sent += 2 * size)
        for (int i = 0; i < 2 * size; i++) {
            lua_State *to = co[i ^ 1];
            lua_pushlightuserdata(co[i], to);
            lua_pushinteger(co[i], sent);
            lua_xmove(co[i], to, 2);
            limit_resume(to, L, 2);
        }
    limit_figure(ask, "pairs", size, sent / (limit_now_ms() - begun) * 1e3, "messages/s");
    free(co);
    limit_close(ask, L);
}
