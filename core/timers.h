/*
 * Timers: deadlines for a million sleepers, in exact order, without an allocation.
 *
 * Design notes.
 * Time is in nanoseconds of the host's clock. A hierarchical wheel (64 slots a level, ticks of
 * 2^18 ns, a bitmap of occupied slots a level) holds what is due in a later tick: start and stop
 * are O(1), and a timer moves down at most once a level. Timers of the tick under way are in a
 * small heap ordered by (deadline, order of start), so expiry is exact and reproducible: a timer
 * never fires before its deadline, and equal deadlines fire in the order they were started.
 * The timer is the caller's memory, inside the object that waits; its owner is found by offset.
 */
#ifndef DSI_TIMERS_H
#define DSI_TIMERS_H

#include "heap.h"
#include "list.h"

#include <stdint.h>

#define DSI_TIME_NEVER UINT64_MAX

#define DSI_TIMER_LEVELS 8 /* 64^8 ticks: 2,300 years */

/* What an expired timer is for; the host dispatches on it. */
typedef struct dsi_timer {
    uint64_t deadline_ns;
    uint64_t order;
    union {
        dsi_node wheel;     /* state WHEEL */
        dsi_heap_node heap; /* state DUE */
    } at;
    uint8_t state; /* 0: stopped; WHEEL; DUE. Zeroed memory is a stopped timer */
    uint8_t level;
    uint8_t slot;
    uint8_t purpose; /* the owner's; kept by start and stop */
} dsi_timer;

typedef struct dsi_timers {
    uint64_t now_tick;                   /* the tick that the wheel has been turned to */
    uint64_t order;                      /* of the next start */
    size_t count;                        /* started timers */
    uint64_t occupied[DSI_TIMER_LEVELS]; /* bit s: slot s of the level holds timers */
    dsi_list slots[DSI_TIMER_LEVELS][64];
    dsi_heap due;
} dsi_timers;

void dsi_timers_init(dsi_timers *timers, uint64_t now_ns);

/* Starts a stopped timer. A deadline that has passed expires at the next call of expired. */
void dsi_timers_start(dsi_timers *timers, dsi_timer *timer, uint64_t deadline_ns);

/* Stops the timer; does nothing when it is stopped. */
void dsi_timers_stop(dsi_timers *timers, dsi_timer *timer);

static inline bool dsi_timer_started(const dsi_timer *timer) {
    return timer->state != 0;
}

/* Takes out one timer whose deadline is at or before now_ns, in order, or returns NULL. Turns the
 * wheel; costs O(1) when nothing is due, however far now_ns has moved (empty slots are skipped by
 * bitmap). now_ns never decreases. */
dsi_timer *dsi_timers_expired(dsi_timers *timers, uint64_t now_ns);

/* The exact earliest deadline, DSI_TIME_NEVER when no timer is started. Looks through one slot of
 * the wheel at most; a slot may hold every timer there is (see wake). */
uint64_t dsi_timers_next(const dsi_timers *timers);

/* When to call expired again: the exact earliest deadline when it is in the tick under way, else
 * the beginning of its slot of the wheel, which is not later. O(1) however many timers there are,
 * for one early and idle call of expired a level; DSI_TIME_NEVER when no timer is started. */
uint64_t dsi_timers_wake(const dsi_timers *timers);

#endif
