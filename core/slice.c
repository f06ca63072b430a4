/*
 * Slices: how one process after the other runs, and when the host looks at what else is to do.
 *
 * Design notes.
 * Processes that a slice has ended are reaped before the next slice. With a tick, the clock is read
 * when the tick has moved; without one, after each slice, since nothing else shows that the budget
 * is spent. Either way timers are fired after a long slice, and processes that became due in it run
 * before its process goes on: a process that sleeps for 1 ms beside one that never gives way is
 * late by the rest of one slice only, not by another whole slice.
 */
#include "host.h"

#include "ahead.h"
#include "guest.h"
#include "limits.h"
#include "tiny.h"

#include <assert.h>

#define SLICES_A_ROUND     DSI_TINY(16, 1) /* between looks at timers and exits, without a tick */
#define SLICES_A_TICKROUND DSI_TINY(64, 1) /* the same, with a tick */
#define NESTING_MAX        DSI_TINY(8, 1)  /* starts inside starts */
#define LONG_NS            1000000         /* of one slice, or of several, without a tick */

/* ---- how a slice ends ---- */

static void outcome_release(dynsup_host *host, dynsup_outcome *outcome) {
    dsi_reason_release(host, &outcome->reason);
    dsi_value_release(host, &outcome->values[0]);
    dsi_value_release(host, &outcome->values[1]);
}

/* Handles a body's own end: that of the process, or of a guest, whose process goes on. */
static void slice_exit(dynsup_host *host, dsi_process *process, dynsup_outcome *outcome) {
    dsi_supervisor *supervisor = dsi_supervisor_of(process);
    if (supervisor) {
        assert(supervisor->has_guest && "a supervisor's own slices do not end it");
        dsi_process_rest(host, process);
        dsi_guest_done(supervisor, outcome);
        dsi_reason_release(host, &outcome->reason);
        return;
    }
    dsi_process_doom(host, process, &outcome->reason);
    outcome_release(host, outcome);
}

static void slice_idle(dynsup_host *host, dsi_process *process) {
    assert(!(process->flags & DSI_FLAG_SUPERVISOR) && "a guest comes to its end");
    dsi_process_rest(host, process);
    process->flags |= DSI_FLAG_DROPS;
    dsi_process_unflag(process, DSI_FLAG_TRAP_EXIT);
    dsi_process_flush(host, process);
}

static inline void slice_wait(dynsup_host *host, dsi_process *process) {
    dsi_process_vacate(host, process);
    process->state = process->wait == DSI_WAIT_NONE ? DSI_PROCESS_IDLE : DSI_PROCESS_WAITING;
}

static void slice_again(dynsup_host *host, dsi_process *process) {
    dsi_process_vacate(host, process);
    process->state = DSI_PROCESS_IDLE;
    dsi_process_ready(host, process, (enum dynsup_wake)process->wake);
}

/* Handles the end of a slice that does not wait, or whose process was doomed meanwhile. */
static void slice_end(dynsup_host *host, dsi_process *process, enum dynsup_slice end,
                      dynsup_outcome *outcome) {
    if (process->state != DSI_PROCESS_RUNNING)
        outcome_release(host, outcome);
    else if (end == DYNSUP_SLICE_AGAIN)
        slice_again(host, process);
    else if (end == DYNSUP_SLICE_IDLE)
        slice_idle(host, process);
    else
        slice_exit(host, process, outcome);
}

/* Inline: after a body's longjmp the processor mispredicts the return of each function. */
static inline __attribute__((always_inline)) void run_slice(dynsup_host *host,
                                                            dsi_process *process) {
    dynsup_outcome outcome = {0};
    enum dynsup_wake wake = (enum dynsup_wake)process->wake;
    process->state = DSI_PROCESS_RUNNING;
    process->wake = DYNSUP_WAKE_AGAIN;
    process->slices++;
    host->current = process;
    host->in_slice = true;
    enum dynsup_slice end =
        process->ops->step(process->body, host, process->slot.id, wake, &outcome);
    host->in_slice = false;
    host->current = NULL;
    if (end == DYNSUP_SLICE_WAIT && process->state == DSI_PROCESS_RUNNING)
        slice_wait(host, process); /* most end like this */
    else
        slice_end(host, process, end, &outcome);
}

/* Reads the clock and charges the time that has passed to the process that ran last. */
static void sample_clock(dynsup_host *host, dynsup_pid ran) {
    uint64_t before = host->sampled_ns;
    uint64_t worked_before = host->worked_ns;
    dsi_process *process = dsi_process_find(host, ran);
    dsi_host_read_times(host);
    if (!process)
        return;
    process->cpu_ns += host->sampled_ns - before;
    if (process->flags & DSI_FLAG_LIMITED)
        dsi_limits_sample(host, process, host->worked_ns - worked_before);
}

/* Runs a slice inside another one. If there are limits, its time is not charged to the outer
 * process. */
static void run_inside(dynsup_host *host, dsi_process *process, dynsup_pid outer) {
    dynsup_pid pid = process->slot.id;
    if (host->has_limits)
        sample_clock(host, outer);
    run_slice(host, process);
    if (host->has_limits)
        sample_clock(host, pid);
}

bool dynsup_start_now(dynsup_host *host, dynsup_pid pid) {
    dsi_process *outer = host->current;
    dsi_process *process = dsi_process_find(host, pid);
    assert(outer && process);
    if (process->state == DSI_PROCESS_RUNNABLE && host->nesting < NESTING_MAX) {
        dsi_node_remove(&process->queue);
        host->nesting++;
        run_inside(host, process, outer->slot.id);
        host->nesting--;
        host->current = outer;
        host->in_slice = true;
    }
    return !(process->flags & DSI_FLAG_STARTING); /* it may have ended since */
}

/* Reaps the processes that a slice has ended; if there are limits, that time is charged to no
 * process. */
static void pump_exits_of(dynsup_host *host, dynsup_pid ran) {
    if (dsi_list_empty(&host->doomed))
        return;
    if (host->has_limits)
        sample_clock(host, ran);
    dsi_host_pump_exits(host);
    if (host->has_limits)
        dsi_host_read_times(host);
}

/* When the clock is read at ticks only, it is also read around the slices of a child with limits,
 * which would otherwise be charged for others' time. */
static inline __attribute__((always_inline)) void
run_counted(dynsup_host *host, dsi_process *process, dynsup_pid before, bool has_tick) {
    if (has_tick && !(process->flags & DSI_FLAG_LIMITED)) {
        run_slice(host, process);
        return;
    }
    dynsup_pid pid = process->slot.id;
    if (has_tick)
        sample_clock(host, before);
    run_slice(host, process);
    sample_clock(host, pid);
}

static bool tick_moved(dynsup_host *host) {
    const volatile uint32_t *tick = host->config.port->tick;
    uint32_t now = tick ? __atomic_load_n(tick, __ATOMIC_RELAXED) : host->tick;
    bool moved = now != host->tick;
    host->tick = now;
    return moved;
}

/* Has the slice lasted so long that other processes may have become due? */
static bool has_overrun(dynsup_host *host, dynsup_pid ran, uint64_t begun_ns) {
    if (!tick_moved(host) && host->now_ns - begun_ns < LONG_NS)
        return false;
    host->overran = ran;
    return true;
}

static bool is_round_over(const dynsup_host *host) {
    return host->round_over || !dsi_list_empty(&host->doomed) || host->halt != DSI_HALT_NONE ||
           host->worked_ns >= host->step_end_ns;
}

void dsi_host_pump_slices(dynsup_host *host) {
    bool has_tick = host->config.port->tick;
    int left = has_tick ? SLICES_A_TICKROUND : SLICES_A_ROUND;
    if (host->has_limits) /* the pump's time until here is charged to no process */
        dsi_host_read_times(host);
    uint64_t begun_ns = host->now_ns;
    host->round_over = false;
    dynsup_pid ran = 0;
    dsi_node *node;
    bool looks_ahead = dsi_ahead_helps(host);
    while (left-- > 0 && (node = dsi_list_pop(&host->ready))) {
        if (node == &host->lap) {
            host->laps++;
            continue;
        }
        dsi_process *process = dsi_item(node, dsi_process, queue);
        if (looks_ahead)
            dsi_ahead_fetch(host, &host->ready, dsi_list_first(&host->ready));
        dynsup_pid before = ran;
        ran = process->slot.id;
        __atomic_store_n(&host->slices, host->slices + 1, __ATOMIC_RELAXED);
        run_counted(host, process, before, has_tick);
        pump_exits_of(host, ran);
        if (has_overrun(host, ran, begun_ns) || is_round_over(host))
            break;
    }
    if (has_tick || ran == 0)
        sample_clock(host, ran);
}

bool dynsup_host_slice_over(dynsup_host *host, uint64_t slice_ns) {
    uint64_t now_ns = dsi_host_work_now(host);
    return now_ns - host->worked_ns >= slice_ns || now_ns >= host->step_end_ns;
}
