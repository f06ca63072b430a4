/*
 * Clocks: a host's additional times, which can be paused, stepped and slowed down.
 *
 * Design notes.
 * Each process has a clock, its parent's unless it was given another; the tag of its slot says
 * which. Tag 0 is the host's own time, and costs no more than a test. A clock's timers are kept by
 * the clock, in its own time. So pausing, resuming and stepping touch none of them, however many
 * there are.
 * A running clock has one timer in the host's, `wake`, for its own next timer; on a paused clock
 * that is stopped, unless something is due already. Both kinds of deadlines thus come in one order.
 * A step (clock_step.h) moves the time of a clock from deadline to deadline; meanwhile the clock
 * does not run.
 * The time is base_ns plus what the host's clock has moved on since base_host_ns, times the rate, a
 * number with 32 binary places: the same in every run, and exact for 1/2, 1 and 2. A few timers are
 * in a heap; from CLOCK_FEW on a wheel is made, once, if there is memory.
 * Owners are processes, handles and a step under way; without any, a clock is freed.
 */
#ifndef DSI_CLOCK_H
#define DSI_CLOCK_H

#include "state.h"

#define DSI_RATE_ONE (UINT64_C(1) << 32)

typedef struct dsi_clock {
    dsi_slot slot;
    dynsup_host *host;
    uint32_t process_count;
    uint32_t handle_count;
    bool runs; /* not paused; during a step: whether it runs afterwards */
    uint64_t rate;
    uint64_t base_ns;
    uint64_t base_host_ns;
    uint64_t seen_ns; /* up to which timers have expired */

    dsi_timer_slot few;
    dsi_timers *many; /* NULL: they are few */
    size_t timer_count;
    uint64_t order;
    dsi_timer wake;    /* in host->timers */
    uint64_t armed_ns; /* dsi_clock_wake when `wake` was set; DYNSUP_NEVER: stopped */

    dsi_node stepping; /* in host->steppers, while there are steps */
    dsi_list steps;    /* of dsi_clock_step */
    size_t busy;       /* its processes that are runnable, running, or ending */
    uint64_t lap;      /* the lap of the host after which the step goes on; 0: not known yet */
} dsi_clock;

/* A clock at time 0 with one handle; NULL without memory. */
dsi_clock *dsi_clock_new(dynsup_host *host, bool runs);

/* NULL for a stale id. */
static inline dsi_clock *dsi_clock_find(const dynsup_host *host, dynsup_clock id) {
    return dsi_slots_find(&host->clocks, id);
}

/* The clock with this tag, which is not 0. */
static inline dsi_clock *dsi_clock_at(const dynsup_host *host, uint32_t tag) {
    return (dsi_clock *)(void *)dsi_slots_at(&host->clocks, tag);
}

/* The tag of a clock, 0 for the host's and for what is gone. */
static inline uint32_t dsi_clock_tag(const dynsup_host *host, dynsup_clock id) {
    return dsi_clock_find(host, id) ? dsi_id_slot(id) : 0;
}

/* Frees the clock when it has no owner any more. */
void dsi_clock_free_if_unused(dsi_clock *clock);

/* The clock's time at host_ns of the host's clock. */
uint64_t dsi_clock_time(const dsi_clock *clock, uint64_t host_ns);

/* Is it stopped, with nothing due on it before a resume or a step? */
static inline bool dsi_clock_stands(const dsi_clock *clock) {
    return !clock->runs && dsi_list_empty(&clock->steps);
}

/* Lets the clock run or pauses it; sets its rate. */
void dsi_clock_run(dsi_clock *clock, bool runs);
void dsi_clock_set_rate(dsi_clock *clock, uint64_t rate);

/* hold stops the clock's time where it is (a step begins); go_on lets it go on from there. */
void dsi_clock_hold(dsi_clock *clock);
void dsi_clock_go_on(dsi_clock *clock);

/* During a step: moves the time to time_ns, unless it has reached that already. */
void dsi_clock_move(dsi_clock *clock, uint64_t time_ns);

/* Changes the number of its busy processes, which a step waits for. */
static inline void dsi_clock_occupy(dsi_clock *clock, size_t change) {
    clock->busy += change;
    clock->lap = 0;
}

/* Starts a stopped timer, in the clock's time; stops one. As dsi_timers_start, dsi_timers_stop. */
void dsi_clock_start(dsi_clock *clock, dsi_timer *timer, uint64_t deadline_ns);
void dsi_clock_stop(dsi_clock *clock, dsi_timer *timer);

/* Takes out one timer that is due at host_ns of the host's clock, in order. NULL: none is left;
 * then `wake` is set for the next. */
dsi_timer *dsi_clock_expired(dsi_clock *clock, uint64_t host_ns);

/* Sets `wake` for the next timer that is due, or to fire at once. */
void dsi_clock_arm(dsi_clock *clock);

/* As dsi_timers_wake, in its own time. */
uint64_t dsi_clock_wake(const dsi_clock *clock);

/* ---- by the tag of the process that waits ---- */

/* The clock's time, when the host's clock was last read. */
static inline uint64_t dsi_time(const dynsup_host *host, uint32_t tag) {
    return tag ? dsi_clock_time(dsi_clock_at(host, tag), host->now_ns) : host->now_ns;
}

static inline void dsi_timer_start(dynsup_host *host, uint32_t tag, dsi_timer *timer,
                                   uint64_t deadline_ns) {
    if (tag)
        dsi_clock_start(dsi_clock_at(host, tag), timer, deadline_ns);
    else
        dsi_timers_start(&host->timers, timer, deadline_ns);
}

static inline void dsi_timer_stop(dynsup_host *host, uint32_t tag, dsi_timer *timer) {
    if (!dsi_timer_started(timer))
        return;
    if (tag)
        dsi_clock_stop(dsi_clock_at(host, tag), timer);
    else
        dsi_timers_stop(&host->timers, timer);
}

#endif
