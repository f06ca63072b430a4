/*
 * Coroutines that sleep 0 to 1000 ms in a loop, in a wheel of lists.
 *
 * Design notes.
 * A slot is a tick, and is handled when the tick is over: nobody wakes early, and within a slot
 * there is no order. While one coroutine runs, the record and the coroutine of the next one are
 * fetched.
 */
#include "sleepers.h"

#include <stdlib.h>
#include <time.h>

#define TICK_BITS  18    /* 0.26 ms */
#define SLOT_COUNT 16384 /* 4.3 s: a second of sleep, and how far the loop may lag */
#define CACHE_LINE 64
#define MS         1000000 /* ns */

typedef struct sleeper {
    struct sleeper *next; /* in its slot */
    lua_State *co;
    uint64_t due_ns;
} sleeper;

typedef struct run {
    lua_State *L;
    limit_wakes wakes;
    uint64_t tick; /* all before it are over */
    sleeper *slots[SLOT_COUNT];
} run;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleeper_put(run *r, sleeper *s, uint64_t due_ns) {
    s->due_ns = due_ns;
    uint64_t tick = s->due_ns >> TICK_BITS;
    sleeper **slot = &r->slots[(tick > r->tick ? tick : r->tick + 1) % SLOT_COUNT];
    s->next = *slot;
    *slot = s;
}

static void sleeper_fetch(const sleeper *s) {
    const char *co = (const char *)s->co;
    __builtin_prefetch(s->next);
    for (int line = 0; line < 4; line++)
        __builtin_prefetch(co + (ptrdiff_t)line * CACHE_LINE);
}

static void sleeper_wake(run *r, sleeper *s) {
    limit_wake_count(&r->wakes, now_ns(), s->due_ns);
    uint64_t ns = limit_sleeper_go(r->L, s->co) * MS;
    sleeper_put(r, s, now_ns() + ns);
}

static void slot_wake(run *r, uint64_t tick) {
    sleeper *s = r->slots[tick % SLOT_COUNT];
    r->slots[tick % SLOT_COUNT] = NULL;
    while (s) {
        sleeper *next = s->next;
        if (next)
            sleeper_fetch(next);
        sleeper_wake(r, s);
        s = next;
    }
}

/* To begin takes long: their sleeps begin together, when all have. */
static void start_all(run *r, sleeper *sleepers, int size) {
    limit_sleepers_begin(r->L, size);
    for (int i = 0; i < size; i++) {
        sleepers[i].co = limit_sleeper_new(r->L, i + 1);
        sleepers[i].due_ns = limit_sleeper_go(r->L, sleepers[i].co) * MS;
    }
    uint64_t now = now_ns();
    r->tick = now >> TICK_BITS;
    for (int i = 0; i < size; i++)
        sleeper_put(r, &sleepers[i], now + sleepers[i].due_ns);
}

static void tick_await(uint64_t tick) {
    uint64_t now = now_ns(), begins = tick << TICK_BITS;
    if (now < begins)
        nanosleep(&(struct timespec){.tv_nsec = (long)(begins - now)}, NULL);
}

static double loop_run(run *r, double ms) {
    double begun = limit_now_ms();
    while (limit_now_ms() - begun < ms) {
        tick_await(r->tick + 1);
        slot_wake(r, r->tick);
        r->tick++;
    }
    return limit_now_ms() - begun;
}

void limit_timers(const limit_ask *ask, int size) {
    int ms = limit_count(ask, 3000, 1200); /* all sleep no longer than 1000 */
    run *r = limit_alloc(1, sizeof *r);
    sleeper *sleepers = limit_alloc(size, sizeof *sleepers);
    r->L = limit_open(ask);
    limit_wakes_init(&r->wakes);
    start_all(r, sleepers, size);
    loop_run(r, limit_count(ask, 2000, 100));
    limit_wakes_begin(&r->wakes, size, ms);
    limit_wakes_tell(ask, size, &r->wakes, loop_run(r, ms));
    limit_close(ask, r->L);
    limit_wakes_fini(&r->wakes);
    free(sleepers);
    free(r);
}
