/*
 * Coroutines that sleep 0 to 1000 ms in a loop, each on a timer of libuv, which keeps them in a
 * heap.
 */
#include "sleepers.h"

#include <uv.h>

#include <stdlib.h>

typedef struct sleeper {
    uv_timer_t timer;
    lua_State *co;
    uint64_t due_ns;
} sleeper;

typedef struct run {
    lua_State *L;
    limit_wakes wakes;
} run;

static void on_time(uv_timer_t *timer);

static void sleeper_go(run *r, sleeper *s) {
    uint64_t ms = limit_sleeper_go(r->L, s->co);
    s->due_ns = uv_hrtime() + ms * 1000000;
    uv_timer_start(&s->timer, on_time, ms, 0);
}

static void on_time(uv_timer_t *timer) {
    sleeper *s = (sleeper *)timer->data;
    run *r = (run *)timer->loop->data;
    limit_wake_count(&r->wakes, uv_hrtime(), s->due_ns);
    sleeper_go(r, s);
}

static void start_all(run *r, uv_loop_t *loop, sleeper *sleepers, int size) {
    limit_sleepers_begin(r->L, size);
    for (int i = 0; i < size; i++) {
        sleepers[i].co = limit_sleeper_new(r->L, i + 1);
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
    int ms = limit_count(ask, 3000, 1200); /* all sleep no longer than 1000 */
    run r = {.L = limit_open(ask)};
    sleeper *sleepers = limit_alloc(size, sizeof *sleepers);
    uv_loop_t loop;
    limit_wakes_init(&r.wakes);
    uv_loop_init(&loop);
    loop.data = &r;
    start_all(&r, &loop, sleepers, size);
    loop_run(&loop, limit_count(ask, 1000, 100));
    limit_wakes_begin(&r.wakes, size, ms);
    limit_wakes_tell(ask, size, &r.wakes, loop_run(&loop, ms));
    end_all(&loop, sleepers, size);
    limit_close(ask, r.L);
    limit_wakes_fini(&r.wakes);
}
