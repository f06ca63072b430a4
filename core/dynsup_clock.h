/*
 * Clocks: times of their own for trees of processes.
 *
 * A clock is a time of its own, from 0 on, for some of a host's processes: it runs, faster or
 * slower than the host's, is paused, or is moved on in steps. A process has its parent's clock
 * unless it was given another at its start; without any it has the host's. A process's clock
 * measures the deadlines of its waits and of messages to it; a supervisor's clock also measures
 * delays of restarts, the period of max_restarts and start timeouts. All else goes by the host's
 * clock, above all shutdown times: so what is paused can be stopped. A paused clock does not keep a
 * host going: a step returns DYNSUP_STILL when only its timers are left. Functions on a clock that
 * is gone do nothing and return false or DYNSUP_ENOPROC where they can.
 */
#ifndef DYNSUP_CLOCK_H
#define DYNSUP_CLOCK_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

/* A new clock, held by the caller; 0 without memory. It takes 300 bytes; with 256 timers or more,
 * 200 kB. */
dynsup_clock dynsup_clock_new(dynsup_host *host, bool paused);

/* A clock is gone when it has no holder and no process. hold adds a holder; false when the clock is
 * gone already. release removes one. */
bool dynsup_clock_hold(dynsup_host *host, dynsup_clock clock);
void dynsup_clock_release(dynsup_host *host, dynsup_clock clock);

/* pause stops its time, resume lets it go on. O(1), however many timers it has. During a step:
 * takes effect after it. */
bool dynsup_clock_pause(dynsup_host *host, dynsup_clock clock);
bool dynsup_clock_resume(dynsup_host *host, dynsup_clock clock);

/* Its speed as a multiple of the host clock's, from DYNSUP_RATE_MIN to DYNSUP_RATE_MAX; kept with
 * 32 binary places. False also for a rate out of that range. */
#define DYNSUP_RATE_MIN 0.001
#define DYNSUP_RATE_MAX 1000.0
bool dynsup_clock_set_rate(dynsup_host *host, dynsup_clock clock, double rate);

/* Moves its time on by ns, in the host's next steps: from deadline to deadline. Each process is
 * woken at the time that it waits for; the next deadline follows when all processes of the clock
 * wait again and every other ready process has had a turn. The clock may be paused or running.
 * Steps requested meanwhile follow. DYNSUP_PENDING: the process, which may wait, waits for *key_out
 * (dynsup_wait_key) until the step ends. 0: no process is notified of the end. DYNSUP_ENOPROC,
 * DYNSUP_ENOMEM. */
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

/* The number of timers of paused clocks: only a resume or a step lets them go on. */
size_t dynsup_clock_stopped_timers(const dynsup_host *host);

/* A process's clock; 0: the host's, or the process is dead. */
dynsup_clock dynsup_process_clock(const dynsup_host *host, dynsup_pid pid);

DYNSUP_DECLARATIONS_END

#endif
