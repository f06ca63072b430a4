/* What both loops over sleeping coroutines share: the sleepers, and how late each wakes. */
#ifndef LIMIT_SLEEPERS_H
#define LIMIT_SLEEPERS_H

#include "limit.h"

#include <stdint.h>

/* The number of wake-ups, and the lateness of some of them. */
typedef struct limit_wakes {
    long count, every;
    double *late; /* ms */
    int late_count;
} limit_wakes;

void limit_wakes_init(limit_wakes *wakes);

/* Counts again, for a number of sleepers that sleep for half a second on average, and a duration.
 */
void limit_wakes_begin(limit_wakes *wakes, int size, int ms);

void limit_wake_count(limit_wakes *wakes, uint64_t now_ns, uint64_t due_ns);

/* Prints the rate of the time that it took, and the lateness. */
void limit_wakes_tell(const limit_ask *ask, int size, const limit_wakes *wakes, double took_ms);

void limit_wakes_fini(limit_wakes *wakes);

/* Pushes the function of a sleeper, and a table for all sleepers. [-0, +2] */
void limit_sleepers_begin(lua_State *L, int size);

/* The next coroutine, of the table and the function on top of the stack; i counts from 1. */
lua_State *limit_sleeper_new(lua_State *L, int i);

/* Lets it go on until it yields the ms of its next sleep, which are returned. */
uint64_t limit_sleeper_go(lua_State *L, lua_State *co);

#endif
