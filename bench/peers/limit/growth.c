/*
 * What bare coroutines cost, the more of them there are: to make one and run it to its first yield,
 * to resume it with two values, to reset it. What grows here is the memory's latency.
 */
#include "limit.h"

#include <time.h>

enum { LEAST = 100000 }; /* operations that are timed at least */

typedef struct sums {
    double start, send, stop; /* ms */
} sums;

/* Processor time: nothing here waits. */
static double used_ms(void) {
    return (double)clock() * 1000 / CLOCKS_PER_SEC;
}

static double since(double *begun) {
    double before = *begun;
    *begun = used_ms();
    return *begun - before;
}

static void send_all(lua_State *L, int size) {
    for (int i = 1; i <= size; i++) {
        lua_State *co = limit_coroutine(L, i);
        lua_pushliteral(co, "message");
        lua_pushinteger(co, i);
        limit_resume(co, L, 2);
    }
}

static void reset_all(lua_State *L, int size) {
    for (int i = 1; i <= size; i++)
        limit_reset(limit_coroutine(L, i), L);
}

static void round_run(lua_State *L, int size, sums *s) {
    lua_settop(L, 1);
    lua_gc(L, LUA_GCCOLLECT);
    double begun = used_ms();
    limit_start_all(L, size);
    s->start += since(&begun);
    lua_gc(L, LUA_GCCOLLECT);
    since(&begun);
    send_all(L, size);
    s->send += since(&begun);
    lua_gc(L, LUA_GCCOLLECT);
    since(&begun);
    reset_all(L, size);
    s->stop += since(&begun);
}

void limit_growth(const limit_ask *ask, int size) {
    int rounds = limit_count(ask, LEAST, 1) / size;
    rounds = rounds > 0 ? rounds : 1;
    sums s = {0};
    lua_State *L = limit_open(ask);
    limit_load(L, "return function() local receive = receive; while true do receive() end end");
    round_run(L, size, &s); /* pays for memory that stays */
    s = (sums){0};
    for (int i = 0; i < rounds; i++)
        round_run(L, size, &s);
    double count = (double)rounds * size;
    limit_figure(ask, "start", size, s.start / count * 1e6, "ns");
    limit_figure(ask, "send", size, s.send / count * 1e6, "ns");
    limit_figure(ask, "stop", size, s.stop / count * 1e6, "ns");
    limit_close(ask, L);
}
