/*
 * Coroutines that sleep 0 to 1000 ms in a loop, each on a timer of libuv, which keeps them in a
 * heap.
 */
#include "limit.h"

#include <uv.h>

#include <stdlib.h>

enum { KEPT = 100000 };

typedef struct sleeper {
    uv_timer_t timer;
    lua_State *co;
    uint64_t due_ns;
} sleeper;

typedef struct run {
    lua_State *L;
    long wakes, every;
    double *late;
    int late_count;
} run;

static void on_time(uv_timer_t *timer);

/* Lets it go on until it yields the time of its next sleep. */
static void sleeper_go(run *r, sleeper *s) {
    int count;
    lua_resume(s->co, r->L, 0, &count);
    uint64_t ms = (uint64_t)lua_tointeger(s->co, -1);
    lua_pop(s->co, count);
    s->due_ns = uv_hrtime() + ms * 1000000;
    uv_timer_start(&s->timer, on_time, ms, 0);
}

static void on_time(uv_timer_t *timer) {
    sleeper *s = (sleeper *)timer->data;
    run *r = (run *)timer->loop->data;
    if (++r->wakes % r->every == 0 && r->late_count < KEPT)
        r->late[r->late_count++] = ((double)uv_hrtime() - (double)s->due_ns) / 1e6;
    sleeper_go(r, s);
}

static void start_all(run *r, uv_loop_t *loop, sleeper *sleepers, int size) {
    limit_load(r->L, "return function() local random = math.random; while true do "
                     "receive(random(0, 1000)) end end");
    lua_createtable(r->L, size, 0);
    for (int i = 0; i < size; i++) {
        sleepers[i].co = lua_newthread(r->L);
        lua_rawseti(r->L, 2, i + 1);
        lua_pushvalue(r->L, 1);
        lua_xmove(r->L, sleepers[i].co, 1);
        uv_timer_init(loop, &sleepers[i].timer);
        sleepers[i].timer.data = &sleepers[i];
        sleeper_go(r, &sleepers[i]);
    }
}

static double loop_run(uv_loop_t *loop, double ms) {
    double begun = limit_now_ms();
    while (limit_now_ms() - begun < ms)
        uv_run(loop, UV_RUN_ONCE);
    return limit_now_ms() - begun;
}

static void end_all(uv_loop_t *loop, sleeper *sleepers, int size) {
    for (int i = 0; i < size; i++)
        uv_close((uv_handle_t *)&sleepers[i].timer, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    free(sleepers);
}

void limit_timers_uv(const limit_ask *ask, int size) {
    int ms = limit_count(ask, 3000, 200);
    run r = {.L = limit_open(ask), .late = limit_alloc(KEPT, sizeof(double)), .every = 1};
    sleeper *sleepers = limit_alloc(size, sizeof *sleepers);
    uv_loop_t loop;
    uv_loop_init(&loop);
    loop.data = &r;
    start_all(&r, &loop, sleepers, size);
    loop_run(&loop, limit_count(ask, 1000, 100));
    r.every = 1 + 2L * size * ms / 1000 / KEPT;
    r.wakes = r.late_count = 0;
    double took = loop_run(&loop, ms);
    limit_figure(ask, "rate", size, (double)r.wakes / took * 1e3, "wake-ups/s");
    limit_spread(ask, "late", size, r.late, r.late_count, "ms");
    end_all(&loop, sleepers, size);
    limit_close(ask, r.L);
    free(r.late);
}
