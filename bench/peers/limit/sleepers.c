/* Who sleeps, and how late each wakes. */
#include "sleepers.h"

#include <stdlib.h>

enum { KEPT = 100000 };

void limit_wakes_init(limit_wakes *wakes) {
    *wakes = (limit_wakes){.late = limit_alloc(KEPT, sizeof(double)), .every = 1};
}

void limit_wakes_begin(limit_wakes *wakes, int size, int ms) {
    wakes->every = 1 + 2L * size * ms / 1000 / KEPT;
    wakes->count = wakes->late_count = 0;
}

void limit_wake_count(limit_wakes *wakes, uint64_t now_ns, uint64_t due_ns) {
    if (++wakes->count % wakes->every == 0 && wakes->late_count < KEPT)
        wakes->late[wakes->late_count++] = ((double)now_ns - (double)due_ns) / 1e6;
}

void limit_wakes_tell(const limit_ask *ask, int size, const limit_wakes *wakes, double took_ms) {
    limit_figure(ask, "rate", size, (double)wakes->count / took_ms * 1e3, "wake-ups/s");
    limit_spread(ask, "late", size, wakes->late, wakes->late_count, "ms");
}

void limit_wakes_fini(limit_wakes *wakes) {
    free(wakes->late);
}

void limit_sleepers_begin(lua_State *L, int size) {
    limit_load(L, "return function() local random = math.random; while true do "
                  "receive(random(0, 1000)) end end");
    lua_createtable(L, size, 0);
}

lua_State *limit_sleeper_new(lua_State *L, int i) {
    lua_State *co = lua_newthread(L);
    lua_rawseti(L, -2, i);
    lua_pushvalue(L, -2);
    lua_xmove(L, co, 1);
    return co;
}

uint64_t limit_sleeper_go(lua_State *L, lua_State *co) {
    int count;
    lua_resume(co, L, 0, &count);
    uint64_t ms = (uint64_t)lua_tointeger(co, -1);
    lua_pop(co, count);
    return ms;
}
