/*
 * Clocks: times of their own for trees of processes.
 *
 * A clock is a time of its own, from 0 on, for some of a host's processes: it runs, faster or
 * slower than the host's, is paused, or is moved on in steps. A process has its parent's clock
 * unless it was given another at its start; without any it has the host's. By a process's clock go
 * the deadlines of its waits and of messages to it; by a supervisor's, delays of restarts, the
 * period of max_restarts and start timeouts. All else goes by the host's, shutdown times above all:
 * so what is paused can be stopped. A clock that is paused keeps no host going: DYNSUP_STILL is
 * said when only its timers are left. Functions on a clock that is gone do nothing; where they can
 * say so, false or DYNSUP_ENOPROC.
 */
#ifndef DYNSUP_CLOCK_H
#define DYNSUP_CLOCK_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* A new clock, held by the caller; 0 without memory. It takes 300 bytes, from 256 timers on 200 kB.
 */
dynsup_clock dynsup_clock_new(dynsup_host *host, bool paused);

/* A clock is gone when nobody holds it and no process has it. hold: one more holder; false when it
 * is gone already. release: one holder less. */
bool dynsup_clock_hold(dynsup_host *host, dynsup_clock clock);
void dynsup_clock_release(dynsup_host *host, dynsup_clock clock);

/* pause lets its time stand still, resume lets it go on. O(1), whatever it has of timers. During a
 * step: what comes after it. */
bool dynsup_clock_pause(dynsup_host *host, dynsup_clock clock);
bool dynsup_clock_resume(dynsup_host *host, dynsup_clock clock);

/* So many times as fast as the host's clock, from DYNSUP_RATE_MIN to DYNSUP_RATE_MAX; kept with 32
 * binary places. False also for a rate out of that. */
#define DYNSUP_RATE_MIN 0.001
#define DYNSUP_RATE_MAX 1000.0
bool dynsup_clock_set_rate(dynsup_host *host, dynsup_clock clock, double rate);

/* Moves its time on by ns, in the host's next steps: from deadline to deadline, each process woken
 * at the time it waits for, and on to the next when all processes of the clock wait again and
 * everybody else that is ready has had a turn. The clock may be paused or run. Steps asked for
 * meanwhile follow. DYNSUP_PENDING: in a process that may wait, *key_out is what it waits with
 * (dynsup_wait_key) for the end of the step. 0: nobody is told. DYNSUP_ENOPROC, DYNSUP_ENOMEM. */
int dynsup_clock_step(dynsup_host *host, dynsup_clock clock, uint64_t ns, bool may_wait,
                      uint64_t *key_out);

typedef struct dynsup_clock_info {
    uint64_t now_ns;
    double rate;
    bool is_paused;
    bool is_stepping;
    size_t process_count;
    size_t timer_count;
} dynsup_clock_info;

/* A look at a clock; false when it is gone. */
bool dynsup_clock_inspect(dynsup_host *host, dynsup_clock clock, dynsup_clock_info *info_out);

/* Timers that none but a resume or a step lets go on: those of clocks that are paused. */
size_t dynsup_clock_stopped_timers(const dynsup_host *host);

/* A process's clock; 0: the host's, or the process is dead. */
dynsup_clock dynsup_process_clock(const dynsup_host *host, dynsup_pid pid);

DYNSUP_DECLARATIONS_END

#endif
