/*
 * Steps: the time of a clock moved on by hand, from deadline to deadline.
 *
 * Design notes.
 * A clock that has steps is in host->steppers, and only they move its time. The time moves on to
 * the next deadline when all processes of the clock wait, and every other process that was ready by
 * then has had a turn: so a server with another clock has answered, and a process that computes all
 * the time blocks no step. A turn of all others is a lap: a mark, host->lap, goes through
 * host->ready
 * as a process does.
 * Steps requested while one is under way follow it.
 */
#ifndef DSI_CLOCK_STEP_H
#define DSI_CLOCK_STEP_H

#include "clock.h"

typedef struct dsi_clock_step {
    dsi_node node;     /* in clock->steps, in order of until_ns */
    uint64_t until_ns; /* in the clock's time */
    dynsup_pid caller; /* 0: nobody waits */
    uint64_t key;
} dsi_clock_step;

/* Moves the clock on by ns, behind other steps. caller, if not 0, waits for *key_out. False without
 * memory. */
bool dsi_clock_step_begin(dsi_clock *clock, uint64_t ns, dynsup_pid caller, uint64_t *key_out);

/* Moves the time to the next deadline; the caller then fires what is due. False when it is not the
 * clock's turn, or when a step has ended (its caller is woken, and the clock may be gone). */
bool dsi_clock_step_go(dsi_clock *clock);

/* Forgets the steps of a clock whose host ends. */
void dsi_clock_steps_free(dsi_clock *clock);

#endif
