/*
 * Timers: deadlines for a million sleepers, in exact order, without allocation, and without a call
 * that takes long.
 *
 * Design notes.
 * Time is in ns of the clock that owns the timers. A hierarchical wheel sorts timers by how far off
 * their deadlines are when they start: a slot of level 0 is a tick of 2^18 ns, those of the levels
 * above are ever longer. A timer stays in its slot until it expires or is stopped. Nothing moves
 * down the levels, so there is no moment at which many timers have to.
 * Each slot holds a heap ordered by (deadline, order of start). The next timer of all is the first
 * of one slot per level, so expiry is exact and reproducible: a timer never fires before its
 * deadline, and equal deadlines fire in the order in which they were started.
 * A timer that starts does not enter the heap at once, since most timeouts are stopped long before
 * they are due. It joins the slot's latest run, a chain of timers started with rising deadlines, or
 * begins the next run. Runs are merged into the heap, a few in each call while their slot is the
 * next one, the rest when its time begins: at most DSI_TIMER_RUNS, which bounds the work of that
 * call. A timer that would begin one run more goes into the heap when it starts.
 * The second level is nearly as fine as the first: when a host is late by a good part of a second,
 * sleeps of one second that begin now are beyond the first level, and slots of the third are too
 * long for so many.
 * With a million timers, none is in the cache when it is needed. So a start reads no other timer
 * and writes to two only, and what is to be merged is prefetched one call before: a slot holds
 * enough to do so. The timer is the caller's memory, inside the object that waits; its owner is
 * found by offset.
 */
#ifndef DSI_TIMERS_H
#define DSI_TIMERS_H

#include "dynsup_base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DSI_TIMER_LEVELS      6
#define DSI_TIMER_NEAR_LEVELS 2    /* as large as the first, since most sleeps are short */
#define DSI_TIMER_NEAR        4096 /* slots of a near level: 1.07 s and 2.1 s */
#define DSI_TIMER_FAR         1024 /* of each other level: 17 s, 18 min, 20 h, all of 64 bits */
#define DSI_TIMER_NEAR_SLOTS  (DSI_TIMER_NEAR_LEVELS * DSI_TIMER_NEAR)
#define DSI_TIMER_SLOTS                                                                            \
    (DSI_TIMER_NEAR_SLOTS + (DSI_TIMER_LEVELS - DSI_TIMER_NEAR_LEVELS) * DSI_TIMER_FAR)
#define DSI_TIMER_RUNS 256

/* A timer; zeroed memory is a stopped one. */
typedef struct dsi_timer {
    uint64_t deadline_ns;
    uint64_t order;
    struct dsi_timer *left;
    union {
        struct dsi_timer *right;     /* INSIDE */
        struct dsi_timer *older_run; /* HEAD: the head of the run before */
    };
    union {
        struct dsi_timer *parent;    /* INSIDE */
        struct dsi_timer *newer_run; /* HEAD: the head of the run after */
    };
    uint16_t slot;
    uint8_t state;     /* 0: stopped; HEAD of a run; INSIDE a run or a heap */
    uint8_t rank;      /* 1 more than the right child's; 1 in a run */
    uint8_t left_rank; /* the left child's rank, kept here since that is not in the cache */
    uint8_t purpose;   /* the owner's, which dispatches on it; kept by start and stop */
} dsi_timer;

typedef struct dsi_timer_slot {
    dsi_timer *first;   /* the root of its heap */
    dsi_timer *run;     /* the head of its latest run */
    dsi_timer *last;    /* the timer started last, or another timer of the slot, or NULL */
    uint64_t last_ns;   /* the deadline of last */
    uint32_t run_count; /* DSI_TIMER_RUNS at most */
} dsi_timer_slot;

typedef struct dsi_timers {
    uint64_t now_tick;                       /* no timer's slot ends before it */
    uint64_t order;                          /* of the next start */
    size_t count;                            /* started timers */
    uint64_t words[DSI_TIMER_LEVELS];        /* bit w: word w of the level's occupied is not 0 */
    uint64_t occupied[DSI_TIMER_SLOTS / 64]; /* bit s: slot s holds timers */
    dsi_timer_slot slots[DSI_TIMER_SLOTS];   /* those of level 0, then level 1, ... */
} dsi_timers;

void dsi_timers_init(dsi_timers *timers, uint64_t now_ns);

/* Starts a stopped timer. A deadline that has passed expires at the next call of expired. O(1);
 * O(log n) in the timers of its slot when the slot's time has begun or it has the maximum of runs;
 * even then O(1) while deadlines do not decrease. */
void dsi_timers_start(dsi_timers *timers, dsi_timer *timer, uint64_t deadline_ns);

/* Stops the timer; does nothing when it is stopped. O(1) in a run, O(log n) in a heap. */
void dsi_timers_stop(dsi_timers *timers, dsi_timer *timer);

static inline bool dsi_timer_started(const dsi_timer *timer) {
    return timer->state != 0;
}

/* Takes out one timer whose deadline is at or before now_ns, in order, or returns NULL. Costs
 * O(log n) and the merging of DSI_TIMER_RUNS runs a level at most (some tens of microseconds),
 * however many timers there are, whatever their deadlines, and however far now_ns has moved (empty
 * slots are skipped by bitmap). now_ns never decreases. */
dsi_timer *dsi_timers_expired(dsi_timers *timers, uint64_t now_ns);

/* The exact earliest deadline, DYNSUP_NEVER when no timer is started. Looks through the runs of
 * one slot a level. */
uint64_t dsi_timers_next(const dsi_timers *timers);

/* When to call expired again: the exact earliest deadline, or the beginning of a slot whose runs
 * have to be merged, which is not later. O(1), at the cost of one early, idle call of expired per
 * level; DYNSUP_NEVER when no timer is started. */
uint64_t dsi_timers_wake(const dsi_timers *timers);

/* ---- a heap alone: for a few timers, without a wheel's 480 kB ---- */

/* The slot, zeroed, is the heap; its first is the earliest timer, or NULL. The caller gives the
 * order, by which equal deadlines are sorted. O(log n). */
void dsi_timer_heap_start(dsi_timer_slot *heap, dsi_timer *timer, uint64_t deadline_ns,
                          uint64_t order);
void dsi_timer_heap_stop(dsi_timer_slot *heap, dsi_timer *timer);

#endif
